"""A site's side of a run: its rows stay, and each question gets one answer through the door.

In        requests as bytes; the site's rows, and a `Desk` for what needs the study's keyring: the sealed test labels, the signature
Out       answers as bytes: sums, updates, groups, figures, a signed receipt; or "no" with one of the known reasons
Refuses   another task or other features than its own study.toml has; too few subjects; more rounds than its privacy allows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from bedside.core import canonical
from bedside.core.errors import Unusable
from bedside.core.federable import Federable, Rows, Turn
from bedside.core.lazy import need
from bedside.federate import groups as grouped
from bedside.federate.accountant import epsilon
from bedside.federate.channel import Channel, Direction, Kind, Message, floats
from bedside.federate.noise import Secret
from bedside.federate.plan import GROUPS, THRESHOLDS, Plan, under, within
from bedside.federate.receipt import SCHEMA_NAME, Signed, SiteReceipt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Tested(NamedTuple):
    """A site's test: figures (value, low, high, n) by name, and of each threshold (true and false positives, true and false negatives)."""

    figures: Mapping[str, tuple[float, float, float, float]]
    counts: Mapping[str, tuple[int, int, int, int]]
    subjects: int
    ill: int


class Desk(Protocol):
    """What a site's study does for it."""

    def test(self, bundle: str, files: Mapping[str, bytes]) -> Tested:
        """Open the test labels for this bundle (in the site's ledger first), predict, evaluate; everything stays but the figures."""

    def sign(self, receipt: SiteReceipt) -> Signed:
        """Write the receipt into the site's own ledger, and sign it."""


class Who(NamedTuple):
    """What a site says of itself: its name, its de-identification policy, its cohort's content and its code, as digests."""

    name: str
    policy: str
    cohort: str
    code: str


