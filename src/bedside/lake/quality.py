"""What is in a lake, and what is odd about it: the record behind the data-quality page.

In        a written lake
Out       a `Quality`: counts that reconcile, quarantine by reason, oddities with their denominators, the commonest codes
Never     drops or changes anything, and holds no value of a single patient: counts, shares and quantiles only.
Elsewhere drawn by `report/`; limits of plausible values: `plausible.py`.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import polars as pl

from bedside.core.accounts import Tally
from bedside.core.time import utc_text
from bedside.lake.plausible import RANGES
from bedside.lake.store import MERGED_FACTS, Lake

SCHEMA_NAME = "bedside.quality/1"
_TOP = 50
_FEWEST = 20
"""Fewer values than this show no quantiles: an extreme would be one person's value."""
Kind = Literal["time", "identity", "encounter", "value", "feed"]


class Broken(msgspec.Struct, frozen=True):
    """Records quarantined for one reason in one step."""

    source: str
    step: str
    reason: str
    records: int


class Oddity(msgspec.Struct, frozen=True):
    """Something that may be wrong: how often, of how many, and why it matters."""

    kind: Kind
    name: str
    count: int
    of: int
    matters: str

    @property
    def share(self) -> float:
        return self.count / self.of if self.of else 0.0


class CodeUse(msgspec.Struct, frozen=True):
    """One code: how often, with what, and how its values lie. Quantiles are null below 20 values."""

    code: str
    description: str | None
    events: int
    subjects: int
    numeric: int
    text: int
    units: dict[str, int]
    q01: float | None
    q25: float | None
    median: float | None
    q75: float | None
    q99: float | None
    implausible: int | None

    @property
    def missing(self) -> float:
        """Share of events with neither number nor text."""
        return 1 - (self.numeric + self.text) / self.events


class Quality(msgspec.Struct, frozen=True):
    """The record of a lake. `reconciled` is true when every file's read = written + merged + ignored + quarantined."""

    schema: str
    name: str
    made: bool
    events: int
    subjects: int
    codes: int
    first: str | None
    last: str | None
    notes: int
    images: int
    reconciled: bool
    sources: list[Tally]
    merged_facts: dict[str, int]
    quarantine: list[Broken]
    problems: dict[str, int]
    oddities: list[Oddity]
    top: list[CodeUse]

    def to_text(self) -> str:
        """The record as plain tables."""
        return "\n\n".join(filter(None, (_head(self), _sources(self), _broken(self), _problems(self), _odd(self), _codes(self))))


def quality(lake: Lake, *, now: int | None = None) -> Quality:
    """Look at a lake.

    now  microseconds of UTC after which a fact lies in the future; without it that is not asked, since nothing here reads a clock
    """
    whole = lake.sql(
        "SELECT count(*) AS events, count(DISTINCT subject_id) AS subjects, count(DISTINCT code) AS codes,"
        " epoch_us(min(time)) AS first, epoch_us(max(time)) AS last FROM events"
    ).row(0, named=True)
    tallies = lake.tallies()
    return Quality(
        SCHEMA_NAME, str(lake.dataset().get("dataset_name", "")), lake.made, whole["events"], whole["subjects"], whole["codes"],
        _instant(whole["first"]), _instant(whole["last"]), lake.notes().height, lake.images().height,
        all(tally.reconciles for tally in tallies), lake.totals(), _merged(lake), _quarantine(lake), _told_problems(lake),
        _oddities(lake, whole, now), _top(lake),
    )  # fmt: skip


def _instant(us: int | None) -> str | None:
    return None if us is None else utc_text(us)


def _merged(lake: Lake) -> dict[str, int]:
    rows = lake.counts().filter(pl.col("kind") == MERGED_FACTS)
    return dict(rows.select("source", "count").iter_rows())


