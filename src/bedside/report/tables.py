"""The two tables of a test: all outputs side by side, and what happens at each threshold.

In        an `Evaluation`
Out       tables; every number with its interval and its name in the ledger
"""

from __future__ import annotations

from bedside.evaluate.figures import SHARES
from bedside.evaluate.records import Evaluation, OperatingPoint, OutputRow
from bedside.report import words
from bedside.report.document import counted, number, table, table_row
from bedside.report.forest import swatch
from bedside.report.markup import Child, Markup, element, join

_HEADS = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "subject_sensitivity": "Patients found",
    "alerts_per_100_patient_days": "Alerts per 100 patient-days",
    "net_benefit": "Net benefit",
}
_FORMS = {"alerts_per_100_patient_days": "rate", "net_benefit": "decimal"}


def comparison(evaluation: Evaluation) -> Markup:
    """The model and all that stands beside it, the best ranking first after the model."""
    others = sorted((row for row in evaluation.outputs if row.output != evaluation.main), key=lambda row: -(row.auroc.value or 0))
    rows = [_output(row, evaluation) for row in (evaluation.row(evaluation.main), *others)]
    head: list[Child] = ["Output", "n", "AUROC", "DeLong interval", "Average precision", "Brier score"]
    head += ["Utility"] if evaluation.utility else []
    said = "Average precision by chance is the base rate. A score that is no probability has no Brier score."
    return table(head, rows, numbers=frozenset({1}), caption=said, slim="outputs")


def operating(evaluation: Evaluation) -> Markup:
    """Every output that has thresholds, at each of them."""
    shown = [share for share in SHARES if share in _HEADS and _known(evaluation, share)]
    found = f"{words.plural(words.cluster(evaluation.clusters)).capitalize()} found"
    head: list[Child] = ["Threshold", "Alerts", *(found if share == "subject_sensitivity" else _HEADS[share] for share in shown)]
    rows: list[Markup] = []
    for output in (row for row in evaluation.outputs if row.operating):
        rows.append(element("tr", element("th", words.output(output.output), colspan=len(head), scope="rowgroup"), class_="group"))
        rows += [_point(evaluation, output.output, point, shown) for point in output.operating]
    return table(head, rows, numbers=frozenset({1}), caption=_caption(evaluation))


def _output(row: OutputRow, evaluation: Evaluation) -> Markup:
    main = row.output == evaluation.main
    brier = number(evaluation.named(row.output, "brier"), row.calibration.brier, apart=True) if row.calibration else words.NOTHING
    cells: list[Child] = [
        join([swatch(row.output, main=main, among=[one.output for one in evaluation.outputs]), words.output(row.output)]),
        words.count(row.counts.predictions),
        number(evaluation.named(row.output, "auroc"), row.auroc, apart=True),
        words.interval(row.auroc_delong),
        number(evaluation.named(row.output, "auprc"), row.auprc, apart=True),
        brier,
        *([_utility(row.output, evaluation)] if evaluation.utility else []),
    ]
    return table_row(cells, numbers=frozenset({1}), kind="first" if main else None)


def _utility(output: str, evaluation: Evaluation) -> Child:
    """What its alarms are worth, and how many they are."""
    if (gained := evaluation.gained(output)) is None:
        return words.NOTHING
    alarms = element("span", f"{words.count(gained.alarms)} alarms", class_="ci")
    return join([number(evaluation.named(output, "utility"), gained.utility, apart=True), alarms])


def _point(evaluation: Evaluation, output: str, point: OperatingPoint, shown: list[str]) -> Markup:
    here = (output, "at", point.name)
    called = join([words.spoken(point.name), element("span", _at(point), class_="ci")])
    cells: list[Child] = [called, counted(evaluation.named(*here, "alerts"), point.alerts)]
    for share in shown:
        estimate = getattr(point, share)
        cells.append(number(evaluation.named(*here, share), estimate, _FORMS.get(share, "percent"), apart=True) if estimate else words.NOTHING)
    return table_row(cells, numbers=frozenset({1}))


def _at(point: OperatingPoint) -> str:
    if point.threshold is None:
        low, high = min(point.by_split.values()), max(point.by_split.values())
        return f"{words.percent(low)} to {words.percent(high)}, by fold"
    return f"risk ≥ {words.percent(point.threshold)}" if 0 < point.threshold < 1 else ""


def _known(evaluation: Evaluation, share: str) -> bool:
    points = [point for row in evaluation.outputs for point in row.operating]
    return any((estimate := getattr(point, share)) is not None and estimate.value is not None for point in points)


def _caption(evaluation: Evaluation) -> str:
    days = f" over {words.count(round(evaluation.patient_days))} patient-days" if evaluation.patient_days else ""
    if evaluation.unit not in words.TIMED:
        units, whom = words.many(evaluation.counts.predictions, words.unit(evaluation.unit)), words.plural(words.cluster(evaluation.clusters))
        return f"Thresholds fixed before the test; {units}. {whom.capitalize()} found: share of {whom} with the finding in whom it was called at least once."
    return (
        f"Thresholds fixed before the test; {words.count(evaluation.counts.predictions)} predictions{days}. "
        "Every prediction at or above the threshold counts as an alert; repeats are not silenced. "
        "Patients found: share of patients with the event who had an alert while it lay ahead."
    )
