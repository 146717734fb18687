"""Tables whose rows carry their interval as a small picture: subgroups, differences, splits.

In        rows of an `Evaluation`
Out       a table: text, and a bar from low to high with the value as a square; n always shown
"""

from __future__ import annotations

from collections.abc import Sequence

from bedside.evaluate.records import Estimate, Evaluation, SplitRow, SubgroupRow
from bedside.report import words
from bedside.report.chart import kind_of, ticks
from bedside.report.document import counted, number, plotted, table, table_row
from bedside.report.markup import Child, Markup, element

_WIDTH, _HEIGHT, _EDGE = 240, 24, 6
_N = frozenset({1, 2, 3})


class Scale:
    """A shared axis for the small pictures of one table."""

    def __init__(self, estimates: Sequence[Estimate], *, reference: float | None) -> None:
        ends = [end for one in estimates for end in (one.low, one.high, one.value) if end is not None] or [reference or 0.0]
        ends += [] if reference is None else [reference]
        low, high = min(ends), max(ends)
        room = 0.04 * ((high - low) or 1)
        self.low, self.high, self.reference = low - room, high + room, reference

    def at(self, number: float) -> float:
        return _EDGE + (number - self.low) / (self.high - self.low) * (_WIDTH - 2 * _EDGE)

    def bar(self, estimate: Estimate, said: str, *, whole: Estimate | None = None) -> Markup:
        """One interval; the dashed line is the reference, the thin one the whole sample."""
        middle = _HEIGHT / 2
        drawn = [] if self.reference is None else [self._upright(self.reference, "ref")]
        if whole is not None and whole.value is not None:
            drawn.append(self._upright(whole.value, "grid"))
        if estimate.low is not None and estimate.high is not None:
            drawn.append(
                element("line", x1=self.at(estimate.low), x2=self.at(estimate.high), y1=middle, y2=middle, class_="whisker")
            )
        if estimate.value is not None:
            drawn.append(element("rect", x=self.at(estimate.value) - 4, y=middle - 4, width=8, height=8, class_="mark"))
        return _svg(said, drawn, _HEIGHT)

    def axis(self, form: str = "decimal") -> Markup:
        """The numbers under the column."""
        wide = self.high - self.low
        digits = 0 if wide > 20 else 1 if wide > 0.3 else 2 if wide > 0.02 else 4
        marks = [mark for mark in ticks(self.low, self.high, wanted=6) if _EDGE + 12 < self.at(mark) < _WIDTH - _EDGE - 12]
        drawn = [
            element(
                "text",
                f"{mark:+.{digits}f}".replace("-", "−") if form == "signed" else f"{mark:.{digits}f}",
                x=self.at(mark),
                y=12,
                text_anchor="middle",
                class_="soft",
            )
            for mark in marks
        ]
        return _svg("scale", drawn, 16)

    def _upright(self, number: float, kind: str) -> Markup:
        return element("line", x1=self.at(number), x2=self.at(number), y1=0, y2=_HEIGHT, class_=kind)


def subgroups(evaluation: Evaluation) -> Markup:
    """Ranking and promises by sex, age, race and ethnicity."""
    rows, main, said = evaluation.subgroups, evaluation.row(evaluation.main), words.Vocabulary.of(evaluation)
    scale = Scale([main.auroc, *(row.auroc for row in rows)], reference=0.5)
    lines = [_whole(evaluation, scale)]
    for column in dict.fromkeys(row.column for row in rows):
        lines.append(
            element(
                "tr", element("th", words.COLUMNS.get(column, words.spoken(column)), colspan=7, scope="rowgroup"), class_="group"
            )
        )
        lines += [_subgroup(evaluation, row, scale, main.auroc) for row in rows if row.column == column]
    lines.append(table_row(["", "", "", "", "", scale.axis(), ""], kind="axis"))
    return plotted(
        table(
            ["Group", *said.heads, "AUROC", "AUROC, drawn", "Observed / expected"],
            lines,
            numbers=_N,
            slim="groups",
            caption=f"Intervals at {100 * evaluation.level:g} %; dashed: chance; thin: all {said.clusters}.",
        )
    )


