"""Ways in which a model learns what it could not have known: refused before it is trained.

In        a task; later the features that were made, the decisions and the events
Out       nothing, or `Refused` with every breach; `audit` also returns a `LeakageReport` of what was checked

refuse    read off the declaration: the outcome among the features, facts that end a record, the calendar under safe-harbor
audit     worked out on the data: no subject or copy in two splits; features of sampled decisions are made again by the
          bedside code from only the events known before the prediction, and must agree in every bit
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import msgspec

from bedside.core.errors import Refused
from bedside.core.task import Task

if TYPE_CHECKING:
    import polars as pl

SAMPLE = 200
CALENDAR_NAMES = frozenset(
    [
        *("year", "quarter", "season", "month", "week", "weekday", "weekend", "holiday", "date", "day", "day_of_week"),
        *("day_of_month", "day_of_year", "hour", "hour_of_day", "time_of_day"),
    ]
)
CALENDAR_PREFIX, DEATH = "CALENDAR//", "MEDS_DEATH"


class LeakageReport(msgspec.Struct, frozen=True):
    """What was checked and counted. `known_before_time` are facts said to be known before they happened; without
    `known_at`, a fact counts as known at its time."""

    subjects: int
    splits: int
    copies: int
    decisions: int
    features: int
    sampled_decisions: int
    sampled_facts: int
    sampled_facts_withheld: int
    without_known_at: int
    known_before_time: int


def refuse(task: Task, *, policy: str | None = None) -> None:
    """`Refused` with every leak that the declaration itself shows.

    policy  name of the de-identification policy, when it is known
    A measured quantity may be predicted from its own past: then the outcome has at_least, from_hours >= 0 and stop_at_first.
    """
    breaches = [*_patterns(task), *_outcome_among_features(task), *_ends_of_records(task), *(_calendar(task) if policy == "safe-harbor" else [])]
    if breaches:
        raise Refused("; ".join(breaches), where=f"task {task.name!r}", do="take these codes out of [task]")


def audit(
    features: pl.DataFrame, decisions: pl.DataFrame, events: pl.DataFrame, task: Task, *, sample: int = SAMPLE, seed: int = 1
) -> LeakageReport:
    """Check the features that were made against the events; `Refused` at the first kind of breach.

    features   unit_id and float32 columns, as `FeatureSet.columnar` gave them
    decisions  with `split`, when it is assigned
    """
    import polars as pl

    from bedside.cohort.splits import copies

    twins = copies(events)
    _one_split_each(decisions, twins)
    facts, withheld = _made_again(features, decisions, events, task, sample, seed)
    told = events.filter(pl.col("code").is_in(sorted(_codes(task))))
    return LeakageReport(
        subjects=decisions["subject_id"].n_unique(), splits=decisions["split"].n_unique() if "split" in decisions.columns else 0,
        copies=len(twins), decisions=decisions.height, features=features.width - 1, sampled_decisions=min(sample, decisions.height),
        sampled_facts=facts, sampled_facts_withheld=withheld,
        without_known_at=told.filter(pl.col("time").is_not_null() & pl.col("known_at").is_null()).height,
        known_before_time=told.filter(pl.col("known_at") < pl.col("time")).height,
    )  # fmt: skip


# --- the declaration -------------------------------------------------------------------------------


def _named_codes(task: Task) -> list[tuple[str, str]]:
    """Feature and code of everything that a fact can reach."""
    signals = [(signal.name, code) for signal in task.features.signals for code in signal.codes]
    return signals + list(task.features.static_codes.items())


def _patterns(task: Task) -> list[str]:
    """Codes are compared whole: a pattern would match nothing, or be taken for a check that was never made."""
    prediction = task.prediction
    asked = [*(("outcome", code) for code in task.outcome.codes), *((f"feature {name!r}", code) for name, code in _named_codes(task)),
             *(("prediction", code) for code in [*prediction.start_codes, *prediction.end_codes])]  # fmt: skip
    return [f"{who} asks for {code!r}, a pattern; codes are compared whole, so name each one" for who, code in asked if "*" in code]


def _outcome_among_features(task: Task) -> list[str]:
    outcome = task.outcome
    if outcome.at_least is not None and outcome.from_hours >= 0 and outcome.stop_at_first:
        return []
    same = {_base(code) for code in outcome.codes}
    found = [(name, code) for name, code in _named_codes(task) if _base(code) in same]
    return [f"feature {name!r} carries {code}, which the outcome {outcome.name!r} is made of" for name, code in found]


def _base(code: str) -> str:
    """A code without its qualifier: a diagnosis and its claim are the same fact.

    >>> _base("ICD10CM//A41.9//claim")
    'ICD10CM//A41.9'
    """
    return "//".join(code.split("//")[:2])


def _ends_of_records(task: Task) -> list[str]:
    dead = [name for name, code in _named_codes(task) if code == DEATH]
    return [f"feature {name!r} carries {DEATH}, after which nothing is predicted" for name in dead]


def _calendar(task: Task) -> list[str]:
    named = _named_codes(task)
    words = dict.fromkeys(n for n, code in named if n.lower() in CALENDAR_NAMES or code.upper().startswith(CALENDAR_PREFIX))
    return [f"feature {name!r} is of the calendar, which safe-harbor removes" for name in words]


def _codes(task: Task) -> set[str]:
    return {code for _, code in _named_codes(task)}


# --- the data --------------------------------------------------------------------------------------


def _one_split_each(decisions: pl.DataFrame, twins: dict[int, int]) -> None:
    import polars as pl

    if "split" not in decisions.columns:
        return
    leader = pl.col("subject_id").replace(twins) if twins else pl.col("subject_id")
    torn = decisions.select(leader.alias("group"), "split").unique().group_by("group").len().filter(pl.col("len") > 1)
    if torn.height:
        raise Refused(f"{torn.height} subjects, or copies of one subject, stand in two splits", where="decisions",
                      do="assign splits with bedside.cohort.splits.assign(decisions, split, events=events)")  # fmt: skip


def _made_again(
    features: pl.DataFrame, decisions: pl.DataFrame, events: pl.DataFrame, task: Task, sample: int, seed: int
) -> tuple[int, int]:
    """Compare sampled rows with the bedside code, fed with what was known before; count facts used and withheld."""
    import polars as pl

    from bedside.cohort.features import FeatureSet
    from bedside.core.events import rows

    made = FeatureSet(task.features)
    picked = random.Random(seed).sample(range(decisions.height), min(sample, decisions.height))
    chosen = decisions[sorted(picked)].select("unit_id", "subject_id", pl.col("prediction_time", "encounter_start").to_physical())
    told = events.join(chosen.select("subject_id").unique(), on="subject_id", how="semi").filter(
        pl.col("code").is_in(sorted(made.codes))
    )
    by_subject = {subject: list(rows(part)) for (subject,), part in told.partition_by("subject_id", as_dict=True).items()}
    given = chosen.select("unit_id").join(features, on="unit_id", how="left", maintain_order="left").select(made.names)
    facts = withheld = 0
    for (_, subject, now, start), row in zip(chosen.iter_rows(), given.iter_rows(), strict=True):
        everything = by_subject.get(subject, [])
        known = [event for event in everything if _known_before(event.time, event.known_at, event.code, now)]
        facts, withheld = facts + len(known), withheld + len(everything) - len(known)
        _same(made.names, made.live(known, prediction_time=now, encounter_start=start), row)
    return facts, withheld


def _known_before(time: int | None, known_at: int | None, code: str, now: int) -> bool:
    from bedside.cohort.plan import BIRTH

    known = known_at if known_at is not None else None if code == BIRTH else time
    return known is None or known < now


def _same(names: tuple[str, ...], again: list[float], given: tuple[float | None, ...]) -> None:
    wrong = [name for name, one, other in zip(names, again, given, strict=True) if (None if one != one else one) != other]
    if wrong:
        raise Refused(f"features are not what was known before the prediction: {', '.join(wrong[:5])}", where="a sampled decision",
                      do="make the features with FeatureSet.columnar from the same events and task")  # fmt: skip