def _quarantine(lake: Lake) -> list[Broken]:
    rows = lake.counts().filter(pl.col("kind") == "quarantined").group_by("source", "reason").agg(pl.col("count").sum())
    read = [Broken(source, "read", reason, count) for source, reason, count in rows.sort("source", "count", "reason").iter_rows()]
    before = lake.quarantine().filter(pl.col("step") != "read").group_by("source", "step", "reason").len()
    return [Broken(*row) for row in before.sort("source", "step", "reason").iter_rows()] + read


def _told_problems(lake: Lake) -> dict[str, int]:
    rows = lake.counts().filter(pl.col("kind") == "problem").group_by("reason").agg(pl.col("count").sum())
    return dict(rows.sort(["count", "reason"], descending=[True, False]).iter_rows())


# --- oddities -------------------------------------------------------------------------------------

_BOUNDS = """
    WITH born AS (SELECT subject_id, min(time) AS birth FROM events WHERE code = 'MEDS_BIRTH' GROUP BY 1),
         died AS (SELECT subject_id, max(time) AS death FROM events WHERE code = 'MEDS_DEATH' GROUP BY 1)
    SELECT count(*) FILTER (e.time < birth) AS before_birth, count(*) FILTER (birth IS NOT NULL) AS with_birth,
           count(*) FILTER (e.time > death + INTERVAL 1 DAY) AS after_death, count(*) FILTER (death IS NOT NULL) AS with_death
    FROM events e LEFT JOIN born USING (subject_id) LEFT JOIN died USING (subject_id) WHERE e.time IS NOT NULL"""
_TIMES = """
    SELECT count(*) FILTER (time IS NOT NULL) AS timed, count(*) FILTER (known_at < time) AS known_early,
           count(*) FILTER (time IS NOT NULL AND known_at IS NULL AND code <> 'MEDS_BIRTH') AS never_known,
           count(*) FILTER (time IS NOT NULL AND utc_offset_min IS NULL) AS zoneless,
           count(*) FILTER (numeric_value IS NOT NULL OR text_value IS NOT NULL) AS valued,
           count(*) FILTER (numeric_value IS NOT NULL) AS numeric_rows,
           count(*) FILTER (numeric_value IS NOT NULL AND unit IS NULL) AS unitless,
           count(*) FILTER (status = 'corrected') AS corrected, count(*) FILTER (status = 'retracted') AS retracted
    FROM events"""
_REPEATS = """
    SELECT coalesce(sum(n - 1), 0)::BIGINT AS repeats FROM (
        SELECT count(*) AS n FROM events
        GROUP BY subject_id, time, code, numeric_value, text_value, status, encounter_id HAVING n > 1)"""
_PEOPLE = """
    SELECT count(*) FILTER (NOT born) AS birthless, count(*) FILTER (NOT sexed) AS sexless FROM (
        SELECT subject_id, bool_or(code = 'MEDS_BIRTH') AS born, bool_or(code LIKE 'SEX//%') AS sexed FROM events GROUP BY 1)"""
_STAYS = """
    SELECT count(*) AS stays, count(*) FILTER (ends IS NULL) AS open, count(*) FILTER (starts IS NULL) AS unopened,
           count(*) FILTER (ends < starts) AS backwards FROM (
        SELECT subject_id, encounter_id, split_part(code, '//', 2) AS kind,
               min(time) FILTER (code LIKE 'ENCOUNTER_START//%') AS starts, max(time) FILTER (code LIKE 'ENCOUNTER_END//%') AS ends
        FROM events WHERE code LIKE 'ENCOUNTER_%' AND status <> 'retracted' GROUP BY ALL)"""
_UNITS = """
    SELECT count(*) AS numeric_codes, count(*) FILTER (units > 1) AS mixed FROM (
        SELECT code, count(DISTINCT unit) AS units FROM events WHERE numeric_value IS NOT NULL GROUP BY 1)"""


