"""Numbers as text and outputs by their names: the same everywhere in a report and in a dossier.

In        estimates, counts, names of outputs
Out       plain text; a number always with its interval when there is one
"""

from __future__ import annotations

from typing import NamedTuple

from bedside.evaluate.records import Estimate, Evaluation

OUTPUTS = {
    "risk": "Model",
    "logistic": "Logistic regression",
    "news2": "NEWS2",
    "qsofa": "qSOFA",
    "clock": "Clock (time since admission)",
    "physiology": "Physiology only",
    "workup": "Work-up only",
    "model": "Model",
}
COLUMNS = {"sex": "Sex", "age_band": "Age", "race": "Race", "ethnicity": "Ethnicity", "scanner": "Scanner", "scaffold": "Scaffold", "site": "Site"}
TIMED = frozenset({"prediction", "encounter-hour", "admission"})
_PLURALS = {"study": "studies", "series": "series"}
_CLUSTERS = {"subjects": "patient", "groups": "group", "units": "unit"}
NOTHING = "–"


def output(name: str) -> str:
    """An output's name as people say it.

    >>> output("news2"), output("my-score")
    ('NEWS2', 'my-score')
    """
    return OUTPUTS.get(name, name)


def short(name: str) -> str:
    """The name without what explains it, for a key.

    >>> short("clock")
    'Clock'
    """
    return output(name).split(" (")[0]


def many(number: int, word: str) -> str:
    """A count and what it counts.

    >>> many(1, "image"), many(1200, "study"), many(3, "series")
    ('1 image', '1,200 studies', '3 series')
    """
    return f"{count(number)} {word if number == 1 else plural(word)}"


def plural(word: str) -> str:
    return _PLURALS.get(word, f"{word}s")


def unit(name: str) -> str:
    """What one decision is about, in words; a decision in time is a prediction.

    >>> unit("encounter-hour"), unit("slide")
    ('prediction', 'slide')
    """
    return "prediction" if name in TIMED else spoken(name)


def of_whom(clusters: str, how_many: int, units: int) -> str:
    """Of how many patients or groups so many units are; nothing where every unit stands alone.

    >>> of_whom("subjects", 12, 20), of_whom("groups", 20, 20), of_whom("groups", 3, 20)
    (' of 12 patients', '', ' in 3 groups')
    """
    if clusters == "units" or (clusters == "groups" and how_many == units):
        return ""
    return f"{' of' if clusters == 'subjects' else ' in'} {many(how_many, cluster(clusters))}"


def measured_in(unit: str | None) -> str:
    """A UCUM unit for people; that of a pure number is not said.

    >>> measured_in("mmol/L"), measured_in("1"), measured_in(None)
    ('mmol/L', '', '')
    """
    return "" if unit in (None, "", "1") else str(unit)


def cluster(name: str) -> str:
    """What intervals resample: a patient, a group, a unit."""
    return _CLUSTERS.get(name, name)


class Vocabulary(NamedTuple):
    """How a yes-no target is spoken of: an event that lies ahead of a prediction, or a finding that an image has.

    >>> Vocabulary.timed().heads
    ['Subjects', 'Predictions', 'Events']
    """

    rows: str
    event: str
    heads: list[str]
    with_it: str
    clusters: str

    @classmethod
    def timed(cls) -> Vocabulary:
        return cls("predictions", "event", ["Subjects", "Predictions", "Events"], "before an event", "subjects")

    @classmethod
    def of(cls, evaluation: Evaluation) -> Vocabulary:
        if evaluation.unit in TIMED:
            return cls.timed()
        rows, whom = plural(unit(evaluation.unit)), plural(cluster(evaluation.clusters))
        return cls(rows, "finding", [whom.capitalize(), rows.capitalize(), "With it"], "with it", whom)


def quoted(text: str) -> str:
    return f"“{text}”"


def spoken(name: str) -> str:
    """A declared name as words.

    >>> spoken("sepsis_within-6h")
    'sepsis within 6h'
    """
    return name.replace("_", " ").replace("-", " ").strip()


def count(number: int) -> str:
    """A count with its thousands apart.

    >>> count(285000)
    '285,000'
    """
    return f"{number:,}"


def decimal(number: float | None, digits: int = 3) -> str:
    return NOTHING if number is None else f"{number:.{digits}f}".replace("-", "−")


def percent(number: float | None, digits: int = 1) -> str:
    """A share in percent.

    >>> percent(0.0483), percent(None)
    ('4.8 %', '–')
    """
    return NOTHING if number is None else f"{100 * number:.{digits}f} %".replace("-", "−")


def size(number: float | None, sign: str = "") -> str:
    """A number on any scale: as many digits as tell something.

    >>> size(0.3765), size(12.34), size(-1234.5), size(0.00123), size(0.5, "+")
    ('0.377', '12.3', '−1,234', '0.00123', '+0.500')
    """
    if number is None:
        return NOTHING
    far = abs(number)
    form = ",.0f" if far >= 100 else ".1f" if far >= 10 else ".2f" if far >= 1 else ".3f" if far >= 0.01 or far == 0 else ".3g"
    return f"{number:{sign}{form}}".replace("-", "−")


def rate(number: float | None) -> str:
    """A rate: two digits when small, none when large."""
    return NOTHING if number is None else f"{number:,.1f}" if number < 100 else f"{number:,.0f}"


def interval(estimate: Estimate, form: str = "decimal") -> str:
    """Low to high, or nothing.

    >>> interval(Estimate(0.5, 0.4, 0.6, 10, "x"))
    '0.400 to 0.600'
    """
    if estimate.low is None or estimate.high is None:
        return ""
    say = _FORMS[form]
    return f"{say(estimate.low).removesuffix(' %').removesuffix(' points')} to {say(estimate.high)}"


def value(estimate: Estimate, form: str = "decimal") -> str:
    return _FORMS[form](estimate.value)


def with_interval(estimate: Estimate, form: str = "decimal") -> str:
    """Value and interval in one text.

    >>> with_interval(Estimate(0.5, 0.4, 0.6, 10, "x"), "percent")
    '50.0 % (40.0 to 60.0 %)'
    """
    ends = interval(estimate, form)
    return f"{value(estimate, form)} ({ends})" if ends else value(estimate, form)


def in_words(estimate: Estimate, form: str, level: float) -> str:
    """Value, interval with its level, and n, for a sentence."""
    ends = interval(estimate, form)
    said = f"{100 * level:g} % interval {ends}; " if ends else ""
    return f"{value(estimate, form)} ({said}n = {count(estimate.n)})"


def excludes(estimate: Estimate, number: float) -> bool:
    """Whether the interval lies on one side of the number."""
    return estimate.low is not None and estimate.high is not None and (estimate.low > number or estimate.high < number)


def _signed(number: float | None) -> str:
    return NOTHING if number is None else f"{number:+.3f}".replace("-", "−")


def _signed_size(number: float | None) -> str:
    return size(number, "+")


def _signed_percent(number: float | None) -> str:
    """A difference of shares, in points of a hundred."""
    return NOTHING if number is None else f"{100 * number:+.1f} points".replace("-", "−")


_FORMS = {"decimal": decimal, "percent": percent, "rate": rate, "signed": _signed, "size": size, "signed size": _signed_size,
          "signed percent": _signed_percent}  # fmt: skip
