"""Many raw files to de-identified files: survey, transform, and the residue proof, part by part, by one worker or several.

In        raw files in a fixed order, a keyring, a policy, and somebody who does the work (`Doer`)
Out       the files under their aliases below a folder, and `Batch`: counts, rejects, what was done, the proof
Rules     the same bytes whoever works and however many they are. A strong hit of the proof is `Refused` by the caller: nothing stays.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from heapq import nsmallest
from pathlib import Path
from typing import IO, Any, Protocol

import msgspec

from bedside.core.accounts import Reject, Tally, reconcile, total
from bedside.core.errors import Malformed
from bedside.deidentify.keyring import Keyring
from bedside.deidentify.policy import Policy
from bedside.deidentify.residue import Residue
from bedside.deidentify.survey import Known, SurveyResult, begin, parts_of, settle
from bedside.deidentify.work import Text, Work, as_lines
from bedside.formats.chunks import chunks
from bedside.formats.files import RawFile

Job = tuple[str, Any]


class Doer(Protocol):
    """Does jobs in order: `Here`, or a pool of processes."""

    def ordered(self, jobs: Iterable[Job]) -> Iterator[Any]:
        """Results in the order of the jobs."""
        ...

    def each(self, job: Job) -> None:
        """A job for every worker."""
        ...


class Here:
    """The work done in this process."""

    def __init__(self, work: Work) -> None:
        self.work = work

    def ordered(self, jobs: Iterable[Job]) -> Iterator[Any]:
        return (self.work(name, about) for name, about in jobs)

    def each(self, job: Job) -> None:
        self.work(*job)


class Batch(msgspec.Struct, frozen=True):
    """What became of the files. `texts`: a sample for a person to read, drawn by lot."""

    policy: str
    digest: str
    keyring: str
    tallies: list[Tally]
    rejects: list[Reject]
    actions: dict[str, int]
    texts: list[Text]

    @property
    def records(self) -> Tally:
        return total(self.tallies)


def survey(files: Sequence[RawFile], keyring: Keyring, doer: Doer, *, authorities: dict[str, str] | None = None, known: Known = ()) -> SurveyResult:
    """Fill the keyring's map, save it, and give it to the workers."""
    base = begin(keyring, authorities)
    found = settle(doer.ordered(("survey", chunk) for file in files for chunk in parts_of(file)), keyring, base, known)
    doer.each(("map", keyring.map.encode()))
    return found


def transform(
    files: Iterable[RawFile], out: Path, keyring: Keyring, policy: Policy, doer: Doer, *, sample: int = 0, spans: Path | None = None, flat: bool = False,
) -> Batch:  # fmt: skip
    """Every file below `out` under <source>/<alias>.

    flat     under <alias> alone
    sample   how many texts to draw for a person to read
    spans    a file of JSON lines to write the spans of the notes to, by the notes' own names: it is as confidential as the notes
    """
    tallies, rejects, actions, texts = dict[tuple[str, str], list[Tally]](), list[Reject](), Counter[str](), list[Text]()
    with _Places(out, flat=flat) as places, _private(spans) as lines:
        for outcome in doer.ordered(_jobs(files)):
            made = outcome.made
            tallies.setdefault((made.tally.source, made.tally.file), []).append(made.tally)
            rejects += made.rejects
            actions.update(made.actions)
            texts = nsmallest(sample, [*texts, *outcome.texts])
            if made.data is not None:
                places.write(made.tally, made.data)
            if lines is not None:
                lines.write(as_lines(outcome.spans))
    whole = [total(some, source=source, file=file) for (source, file), some in tallies.items()]
    reconcile(whole)
    keyring.must_be_same(where="the end of de-identification")
    return Batch(policy.name, policy.digest, keyring.id, whole, rejects, dict(sorted(actions.items())), texts)


def drawn(files: Iterable[RawFile], doer: Doer, count: int) -> list[Text]:
    """Texts of the files as the transform leaves them, drawn by lot; nothing is written."""
    texts = list[Text]()
    for outcome in doer.ordered(_jobs(files)):
        texts = nsmallest(count, [*texts, *outcome.texts])
    return texts


def prove(out: Path, doer: Doer, *, keeps: tuple[str, ...] = ()) -> Residue:
    """The residue proof over everything below a folder."""
    files = sorted(path for path in out.rglob("*") if path.is_file())
    large_first = sorted(files, key=lambda path: -path.stat().st_size)  # so that no worker waits for the last large one
    parts = doer.ordered(("prove", (path.relative_to(out).as_posix(), path, keeps)) for path in large_first)
    found = dict(zip(large_first, parts, strict=True))
    return joined([found[path] for path in files])


def joined(parts: Sequence[Residue]) -> Residue:
    """The proofs of several outputs as one."""
    return Residue(
        sum(one.strong for one in parts),
        sum(one.weak for one in parts),
        [hit for one in parts for hit in one.strong_hits],
        [hit for one in parts for hit in one.weak_hits],
        max((one.needles for one in parts), default=0),
        max((one.subjects for one in parts), default=0),
        sum(one.files for one in parts),
        sum(one.searched_bytes for one in parts),
        [unread for one in parts for unread in one.unsearched],
    )


def _jobs(files: Iterable[RawFile]) -> Iterator[Job]:
    for file in files:
        try:
            for chunk in chunks(file):
                yield "transform", chunk
        except Malformed as error:
            yield "reject", (file, error.what)


class _Places:
    """Output files, one open at a time: parts come in the order of the files."""

    def __init__(self, out: Path, *, flat: bool) -> None:
        self.out, self.flat, self._at = out, flat, Path()
        self._stream: IO[bytes] | None = None

    def __enter__(self) -> _Places:
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            self._stream.close()

    def write(self, tally: Tally, data: bytes) -> None:
        place = self.out / tally.file if self.flat else self.out / tally.source / tally.file
        if place != self._at or self._stream is None:
            self.__exit__()
            place.parent.mkdir(parents=True, exist_ok=True)
            self._at, self._stream = place, place.open("wb")
        self._stream.write(data)


class _private:
    """A file that only its owner may read; nothing where no path is given."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.stream: IO[bytes] | None = None

    def __enter__(self) -> IO[bytes] | None:
        if self.path is not None:
            self.stream = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        return self.stream

    def __exit__(self, *_: object) -> None:
        if self.stream is not None:
            self.stream.close()


