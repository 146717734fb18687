"""The data-quality page of `bedside check`: what was read, what is odd about it, what was set aside.

In        a `Quality` record (lake.quality)
Out       self-contained HTML: counts, shares and quantiles, never the value of one patient
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bedside.report import flow, words
from bedside.report.document import banners, document, facts, paragraph, plotted, section, table, table_row
from bedside.report.markup import Child, Markup, element, join

if TYPE_CHECKING:
    from bedside.lake.quality import CodeUse, Oddity, Quality

_WIDTH, _HEIGHT = 240, 24


def quality_page(quality: Quality, *, made: bool = False) -> str:
    """The whole page."""
    title = f"Data quality: {quality.name}" if quality.name else "Data quality"
    return document(
        title,
        paragraph("Data quality · Bedside", kind="kind"),
        element("h1", title),
        banners(made or quality.made),
        _lead(quality),
        section(
            "flow",
            "Where the records went",
            flow.spine(_stages(quality)),
            flow.accounts(msgspec.to_builtins(quality.sources)),
            _twice(quality),
        ),
        section("odd", "What is odd", _oddities(quality.oddities)),
        section("broken", "Set aside as broken", _broken(quality)) if quality.quarantine else None,
        section("problems", "Noticed in reading", _problems(quality.problems)) if quality.problems else None,
        section("codes", "What was measured most", _codes(quality.top)) if quality.top else None,
        element(
            "footer",
            "Counts, shares and quantiles only; no value of a single patient. Made by Bedside from the lake's own records.",
        ),
    )


def _lead(quality: Quality) -> Markup:
    odd = [oddity for oddity in quality.oddities if oddity.count]
    said = (
        f"{words.count(quality.events)} events of {words.count(quality.subjects)} patients in {words.count(quality.codes)} codes. "
        f"{'Every record read is accounted for. ' if quality.reconciled else 'Counts do not add up: this is a defect. '}"
        f"{len(odd)} of {len(quality.oddities)} things looked for were found."
    )
    return join(
        [paragraph(said, kind="lead"), facts(("First time", quality.first), ("Last time", quality.last), _dates_note(quality))]
    )


def _dates_note(quality: Quality) -> tuple[str, Child]:
    return "Times", "shifted per patient by whole weeks, if the policy shifts them" if quality.first else None


def _stages(quality: Quality) -> list[tuple[str, int]]:
    read, written = (sum(getattr(tally, key) for tally in quality.sources) for key in ("read", "written"))
    return [
        ("records read", read),
        ("written", written),
        ("events", quality.events),
        ("patients", quality.subjects),
        ("notes", quality.notes),
        ("images", quality.images),
    ]


def _twice(quality: Quality) -> Markup | None:
    if not quality.merged_facts:
        return None
    told = ", ".join(f"{source} {words.count(many)}" for source, many in quality.merged_facts.items())
    return paragraph(f"Facts that another feed had told already, merged into one: {told}.", kind="quiet")


def _oddities(oddities: list[Oddity]) -> Markup:
    rows = [_oddity(oddity) for oddity in sorted(oddities, key=lambda oddity: (-bool(oddity.count), -oddity.share, oddity.name))]
    return table(["Looked for", "Found", "Of", "Share", "Why it matters"], rows, numbers=frozenset({1, 2, 3}))


def _oddity(oddity: Oddity) -> Markup:
    share = words.percent(oddity.share) if oddity.of else words.NOTHING
    tiny = "< 0.1 %" if 0 < oddity.share < 0.0005 else share
    kind = "first" if oddity.count else None
    cells: list[Child] = [oddity.name.capitalize(), words.count(oddity.count), words.count(oddity.of), tiny, oddity.matters]
    return table_row(cells, numbers=frozenset({1, 2, 3}), kind=kind)


def _broken(quality: Quality) -> Markup:
    rows = [
        table_row([one.source, one.step, words.spoken(one.reason), words.count(one.records)], numbers=frozenset({3}))
        for one in quality.quarantine
    ]
    said = "The records lie in quarantine under pseudonymous names, with place and reason."
    return table(["Source", "Step", "Reason", "Records"], rows, numbers=frozenset({3}), caption=said)


def _problems(problems: dict[str, int]) -> Markup:
    rows = [table_row([words.spoken(reason), words.count(many)], numbers=frozenset({1})) for reason, many in problems.items()]
    return table(["Noticed", "Times"], rows, numbers=frozenset({1}))


def _codes(top: list[CodeUse]) -> Markup:
    rows = [_code(use) for use in top]
    head: list[Child] = [
        "Code",
        "Events",
        "Patients",
        "Without value",
        "Units",
        "1 to 99 %, middle half, median",
        "Median",
        "Implausible",
    ]
    said = "Each bar has its own scale, from the 1st to the 99th percentile. Below 20 values nothing is drawn."
    return plotted(table(head, rows, numbers=frozenset({1, 2, 3, 6, 7}), caption=said))


def _code(use: CodeUse) -> Markup:
    label = join([use.description, element("span", use.code, class_="ci")]) if use.description else use.code
    units = ", ".join(f"{unit} {words.count(many)}" if len(use.units) > 1 else unit for unit, many in use.units.items())
    cells: list[Child] = [
        label,
        words.count(use.events),
        words.count(use.subjects),
        words.percent(use.missing, 0),
        units,
        _spread(use),
        words.NOTHING if use.median is None else f"{use.median:g}",
        words.NOTHING if use.implausible is None else words.count(use.implausible),
    ]
    return table_row(cells, numbers=frozenset({1, 2, 3, 6, 7}))


def _spread(use: CodeUse) -> Child:
    """A box from the 25th to the 75th percentile on a line from the 1st to the 99th."""
    if use.q01 is None or use.q25 is None or use.median is None or use.q75 is None or use.q99 is None or use.q99 <= use.q01:
        return words.NOTHING
    low, wide = use.q01, use.q99 - use.q01
    at = {
        key: 4 + (value - low) / wide * (_WIDTH - 8) for key, value in (("q25", use.q25), ("median", use.median), ("q75", use.q75))
    }
    middle = _HEIGHT / 2
    said = f"1st percentile {use.q01:g}, quartiles {use.q25:g} and {use.q75:g}, median {use.median:g}, 99th percentile {use.q99:g}"
    return element(
        "svg",
        element("title", said),
        element("line", x1=4, x2=_WIDTH - 4, y1=middle, y2=middle, class_="axis"),
        element("rect", x=at["q25"], width=max(1.0, at["q75"] - at["q25"]), y=middle - 6, height=12, class_="bar"),
        element("line", x1=at["median"], x2=at["median"], y1=middle - 7, y2=middle + 7, class_="whisker"),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        xmlns="http://www.w3.org/2000/svg",
    )
