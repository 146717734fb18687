"""The lake: every event on Parquet, in the layout of MEDS, with the notes, images, rejects and counts beside it.

In        readings, in the order of the files
Out       data/<shard>.parquet, metadata/{codes.parquet, dataset.json, subject_splits.parquet}, notes.parquet, images.parquet,
          facts.parquet (what the notes state, where an extractor read them), quarantine/rejects.parquet, counts.parquet; a `Written` with what the ledger needs
Order     subject, time (facts without one first), code, known_at, source: the same readings give the same rows
Memory    beyond `shard_rows` events the readings are spooled to disk and each shard is merged and sorted by itself
Source    Medical Event Data Standard 0.4, `meds.DataSchema`, `CodeMetadataSchema`, `SubjectSplitSchema`, `DatasetMetadataSchema`
Elsewhere the same fact through two feeds: `feeds.py`; questions in SQL: `sql.py`.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec
import polars as pl

from bedside.core import canonical
from bedside.core.accounts import Reject, Tally, total
from bedside.core.errors import Unusable
from bedside.core.events import COLUMNS, MADE, MADE_METADATA, NOT_PRESENT, check, schema
from bedside.lake import feeds, meds_schema
from bedside.lake.sql import ask
from bedside.readers.reading import FactRow, ImageRow, NoteRow, Reading

MEDS_VERSION = "0.4.1"
ORDER = ("subject_id", "time", "code", "known_at", "source", "numeric_value", "text_value")
UNASSIGNED = "unassigned"
MERGED_FACTS = "merged facts"
_SHARD_ROWS = 5_000_000
_SPOOL = ".spool"
_ROW_GROUP = 500_000


class Written(msgspec.Struct, frozen=True):
    """What `write` made: tallies of every file, events, facts that two feeds told, and each file's content digest and rows."""

    tallies: list[Tally]
    events: int
    subjects: int
    merged: int
    merged_by_source: dict[str, int]
    content: dict[str, str]
    rows: dict[str, int]
    problems: dict[str, int]
    facts: int = 0


def write(
    readings: Iterable[Reading],
    out: Path,
    *,
    name: str,
    rejects: Sequence[Reject] = (),
    made: bool = False,
    descriptions: Mapping[str, str] | None = None,
    shard_rows: int = _SHARD_ROWS,
) -> Written:
    """Write a lake into the empty or absent folder `out`.

    rejects       what was quarantined before reading, to stand beside what the readers quarantined
    descriptions  code -> words, for codes that the readings themselves do not name
    """
    out.mkdir(parents=True, exist_ok=True)
    gathered = _Gathered(out / _SPOOL, shard_rows)
    for reading in readings:
        gathered.add(reading)
    lake = _Lake(out, made=made)
    merged = dict.fromkeys(gathered.sources, 0)
    codes, subjects = [], []
    for number, shard in enumerate(gathered.shards()):
        told, dropped = feeds.merge(shard, feeds.FACT)
        for feed, count in dropped.items():
            merged[gathered.sources[feed]] += count
        events = told.select(COLUMNS).sort(ORDER, nulls_last=False, maintain_order=True)
        codes.append(events.group_by("code").agg(events=pl.len(), subjects=pl.col("subject_id").n_unique()))
        subjects.append(events["subject_id"].unique())
        lake.put(f"data/{number}.parquet", events, arrow=meds_schema.EVENTS)
        del shard, told, events
    shutil.rmtree(out / _SPOOL, ignore_errors=True)
    _metadata(lake, codes, subjects, {**(descriptions or {}), **gathered.labels}, name, made)
    _beside(lake, gathered, rejects, merged)
    found = {key: value for key, value in lake.rows.items() if key.startswith(f"{out.name}/data/")}
    return Written(gathered.tallies, sum(found.values()), sum(s.len() for s in subjects), sum(merged.values()), merged,
                   lake.content, lake.rows, dict(gathered.problems), len(gathered.facts))  # fmt: skip


