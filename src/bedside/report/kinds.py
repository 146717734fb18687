"""What is said alike of every target that is not yes-no: words of its measures, of what was resampled, of how intervals were made.

In        a record of kind number, grade, found or region
Out       words
"""

from __future__ import annotations

from bedside.evaluate.judged import FoundEvaluation, GradeEvaluation, NumberEvaluation, RegionEvaluation
from bedside.report import measures, words

Kinds = NumberEvaluation | GradeEvaluation | FoundEvaluation | RegionEvaluation


def told(found: Kinds, measure: str) -> measures.Said:
    """Words for a measure of this target."""
    limit = None
    if isinstance(found, RegionEvaluation):
        limit = next((one.limit for one in found.spreads if measure.startswith(one.measure + "/")), None)
    kind = "grade" if isinstance(found, GradeEvaluation) else ""
    return measures.said(measure, kind, limit)


def method(found: Kinds) -> str:
    """How the intervals were made."""
    known = (row.measures[key] for row in found.outputs for key in measures.ordered(row.measures))
    kinds = dict.fromkeys(one.method for one in known if one.low is not None)
    return f"{found.note} Intervals: {'; '.join(kinds)}." if kinds else found.note


def unrecorded_said(found: Kinds) -> str:
    named = ", ".join(words.COLUMNS.get(column, column).lower() for column in found.unrecorded)
    return f"Not recorded of any patient: {named}. Whether the model does worse for some of them cannot be told here."


def clusters_of(found: Kinds) -> str:
    return words.plural(words.cluster(found.clusters))
