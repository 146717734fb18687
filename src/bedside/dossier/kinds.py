"""The numbers of a target that is not yes-no, each citing its entry; shared by the model card and the premarket draft.

In        a record of kind number, grade, found or region (which rows there are, in which words) and the `Book` (every number)
Out       Markdown
"""

from __future__ import annotations

from bedside.dossier.references import Book
from bedside.dossier.writing import plain, table
from bedside.evaluate.judged import FoundEvaluation
from bedside.report import measures, words
from bedside.report.kinds import Kinds, method, told, unrecorded_said

__all__ = ["Kinds", "differences", "method", "operating", "outputs", "sizes", "subgroups"]
_THINGS = {"true_positives": "Rightly found", "false_positives": "Wrongly found", "missed": "Missed"}


def sizes(found: Kinds, book: Book) -> str:
    """How much the test rests on."""
    rows = [[words.plural(words.unit(found.unit)), book.number(found.named("units"), "count")]]
    if found.clusters != "units":
        rows.append([words.plural(words.cluster(found.clusters)), book.number(found.named("clusters"), "count")])
    rows += [[f"left out: {plain(reason)}", book.number(found.named("left out", reason), "count")] for reason in found.left_out]
    return table(["What", "How many"], rows)


def outputs(found: Kinds, book: Book) -> str:
    """Every measure of every output side by side."""
    keys = measures.ordered(key for row in found.outputs for key in row.measures)
    rows = [[plain(told(found, key).label), *(_cell(found, book, (row.output,), key, key in row.measures) for row in found.outputs)] for key in keys]
    if isinstance(found, FoundEvaluation):
        rows += [[said, *(book.number(found.named(row.output, key), "count") for row in found.outputs)] for key, said in _THINGS.items()]
    return table(["Measure", *(plain(words.output(row.output)) for row in found.outputs)], rows)


def differences(found: Kinds, book: Book) -> str | None:
    """The model less each other output."""
    rows = [
        [plain(words.output(gap.other)), plain(told(found, key).label),
         book.number(found.named_gap(gap.main, gap.other, *key.split("/")), measures.signed(told(found, key).form))]
        for gap in found.differences for key in measures.ordered(gap.measures)
    ]  # fmt: skip
    return table(["Model less", "Measure", "Difference"], rows) if rows else None


def operating(found: Kinds, book: Book) -> str | None:
    """The model at thresholds fixed before the test; only of things found."""
    if not isinstance(found, FoundEvaluation) or not found.operating:
        return None
    rows = [[f"{plain(words.spoken(point.name))}: {plain(told(found, key).label)}", book.number(found.named(found.main, "at", point.name, key), told(found, key).form)]
            for point in found.operating for key in measures.ordered(point.measures)]  # fmt: skip
    return table(["At threshold", "Estimate"], rows)


def subgroups(found: Kinds, book: Book) -> str | None:
    """The first measures of the model by group, whoever is not recorded included."""
    keys = [key for key in found.headline if any(key in group.measures for group in found.subgroups)]
    rows = []
    for group in found.subgroups:
        here = (found.main, "by", group.column, group.level)
        label = f"{words.COLUMNS.get(group.column, group.column)}: {plain(group.level)}"
        cells = [f"not estimated: {group.note}" if group.note and not place else _cell(found, book, here, key, key in group.measures)
                 for place, key in enumerate(keys)]  # fmt: skip
        rows.append([label, book.number(found.named(*here, "units"), "count"), *cells])
    made = table(["Group", words.plural(words.unit(found.unit)).capitalize(), *(plain(told(found, key).label) for key in keys)], rows) if rows else None
    return "\n\n".join(block for block in (made, plain(unrecorded_said(found)) if found.unrecorded else None) if block) or None


def _cell(found: Kinds, book: Book, here: tuple[str, ...], key: str, there: bool) -> str:
    return book.number(found.named(*here, *key.split("/")), told(found, key).form) if there else words.NOTHING
