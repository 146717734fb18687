"""What was asked, read off the study's declaration: outcome, horizon, patients, signals, split, thresholds.

In        study.toml as a dict (parts may be missing), the `Test`
Out       a list of facts; what is not declared is left out
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bedside.evaluate.judged import FoundEvaluation, FoundPoint, Test, Unjudged
from bedside.evaluate.records import Evaluation, OperatingPoint
from bedside.report import words
from bedside.report.document import facts
from bedside.report.markup import Markup
from bedside.report.prose import dig, outcome_name

_NAMED_SIGNALS = 12
_BY = {"subject": "by patient", "site": "by site", "scaffold": "by scaffold", "cluster": "by cluster of likeness", "time": "by time",
       "random": "at random", "declared": "as the data declare"}  # fmt: skip


def asked(study: Mapping[str, object], test: Test, unseen: Sequence[str] = ()) -> Markup:
    """The question that the test answers; `unseen` are declared signals of which the data hold no value."""
    absent = [("Declared, but without any value here", ", ".join(map(words.spoken, unseen)))] if unseen else []
    tested = [*absent, *_tested(test)]
    return facts(*declared(study, test), *tested)


def declared(study: Mapping[str, object], test: Test) -> list[tuple[str, str]]:
    """Names and what the study declares for them, in plain text; what is not declared is left out."""
    only = test.only.result if test.only else None
    pairs = [
        ("Predicted", outcome_name(study, only) if isinstance(only, Evaluation) else _targets(test)),
        ("Counts as the event", _codes(study)),
        ("Horizon", _horizon(study)),
        ("Predicted when", _when(study)),
        ("One decision is about", None if test.unit in words.TIMED else f"one {words.unit(test.unit)}"),
        ("Of whom", _whom(study)),
        ("Seen by the model", _seen(study)),
        ("Divided", _divided(study)),
        ("De-identified", _said(dig(study, "deidentify", "policy"))),
        ("Thresholds", _thresholds(test)),
        ("Intended use, as declared", _said(dig(study, "claims", "intended_use"))),
    ]
    return [(name, said) for name, said in pairs if said]


def _targets(test: Test) -> str:
    units = ((one.called, words.measured_in(one.target.unit)) for one in test.sections)
    return ", ".join(f"{called} ({unit})" if unit else called for called, unit in units)


def _tested(test: Test) -> list[tuple[str, str]]:
    result = test.only.result if test.only else next((one.result for one in test.sections if not isinstance(one.result, Unjudged)), None)
    if result is None or isinstance(result, Unjudged):
        return []
    told = [("Intervals", f"{100 * result.level:g} %. {result.note}")]
    if not test.only:
        return told
    if not isinstance(result, Evaluation):
        units = words.many(result.counts.units, words.unit(result.unit))
        of = words.of_whom(result.clusters, result.counts.clusters, result.counts.units)
        return [("Tested on", units + of), *told]
    held, timed = result.counts, result.unit in words.TIMED
    said, whom = ("predictions" if timed else words.plural(words.unit(result.unit))), words.plural(words.cluster(result.clusters))
    return [("Tested on", f"{words.count(held.predictions)} {said} of {words.count(held.subjects)} {whom}; {words.count(held.events)} "
             f"{'followed by the event' if timed else 'with the finding'}, in {words.count(held.event_subjects)} {whom}"), *told]  # fmt: skip


def _thresholds(test: Test) -> str:
    told = []
    for one in test.sections:
        result = one.result
        points = result.row(result.main).operating if isinstance(result, Evaluation) else result.operating if isinstance(result, FoundEvaluation) else []
        said = "; ".join(_threshold(point) for point in points)
        told += [said if test.only else f"{one.called}: {said}"] if said else []
    return "; ".join(told)


def _codes(study: Mapping[str, object]) -> str | None:
    codes, least = dig(study, "task", "outcome", "codes"), dig(study, "task", "outcome", "at_least")
    if not isinstance(codes, list) or not codes:
        return None
    return ", ".join(map(str, codes)) + (f" at or above {least}" if least is not None else "")


def _horizon(study: Mapping[str, object]) -> str | None:
    end = dig(study, "task", "outcome", "to_hours")
    return (
        None
        if end is None
        else f"from {_hours(dig(study, 'task', 'outcome', 'from_hours') or 0)} to {_hours(end)} hours after the prediction"
    )


def _when(study: Mapping[str, object]) -> str | None:
    first, every = (dig(study, "task", "prediction", key) for key in ("first_hours", "every_hours"))
    if first is None or every is None:
        return None
    if dig(study, "task", "prediction", "unit") == "admission":
        return f"once per admission, {_hours(first)} h after it began"
    return f"every {_hours(every)} h from {_hours(first)} h after the encounter began, until it ended"


def _whom(study: Mapping[str, object]) -> str | None:
    least = dig(study, "task", "exclude_ages_below")
    return None if least is None else f"patients of {_hours(least)} years and over"


def _seen(study: Mapping[str, object]) -> str | None:
    signals = dig(study, "task", "features", "signals")
    if not isinstance(signals, list):
        return None
    named = ", ".join(words.spoken(str(dig(signal, "name"))) for signal in signals[:_NAMED_SIGNALS])
    return f"{len(signals)} signals known before the prediction: {named}{', …' if len(signals) > _NAMED_SIGNALS else ''}"


def _divided(study: Mapping[str, object]) -> str | None:
    split = dig(study, "task", "split")
    if split is None:
        return None
    folds, seed, by = dig(split, "folds"), dig(split, "seed"), _BY.get(str(dig(split, "by") or "subject"), "by patient")
    if folds:
        whose = "patient" if by == "by patient" else "case"
        return f"{by} into {folds} folds (seed {seed}); each prediction is by a model that never saw the {whose}"
    if by == _BY["declared"]:
        return by
    return f"{by}: {words.percent(float(str(dig(split, 'test_fraction') or 0)), 0)} held out as the test (seed {seed})"


def _threshold(point: OperatingPoint | FoundPoint) -> str:
    if point.threshold is None:
        at = "its own value in each fold"
    else:
        at = words.percent(point.threshold) if isinstance(point, OperatingPoint) else words.size(point.threshold)
    return f"{words.spoken(point.name)} at {at}"


def _hours(number: object) -> str:
    return f"{number:g}" if isinstance(number, (int, float)) else str(number)


def _said(value: object) -> str | None:
    return None if value is None else str(value)
