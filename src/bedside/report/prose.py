"""What a test found, in plain sentences: each number with its interval and n, each comparison with what it cannot tell.

In        an `Evaluation` and the study's declaration
Out       paragraphs of markup; numbers carry the names under which the ledger keeps them
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bedside.evaluate.records import Calibration, Difference, Estimate, Evaluation, OperatingPoint, SubgroupRow, Worth
from bedside.report import words
from bedside.report.document import number, paragraph
from bedside.report.markup import Child, Markup, join

_BEDSIDE = ("news2", "qsofa", "clock")


def finding(evaluation: Evaluation, study: Mapping[str, object]) -> Markup:
    """The finding in one paragraph: ranking, the best of the simple scores, the first operating point, promises."""
    main = evaluation.row(evaluation.main)
    said: list[Child] = [
        *_opening(evaluation, study),
        number(evaluation.named(main.output, "auroc"), main.auroc),
        f" (AUROC, {100 * evaluation.level:g} % interval). ",
        *_against_scores(evaluation),
        *_against_logistic(evaluation),
        *_first_point(evaluation, main.operating),
        *_promises(evaluation, main.calibration),
    ]
    return paragraph(said, kind="lead")


def _opening(evaluation: Evaluation, study: Mapping[str, object]) -> list[Child]:
    """What was asked of how many: of events that lie ahead, or of findings that are there or not."""
    held, whom = evaluation.counts, words.cluster(evaluation.clusters)
    named = words.quoted(outcome_name(study, evaluation))
    if evaluation.unit in words.TIMED:
        return [
            f"The model gave the risk of {named} {words.count(held.predictions)} times for "
            f"{words.many(held.subjects, whom)}; the event followed {words.count(held.events)} times, "
            f"in {words.many(held.event_subjects, whom)}. ",
            "Of two predictions, one before an event and one not, it ranks the right one higher with a chance of ",
        ]
    unit, of = words.unit(evaluation.unit), words.of_whom(evaluation.clusters, held.subjects, held.predictions)
    return [
        f"The model said how likely {named} is in {words.many(held.predictions, unit)}{of}; it is there in {words.count(held.events)}. ",
        f"Of two {words.plural(unit)}, one with it and one without, it ranks the right one higher with a chance of ",
    ]


def worth(evaluation: Evaluation) -> Markup | None:
    """What the score is worth beyond the clock."""
    if (found := evaluation.worth) is None:
        return None
    gap = evaluation.named_gap(evaluation.main, found.clock, "auroc")
    beyond = evaluation.named(evaluation.main, "beyond clock", "within hour")
    return join(
        [
            paragraph(
                "Patients grow sicker, or are looked at more, as a stay goes on, so hours since admission alone rank patients. "
                "Whatever a score is worth, it is worth beyond that."
            ),
            paragraph(
                "Beyond the clock the model is worth ",
                number(gap, found.auroc, "signed"),
                " in AUROC",
                ", " if found.utility else " and ",
                number(evaluation.named_gap(evaluation.main, found.clock, "auprc"), found.auprc, "signed"),
                " in average precision",
                *_utility_beyond(evaluation, found),
                f" (n = {words.count(found.auroc.n)}). ",
                _beside_the_clock(found.auroc),
                " Among predictions made at the same time since admission, where the clock is blind (0.5), the model's AUROC is ",
                number(beyond, found.within_hour),
                f" (n = {words.count(found.within_hour.n)}).",
            ),
        ]
    )


def _utility_beyond(evaluation: Evaluation, found: Worth) -> list[Child]:
    if found.utility is None:
        return []
    return [" and ", number(evaluation.named_gap(evaluation.main, found.clock, "utility"), found.utility, "signed"), " in clinical utility"]


def utility(evaluation: Evaluation) -> Markup | None:
    """What the column of utility means; where it has no answer, why."""
    if (gained := evaluation.gained(evaluation.main)) is None:
        return None
    if gained.utility.value is None:
        return paragraph(f"The clinical utility of hourly alarms has no answer here: {gained.utility.method}.", kind="quiet")
    return paragraph(
        "Utility is that of hourly alarms in the PhysioNet/Computing in Cardiology Challenge 2019: an alarm gains most six hours "
        "before onset, a miss costs up to twice that, a needless alarm 0.05. The best policy scores 1, never alarming 0, and less "
        "than 0 is worse than silence. Every output, the simple scores too, alarms at the threshold with the highest utility on "
        f"patients other than those it is judged on; {words.count(gained.utility.n)} encounters; {gained.utility.method}.",
        kind="quiet",
    )


def _beside_the_clock(gap: Estimate) -> str:
    if not words.excludes(gap, 0):
        return "The interval holds 0: this test does not tell the model from the clock."
    return "It ranks better than the clock." if (gap.value or 0) > 0 else "It ranks worse than the clock."


def components(evaluation: Evaluation) -> Markup | None:
    """What the model owes to what staff measured on the body, and to what they chose to order."""
    there = {gap.other: gap for gap in evaluation.differences if gap.other in ("physiology", "workup")}
    if not there:
        return None
    said: list[Child] = ["A model that sees which tests were ordered may only repeat a suspicion that staff already had. "]
    for other, gap in there.items():
        own = evaluation.row(other).auroc
        said += [
            f"{words.output(other)} reaches ",
            number(evaluation.named(other, "auroc"), own),
            "; the whole model adds ",
            number(evaluation.named_gap(gap.main, other, "auroc"), gap.auroc, "signed"),
            ". ",
        ]
    return paragraph(said)


def subgroups(rows: Sequence[SubgroupRow], evaluation: Evaluation) -> Markup:
    """How many rows were judged, which ranks lowest, and what such a table cannot say."""
    judged, said = [row for row in rows if row.auroc.low is not None], words.Vocabulary.of(evaluation)
    if not judged:
        return paragraph("No subgroup is large enough to be judged.")
    lowest = min(judged, key=lambda row: row.auroc.value or 0)
    here = evaluation.named(evaluation.main, "by", lowest.column, lowest.level, "auroc")
    return paragraph(
        f"{len(judged)} of {len(rows)} groups are large enough: at least {evaluation.smallest_subgroup} {said.clusters}, "
        f"and enough {said.event}s for an interval. "
        f"The lowest AUROC stands in {words.COLUMNS.get(lowest.column, lowest.column).lower()} {words.quoted(lowest.level)}: ",
        number(here, lowest.auroc),
        ". With so many rows some stand low by chance, and a wide interval means that little is known, not that all is well.",
    )


def outcome_name(study: Mapping[str, object], evaluation: Evaluation) -> str:
    """The outcome in words: as given to the test, else as declared in the study."""
    declared = dig(study, "task", "outcome", "name")
    return evaluation.outcome or (words.spoken(str(declared)) if declared else "the outcome")


def dig(record: object, *keys: str) -> object:
    """A value inside nested dicts, None when the way is not there."""
    for key in keys:
        record = record.get(key) if isinstance(record, Mapping) else None
    return record


def _against_scores(evaluation: Evaluation) -> list[Child]:
    timed = evaluation.unit in words.TIMED
    beside = [gap for gap in evaluation.differences if gap.other in _BEDSIDE or not timed]
    if not beside:
        return []
    nearest = min(beside, key=lambda gap: gap.auroc.value if gap.auroc.value is not None else 1.0)
    own = evaluation.row(nearest.other).auroc
    return [
        f"The best of {'the simple scores' if timed else 'what stands'} beside it, {words.short(nearest.other)}, reaches ",
        number(evaluation.named(nearest.other, "auroc"), own),
        ", a difference of ",
        number(evaluation.named_gap(nearest.main, nearest.other, "auroc"), nearest.auroc, "signed"),
        _verdict(nearest, "the simple score" if timed else words.short(nearest.other)),
    ]


def _against_logistic(evaluation: Evaluation) -> list[Child]:
    """Said where the plainer model is not beaten: then nothing speaks for the other one."""
    gap = next((gap for gap in evaluation.differences if gap.other == "logistic"), None)
    if evaluation.unit not in words.TIMED or gap is None or (words.excludes(gap.auroc, 0) and (gap.auroc.value or 0) > 0):
        return []
    told = "ranks better: " if words.excludes(gap.auroc, 0) else "on the same features is not told from it: "
    own = evaluation.row("logistic").auroc
    return ["A logistic regression ", told, number(evaluation.named("logistic", "auroc"), own), ". "]


def _verdict(gap: Difference, other: str) -> str:
    if not words.excludes(gap.auroc, 0):
        return "; the interval holds 0, so this test does not tell them apart. "
    return ". " if (gap.auroc.value or 0) > 0 else f"; {other} ranks better. "


def _first_point(evaluation: Evaluation, points: Sequence[OperatingPoint]) -> list[Child]:
    if not points:
        return []
    point, here = points[0], (evaluation.main, "at", points[0].name)
    said: list[Child] = [
        f"At the threshold {words.quoted(words.spoken(point.name))}{_at(point)}, fixed beforehand, it finds ",
        number(evaluation.named(*here, "sensitivity"), point.sensitivity, "percent"),
        " of the predictions that need finding; " if evaluation.unit in words.TIMED else f" of the {words.plural(words.unit(evaluation.unit))} that have it; ",
        number(evaluation.named(*here, "ppv"), point.ppv, "percent"),
        " of its alerts are true",
    ]
    if point.alerts_per_100_patient_days.value is not None:
        rate = number(evaluation.named(*here, "alerts_per_100_patient_days"), point.alerts_per_100_patient_days, "rate")
        said += [", at ", rate, " alerts per 100 patient-days"]
    return [*said, ". "]


def _at(point: OperatingPoint) -> str:
    return f" ({words.percent(point.threshold)})" if point.threshold is not None else " (each fold its own)"


def _promises(evaluation: Evaluation, found: Calibration | None) -> list[Child]:
    if found is None or found.observed_to_expected.value is None:
        return []
    ratio, said = found.observed_to_expected, words.Vocabulary.of(evaluation).event
    if not words.excludes(ratio, 1):
        judged = f"as many {said}s {'happen' if said == 'event' else 'are there'} as it promises, as far as the interval tells"
    else:
        judged = f"it promises too {'few' if (ratio.value or 0) > 1 else 'many'} {said}s"
    return [f"Observed over expected {said}s is ", number(evaluation.named(evaluation.main, "observed_to_expected"), ratio), f": {judged}."]
