"""What the report says of a target that is not yes-no: picture, outputs side by side, differences, thresholds, groups, splits.

In        a record of kind number, grade, found or region
Out       blocks of markup by name, in the order of the page; every number under its name in the ledger
"""

from __future__ import annotations

from collections.abc import Sequence

from bedside.evaluate.judged import (
    FoundEvaluation,
    FoundPoint,
    Gap,
    GradeEvaluation,
    Group,
    NumberEvaluation,
    RegionEvaluation,
    Sizes,
    Spread,
)
from bedside.evaluate.records import Estimate
from bedside.report import measures, pictures, words
from bedside.report.document import behind, counted, number, paragraph, plotted, table, table_row
from bedside.report.forest import Scale
from bedside.report.markup import Child, Markup, element, join

Kinds = NumberEvaluation | GradeEvaluation | FoundEvaluation | RegionEvaluation
_NUMBERS, _FIRST, _NAMED = frozenset({1, 2}), 2, 3


def blocks(found: Kinds) -> dict[str, Markup | None]:
    """The parts of this target, by their key."""
    return {
        "result": join([picture(found), comparison(found), _points(found), _worst(found), differences(found), paragraph(method(found), kind="quiet")]),
        "groups": join([subgroups(found) if found.subgroups else None, unrecorded(found)]) or None,
        "splits": splits(found) if found.splits else None,
    }


def picture(found: Kinds) -> Markup | None:
    """What says more than a number."""
    if isinstance(found, NumberEvaluation):
        return pictures.scatter(found)
    if isinstance(found, FoundEvaluation):
        return pictures.froc(found)
    if isinstance(found, RegionEvaluation):
        return join(pictures.strips(found))
    return pictures.confusion(found)


def told(found: Kinds, measure: str) -> measures.Said:
    """Words for a measure of this target."""
    limit = None
    if isinstance(found, RegionEvaluation):
        limit = next((one.limit for one in found.spreads if measure.startswith(one.measure + "/")), None)
    kind = "grade" if isinstance(found, GradeEvaluation) else ""
    return measures.said(measure, kind, limit)


def comparison(found: Kinds) -> Markup:
    """One row a measure, one column an output."""
    keys = measures.ordered(key for row in found.outputs for key in row.measures)
    first = {key.split("/")[0] for key in found.headline[:_FIRST]}
    shown = [key for key in keys if key.split("/")[0] in first] if isinstance(found, RegionEvaluation) else keys
    unit = f" Errors in {said}." if isinstance(found, NumberEvaluation) and (said := words.measured_in(found.measured_in)) else ""
    made = _measured(found, shown, caption=f"Intervals at {100 * found.level:g} %.{unit}{_promise(found)}", counts=True)
    more = [key for key in keys if key not in shown]
    return join([made, behind("More measures", _measured(found, more)) if more else None])


def _measured(found: Kinds, keys: Sequence[str], *, caption: str | None = None, counts: bool = False) -> Markup:
    head: list[Child] = ["Measure", *(words.output(row.output) for row in found.outputs), "Perfect"]
    rows = [_counts(found)] if counts else []
    for key in keys:
        say = told(found, key)
        cells: list[Child] = [say.label]
        for row in found.outputs:
            one = row.measures.get(key)
            cells.append(number(found.named(row.output, *key.split("/")), one, say.form, apart=True) if one else words.NOTHING)
        rows.append(table_row([*cells, say.perfect]))
    return table(head, rows, caption=caption)


def _counts(found: Kinds) -> Markup:
    return table_row([words.plural(words.unit(found.unit)).capitalize(),
                      *(counted(found.named(row.output, "units"), row.counts.units) for row in found.outputs), ""])  # fmt: skip


def _promise(found: Kinds) -> str:
    if isinstance(found, NumberEvaluation) and found.promised is not None:
        return f" The model's intervals promise to hold the truth in {words.percent(found.promised, 0)}."
    return ""


def differences(found: Kinds) -> Markup | None:
    """The model less each other output, drawn for the first measure."""
    gaps = [gap for gap in found.differences if gap.measures]
    keys = measures.ordered(key for gap in gaps for key in gap.measures)
    if not keys:
        return None
    first = keys[0] if found.headline[0] not in keys else found.headline[0]
    keys = [first, *(key for key in keys if key != first)]
    scale = Scale([gap.measures[first] for gap in gaps if first in gap.measures], reference=0.0)
    rows = [_gap(found, gap, keys, scale) for gap in gaps]
    rows.append(table_row(["", "", "", scale.axis("signed"), *([""] * (len(keys) - 1))], kind="axis"))
    labels = [told(found, key).label for key in keys]
    head: list[Child] = ["Model less …", "n", labels[0], f"{labels[0]}, drawn", *labels[1:]]
    note = f"Paired differences; dashed: no difference; an interval that holds 0 tells nothing apart. {_better(found, first)}"
    return join([element("h3", "The model less each other output"), plotted(table(head, rows, numbers=frozenset({1}), caption=note))])


def _better(found: Kinds, key: str) -> str:
    say = told(found, key)
    return f"{say.label}: {'below 0 the model errs less' if say.better == 'lower' else 'above 0 the model is better'}."


