"""Where the records went: a spine of counts from raw file to test, and each source accounted for.

In        tallies (core.accounts) as dicts, one per file; stages (label, count) further down the path
Out       read = written + merged + ignored + quarantined, drawn to scale, with every reason in the table behind
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bedside.report import words
from bedside.report.document import behind, plotted, table, table_row
from bedside.report.markup import Child, Markup, element, join

FATES = ("written", "merged", "ignored", "quarantined")
_SAID = {
    "written": "written",
    "merged": "merged (seen before)",
    "ignored": "ignored (declared)",
    "quarantined": "quarantined (broken)",
}
_WIDTH, _SEEN = 560, 8.0


def spine(stages: Sequence[tuple[str, int]]) -> Markup:
    """The path as a row of counts; on a phone it runs down the page."""
    return element(
        "ol", [element("li", element("b", words.count(many)), element("span", label)) for label, many in stages], class_="spine"
    )


def by_source(tallies: Sequence[Mapping[str, object]]) -> dict[str, Counter[str]]:
    """Records read and what became of them, source by source."""
    found: dict[str, Counter[str]] = {}
    for tally in tallies:
        sums = found.setdefault(str(tally["source"]), Counter())
        sums.update({"files": 1, "read": _whole(tally["read"]), "written": _whole(tally["written"])})
        sums.update({fate: sum(_reasons(tally, fate).values()) for fate in FATES[1:]})
    return found


def accounts(tallies: Sequence[Mapping[str, object]]) -> Markup:
    """The table of sources: counts, a bar to scale, whether they add up, and the reasons behind."""
    sources = by_source(tallies)
    rows = [_source(name, sums) for name, sums in sources.items()]
    total = sum(sources.values(), Counter())
    rows.append(_source("All", total, kind="first"))
    head: list[Child] = ["Source", "Files", "Read", "Written", "Merged", "Ignored", "Quarantined", "What became of them"]
    made = table(
        head,
        rows,
        numbers=frozenset(range(1, 7)),
        caption="A record is a resource, message, row, note or image; each is counted once.",
    )
    return join([plotted(made), _legend(), _verdict(sources), _why(tallies)])


def _source(called: str, sums: Counter[str], kind: str | None = None) -> Markup:
    cells: list[Child] = [called, *(words.count(sums[key]) for key in ("files", "read", *FATES)), _bar(sums)]
    return table_row(cells, numbers=frozenset(range(1, 7)), kind=kind)


def _bar(sums: Counter[str]) -> Markup:
    left, drawn = 0.0, []
    wide = {fate: max(_SEEN, _WIDTH * sums[fate] / max(1, sums["read"])) if sums[fate] else 0.0 for fate in FATES}
    squeeze = _WIDTH / (sum(wide.values()) or 1)
    for fate in FATES:
        if sums[fate]:
            drawn.append(element("rect", x=left, y=4, width=wide[fate] * squeeze, height=16, class_=f"k-{fate}"))
        left += wide[fate] * squeeze
    said = ", ".join(f"{_SAID[fate]} {words.count(sums[fate])}" for fate in FATES if sums[fate]) or "nothing read"
    return element(
        "svg",
        element("title", said),
        drawn,
        viewBox=f"0 0 {_WIDTH} 24",
        role="img",
        xmlns="http://www.w3.org/2000/svg",
        preserveAspectRatio="none",
    )


def _legend() -> Markup:
    square = {
        fate: element("svg", element("rect", width=12, height=12, class_=f"k-{fate}"), viewBox="0 0 12 12", aria_hidden="true")
        for fate in FATES
    }
    return element("ul", [element("li", square[fate], _SAID[fate]) for fate in FATES], class_="legend")


def _verdict(sources: Mapping[str, Counter[str]]) -> Markup:
    wrong = [name for name, sums in sources.items() if sums["read"] != sum(sums[fate] for fate in FATES)]
    if wrong:
        said = f"Counts do not add up in: {', '.join(wrong)}. This is a defect; do not use these results."
        return element("p", said, class_="banner")
    return element(
        "p", "Every record is accounted for: read = written + merged + ignored + quarantined, file by file.", class_="quiet"
    )


def _why(tallies: Sequence[Mapping[str, object]]) -> Markup:
    reasons: Counter[tuple[str, str, str]] = Counter()
    for tally in tallies:
        for fate in FATES[1:]:
            for reason, many in _reasons(tally, fate).items():
                reasons[(str(tally["source"]), fate, reason)] += many
    if not reasons:
        return Markup()
    rows = [
        table_row([source, fate, words.spoken(reason), words.count(many)], numbers=frozenset({3}))
        for (source, fate, reason), many in sorted(reasons.items())
    ]
    return behind("Reasons", table(["Source", "Became", "Reason", "Records"], rows, numbers=frozenset({3})))


def _reasons(tally: Mapping[str, object], fate: str) -> dict[str, int]:
    table_of = tally.get(fate) or {}
    return {str(reason): _whole(many) for reason, many in table_of.items()} if isinstance(table_of, Mapping) else {}


def _whole(number: object) -> int:
    return int(str(number))
