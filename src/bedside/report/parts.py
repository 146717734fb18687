"""A target's part of the report, whatever its kind: its finding, its cards, its blocks; and all targets in one table.

In        sections of a `Test`
Out       markup; `page.py` puts it into a page
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bedside.evaluate.judged import Section, Test, Unjudged
from bedside.evaluate.records import Estimate, Evaluation
from bedside.report import findings, forest, judged, kinds, measures, prose, ranking, tables, usefulness, words
from bedside.report.document import counted, number, paragraph, table, table_row
from bedside.report.markup import Child, Markup, element, join

_KINDS = {"yes-no": "yes or no", "number": "a number", "grade": "a grade", "found": "things found", "region": "a region"}
_HEADS = {"result": None, "ranking": "Ranking", "clock": "Worth beyond the clock", "promises": "Promises kept", "use": "Use at a threshold",
          "groups": "Subgroups", "splits": "Splits"}  # fmt: skip


def finding(section: Section, study: Mapping[str, object]) -> Markup:
    """The finding of one target in one paragraph."""
    result = section.result
    if isinstance(result, Evaluation):
        return prose.finding(result, study)
    if isinstance(result, Unjudged):
        return paragraph(f"{words.quoted(section.called)} could not be judged: {result.why}.", kind="lead")
    return findings.finding(result)


def cards(section: Section) -> Markup | None:
    """The main numbers at a glance."""
    result = section.result
    if isinstance(result, Evaluation):
        return _yes_no_cards(result)
    if isinstance(result, Unjudged):
        return None
    own = result.row(result.main).measures
    shown = [key for key in result.headline if key in own][:4]
    return element("dl", [_measured_card(result, key, own[key]) for key in shown], class_="cards")


def _measured_card(result: kinds.Kinds, key: str, one: Estimate) -> Markup:
    say = kinds.told(result, key)
    return card(say.label, result.named(result.main, *key.split("/")), one, say.form, f"{say.perfect} is perfect" if say.perfect else "")


def blocks(section: Section) -> dict[str, Markup | None]:
    """The parts of one target, by their key."""
    result = section.result
    if isinstance(result, Unjudged):
        return {}
    if not isinstance(result, Evaluation):
        return judged.blocks(result)
    return {
        "ranking": _ranking(result), "clock": join([prose.worth(result), prose.components(result)]) or None, "promises": _promises(result),
        "use": _use(result), "groups": join([prose.subgroups(result.subgroups, result), forest.subgroups(result)]) if result.subgroups else None,
        "splits": forest.splits(result) if len(result.splits) > 1 else None,
    }  # fmt: skip


def part(section: Section, study: Mapping[str, object]) -> Markup:
    """All of one target under one heading, where a study has several; groups and splits open on demand."""
    shown = {key: block for key, block in blocks(section).items() if block}
    inside: list[Child] = [finding(section, study)]
    for key, block in shown.items():
        head = _HEADS[key]
        if key in ("groups", "splits"):
            inside.append(element("details", element("summary", head), block))
        else:
            inside += [element("h3", head) if head else None, block]
    inside.append(_left_out(section))
    return element("section", element("h2", section.called), join(inside, between="\n"), id=anchor(section))


def anchor(section: Section) -> str:
    """Where the part of a target stands on the page."""
    return "target-" + (re.sub(r"[^a-z0-9]+", "-", section.target.name.lower()).strip("-") or "none")


def overview(test: Test) -> Markup:
    """Every target in one table: its first measures, and the difference from the nearest other output."""
    rows = [_overview(section) for section in test.sections]
    head: list[Child] = ["Target", "Asked as", "n", "Main measure", "", "Model less the nearest other output"]
    return table(head, rows, numbers=frozenset({2}), caption="Each target is judged by the kind of its answer; the parts below say how.")


def _overview(section: Section) -> Markup:
    link, result = element("a", section.called, href=f"#{anchor(section)}"), section.result
    if isinstance(result, Unjudged):
        return table_row([link, _KINDS[section.target.kind], words.NOTHING, element("span", f"not judged: {result.why}", class_="quiet"), "", ""])
    first, second = _two(result)
    return table_row([link, _KINDS[section.target.kind], _held(result), first, second, _nearest(result)], numbers=frozenset({2}))


def _held(result: Evaluation | kinds.Kinds) -> Markup:
    if isinstance(result, Evaluation):
        return counted(result.named("predictions"), result.counts.predictions)
    return counted(result.named("units"), result.counts.units)


def _two(result: Evaluation | kinds.Kinds) -> tuple[Child, Child]:
    if isinstance(result, Evaluation):
        row = result.row(result.main)
        return (_labelled("AUROC", result.named(result.main, "auroc"), row.auroc, "decimal"),
                _labelled("Average precision", result.named(result.main, "auprc"), row.auprc, "decimal"))  # fmt: skip
    own = result.row(result.main).measures
    told = [_labelled(say.label, result.named(result.main, *key.split("/")), own[key], say.form)
            for key in result.headline if key in own and (say := kinds.told(result, key))]  # fmt: skip
    return (told[0] if told else words.NOTHING), (told[1] if len(told) > 1 else "")


def _nearest(result: Evaluation | kinds.Kinds) -> Child:
    if isinstance(result, Evaluation):
        gaps = [gap for gap in result.differences if gap.auroc.value is not None]
        if not gaps:
            return words.NOTHING
        gap = min(gaps, key=lambda gap: gap.auroc.value or 0.0)
        return _labelled(f"AUROC, {words.short(gap.other)}", result.named_gap(gap.main, gap.other, "auroc"), gap.auroc, "signed")
    if (best := findings.nearest(result)) is None:
        return words.NOTHING
    other, key = best
    say = kinds.told(result, key)
    return _labelled(f"{say.label}, {words.short(other.other)}", result.named_gap(other.main, other.other, *key.split("/")), other.measures[key],
                     measures.signed(say.form))  # fmt: skip


def _labelled(label: str, called: str, one: Estimate, form: str) -> Markup:
    return join([element("span", label, class_="ci"), number(called, one, form, apart=True)])


def card(label: str, called: str, estimate: Estimate, form: str, compare: str) -> Markup:
    """One number at a glance."""
    big = element("data", words.value(estimate, form), value=repr(estimate.value), data_figure=called, class_="big") if estimate.value is not None \
        else element("span", words.NOTHING, data_figure=called, class_="big")  # fmt: skip
    told = [words.interval(estimate, form) or estimate.method, compare, f"n = {words.count(estimate.n)}"]
    return element("div", element("dt", label), element("dd", big, element("span", "; ".join(one for one in told if one), class_="small")))


def _yes_no_cards(result: Evaluation) -> Markup:
    main = result.row(result.main)
    told = [
        card("Ranking (AUROC)", result.named(main.output, "auroc"), main.auroc, "decimal", "0.5 is chance"),
        card("Average precision", result.named(main.output, "auprc"), main.auprc, "decimal", f"{words.decimal(main.base_rate.value)} is chance"),
    ]
    if main.calibration:
        ratio = main.calibration.observed_to_expected
        told.append(card(f"Observed / expected {words.Vocabulary.of(result).event}s", result.named(main.output, "observed_to_expected"), ratio, "decimal", "1 is perfect"))
    if result.worth:
        within = result.named(main.output, "beyond clock", "within hour")
        told.append(card("Ranking within the same hour", within, result.worth.within_hour, "decimal", "0.5 is the clock"))
    return element("dl", told, class_="cards")


def _ranking(result: Evaluation) -> Markup:
    pair = element("div", ranking.roc(result), ranking.precision_recall(result), class_="pair")
    gaps = [element("h3", "The model less each other output"), forest.differences(result)] if result.differences else []
    note = paragraph(result.note, kind="quiet") if result.clustered else None
    return join([pair, tables.comparison(result), prose.utility(result), gaps, note])


def _promises(result: Evaluation) -> Markup | None:
    main = result.row(result.main)
    if (found := main.calibration) is None:
        return None
    measured = {
        "in_the_large": ("In the large (log odds)", "0"), "slope": ("Slope", "1"), "observed_to_expected": ("Observed / expected", "1"),
        "brier": ("Brier score", "0"), "scaled_brier": ("Scaled Brier score", "1"), "mean_error": ("Mean error of the curve", "0"),
    }  # fmt: skip
    rows = [table_row([label, number(result.named(main.output, key), getattr(found, key), apart=True), perfect]) for key, (label, perfect) in measured.items()]
    beside = join([table(["Measure", "Estimate", "Perfect"], rows), paragraph(_methods(found.slope, found.brier), kind="quiet")])
    return element("div", usefulness.calibration(main, result), element("div", beside), class_="pair")


def _methods(*estimates: Estimate) -> str:
    return "Intervals: " + "; ".join(dict.fromkeys(estimate.method for estimate in estimates)) + "."


def _use(result: Evaluation) -> Markup:
    curve = usefulness.decision(result)
    return join([tables.operating(result), element("div", curve, element("div", _reading()), class_="pair") if curve else None])


def _reading() -> Markup:
    return join(
        [
            element("h3", "How to read the decision curve"),
            paragraph(
                "Whoever would act at a risk of 10 % counts nine needless actions as the price of one that was needed. "
                "Net benefit is the true alerts less the false ones at that price, per prediction."
            ),
            paragraph("The model is of use at a threshold where its line lies above acting on all and above acting on none (0)."),
        ]
    )


def _left_out(section: Section) -> Markup | None:
    return left_out(section.result) if isinstance(section.result, Evaluation) else None


def left_out(result: Evaluation) -> Markup | None:
    """Held-out predictions that the test could not use."""
    lost = {reason: many for reason, many in result.left_out.items() if many}
    if not lost:
        return None
    told = "; ".join(f"{words.count(many)} {words.Vocabulary.of(result).rows}, {reason}" for reason, many in lost.items())
    return paragraph("Left out of the test: ", told, ".", kind="quiet")
