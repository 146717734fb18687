"""A target that is not yes-no by group and by split: its first measure drawn, others beside it.

In        a record of kind number, grade, found or region
Out       tables whose rows carry their interval as a small picture; a group that is too small says so
"""

from __future__ import annotations

from collections.abc import Sequence

from bedside.evaluate.judged import Group, Sizes
from bedside.evaluate.records import Estimate
from bedside.report import measures, words
from bedside.report.document import counted, number, paragraph, plotted, table, table_row
from bedside.report.forest import Scale
from bedside.report.kinds import Kinds, clusters_of, told, unrecorded_said
from bedside.report.markup import Child, Markup, element, join

_NUMBERS = frozenset({1, 2})


def subgroups(found: Kinds) -> Markup:
    """The first measure by group, drawn; the others beside it."""
    keys = [key for key in found.headline if any(key in group.measures for group in found.subgroups)][:3]
    judged = [group for group in found.subgroups if group.measures]
    if not keys:
        return join([paragraph("No subgroup is large enough to be judged."), _group_table(found, [], None)])
    whole = found.row(found.main).measures
    scale = Scale([whole[keys[0]], *(group.measures[keys[0]] for group in judged if keys[0] in group.measures)], reference=told(found, keys[0]).reference)
    return join([_lowest(found, judged, keys[0]), _group_table(found, keys, scale)])


def unrecorded(found: Kinds) -> Markup | None:
    """What nobody wrote down of the patients, and what follows."""
    if not found.unrecorded:
        return None
    return paragraph(unrecorded_said(found), kind="quiet")


def splits(found: Kinds) -> Markup:
    """Each fold by itself."""
    keys = [key for key in found.headline if any(key in part.measures for part in found.splits)]
    head: list[Child] = ["Split", words.plural(words.unit(found.unit)).capitalize(), *(told(found, key).label for key in keys)]
    rows = [table_row([part.split, words.count(part.counts.units), *(
        number(found.named(found.main, "split", part.split, *key.split("/")), part.measures[key], told(found, key).form, apart=True)
        if key in part.measures else words.NOTHING for key in keys)], numbers=frozenset({1})) for part in found.splits]  # fmt: skip
    return table(head, rows, numbers=frozenset({1}))


def _lowest(found: Kinds, judged: Sequence[Group], key: str) -> Markup:
    say = told(found, key)
    known = [group for group in judged if key in group.measures and group.measures[key].value is not None]
    large = f"{len(judged)} of {len(found.subgroups)} groups are large enough: at least {found.smallest_subgroup} {clusters_of(found)}. "
    if not known or say.better == "neither":
        return paragraph(large)
    worst = (min if say.better == "higher" else max)(known, key=lambda group: group.measures[key].value or 0.0)
    here = found.named(found.main, "by", worst.column, worst.level, *key.split("/"))
    return paragraph(
        large, f"The worst {measures.inside(say.label)} stands in {words.COLUMNS.get(worst.column, worst.column).lower()} {words.quoted(worst.level)}: ",
        number(here, worst.measures[key], say.form),
        ". With so many rows some stand low by chance, and a wide interval means that little is known, not that all is well.",
    )  # fmt: skip


def _group_table(found: Kinds, keys: Sequence[str], scale: Scale | None) -> Markup:
    labels = [told(found, key).label for key in keys]
    columns = 4 + len(keys) if keys else 4
    rows = [_group_row(found, "All", found.counts, found.row(found.main).measures, (found.main,), keys, scale, kind="first")]
    for column in dict.fromkeys(group.column for group in found.subgroups):
        rows.append(element("tr", element("th", words.COLUMNS.get(column, words.spoken(column)), colspan=columns, scope="rowgroup"), class_="group"))
        for group in (group for group in found.subgroups if group.column == column):
            here = (found.main, "by", group.column, group.level)
            rows.append(_group_row(found, group.level, group.counts, group.measures, here, keys, scale, note=group.note))
    if scale is not None:
        rows.append(table_row(["", "", "", "", scale.axis(), *([""] * (len(keys) - 1))], kind="axis"))
    head: list[Child] = ["Group", clusters_of(found).capitalize(), words.plural(words.unit(found.unit)).capitalize()]
    head += [labels[0], f"{labels[0]}, drawn", *labels[1:]] if keys else ["Estimates"]
    return plotted(table(head, rows, numbers=_NUMBERS, caption=f"Intervals at {100 * found.level:g} %; thin: all."))


def _group_row(found: Kinds, label: str, held: Sizes, of: dict[str, Estimate], here: tuple[str, ...], keys: Sequence[str], scale: Scale | None,
               *, note: str | None = None, kind: str | None = None) -> Markup:  # fmt: skip
    at = () if kind else here
    cells: list[Child] = [label, counted(found.named(*at, "clusters"), held.clusters), counted(found.named(*at, "units"), held.units)]
    if note or not keys:
        return table_row([*cells, words.NOTHING, element("span", note or "", class_="quiet"), *([words.NOTHING] * max(0, len(keys) - 1))], numbers=_NUMBERS, kind=kind)
    for place, key in enumerate(keys):
        one, say = of.get(key), told(found, key)
        cells.append(number(found.named(*here, *key.split("/")), one, say.form, apart=True) if one else words.NOTHING)
        if place == 0 and scale is not None:
            cells.append(scale.bar(one, words.with_interval(one, say.form), whole=None if kind else found.row(found.main).measures[key]) if one else "")
    return table_row(cells, numbers=_NUMBERS, kind=kind)
