"""What a test found for a target that is not yes-no, in one paragraph of plain sentences.

In        a record of kind number, grade, found or region
Out       a paragraph; numbers carry their names in the ledger; a comparison whose interval holds 0 is called undecided
"""

from __future__ import annotations

from bedside.evaluate.judged import FoundEvaluation, Gap, GradeEvaluation, NumberEvaluation, RegionEvaluation
from bedside.evaluate.records import Estimate
from bedside.report import measures, words
from bedside.report.document import number, paragraph
from bedside.report.kinds import Kinds, told
from bedside.report.markup import Child, Markup


def finding(found: Kinds) -> Markup:
    """The finding: what was asked of how many, how well it went, and beside what."""
    said: list[Child] = [*_opening(found), *_body(found), *_beside(found), *_lost(found)]
    return paragraph(said, kind="lead")


def nearest(found: Kinds) -> tuple[Gap, str] | None:
    """The best of the other outputs, and the measure by which it was chosen: the first of the headline that differences are made of."""
    for key in dict.fromkeys((*found.headline, *measures.ordered(key for gap in found.differences for key in gap.measures))):
        known = [(gap, own) for gap in found.differences if key in gap.measures and (own := found.row(gap.other).measures.get(key)) and own.value is not None]
        if known and told(found, key).better != "neither":
            pick = max if told(found, key).better == "higher" else min
            return pick(known, key=lambda one: one[1].value or 0.0)[0], key
    return None


def _opening(found: Kinds) -> list[Child]:
    units = words.many(found.row(found.main).counts.units, words.unit(found.unit))
    verb = {"number": "gave the value of", "grade": "gave the grade of", "found": "looked for", "region": "drew"}[_kind(found)]
    place = "in" if isinstance(found, (FoundEvaluation, RegionEvaluation, GradeEvaluation)) else "for"
    return [f"The model {verb} {words.quoted(found.outcome)} {place} {units}{words.of_whom(found.clusters, found.counts.clusters, found.counts.units)}. "]


def _kind(found: Kinds) -> str:
    return {NumberEvaluation: "number", GradeEvaluation: "grade", FoundEvaluation: "found", RegionEvaluation: "region"}[type(found)]


def _body(found: Kinds) -> list[Child]:
    if isinstance(found, NumberEvaluation):
        return _number(found)
    if isinstance(found, GradeEvaluation):
        return ["It gives the right grade in ", _say(found, "agreement"), "; the agreement beyond chance, with far misses weighing more, is ",
                _say(found, "kappa"), " (quadratic weighted kappa; 1 is perfect, 0 is chance). "]  # fmt: skip
    if isinstance(found, FoundEvaluation):
        return _things(found)
    return _region(found)


def _number(found: NumberEvaluation) -> list[Child]:
    unit = f" {unit}" if (unit := words.measured_in(found.measured_in)) else ""
    said: list[Child] = ["On average it lies ", _say(found, "mae"), f"{unit} from the true value; R² is ", _say(found, "r2"),
                         ". Of 100 errors (given less true) some 95 lie between ", _say(found, "limit_low"), " and ", _say(found, "limit_high"), ". "]  # fmt: skip
    if "coverage" in found.row(found.main).measures:
        promised = f", which promise {words.percent(found.promised, 0)}," if found.promised is not None else ""
        said += [f"Its intervals{promised} hold the true value in ", _say(found, "coverage"), _kept(found), ". "]
    return said


def _kept(found: NumberEvaluation) -> str:
    one = found.row(found.main).measures["coverage"]
    if found.promised is None:
        return ""
    if not words.excludes(one, found.promised):
        return ": what they promise, as far as the interval tells"
    return ": less than they promise" if (one.value or 0) < found.promised else ": more than they promise, so they are wider than need be"


def _things(found: FoundEvaluation) -> list[Child]:
    counts = found.found[found.main]
    there = counts.true_positives + counts.missed
    at = f"At the threshold {words.quoted(words.spoken(found.operating[0].name))}, fixed beforehand, it found " if found.operating else "It found "
    said: list[Child] = [
        f"{words.many(there, 'thing')} {'is' if there == 1 else 'are'} there. ", at, words.count(counts.true_positives), " of them and ",
        words.count(counts.false_positives), " that are not there: sensitivity ", _say(found, "sensitivity"), ", PPV ", _say(found, "ppv"),
        ", F1 ", _say(found, "f1"), ". ",
    ]  # fmt: skip
    if found.headline[0] == "froc":
        said += [f"Over 1/8 to 8 false positives per {words.unit(found.unit)} its mean sensitivity is ", _say(found, "froc"), " (FROC score). "]
    return said


def _region(found: RegionEvaluation) -> list[Child]:
    own, said = found.row(found.main).measures, list[Child]()
    for key in (key for key in found.headline[:2] if key in own):
        name = key.split("/")[0]
        said += [f"{measures.called(name)}: mean ", _say(found, key), ", median ", _say(found, f"{name}/median"), ". "]
    for one in found.spreads:
        if one.output == found.main and (key := f"{one.measure}/beyond_limit") in own:
            said += [f"{told(found, key).label} in ", _say(found, key), f" of the {words.plural(words.unit(found.unit))}. "]
    lost = [one for one in found.spreads if one.output == found.main and one.undefined]
    for one in lost[:1]:
        said.append(f"{words.many(one.undefined, words.unit(found.unit))} {'has' if one.undefined == 1 else 'have'} no {measures.called(one.measure)}: a region was empty. ")
    return said


def _beside(found: Kinds) -> list[Child]:
    if (best := nearest(found)) is None:
        return []
    gap, key = best
    say, one = told(found, key), gap.measures[key]
    other = words.short(gap.other)
    kind = "grade" if isinstance(found, GradeEvaluation) else ""
    return [f"Beside it {words.quoted(other)} has {measures.with_article(say.label)} of ",
            number(found.named(gap.other, *key.split("/")), found.row(gap.other).measures[key], say.form), ", a difference of ", number(found.named_gap(gap.main, gap.other, *key.split("/")), one, measures.signed(say.form)),
            f": {measures.verdict(key, one.low, one.high, words.quoted(other), kind)}. "]  # fmt: skip


def _lost(found: Kinds) -> list[Child]:
    unit = words.unit(found.unit)
    lost = [f"{words.count(many)} {reason}" if reason.startswith("things") else f"{words.many(many, unit)}, {reason}" for reason, many in found.left_out.items() if many]
    return [f"Left out: {'; '.join(lost)}."] if lost else []


def _say(found: Kinds, key: str) -> Child:
    one: Estimate | None = found.row(found.main).measures.get(key)
    return number(found.named(found.main, *key.split("/")), one, told(found, key).form) if one else words.NOTHING
