"""The monitor's page: what the service saw and said, window by window, against what it was trained on.

In        a `MonitorReport` (bedside.monitor.report), known here by type only
Out       self-contained HTML: what to look at first, then burden, drift, promises; never a patient
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from bedside.report import words
from bedside.report.chart import Chart, ceiling
from bedside.report.document import banners, document, drawn, facts, number, numbers_behind, paragraph, section, table, table_row
from bedside.report.markup import Child, Markup, element, join

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bedside.monitor.drift import Drift
    from bedside.monitor.report import MonitorReport, Promises, Window

_LOOK, _ACT = 0.1, 0.25  # Siddiqi's rule of thumb for the population stability index
_SHOWN = 40
_HEAD: list[Child] = ["Input", "PSI", "By chance", "Missing then", "Missing now", "Drifted"]


def monitor_page(found: MonitorReport, *, title: str) -> str:
    """The whole page."""
    return document(
        f"Monitoring: {title}",
        paragraph("Monitoring · Bedside", kind="kind"),
        element("h1", f"Monitoring: {title}"),
        banners(found.made),
        _lead(found),
        section("findings", "What to look at", _findings(found)),
        section("burden", "How often the service spoke up", _burden(found)),
        section("promises", "Were its promises kept?", _promises(found.whole.promises, found.unlabelled)),
        section("drift", "Has the input moved?", _risk(found), _inputs(found.whole)),
        section("left-out", "Lines of the log left out", _left_out(found)) if found.left_out else None,
        element("footer", "Compared with the sketch of the training data inside the bundle: quantile bins and counts, no patient's values."),
    )  # fmt: skip


def _lead(found: MonitorReport) -> Markup:
    told, many = found.whole.burden, len(found.findings)
    seen = "nothing to look at" if not many else f"{many} thing{'s' * (many > 1)} to look at"
    said = (
        f"{words.count(told.predictions)} predictions of {words.count(told.encounters)} encounters, "
        f"{told.alerts_per_100_patient_days:.1f} alerts per 100 patient-days: {seen}."
    )
    if not found.whole.judged:
        said += " There are too few encounters to judge drift."
    return join([paragraph(said, kind="lead"), facts(("From", found.whole.start), ("To", found.whole.end), ("Bundle", found.bundle))])


def _findings(found: MonitorReport) -> Markup:
    if not found.findings:
        return paragraph("Nothing drifted beyond the limits, and no promise was broken beyond chance.")
    return table(["Where", "What"], [table_row([one.window, one.what]) for one in found.findings])


def _burden(found: MonitorReport) -> Markup:
    told = found.whole.burden
    rows = [
        ("Predictions", words.count(told.predictions)),
        ("Encounters", words.count(told.encounters)),
        ("Patient-days watched", f"{told.patient_days:,.1f}"),
        ("Alerts", words.count(told.alerts)),
        ("Encounters with an alert", words.count(told.alerted_encounters)),
        ("Alerts per 100 patient-days", f"{told.alerts_per_100_patient_days:.1f}"),
    ]
    whole = table(["Whole log", ""], [table_row([*row], numbers=frozenset({1})) for row in rows], numbers=frozenset({1}))
    if len(found.windows) < 2:
        return whole
    picture = _over_time(
        "burden", "Alerts per 100 patient-days", found.windows, lambda one: one.burden.alerts_per_100_patient_days,
        "Alerts per 100 patient-days, window by window; every prediction at or above the threshold counts, repeats too.", unit="per 100 patient-days",
    )  # fmt: skip
    return join([whole, picture])


def _risk(found: MonitorReport) -> Markup:
    score = found.whole.score
    said = (
        f"Population stability index of the risk over the whole log: {words.decimal(score.psi)}. Below {_LOOK:g} is usual, "
        f"{_ACT:g} and above asks for action. An input counts as drifted only when chance alone would hardly give as much "
        "(less than 1 in 1,000, counting encounters, since the hours of one stay repeat each other)."
    )
    if len(found.windows) < 2:
        return paragraph(said)
    picture = _over_time(
        "risk", "Drift of the risk", found.windows, lambda one: one.score.psi, "Population stability index of the risk, "
        "window by window; the lines are the trade's limits to look and to act. A window of few encounters moves by chance.",
        unit="PSI", limits=(("look", _LOOK), ("act", _ACT)),
    )  # fmt: skip
    return join([paragraph(said), picture])


def _over_time(
    key: str, title: str, windows: Sequence[Window], worth: Callable[[Window], float | None], caption: str, *, unit: str,
    limits: tuple[tuple[str, float], ...] = (),
) -> Markup:  # fmt: skip
    """One point a window, at the day it starts; windows too small to judge are in the table and the line alike."""
    told = [(date.fromisoformat(one.start[:10]).toordinal(), worth(one), one) for one in windows]
    points = [(day, value) for day, value, _ in told if value is not None]
    first, last = told[0][0], max(told[-1][0], told[0][0] + 1)
    top = ceiling(1.1 * max([value for _, value in points] + [level for _, level in limits] + [0.01]))
    chart = Chart(
        f"monitor-{key}", title, caption, x=(first, last), y=(0, top), x_label="Window from", y_label=title,
        x_say=lambda day: date.fromordinal(round(day)).isoformat()[2:], y_say=lambda value: f"{value:g}", width=660, height=300,
    )  # fmt: skip
    for said, level in limits:
        chart.rule((first, last), (level, level))
        chart.text(first, level, said, shift=(4, -4))
    chart.curve([day for day, _ in points], [value for _, value in points], "main risk")
    for day, value in points:
        chart.point(day, value, None, None)
    rows = [[f"{one.start[:10]} to {one.end[:10]}", words.count(one.burden.encounters), words.decimal(value), _judged(one)] for _, value, one in told]
    behind = numbers_behind(["Window", "Encounters", unit, "Inputs drifted"], rows)
    return drawn(chart.key, chart.svg(), f"monitor/{key}", caption, behind)


def _judged(window: Window) -> str:
    return words.count(sum(one.drifted for one in window.features)) if window.judged else "too few to judge"


def _promises(promises: Promises | None, unlabelled: int | None) -> Markup:
    if promises is None:
        return paragraph("No outcome is known yet: give them with --labels once they are.")
    rows = [
        table_row([said, number(f"monitor/{key}", one), words.count(one.n), one.method])
        for said, key, one in (
            ("Observed over expected", "observed_to_expected", promises.observed_to_expected),
            ("Calibration slope", "slope", promises.slope),
            ("AUROC", "auroc", promises.auroc),
        )
    ]
    unknown = f" {words.count(unlabelled)} predictions have no known outcome yet." if unlabelled else ""
    said = f"{words.count(promises.events)} of {words.count(promises.labelled)} labelled predictions had the event.{unknown}"
    return join([paragraph(said), table(["Measure", "Value", "n", "Method"], rows, numbers=frozenset({2}))])


def _inputs(window: Window) -> Markup:
    """Every input, the most moved first."""
    ordered = sorted(window.features, key=lambda one: (not one.drifted, -(one.psi or 0), one.name))
    rows = [_input(one) for one in ordered[:_SHOWN]]
    more = len(ordered) - len(rows)
    caption = f"The {len(rows)} inputs that moved most, whole log" + (f"; {more} more moved less." if more else ".")
    return table(_HEAD, rows, numbers=frozenset({1, 2, 3, 4}), caption=caption)


def _input(one: Drift) -> Markup:
    chance = "below 0.1 %" if one.chance < 0.001 else words.percent(one.chance)
    missing = [words.percent(share, 0) for share in (one.missing_then, one.missing_now)]
    return table_row([one.name, words.decimal(one.psi), chance, *missing, one.why or "no"], numbers=frozenset({1, 2, 3, 4}))


def _left_out(found: MonitorReport) -> Markup:
    rows = [table_row([reason, words.count(many)], numbers=frozenset({1})) for reason, many in sorted(found.left_out.items())]
    return table(["Reason", "Lines"], rows, numbers=frozenset({1}))