def _oddities(lake: Lake, whole: dict[str, int], now: int | None) -> list[Oddity]:
    """Each oddity with its denominator, those that never occur too: a nought is an answer."""
    t, b, p, s, u = (lake.sql(query).row(0, named=True) for query in (_TIMES, _BOUNDS, _PEOPLE, _STAYS, _UNITS))
    repeats, events, subjects = lake.sql(_REPEATS).item(), whole["events"], whole["subjects"]
    implausible, judged = _implausible(lake)
    found = [
        Oddity("time", "facts known before they happened", t["known_early"], t["timed"], "plans, or a leak"),
        Oddity("time", "facts with no time of knowing", t["never_known"], t["timed"], "no feature uses them"),
        Oddity("time", "facts before the subject's birth", b["before_birth"], b["with_birth"], "wrong date or subject"),
        Oddity("time", "facts over a day after death", b["after_death"], b["with_death"], "late filing, or a mixed-up subject"),
        Oddity("time", "times without a zone, or of a day only", t["zoneless"], t["timed"], "hours between sources may be wrong"),
        Oddity("identity", "subjects without a birth date", p["birthless"], subjects, "no age can be computed"),
        Oddity("identity", "subjects without a sex", p["sexless"], subjects, "they are missing from subgroups"),
        Oddity("encounter", "encounters without an end", s["open"], s["stays"], "no prediction time is set after their last fact"),
        Oddity("encounter", "encounters without a start", s["unopened"], s["stays"], "no prediction is made in them"),
        Oddity("encounter", "encounters that end before they start", s["backwards"], s["stays"], "no prediction is made in them"),
        Oddity("value", "facts with neither number nor text", events - t["valued"], events, "they only say that it was done"),
        Oddity("value", "numbers without a unit", t["unitless"], t["numeric_rows"], "taken to be in the signal's own unit"),
        Oddity("value", "codes whose numbers come in several units", u["mixed"], u["numeric_codes"], "converted, or left out"),
        Oddity("value", "values that no living patient has", implausible, judged, "an error of entry, unit or code"),
        Oddity("feed", "the same fact again", repeats, events, "counts of measurements are too high"),
        Oddity("feed", "corrected facts", t["corrected"], events, "known only from the correction on"),
        Oddity("feed", "retracted facts", t["retracted"], events, "kept, and never used"),
    ]  # fmt: skip
    if now is not None:
        later = lake.sql(f"SELECT count(*) FROM events WHERE epoch_us(time) > {int(now)}").item()
        found.insert(0, Oddity("time", "facts in the future", later, t["timed"], "a wrong clock, or a plan taken for a fact"))
    return found


def _implausible(lake: Lake) -> tuple[int, int]:
    judged = lake.sql(
        "SELECT count(*) FILTER (numeric_value < low OR numeric_value > high) AS outside, count(*) AS judged"
        " FROM events JOIN ranges USING (code, unit) WHERE numeric_value IS NOT NULL", extra={"ranges": _ranges()}
    ).row(0)  # fmt: skip
    return judged[0], judged[1]


def _ranges() -> pl.DataFrame:
    return pl.DataFrame(RANGES, orient="row", schema={"code": pl.String, "unit": pl.String, "low": pl.Float64, "high": pl.Float64})


# --- codes ----------------------------------------------------------------------------------------

_USES = f"""
    WITH top AS (SELECT code, description, events, subjects FROM codes ORDER BY events DESC, code LIMIT {_TOP})
    SELECT top.*, count(numeric_value) AS n, count(*) FILTER (numeric_value IS NULL AND text_value IS NOT NULL) AS texts,
           quantile_cont(numeric_value::DOUBLE, [0.01, 0.25, 0.5, 0.75, 0.99]) AS spread,
           count(low) AS judged, count(*) FILTER (numeric_value < low OR numeric_value > high) AS outside
    FROM top JOIN events e USING (code) LEFT JOIN ranges r ON r.code = e.code AND r.unit = e.unit
    GROUP BY ALL ORDER BY top.events DESC, top.code"""
