"""The numbers of the test as tables, each cell citing its entry; shared by the model card and the premarket draft.

In        the `Evaluation` (which rows there are, in which words) and the `Book` (every number)
Out       Markdown
"""

from __future__ import annotations

from bedside.dossier.references import Book
from bedside.dossier.writing import plain, table
from bedside.evaluate.records import Evaluation
from bedside.report import words

_POINT = {
    "sensitivity": "percent",
    "specificity": "percent",
    "ppv": "percent",
    "npv": "percent",
    "subject_sensitivity": "percent",
    "alerts_per_100_patient_days": "rate",
}
_PROMISES = {
    "in_the_large": "In the large (log odds; 0 is perfect)",
    "slope": "Slope (1)",
    "observed_to_expected": "Observed / expected (1)",
    "brier": "Brier score (0)",
}


def sizes(evaluation: Evaluation, book: Book) -> str:
    """How much the test rests on."""
    timed, whom = evaluation.unit in words.TIMED, words.plural(words.cluster(evaluation.clusters))
    units = "predictions" if timed else words.plural(words.unit(evaluation.unit))
    parts = {
        "predictions": units,
        "subjects": whom,
        "events": f"{units} {'followed by the event' if timed else 'with the finding'}",
        "event_subjects": f"{whom} with the {'event' if timed else 'finding'}",
    }
    return table(["What", "How many"], [[said, book.number(evaluation.named(key), "count")] for key, said in parts.items()])


def ranking(evaluation: Evaluation, book: Book) -> str:
    """Every output side by side."""
    rows = [
        [
            words.output(row.output),
            book.number(evaluation.named(row.output, "auroc")),
            book.number(evaluation.named(row.output, "auprc")),
            *([book.number(evaluation.named(row.output, "utility")) if evaluation.gained(row.output) else words.NOTHING] if evaluation.utility else []),
        ]
        for row in evaluation.outputs
    ]
    return table(["Output", "AUROC", "Average precision", *(["Utility of hourly alarms"] if evaluation.utility else [])], rows)


def differences(evaluation: Evaluation, book: Book) -> str | None:
    """The model less each other output."""
    gaps = evaluation.differences
    rows = [
        [
            words.output(gap.other),
            book.number(evaluation.named_gap(gap.main, gap.other, "auroc"), "signed"),
            book.number(evaluation.named_gap(gap.main, gap.other, "auprc"), "signed"),
            *([_gap(evaluation, gap.other, book)] if evaluation.utility else []),
        ]
        for gap in gaps
    ]
    head = ["Model less", "AUROC", "Average precision", *(["Utility of hourly alarms"] if evaluation.utility else [])]
    return table(head, rows) if rows else None


def _gap(evaluation: Evaluation, other: str, book: Book) -> str:
    gained = evaluation.gained(other)
    told = gained is not None and gained.gap is not None
    return book.number(evaluation.named_gap(evaluation.main, other, "utility"), "signed") if told else words.NOTHING


def operating(evaluation: Evaluation, book: Book) -> str | None:
    """The model at each threshold: one column a threshold, one row a measure."""
    main = evaluation.row(evaluation.main)
    if not main.operating:
        return None
    shown = {key: form for key, form in _POINT.items() if key != "alerts_per_100_patient_days" or evaluation.unit in words.TIMED}
    rows = [
        [f"{words.spoken(point.name)}: {words.spoken(key)}", book.number(evaluation.named(main.output, "at", point.name, key), form)]
        for point in main.operating
        for key, form in shown.items()
    ]
    return table(["At threshold", "Estimate"], [[plain(label), number] for label, number in rows])


def promises(evaluation: Evaluation, book: Book) -> str | None:
    """Calibration of the model."""
    main = evaluation.row(evaluation.main)
    if main.calibration is None:
        return None
    return table(["Calibration", "Estimate"], [[said, book.number(evaluation.named(main.output, key))] for key, said in _PROMISES.items()])


def subgroups(evaluation: Evaluation, book: Book) -> str | None:
    """The model by sex, age, race and ethnicity, whoever is not recorded included."""
    rows = []
    for part in evaluation.subgroups:
        here = (evaluation.main, "by", part.column, part.level)
        label = f"{words.COLUMNS.get(part.column, part.column)}: {plain(part.level)}"
        patients = book.number(evaluation.named(*here, "subjects"), "count")
        auroc = f"not estimated: {part.note}" if part.note else book.number(evaluation.named(*here, "auroc"))
        ratio = words.NOTHING if part.note else book.number(evaluation.named(*here, "observed_to_expected"))
        rows.append([label, patients, auroc, ratio])
    whom = words.plural(words.cluster(evaluation.clusters)).capitalize()
    return table(["Group", whom, "AUROC", "Observed / expected"], rows) if rows else None


def subgroups_at(evaluation: Evaluation, book: Book) -> str | None:
    """Sensitivity and positive predictive value of each group at each threshold."""
    rows = []
    for part in evaluation.subgroups:
        for point in part.operating:
            here = (evaluation.main, "by", part.column, part.level, "at", point.name)
            label = f"{words.COLUMNS.get(part.column, part.column)}: {plain(part.level)}"
            rows.append(
                [
                    label,
                    plain(words.spoken(point.name)),
                    book.number(evaluation.named(*here, "sensitivity"), "percent"),
                    book.number(evaluation.named(*here, "ppv"), "percent"),
                ]
            )
    return table(["Group", "Threshold", "Sensitivity", "PPV"], rows) if rows else None


def method(evaluation: Evaluation) -> str:
    """How the intervals were made."""
    kinds = dict.fromkeys(row.auroc.method for row in evaluation.outputs if row.auroc.low is not None)
    return f"Intervals are at {100 * evaluation.level:g} %: {'; '.join(kinds)}. {evaluation.note}"
