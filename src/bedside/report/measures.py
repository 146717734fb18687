"""What each measure is called, how its number is said, and which way is better: for targets that are not yes-no.

In        the name of a measure as `evaluate` writes it, such as "mae" or "dice/median"
Out       words
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from bedside.evaluate.regions import HIGHER, NEAR_NOUGHT, ORDER, base

Better = Literal["higher", "lower", "neither"]


class Said(NamedTuple):
    """One measure: its name for people, how its number is said, which way is better, what no skill or perfection gives."""

    label: str
    form: str
    better: Better
    reference: float | None = None
    perfect: str = ""


_SAID: dict[str, Said] = {
    "kappa": Said("Kappa, quadratic weights", "decimal", "higher", 0.0, "1"),
    "agreement": Said("Exact agreement", "percent", "higher", None, "100 %"),
    "within_one": Said("Within one grade", "percent", "higher", None, "100 %"),
    "mae": Said("Mean absolute error", "size", "lower", None, "0"),
    "rmse": Said("Root mean squared error", "size", "lower", None, "0"),
    "r2": Said("R²", "decimal", "higher", 0.0, "1"),
    "pearson": Said("Correlation (Pearson)", "decimal", "higher", 0.0, "1"),
    "spearman": Said("Rank correlation (Spearman)", "decimal", "higher", 0.0, "1"),
    "ccc": Said("Concordance (Lin)", "decimal", "higher", 0.0, "1"),
    "bias": Said("Bias: given less true, mean", "signed size", "neither", 0.0, "0"),
    "limit_low": Said("Lower limit of agreement", "signed size", "neither"),
    "limit_high": Said("Upper limit of agreement", "signed size", "neither"),
    "coverage": Said("Intervals that hold the truth", "percent", "neither"),
    "width": Said("Mean width of the intervals", "size", "lower"),
    "sensitivity": Said("Sensitivity", "percent", "higher", None, "100 %"),
    "ppv": Said("PPV (precision)", "percent", "higher", None, "100 %"),
    "f1": Said("F1", "decimal", "higher", None, "1"),
    "false_positives_per_unit": Said("False positives per unit", "size", "lower", None, "0"),
    "froc": Said("FROC score", "decimal", "higher", None, "1"),
}
_GRADE_ERROR = Said("Mean distance in grades", "decimal", "lower", None, "0")
_REGION = {"dice": "Dice", "jaccard": "Jaccard", "surface_dice": "Surface Dice", "hd95": "HD95", "mean_surface_distance": "Mean surface distance",
           "volume_difference": "Volume difference"}  # fmt: skip
_SPELLED = frozenset({"F1", "FROC", "HD95", "R²"})  # said letter by letter
_STATISTIC = {"mean": "mean", "size": "mean size", "median": "median", "q1": "lower quartile", "q3": "upper quartile"}


def said(measure: str, kind: str = "", limit: float | None = None) -> Said:
    """Words for one measure; `limit` is what "beyond_limit" counts against.

    >>> said("mae").label, said("dice/mean").label, said("dice/beyond_limit", limit=0.7).label
    ('Mean absolute error', 'Mean Dice', 'Dice below 0.7')
    """
    if measure == "mae" and kind == "grade":
        return _GRADE_ERROR
    if measure in _SAID:
        return _SAID[measure]
    name, _, statistic = measure.partition("/")
    if statistic == "size":
        return Said(f"{called(name)}, mean size", "size", "lower", None, "0")
    if statistic == "beyond_limit":
        beyond = "beyond" if base(name) in NEAR_NOUGHT else "below" if base(name) in HIGHER else "above"
        return Said(f"{called(name)} {beyond} {limit:g}" if limit is not None else f"{called(name)} worse than the limit", "percent", "lower")
    better: Better = "neither" if base(name) in NEAR_NOUGHT else "higher" if base(name) in HIGHER else "lower"
    form = "decimal" if base(name) in HIGHER else "signed size" if base(name) in NEAR_NOUGHT else "size"
    perfect = "1" if base(name) in HIGHER else "0"
    return Said(_of(called(name), _STATISTIC.get(statistic, statistic)), form, better, None, perfect)


def _of(measure: str, statistic: str) -> str:
    """A statistic of a measure over units."""
    if not statistic:
        return measure
    plain = statistic in ("mean", "median") and not measure.startswith("Mean")
    return f"{statistic.capitalize()} {inside(measure)}" if plain else f"{measure}, {statistic}"


def ordered(keys: Iterable[str]) -> list[str]:
    """Measures in the order of a page, whatever order a stored record has them in.

    >>> ordered({"bias", "mae", "coverage"}), ordered(["hd95_mm/q1", "hd95_mm/mean", "dice/beyond_limit", "dice/mean"])
    (['mae', 'bias', 'coverage'], ['dice/mean', 'dice/beyond_limit', 'hd95_mm/mean', 'hd95_mm/q1'])
    """
    return sorted(dict.fromkeys(keys), key=_place)


def _place(key: str) -> tuple[int, str, int]:
    known, (name, _, statistic) = list(_SAID), key.partition("/")
    if key in known:
        return known.index(key), "", 0
    place = ORDER.index(base(name)) if base(name) in ORDER else len(ORDER)
    return len(known) + place, name, list(_STATISTIC).index(statistic) if statistic in _STATISTIC else len(_STATISTIC)


def called(measure: str) -> str:
    """A measure of regions by its name.

    >>> called("hd95_mm"), called("surface_dice_1mm")
    ('HD95 (mm)', 'Surface Dice (1mm)')
    """
    kind = base(measure)
    more = measure.removeprefix(kind).strip("_").replace("_", " ")
    return _REGION.get(kind, kind.replace("_", " ").capitalize()) + (f" ({more})" if more else "")


def inside(label: str) -> str:
    """A label within a sentence: its first letter small, unless it is a name or an abbreviation.

    >>> inside("Mean absolute error"), inside("F1"), inside("Dice below 0.7")
    ('mean absolute error', 'F1', 'Dice below 0.7')
    """
    return label if label[1:2].upper() == label[1:2] or label.startswith("Dice") else label[0].lower() + label[1:]


def with_article(label: str) -> str:
    """A label within a sentence, with its article.

    >>> with_article("F1"), with_article("Mean absolute error"), with_article("Exact agreement")
    ('an F1', 'a mean absolute error', 'an exact agreement')
    """
    said = inside(label)
    return f"{'an' if said[0] in 'aeiou' or said.split()[0] in _SPELLED else 'a'} {said}"


def signed(form: str) -> str:
    """The form in which a difference is said."""
    return {"decimal": "signed", "size": "signed size", "percent": "signed percent"}.get(form, form)


def verdict(measure: str, gap_low: float | None, gap_high: float | None, other: str, kind: str = "") -> str:
    """What the interval of a difference, main less other, tells."""
    if gap_low is None or gap_high is None or gap_low <= 0 <= gap_high:
        return "the interval holds 0, so this test does not tell them apart" if gap_low is not None else "without an interval nothing is told apart"
    better = (gap_low > 0) == (said(measure, kind).better == "higher")
    return f"the model does better than {other}" if better else f"{other} does better"