_UNIT_MIX = f"""
    SELECT code, coalesce(unit, '') AS unit, count(*) AS n FROM events
    WHERE numeric_value IS NOT NULL AND code IN (SELECT code FROM codes ORDER BY events DESC, code LIMIT {_TOP})
    GROUP BY ALL ORDER BY code, n DESC, unit"""


def _top(lake: Lake) -> list[CodeUse]:
    units: dict[str, dict[str, int]] = {}
    for code, unit, count in lake.sql(_UNIT_MIX).iter_rows():
        units.setdefault(code, {})[unit or "no unit"] = count
    return [_use(row, units) for row in lake.sql(_USES, extra={"ranges": _ranges()}).iter_rows(named=True)]


def _use(row: dict[str, object], units: dict[str, dict[str, int]]) -> CodeUse:
    values = msgspec.convert(row, _Row)
    spread: list[float | None] = [None] * 5
    if values.spread and values.n >= _FEWEST:
        spread = [round(value, 4) for value in values.spread]
    q01, q25, median, q75, q99 = spread
    outside = values.outside if values.judged else None
    return CodeUse(
        values.code, values.description, values.events, values.subjects, values.n, values.texts,
        units.get(values.code, {}), q01, q25, median, q75, q99, outside,
    )  # fmt: skip


class _Row(msgspec.Struct):
    code: str
    description: str | None
    events: int
    subjects: int
    n: int
    texts: int
    spread: list[float] | None
    judged: int
    outside: int


# --- plain text -----------------------------------------------------------------------------------


def _head(q: Quality) -> str:
    span = f"{q.first} to {q.last}" if q.first else "no times"
    made = "made data, no real person\n" if q.made else ""
    size = f"{q.events:,} events, {q.subjects:,} subjects, {q.codes:,} codes, {q.notes:,} notes, {q.images:,} images; {span}"
    return f"{made}{size}\ncounts {'reconcile' if q.reconciled else 'DO NOT RECONCILE'}"


def _sources(q: Quality) -> str:
    rows = [[t.source, t.read, t.written, sum(t.merged.values()), sum(t.ignored.values()), sum(t.quarantined.values()),
             q.merged_facts.get(t.source, 0)] for t in q.sources]  # fmt: skip
    return table(["source", "read", "written", "merged", "ignored", "quarantined", "facts told by others too"], rows)


def _broken(q: Quality) -> str:
    return table(["quarantined in", "step", "records", "reason"], [[b.source, b.step, b.records, b.reason] for b in q.quarantine])


def _problems(q: Quality) -> str:
    return table(["kept, with a problem", "times"], [[what, count] for what, count in q.problems.items()])


def _odd(q: Quality) -> str:
    return table(["oddity", "count", "of", "share"], [[o.name, o.count, o.of, f"{o.share:.2%}"] for o in q.oddities])


def _codes(q: Quality) -> str:
    rows: list[list[object]] = []
    for c in q.top:
        units = "; ".join(f"{unit} {n:,}" for unit, n in c.units.items())
        row = [c.code, c.description or "", c.events, c.subjects, f"{c.missing:.0%}", units, c.q01, c.median, c.q99, c.implausible]
        rows.append([*row])
    return table(["code", "description", "events", "subjects", "no value", "units", "1 %", "median", "99 %", "implausible"], rows)


def table(header: list[str], rows: list[list[object]]) -> str:
    """A plain table; nothing when there are no rows.

    >>> print(table(["code", "n"], [["A", 1200], ["BB", None]]))
    code      n
    A     1,200
    BB
    """
    if not rows:
        return ""
    cells = [header, *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    right = [all(not isinstance(row[i], str) for row in rows) for i in range(len(header))]
    return "\n".join(_line(row, widths, right) for row in cells)


def _line(row: list[str], widths: list[int], right: list[bool]) -> str:
    cells = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True))
    return "  ".join(cells).rstrip()


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)[:100]