class _Gathered:
    """Readings as they come: events in memory up to a limit, then on disk; everything else in memory."""

    def __init__(self, spool: Path, shard_rows: int) -> None:
        self.spool, self.shard_rows = spool, shard_rows
        self.sources: list[str] = []
        self.tallies: list[Tally] = []
        self.rejects: list[Reject] = []
        self.notes: list[tuple[int, NoteRow]] = []
        self.images: list[tuple[int, ImageRow]] = []
        self.facts: list[tuple[int, FactRow]] = []
        self.labels: dict[str, str] = {}
        self.problems: Counter[str] = Counter()
        self.problem_rows: list[tuple[str, str, str, int]] = []
        self.height = self._spooled = 0
        self._frames: list[pl.DataFrame] = []
        self._held = 0

    def add(self, reading: Reading) -> None:
        """Take one reading; its events must keep the contract."""
        tally = reading.tally
        where = f"{tally.source}/{tally.file}"
        if tally.source not in self.sources:
            self.sources.append(tally.source)
        feed = self.sources.index(tally.source)
        self.tallies.append(tally)
        self.rejects += reading.rejects
        self.notes += [(feed, note) for note in reading.notes]
        self.images += [(feed, image) for image in reading.images]
        self.facts += [(feed, fact) for fact in reading.facts]
        self.problems.update(reading.problems)
        self.problem_rows += [(tally.source, tally.file, what, count) for what, count in reading.problems.items()]
        for code, label in reading.labels.items():
            self.labels.setdefault(code, label)
        if reading.events.height:
            self._hold(check(reading.events, where=where).select(COLUMNS).with_columns(pl.lit(feed, dtype=pl.UInt16).alias("feed")))

    def _hold(self, events: pl.DataFrame) -> None:
        self._frames.append(events)
        self._held += events.height
        self.height += events.height
        if self._held > self.shard_rows:
            self._flush()

    def _flush(self) -> None:
        self.spool.mkdir(exist_ok=True)
        part = self.spool / f"{self._spooled:05}.parquet"
        pl.concat(self._frames).write_parquet(part, compression="lz4", row_group_size=_ROW_GROUP)
        self._spooled += 1
        self._frames, self._held = [], 0

    def shards(self) -> Iterator[pl.DataFrame]:
        """The events in parts, every subject in one part only; one part when they are few."""
        empty = pl.DataFrame(schema={**schema(), "feed": pl.UInt16()})
        if not self._spooled:
            frames, self._frames = self._frames, []
            yield pl.concat([empty, *frames])
            return
        if self._frames:
            self._flush()
        parts = -(-self.height // self.shard_rows)
        files = sorted(self.spool.glob("*.parquet"))
        for part in range(parts):
            yield pl.scan_parquet(files).filter(pl.col("subject_id") % parts == part).collect()


class _Lake:
    """The folder being written: digests and rows of what went in."""

    def __init__(self, out: Path, *, made: bool) -> None:
        self.out, self.made = out, made
        self.content: dict[str, str] = {}
        self.rows: dict[str, int] = {}

    def put(self, name: str, frame: pl.DataFrame, *, arrow: str | None = None) -> None:
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        metadata = ({meds_schema.KEY: arrow} if arrow else {}) | (MADE_METADATA if self.made else {})
        frame.write_parquet(path, compression="zstd", row_group_size=_ROW_GROUP, metadata=metadata or None)
        self.content[f"{self.out.name}/{name}"] = canonical.frame_digest(frame)
        self.rows[f"{self.out.name}/{name}"] = frame.height

    def put_json(self, name: str, record: object) -> None:
        (self.out / name).write_bytes(canonical.dumps(record))
        self.content[f"{self.out.name}/{name}"] = canonical.digest(record)


def _metadata(
    lake: _Lake, codes: list[pl.DataFrame], subjects: list[pl.Series], words: Mapping[str, str], name: str, made: bool
) -> None:
    """What MEDS wants beside the data. The split is the task's to decide, so here every subject is unassigned."""
    counted = pl.concat(codes).group_by("code").agg(pl.col("events", "subjects").sum().cast(pl.Int64)).sort("code")
    parents = [_parents(code) for code in counted["code"]]
    described = counted.select(
        "code",
        pl.Series("description", [words.get(code) for code in counted["code"]], dtype=pl.String),
        pl.Series("parent_codes", parents, dtype=pl.List(pl.String)), "events", "subjects",
    )  # fmt: skip
    lake.put("metadata/codes.parquet", described, arrow=meds_schema.CODES)
    everyone = pl.concat(subjects).unique().sort()
    split = pl.DataFrame({"subject_id": everyone, "split": pl.Series([UNASSIGNED] * everyone.len(), dtype=pl.String)})
    lake.put("metadata/subject_splits.parquet", split, arrow=meds_schema.SPLITS)
    told = {
        "dataset_name": f"{name} ({MADE})" if made else name,
        "etl_name": "bedside",
        "etl_version": version("bedside"),
        "meds_version": MEDS_VERSION,
        "raw_source_id_columns": ["encounter_id", "source"],
        "code_modifier_columns": ["status", "unit"],
        "other_extension_columns": ["known_at", "lexeme", "utc_offset_min"],
    }
    lake.put_json("metadata/dataset.json", told)


def _parents(code: str) -> list[str] | None:
    """A code said in another sense has the plain code as its parent; not so where a note says that it is not there.

    >>> _parents("RXNORM//161//ordered"), _parents("LOINC//8867-4"), _parents("ICD10CM//I10//negated")
    (['RXNORM//161'], None, None)
    """
    parts = code.split("//")
    return ["//".join(parts[:2])] if len(parts) > 2 and parts[2] not in NOT_PRESENT else None


def _beside(lake: _Lake, gathered: _Gathered, rejects: Sequence[Reject], merged: Mapping[str, int]) -> None:
    """Notes, images, rejects and counts."""
    notes, _ = feeds.merge(_rows(NoteRow, gathered.notes), feeds.NOTE)
    images, _ = feeds.merge(_rows(ImageRow, gathered.images), feeds.IMAGE)
    lake.put("notes.parquet", notes.drop("feed").sort("subject_id", "time", "code", "note_id", "source", maintain_order=True))
    lake.put("images.parquet", images.drop("feed").sort("subject_id", "time", "instance_uid", "file", maintain_order=True))
    if gathered.facts:
        facts, _ = feeds.merge(_rows(FactRow, gathered.facts), feeds.STATED)
        lake.put("facts.parquet", facts.drop("feed").sort("subject_id", "time", "note_id", "start", "end", "kind", "source", maintain_order=True))
    broken = [("deidentify", reject) for reject in rejects] + [("read", reject) for reject in gathered.rejects]
    lake.put("quarantine/rejects.parquet", pl.DataFrame(
        [(step, r.source, r.file, r.place, r.reason, r.digest) for step, r in broken], orient="row",
        schema=dict.fromkeys(("step", "source", "file", "place", "reason", "digest"), pl.String)))  # fmt: skip
    lake.put("counts.parquet", _counts(gathered, merged))


def _rows(kind: type[NoteRow] | type[ImageRow] | type[FactRow], told: Sequence[tuple[int, NoteRow | ImageRow | FactRow]]) -> pl.DataFrame:
    """Note, image or fact rows as a frame, with the feed that each came from."""
    integers = {"subject_id", "rows", "columns", "frames", "age_years", "time", "known_at", "start", "end"}
    booleans, fields = {"negated", "uncertain"}, kind.__struct_fields__
    types: dict[str, type[pl.DataType]] = {name: pl.Int64 if name in integers else pl.Boolean if name in booleans else pl.String for name in fields}
    values = [(*(getattr(row, name) for name in fields), feed) for feed, row in told]
    frame = pl.DataFrame(values, orient="row", schema={**types, "feed": pl.UInt16})
    return frame.with_columns(pl.col(name).cast(pl.Datetime("us")) for name in ("time", "known_at") if name in fields)


def _counts(gathered: _Gathered, merged: Mapping[str, int]) -> pl.DataFrame:
    """One row for each file, kind and reason; the same numbers as the tallies, for SQL."""
    rows: list[tuple[str, str, str, str | None, int]] = []
    for tally in gathered.tallies:
        rows += [(tally.source, tally.file, kind, None, getattr(tally, kind)) for kind in ("read", "written")]
        for kind in ("merged", "ignored", "quarantined"):
            rows += [(tally.source, tally.file, kind, reason, count) for reason, count in getattr(tally, kind).items()]
    rows += [(source, file, "problem", what, count) for source, file, what, count in gathered.problem_rows]
    rows += [(source, "all", MERGED_FACTS, "another source said it too", count) for source, count in merged.items()]
    names = dict.fromkeys(("source", "file", "kind", "reason"), pl.String)
    return pl.DataFrame(rows, orient="row", schema={**names, "count": pl.Int64})


class Lake:
    """A written lake, opened for reading.

    >>> Lake(Path("nowhere"))
    Traceback (most recent call last):
    ...
    bedside.core.errors.Unusable: there is no lake here
      at  nowhere
      do  bedside read
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not (self.path / "metadata" / "dataset.json").is_file():
            raise Unusable("there is no lake here", where=str(path), do="bedside read")

    @property
    def shards(self) -> list[Path]:
        return sorted((self.path / "data").glob("*.parquet"), key=lambda path: int(path.stem))

    @property
    def made(self) -> bool:
        """Whether the data says of itself that it is made."""
        return MADE in str(self.dataset().get("dataset_name", ""))

    def dataset(self) -> dict[str, object]:
        told = msgspec.json.decode((self.path / "metadata" / "dataset.json").read_bytes())
        return dict(told)

    def scan(self) -> pl.LazyFrame:
        """Events, not yet read, shard by shard."""
        return pl.scan_parquet(self.shards)

    def events(self, codes: Iterable[str] | None = None) -> pl.DataFrame:
        """Events, all or of the codes given, sorted by subject, then time."""
        frame = self.scan() if codes is None else self.scan().filter(pl.col("code").is_in(list(codes)))
        events = frame.select(COLUMNS).collect()
        return events if len(self.shards) == 1 else events.sort(ORDER, nulls_last=False, maintain_order=True)

    def codes(self) -> pl.DataFrame:
        """Every code with its description, events and subjects."""
        return pl.read_parquet(self.path / "metadata" / "codes.parquet")

    def notes(self) -> pl.DataFrame:
        return pl.read_parquet(self.path / "notes.parquet")

    def images(self) -> pl.DataFrame:
        return pl.read_parquet(self.path / "images.parquet")

    def facts(self) -> pl.DataFrame:
        """What the notes state; empty when none were read for facts."""
        path = self.path / "facts.parquet"
        return pl.read_parquet(path) if path.is_file() else _rows(FactRow, []).drop("feed")

    def quarantine(self) -> pl.DataFrame:
        return pl.read_parquet(self.path / "quarantine" / "rejects.parquet")

    def counts(self) -> pl.DataFrame:
        return pl.read_parquet(self.path / "counts.parquet")

    def tallies(self) -> list[Tally]:
        """The counts as tallies, file by file."""
        found: dict[tuple[str, str], Tally] = {}
        told = self.counts().filter(~pl.col("kind").is_in(["problem", MERGED_FACTS]))
        for source, file, kind, reason, count in told.iter_rows():
            tally = found.setdefault((source, file), Tally(source, file))
            if kind in ("read", "written"):
                setattr(tally, kind, count)
            else:
                getattr(tally, kind)[reason] = count
        return list(found.values())

    def totals(self) -> list[Tally]:
        """One tally for each source."""
        tallies = self.tallies()
        sources = dict.fromkeys(tally.source for tally in tallies)
        return [total((t for t in tallies if t.source == source), source=source) for source in sources]

    def sql(self, query: str, *, extra: Mapping[str, pl.DataFrame] | None = None) -> pl.DataFrame:
        """Answer of one SELECT over events, notes, images, quarantine, counts, codes, facts where there are, and the frames in `extra`."""
        tables = {"events": self.shards, "notes": [self.path / "notes.parquet"], "images": [self.path / "images.parquet"],
                  "quarantine": [self.path / "quarantine" / "rejects.parquet"], "counts": [self.path / "counts.parquet"],
                  "codes": [self.path / "metadata" / "codes.parquet"]}  # fmt: skip
        if (self.path / "facts.parquet").is_file():
            tables["facts"] = [self.path / "facts.parquet"]
        return ask(query, tables, extra or {})