class Site:
    """One site in one run."""

    def __init__(self, who: Who, plan: Plan, rows: Rows, desk: Desk, *, key: bytes, tap: Callable[[Direction, bytes], None] | None = None) -> None:
        self.who, self.plan, self._rows, self._desk, self._key = who, plan, rows, desk, key
        self.channel = Channel(who.name, tap)
        self._from, self._to = plan.from_site(), plan.to_site()
        self._run, self._rounds, self._once = "", 0, set[Kind]()

    def answer(self, data: bytes) -> bytes:
        """One question, one answer. `Malformed` for bytes that are no question."""
        asked = self.channel.unpack(data, self._to, direction="to")
        control: Any = need("threadpoolctl", extra=self.plan.pillar.extra)
        try:
            with control.threadpool_limits(1):  # the same bits on any number of cores
                return self._answer(asked)
        except Unusable:
            return self._no(asked, "unusable")

    def _answer(self, asked: Message) -> bytes:
        if asked.kind == "join":
            return self._join(asked)
        if asked.run != self._run or not self._run or asked.kind in self._once:
            return self._no(asked, "closed")
        if asked.kind == "update":
            return self._update(asked)
        self._once.add(asked.kind)  # asked twice with other edges or weights, the difference would speak of few
        if asked.kind == "summary":
            return self._summary(asked)
        return self._test(asked) if asked.kind == "test" else self._receipt(asked)

    # --- the questions ---------------------------------------------------------------------------------

    def _join(self, asked: Message) -> bytes:
        if self._run:
            return self._no(asked, "closed")
        if asked.told.get("plan") != self.plan.digest:
            return self._no(asked, "other-task")
        if asked.told.get("columns") != canonical.digest(list(self._rows.names)):
            return self._no(asked, "other-features")
        if self._subjects() < self.plan.options.least_subjects:
            return self._no(asked, "too-few")
        self._run = asked.run
        sums = {name: array for output, fit in self.plan.fits.items() for name, array in under(output, fit.summarise(self._own(fit))).items()}
        return self._say("statistics", asked, {"size": self._size(), "members": self._members(), **sums}, {"cohort": self.who.cohort})

    def _update(self, asked: Message) -> bytes:
        if self.plan.options.privacy is not None and self._rounds >= self.plan.options.rounds:
            return self._no(asked, "spent")
        self._rounds += 1
        state = {name: floats(array) for name, array in asked.arrays.items()}
        updates: dict[str, Floats] = {}
        for output, fit in self.plan.fits.items():
            turn = Turn(asked.number, self.who.name, self._noise(output, asked.number))
            updates |= under(output, fit.update(within(output, state), self._own(fit), turn))
        return self._say("update", asked, updates)

    def _summary(self, asked: Message) -> bytes:
        state = {name: floats(array) for name, array in asked.arrays.items()}
        least, edges = self.plan.options.least_cell, state.pop("edges")
        told: dict[str, Floats] = {}
        for output, fit in self.plan.fits.items():
            if self.plan.options.folds:
                margins = fit.margins(within(output, state), self._own(fit))
                told[f"{output}/groups"] = grouped.groups(margins, self._rows.outcome, least=least, most=GROUPS)
            else:
                told[f"{output}/groups"] = np.zeros((GROUPS, 3))
        return self._say("summary", asked, {**told, "histograms": self._histograms(edges, least)})

    def _test(self, asked: Message) -> bytes:
        tested = self._desk.test(asked.told["bundle"], asked.files)
        nothing, counts = (np.nan,) * 4, np.zeros((THRESHOLDS, 4))
        figures = np.array([nothing] * len(self.plan.figures))
        if min(tested.ill, tested.subjects - tested.ill) >= self.plan.options.least_cell:  # else every figure would speak of very few
            figures = np.array([tested.figures.get(name, nothing) for name in self.plan.figures], dtype=np.float64)
            counts[: len(self.plan.lines)] = [tested.counts.get(name, (0, 0, 0, 0)) for name in self.plan.lines]
        return self._say("figures", asked, {"figures": figures, "counts": counts})

    def _receipt(self, asked: Message) -> bytes:
        spent = self._spent()
        receipt = SiteReceipt(SCHEMA_NAME, self.who.name, asked.run, self.plan.digest, asked.told["bundle"], self.who.policy, self.who.cohort,
                              self.who.code, len(self._rows.outcome), self._subjects(), self._rounds, list(self.channel.journal),
                              spent[0], spent[1], spent[2])  # fmt: skip
        signed = self._desk.sign(receipt)
        told = {"receipt": signed.receipt, "public_key": signed.public_key, "signature": signed.signature}
        self._run = "ended"
        return self.channel.pack("receipt", asked.run, self._from["receipt"], number=asked.number, told=told, direction="from")

    # --- what the answers are made of ------------------------------------------------------------------

    def _own(self, fit: Federable) -> Rows:
        if fit.columns == self._rows.names:
            return self._rows
        places = [self._rows.names.index(column) for column in fit.columns]
        return self._rows._replace(matrix=np.ascontiguousarray(self._rows.matrix[:, places]), names=fit.columns)

    def _subjects(self) -> int:
        return len(np.unique(self._rows.subject))

    def _size(self) -> Floats:
        """Rows and subjects; how many with the outcome only where neither they nor the others are a small cell."""
        ill, every = len(np.unique(self._rows.subject[self._rows.outcome])), self._subjects()
        told = min(ill, every - ill) >= self.plan.options.least_cell and self.plan.options.privacy is None
        outcome = (float(self._rows.outcome.sum()), float(ill), 1.0) if told else (0.0, 0.0, 0.0)
        return np.array([len(self._rows.outcome), every, *outcome], dtype=np.float64)

    def _members(self) -> Floats:
        """Rows that each member learns from."""
        folds, every = self.plan.options.folds, len(self._rows.outcome)
        return np.array([every, *(every - int((self._rows.fold == fold).sum()) for fold in range(folds))], dtype=np.float64)

    def _histograms(self, edges: Floats, least: int) -> Floats:
        matrix, privacy = self._rows.matrix, self.plan.options.privacy
        if privacy is not None:  # what the sketch would tell is not paid for
            return np.zeros((matrix.shape[1], edges.shape[1] + 1))
        return np.array([grouped.histogram(matrix[:, place].astype(np.float64), own, least=least) for place, own in enumerate(edges)])

    def _noise(self, output: str, number: int) -> Secret | None:
        if self.plan.options.privacy is None:
            return None
        asked = self.channel.journal[-1].sha256  # the same noise on two states would show the difference
        return Secret(self._key, self.plan.digest, self.who.cohort, output, str(number), asked)

    def _spent(self) -> tuple[str, float | None, float | None]:
        privacy = self.plan.options.privacy
        if privacy is None:
            return "", None, None
        steps = self._rounds * (self.plan.options.local_steps if privacy.unit == "patient" else 1)
        spent = epsilon(noise=privacy.noise, share=privacy.share, steps=steps, delta=privacy.delta)
        return GUARANTEES[privacy.unit], spent, privacy.delta

    def _say(self, kind: Kind, asked: Message, arrays: Mapping[str, Floats], told: Mapping[str, str] | None = None) -> bytes:
        return self.channel.pack(kind, asked.run, self._from[kind], number=asked.number, arrays=arrays, told=told, direction="from")

    def _no(self, asked: Message, reason: str) -> bytes:
        return self.channel.pack("no", asked.run, self._from["no"], number=asked.number, told={"reason": reason}, direction="from")


GUARANTEES: Mapping[str, str] = {
    "patient": "the updates are differentially private for adding or removing one patient of this site; numbers of rows and subjects, and the "
               "figures of the test, are told exactly and are not covered",
    "site": "the updates are differentially private for this site taking part against sending nothing; numbers of rows and subjects, and the "
            "figures of the test, are told exactly and are not covered",
}  # fmt: skip