def differences(evaluation: Evaluation) -> Markup:
    """The model less each other output, on the predictions that both made."""
    gaps = evaluation.differences
    scale = Scale([gap.auroc for gap in gaps], reference=0.0)
    lines = [
        table_row(
            [
                words.output(gap.other),
                words.count(gap.auroc.n),
                number(evaluation.named_gap(gap.main, gap.other, "auroc"), gap.auroc, "signed", apart=True),
                scale.bar(gap.auroc, words.with_interval(gap.auroc, "signed")),
                number(evaluation.named_gap(gap.main, gap.other, "auprc"), gap.auprc, "signed", apart=True),
                _p(gap.delong_p),
                *([_gap_in_utility(evaluation, gap.other)] if evaluation.utility else []),
            ],
            numbers=frozenset({1}),
        )
        for gap in gaps
    ]
    lines.append(table_row(["", "", "", scale.axis("signed"), "", "", *([""] if evaluation.utility else [])], kind="axis"))
    head: list[Child] = ["Model less …", "n", "AUROC", "AUROC, drawn", "Average precision", "DeLong p*"]
    head += ["Utility"] if evaluation.utility else []
    note = "* DeLong takes rows for independent: too small where a subject has several" if evaluation.clustered else "* paired"
    return plotted(
        table(
            head,
            lines,
            numbers=frozenset({1}),
            slim="gaps",
            caption=f"Paired differences; dashed: no difference; an interval that holds 0 tells nothing apart. {note}.",
        )
    )


def splits(evaluation: Evaluation) -> Markup:
    """Each split or fold by itself."""
    rows = evaluation.splits
    scale = Scale([one.auroc for one in rows], reference=0.5)
    lines = [_split(evaluation, one, scale) for one in rows]
    lines.append(table_row(["", "", "", "", "", scale.axis(), ""], kind="axis"))
    head: list[Child] = ["Split", *words.Vocabulary.of(evaluation).heads, "AUROC", "AUROC, drawn", "Average precision"]
    return plotted(table(head, lines, numbers=_N, slim="groups"))


def swatch(output: str, *, main: bool = False, among: Sequence[str] = ()) -> Markup:
    """The line of an output, as its key."""
    kind = f"curve {'main ' if main else ''}{kind_of(output, among)}"
    return _svg(f"line of {words.output(output)}", [element("line", x1=0, x2=36, y1=6, y2=6, class_=kind)], 12, width=36)


def _whole(evaluation: Evaluation, scale: Scale) -> Markup:
    main, held = evaluation.row(evaluation.main), evaluation.counts
    promised = main.calibration.observed_to_expected if main.calibration else None
    return table_row(
        [
            "All",
            counted(evaluation.named("subjects"), held.subjects),
            counted(evaluation.named("predictions"), held.predictions),
            counted(evaluation.named("events"), held.events),
            number(evaluation.named(main.output, "auroc"), main.auroc, apart=True),
            scale.bar(main.auroc, words.with_interval(main.auroc)),
            number(evaluation.named(main.output, "observed_to_expected"), promised, apart=True) if promised else words.NOTHING,
        ],
        numbers=_N,
        kind="first",
    )


def _subgroup(evaluation: Evaluation, part: SubgroupRow, scale: Scale, whole: Estimate) -> Markup:
    here, held = (evaluation.main, "by", part.column, part.level), part.counts
    sizes: list[Child] = [
        part.level,
        counted(evaluation.named(*here, "subjects"), held.subjects),
        words.count(held.predictions),
        words.count(held.events),
    ]
    if part.note:
        return table_row([*sizes, words.NOTHING, element("span", part.note, class_="quiet"), words.NOTHING], numbers=_N)
    return table_row(
        [
            *sizes,
            number(evaluation.named(*here, "auroc"), part.auroc, apart=True),
            scale.bar(part.auroc, words.with_interval(part.auroc), whole=whole),
            number(evaluation.named(*here, "observed_to_expected"), part.observed_to_expected, apart=True),
        ],
        numbers=_N,
    )


def _split(evaluation: Evaluation, one: SplitRow, scale: Scale) -> Markup:
    here, held = (evaluation.main, "split", one.split), one.counts
    called = one.split if one.held_out else f"{one.split} (development, not counted)"
    return table_row(
        [
            called,
            words.count(held.subjects),
            words.count(held.predictions),
            words.count(held.events),
            number(evaluation.named(*here, "auroc"), one.auroc, apart=True),
            scale.bar(one.auroc, words.with_interval(one.auroc)),
            number(evaluation.named(*here, "auprc"), one.auprc, apart=True),
        ],
        numbers=_N,
    )


def _gap_in_utility(evaluation: Evaluation, other: str) -> Child:
    gained = evaluation.gained(other)
    if gained is None or gained.gap is None:
        return words.NOTHING
    return number(evaluation.named_gap(evaluation.main, other, "utility"), gained.gap, "signed", apart=True)


def _p(p: float | None) -> str:
    return words.NOTHING if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _svg(said: str, drawn: list[Markup], height: int, *, width: int = _WIDTH) -> Markup:
    return element(
        "svg", element("title", said), drawn, viewBox=f"0 0 {width} {height}", role="img", xmlns="http://www.w3.org/2000/svg"
    )
