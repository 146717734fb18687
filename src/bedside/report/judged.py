"""What the report says of a target that is not yes-no: picture, outputs side by side, differences, thresholds, groups, splits.

In        a record of kind number, grade, found or region
Out       blocks of markup by name, in the order of the page; every number under its name in the ledger
"""

from __future__ import annotations

from collections.abc import Sequence

from bedside.evaluate.judged import FoundEvaluation, FoundPoint, Gap, NumberEvaluation, RegionEvaluation, Spread
from bedside.report import measures, pictures, words
from bedside.report.document import behind, counted, number, paragraph, plotted, table, table_row
from bedside.report.forest import Scale
from bedside.report.groups import splits, subgroups, unrecorded
from bedside.report.kinds import Kinds, method, told
from bedside.report.markup import Child, Markup, element, join

_FIRST, _NAMED, _COLUMNS = 2, 3, 3


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
    labels, rest = keys[:_COLUMNS], keys[_COLUMNS:]
    note = f"Paired differences; dashed: no difference; an interval that holds 0 tells nothing apart. {_better(found, first)}"
    more = behind("More differences", _gaps(found, gaps, rest)) if rest else None
    return join([element("h3", "The model less each other output"), _gaps(found, gaps, labels, note), more])


def _gaps(found: Kinds, gaps: Sequence[Gap], keys: Sequence[str], caption: str | None = None) -> Markup:
    scale = Scale([gap.measures[keys[0]] for gap in gaps if keys[0] in gap.measures], reference=0.0)
    rows = [_gap(found, gap, keys, scale) for gap in gaps]
    rows.append(table_row(["", "", "", scale.axis("signed"), *([""] * (len(keys) - 1))], kind="axis"))
    labels = [told(found, key).label for key in keys]
    head: list[Child] = ["Model less …", "n", labels[0], f"{labels[0]}, drawn", *labels[1:]]
    return plotted(table(head, rows, numbers=frozenset({1}), caption=caption))


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