def _gap(found: Kinds, gap: Gap, keys: Sequence[str], scale: Scale) -> Markup:
    cells: list[Child] = [words.output(gap.other), words.count(gap.counts.units)]
    for place, key in enumerate(keys):
        one, form = gap.measures.get(key), measures.signed(told(found, key).form)
        cells.append(number(found.named_gap(gap.main, gap.other, *key.split("/")), one, form, apart=True) if one else words.NOTHING)
        if place == 0:
            cells.append(scale.bar(one, words.with_interval(one, form)) if one else "")
    return table_row(cells, numbers=frozenset({1}))


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


def unrecorded_said(found: Kinds) -> str:
    named = ", ".join(words.COLUMNS.get(column, column).lower() for column in found.unrecorded)
    return f"Not recorded of any patient: {named}. Whether the model does worse for some of them cannot be told here."


def _lowest(found: Kinds, judged: Sequence[Group], key: str) -> Markup:
    say = told(found, key)
    known = [group for group in judged if key in group.measures and group.measures[key].value is not None]
    large = f"{len(judged)} of {len(found.subgroups)} groups are large enough: at least {found.smallest_subgroup} {_clusters(found)}. "
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
    head: list[Child] = ["Group", _clusters(found).capitalize(), words.plural(words.unit(found.unit)).capitalize()]
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


def splits(found: Kinds) -> Markup:
    """Each fold by itself."""
    keys = [key for key in found.headline if any(key in part.measures for part in found.splits)]
    head: list[Child] = ["Split", words.plural(words.unit(found.unit)).capitalize(), *(told(found, key).label for key in keys)]
    rows = [table_row([part.split, words.count(part.counts.units), *(
        number(found.named(found.main, "split", part.split, *key.split("/")), part.measures[key], told(found, key).form, apart=True)
        if key in part.measures else words.NOTHING for key in keys)], numbers=frozenset({1})) for part in found.splits]  # fmt: skip
    return table(head, rows, numbers=frozenset({1}))


def method(found: Kinds) -> str:
    """How the intervals were made."""
    known = (row.measures[key] for row in found.outputs for key in measures.ordered(row.measures))
    kinds = dict.fromkeys(one.method for one in known if one.low is not None)
    return f"{found.note} Intervals: {'; '.join(kinds)}." if kinds else found.note


def _points(found: Kinds) -> Markup | None:
    """Things found, wrong and missed: of each output, and of the model at each of its thresholds."""
    if not isinstance(found, FoundEvaluation):
        return None
    head: list[Child] = ["", "Rightly found", "Wrongly found", "Missed"]
    rows = [table_row([words.output(output), *(counted(found.named(output, key), getattr(counts, key)) for key in ("true_positives", "false_positives", "missed"))],
                      numbers=frozenset({1, 2, 3})) for output, counts in ((row.output, found.found[row.output]) for row in found.outputs)]  # fmt: skip
    first = f" The model's row is that at its first threshold, {words.quoted(words.spoken(found.operating[0].name))}." if found.operating else ""
    if not found.operating and found.froc:
        first = " No threshold was fixed before the test: every mark counts, however unsure."
    said = f"Things counted in {words.many(found.counts.units, words.unit(found.unit))}, those without any included.{first}"
    return join([table(head, rows, numbers=frozenset({1, 2, 3}), caption=said), _operating(found) if found.operating else None])


def _operating(found: FoundEvaluation) -> Markup:
    keys = measures.ordered(found.operating[0].measures)
    head: list[Child] = ["Threshold", "Rightly found", "Wrongly found", "Missed", *(told(found, key).label for key in keys)]
    return table(head, [_point(found, point, keys) for point in found.operating], numbers=frozenset({1, 2, 3}), caption="The model at thresholds fixed before the test.")


def _point(found: FoundEvaluation, point: FoundPoint, keys: Sequence[str]) -> Markup:
    here = (found.main, "at", point.name)
    at = f"at {words.size(point.threshold)}" if point.threshold is not None else "each fold its own"
    counts: list[Child] = [counted(found.named(*here, key), getattr(point.counts, key)) for key in ("true_positives", "false_positives", "missed")]
    shares: list[Child] = [number(found.named(*here, key), point.measures[key], told(found, key).form, apart=True) for key in keys]
    return table_row([join([words.spoken(point.name), element("span", at, class_="ci")]), *counts, *shares], numbers=frozenset({1, 2, 3}))


def _worst(found: Kinds) -> Markup | None:
    """The units that went worst, by name, so that somebody can look at them; and how many have no value."""
    if not isinstance(found, RegionEvaluation):
        return None
    own = [one for one in found.spreads if one.output == found.main and one.worst]
    rows = [_worst_of(found, one) for one in own]
    head: list[Child] = ["The model's worst units", "", "Without a value", "Without a row"]
    if not rows:
        return None
    made, more = table(head, rows[:_FIRST], numbers=frozenset({2, 3})), rows[_FIRST:]
    return join([made, behind("The worst by other measures", table(head, more, numbers=frozenset({2, 3}))) if more else None])


def _worst_of(found: RegionEvaluation, one: Spread) -> Markup:
    named = [join([element("code", unit.unit_id), " ", element("data", words.size(unit.value), value=repr(unit.value),
             data_figure=found.named(one.output, one.measure, "worst", str(place)))]) for place, unit in enumerate(one.worst[:_NAMED], 1)]  # fmt: skip
    return table_row([measures.called(one.measure), join(list(named), between=", "), counted(found.named(one.output, one.measure, "undefined"), one.undefined),
                      counted(found.named(one.output, one.measure, "missing"), one.missing)], numbers=frozenset({2, 3}))  # fmt: skip


def _clusters(found: Kinds) -> str:
    return words.plural(words.cluster(found.clusters))
