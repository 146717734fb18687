"""What was asked, read off the study's declaration: outcome, horizon, patients, signals, split, thresholds.

In        study.toml as a dict (parts may be missing), the `Evaluation`
Out       a list of facts; what is not declared is left out
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bedside.evaluate.records import Evaluation, OperatingPoint
from bedside.report import words
from bedside.report.document import facts
from bedside.report.markup import Markup
from bedside.report.prose import dig, outcome_name

_NAMED_SIGNALS = 12


def asked(study: Mapping[str, object], evaluation: Evaluation, unseen: Sequence[str] = ()) -> Markup:
    """The question that the test answers; `unseen` are declared signals of which the data hold no value."""
    absent = [("Declared, but without any value here", ", ".join(map(words.spoken, unseen)))] if unseen else []
    tested = [*absent, ("Tested on", _tested(evaluation)), ("Intervals", f"{100 * evaluation.level:g} %. {evaluation.note}")]
    return facts(*declared(study, evaluation), *tested)


def declared(study: Mapping[str, object], evaluation: Evaluation) -> list[tuple[str, str]]:
    """Names and what the study declares for them, in plain text; what is not declared is left out."""
    pairs = [
        ("Predicted", outcome_name(study, evaluation)),
        ("Counts as the event", _codes(study)),
        ("Horizon", _horizon(study)),
        ("Predicted when", _when(study)),
        ("Of whom", _whom(study)),
        ("Seen by the model", _seen(study)),
        ("Divided", _divided(study)),
        ("De-identified", _said(dig(study, "deidentify", "policy"))),
        ("Thresholds", "; ".join(_threshold(point) for point in evaluation.row(evaluation.main).operating)),
        ("Intended use, as declared", _said(dig(study, "claims", "intended_use"))),
    ]
    return [(name, said) for name, said in pairs if said]


def _tested(evaluation: Evaluation) -> str:
    held = evaluation.counts
    return (
        f"{words.count(held.predictions)} predictions of {words.count(held.subjects)} patients; "
        f"{words.count(held.events)} followed by the event, in {words.count(held.event_subjects)} patients"
    )


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
    folds, seed = dig(split, "folds"), dig(split, "seed")
    if folds:
        return f"by patient into {folds} folds (seed {seed}); each prediction is by a model that never saw the patient"
    return f"by patient: {words.percent(float(str(dig(split, 'test_fraction') or 0)), 0)} held out as the test (seed {seed})"


def _threshold(point: OperatingPoint) -> str:
    at = words.percent(point.threshold) if point.threshold is not None else "its own value in each fold"
    return f"{words.spoken(point.name)} at {at}"


def _hours(number: object) -> str:
    return f"{number:g}" if isinstance(number, (int, float)) else str(number)


def _said(value: object) -> str | None:
    return None if value is None else str(value)
