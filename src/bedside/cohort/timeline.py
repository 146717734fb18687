"""Prediction times of many subjects in one array, and what facts say to each of them.

A fact takes part in the predictions of one interval: from the first after it is known to the last that its window
reaches. So every summary is a sum or an extreme over intervals, exact in integers, whatever came late or was corrected:
    total     difference array and running sum (int64 wraps and unwraps, so only the sum of one window must fit)
    extreme   sparse table turned round: each interval is written as two overlapping powers of two, then handed down
Cost is proportional to facts + predictions, not to facts times window.
"""

from __future__ import annotations

from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
S = TypeVar("S", bound=np.generic)
NEVER = int(np.iinfo(np.int64).max)
LOWEST, HIGHEST = int(np.iinfo(np.int64).min), NEVER


class Timeline:
    """Predictions sorted by subject, then time; `restore` is the way back to the rows that were given."""

    def __init__(self, subject: Ints, time: Ints) -> None:
        later = (subject[1:] > subject[:-1]) | ((subject[1:] == subject[:-1]) & (time[1:] >= time[:-1]))
        self._order: NDArray[np.intp] | None = None if bool(np.all(later)) else np.lexsort((time, subject))
        self.time = time if self._order is None else time[self._order]
        self.subjects, start = np.unique(subject if self._order is None else subject[self._order], return_index=True)
        self._start = start.astype(np.int64)
        self._stop = np.append(self._start[1:], len(time)).astype(np.int64)[: len(self._start)]
        self._before = np.concatenate([np.zeros(1, np.int64), self.time])
        self._steps = int(np.max(self._stop - self._start, initial=0)).bit_length()
        self._steps_of: dict[int, int] = {}
        self._table = np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self.time)

    def rank(self, subject: Ints) -> Ints:
        """Position of each subject, -1 for one without a prediction."""
        if not len(self.subjects):
            return np.full(len(subject), -1, np.int64)
        place = np.searchsorted(self.subjects, subject)
        found = self.subjects[np.minimum(place, len(self.subjects) - 1)] == subject
        return np.where(found, place, -1).astype(np.int64)

    def first_from(self, rank: Ints, wanted: Ints) -> Ints:
        """Index of the subject's first prediction at or after `wanted`, else one past its last."""
        return self._advance(self._start[rank], self._stop[rank], wanted, self._steps)

    def first_after(self, place: Ints, rank: Ints, last: Ints, window_us: int) -> Ints:
        """Index, from `place` on, of the subject's first prediction later than `last`, which is at most `window_us` away."""
        if window_us not in self._steps_of:
            at = np.arange(len(self), dtype=np.int64)
            whose = np.repeat(np.arange(len(self.subjects)), self._stop - self._start)
            most = np.max(self._advance(at, self._stop[whose], self.time + window_us + 1, self._steps) - at, initial=0)
            self._steps_of[window_us] = int(most).bit_length()
        return self._advance(place, self._stop[rank], last + 1, self._steps_of[window_us])

    def _advance(self, place: Ints, stop: Ints, wanted: Ints, steps: int) -> Ints:
        """Binary search, all facts in step: move on while the prediction before the landing place is too early."""
        for power in range(steps - 1, -1, -1):
            jump = place + (1 << power)
            early = np.take(self._before, jump, mode="clip") < wanted
            early &= jump <= stop
            place = place + (early.astype(np.int64) << power)
        return place

    def table(self, levels: int, width: int) -> Ints:
        """Room for a sparse table; the same memory each time, since fresh memory costs more than the work."""
        if len(self._table) < levels * width:
            self._table = np.empty(levels * max(width, len(self)), np.int64)
        return self._table[: levels * width].reshape(levels, width)

    def restore(self, values: NDArray[S]) -> NDArray[S]:
        """Values in timeline order, put into the order of the rows that were given."""
        if self._order is None:
            return values
        back = np.empty_like(values)
        back[self._order] = values
        return back


class Cover:
    """The predictions that see at least one fact (`where`), how many they see (`count`), and which `facts` are seen at all.

    first, past   each fact is seen by the predictions [first, past)
    """

    def __init__(self, line: Timeline, first: Ints, past: Ints) -> None:
        self._line, self.facts = line, np.flatnonzero(first < past)
        first, past = first[self.facts], past[self.facts]
        size = len(line) + 1
        count = np.cumsum(np.bincount(first, minlength=size) - np.bincount(past, minlength=size))[:-1]
        self.where = np.flatnonzero(count)
        self.count: Ints = count[self.where]
        place = np.cumsum(count > 0)
        self._first, self._past = place[first] - 1, place[past - 1]

    def total(self, value: Ints) -> Ints:
        """Sum of what each prediction sees; `value` is one number for each of `facts`."""
        steps = np.zeros(len(self.where) + 1, np.int64)
        np.add.at(steps, self._first, value)
        np.subtract.at(steps, self._past, value)
        return np.cumsum(steps[:-1])

    def greatest(self, value: Ints) -> Ints:
        return self._extreme(value, np.maximum, LOWEST)

    def least(self, value: Ints) -> Ints:
        return self._extreme(value, np.minimum, HIGHEST)

    def _extreme(self, value: Ints, pick: np.ufunc, nothing: int) -> Ints:
        level = np.frexp((self._past - self._first).astype(np.float64))[1].astype(np.int64) - 1
        width = len(self.where)
        table = self._line.table(int(level.max(initial=0)) + 1, width)
        table.fill(nothing)
        flat = table.reshape(-1)
        pick.at(flat, level * width + self._first, value)
        pick.at(flat, level * width + self._past - (np.int64(1) << level), value)
        for upper in range(len(table) - 1, 0, -1):
            half = 1 << (upper - 1)
            pick(table[upper - 1], table[upper], out=table[upper - 1])
            pick(table[upper - 1, half:], table[upper, :-half], out=table[upper - 1, half:])
        seen: Ints = table[0].copy()
        return seen
