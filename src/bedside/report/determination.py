"""The draft of an expert determination: what an expert needs to judge a table's risk, and the blanks that only a person can fill.

In        `Judged`: a table's risk, before and after generalisation
Out       one self-contained HTML file. Counts and rates, never a value of the table
Source    45 CFR 164.514(b)(1); OCR, Guidance Regarding Methods for De-identification of PHI (26 November 2012), section 2
Refuses   to determine: it says what was measured, and that a person with the knowledge must judge it
"""

from __future__ import annotations

from collections.abc import Sequence

from bedside.deidentify.risk import THRESHOLDS, Risk
from bedside.deidentify.risk_judged import Judged
from bedside.deidentify.risk_population import Estimate, Uniques
from bedside.report import words
from bedside.report.document import document, drawn, facts, numbers_behind, paragraph, section, table, table_row
from bedside.report.markup import Markup, element, join

_DRAFT = (
    "Draft for a person's determination under 45 CFR 164.514(b)(1). A program measured what stands here. Whether the risk is very small "
    "is for a person with appropriate knowledge and experience to determine, to document and to sign."
)
_ADVERSARIES = [
    ("Prosecutor", "knows that a person is in the table and looks for that one record: 1 by the size of its class in the table"),
    (
        "Journalist",
        "does not know who is in it and wants to show that anybody can be found: 1 by the size of the class in the population",
    ),
    ("Marketer", "matches the whole table against a list: the expected share of records matched"),
]
_METHODS = [
    "k-anonymity: Sweeney, Int J Uncertainty Fuzziness Knowledge-Based Syst 2002;10:557.",
    "l-diversity (distinct, entropy, recursive): Machanavajjhala et al., ACM TKDD 2007;1:3.",
    "t-closeness (earth mover's distance, equal and ordered): Li, Li, Venkatasubramanian, ICDE 2007.",
    "Prosecutor, journalist and marketer risk: El Emam, Guide to the De-Identification of Personal Health Information, 2013, chapter 16.",
    "Population uniques: Hoshino, J Official Stat 2001;17:499 (Pitman); Zayatz, US Bureau of the Census SRD 91/08, 1991; "
    "choice between them: Dankar et al., BMC Med Inform Decis Mak 2012;12:66.",
    "Generalisation: exhaustive search of the lattice of levels under the normalised certainty penalty (Xu et al., KDD 2006).",
]
_LIMITS = [
    "Only the quasi-identifiers named above were judged. What else an outsider may know of a person is for the expert to say.",
    "k-anonymity protects against finding a record, not against learning what all records of a class share; l and t say how much that is.",
    "Free text, images and genomes are not judged by these measures.",
    "Records of one person in several rows count as several people: then the risks are too small.",
    "Estimates of the population assume a simple random sample of it.",
    "Data released earlier, or later, about the same people were not considered.",
]
_BANDS = ((1, 1), (2, 2), (3, 4), (5, 10), (11, 19), (20, 49), (50, 99), (100, 999), (1000, None))
_BLANKS = ("Name", "Qualification and experience", "Quasi-identifiers judged complete because", "Anticipated recipients and controls",
           "Determination: the risk is very small (yes, no, under these conditions)", "Valid until", "Place and date", "Signature")  # fmt: skip
_WIDE, _TALL, _FOOT, _HEAD = 440, 220, 40, 18


def determination(judged: Judged) -> str:
    """The whole page."""
    after = judged.after
    return document(
        "Expert determination: draft",
        paragraph("Risk report · Bedside", kind="kind"),
        element("h1", f"Re-identification risk of {judged.table.name}"),
        element("p", _DRAFT, class_="banner", role="note"),
        _finding(judged),
        section("data", "What was judged", _data(judged)),
        section(
            "adversaries",
            "Who might try",
            element("ul", [element("li", element("b", name), f" {said}.") for name, said in _ADVERSARIES]),
        ),
        section("before", "The table as it is" if after else "Result", _measures(judged.before, "before")),
        section("after", "After generalisation", _changes(judged), _measures(after, "after")) if after else None,
        section("population", "Uniques of the population", _population(judged.uniques)),
        section("residual", "Residual risk", _residual(after or judged.before)),
        section("methods", "Methods", element("ul", [element("li", one) for one in _METHODS])),
        section("limits", "What this does not show", element("ul", [element("li", one) for one in _LIMITS])),
        section("signature", "To be filled in by the expert", table(["", ""], [table_row([name, "_" * 48]) for name in _BLANKS])),
    )


def _finding(judged: Judged) -> Markup:
    last = judged.after or judged.before
    return paragraph(
        f"Of {words.count(last.records)} records each shares its quasi-identifiers with at least {words.count(last.k - 1)} others. "
        f"A prosecutor finds the most exposed record with a probability of {last.prosecutor.maximum:.3f}, and a record taken at random with "
        f"{last.prosecutor.average:.3f}.", kind="lead",
    )  # fmt: skip


def _data(judged: Judged) -> Markup:
    chosen = judged.chosen.levels if judged.chosen else {}
    rows = [
        table_row([name, chosen[name][2] if name in chosen else "not generalised", "to be stated by the expert"])
        for name in judged.before.quasi
    ]
    return join(
        [
            facts(
                ("Table", judged.table.name),
                ("SHA-256", element("code", judged.table.digest)),
                ("Records", words.count(judged.table.records)),
                ("Columns", words.count(judged.table.columns)),
                ("Sensitive columns", ", ".join(judged.before.diversity) or "none named"),
            ),
            table(["Quasi-identifier", "Hierarchy", "Why an outsider may know it"], rows),
        ]
    )


def _measures(found: Risk, key: str) -> Markup:
    bands = _banded(found)
    lines = [f"above {line:g}" for line in THRESHOLDS]
    shares = [found.prosecutor.over[str(line)] for line in THRESHOLDS]
    return join(
        [
            facts(
                ("k (smallest class)", words.count(found.k)),
                ("Classes", words.count(found.classes)),
                ("Records alone in their class", words.count(found.uniques)),
                ("Mean class", f"{found.mean_class:.1f}"),
            ),
            element(
                "div",
                _bars(f"sizes-{key}", "Records by size of their class", [name for name, _ in bands], [share for _, share in bands]),
                _bars(f"over-{key}", "Share of records whose prosecutor risk is above a threshold", lines, shares),
                class_="pair",
            ),
            _adversaries(found),
            _diversity(found) if found.diversity else None,
        ]
    )


def _banded(found: Risk) -> list[tuple[str, float]]:
    """Share of records by size of their class."""
    told = []
    for low, high in _BANDS:
        held = sum(size * count for size, count in found.sizes.items() if size >= low and (high is None or size <= high))
        told.append((str(low) if low == high else f"{low}+" if high is None else f"{low}-{high}", held / found.records))
    return told


def _adversaries(found: Risk) -> Markup:
    def row(name: str, maximum: float | None, average: float | None, over: dict[str, float] | None) -> Markup:
        shares = [words.percent(over[str(line)]) if over else "" for line in THRESHOLDS]
        return table_row(
            [name, *("" if one is None else f"{one:.4f}" for one in (maximum, average)), *shares], numbers=frozenset(range(1, 6))
        )

    rows = [row("Prosecutor", found.prosecutor.maximum, found.prosecutor.average, found.prosecutor.over)]
    if found.journalist is not None:
        rows.append(row("Journalist", found.journalist.maximum, found.journalist.average, found.journalist.over))
    rows.append(row("Marketer, list of the same people", None, found.marketer, None))
    if found.journalist_marketer is not None:
        rows.append(row("Marketer, list of the population", None, found.journalist_marketer, None))
    head = ["Adversary", "Highest", "Average", *(f"Above {line:g}" for line in THRESHOLDS)]
    return join(
        [table([*head], rows, numbers=frozenset(range(1, 6))), paragraph(f"Journalist: {found.journalist_basis}.", kind="quiet")]
    )


def _diversity(found: Risk) -> Markup:
    rows = [
        table_row([name, one.distinct, f"{one.entropy:.2f}", *(_or_none(one.recursive[values]) for values in ("2", "3")), f"{one.t_equal:.3f}", _or_none(one.t_ordered)],
                  numbers=frozenset(range(1, 7)))
        for name, one in found.diversity.items()
    ]  # fmt: skip
    head = ["Sensitive column", "l distinct", "l by entropy", "c for l = 2", "c for l = 3", "t equal", "t ordered"]
    return table([*head], rows, numbers=frozenset(range(1, 7)))


def _or_none(number: float | None) -> str:
    return "none" if number is None else f"{number:.3f}"


def _changes(judged: Judged) -> Markup | None:
    chosen, asked = judged.chosen, judged.asked
    if chosen is None or asked is None:
        return None
    rows = [table_row([name, f"{level} of {of - 1}", kind]) for name, (level, of, kind) in chosen.levels.items()]
    return join(
        [
            paragraph(
                f"Asked: k {asked.k}, l {asked.diversity}, t {asked.distance:g}, at most {words.percent(asked.suppress)} of records left out. "
                f"Of {words.count(chosen.nodes)} combinations of levels this one loses least ({chosen.loss:.3f} of 1) and leaves out "
                f"{words.count(chosen.suppressed)} records."
            ),
            table(["Quasi-identifier", "Level", "Hierarchy"], rows),
        ]
    )


def _population(found: Uniques | None) -> Markup:
    if found is None:
        return paragraph("Not estimated: no sampling fraction below 1 was given.")
    rows = [
        _estimated(name, one, name.lower() == found.chosen) for name, one in (("Pitman", found.pitman), ("Zayatz", found.zayatz))
    ]
    told = f"Share of the population that is unique in it, for a sample of {words.percent(found.fraction)}; intervals by bootstrap over classes."
    return join([paragraph(told), table(["Model", "Share", "95 % interval", ""], rows, numbers=frozenset({1, 2}))])


def _estimated(name: str, one: Estimate, taken: bool) -> Markup:
    if one.share is None:
        return table_row([name, "no estimate on this sample", "", ""])
    return table_row(
        [name, f"{one.share:.4%}", f"{one.low:.4%} to {one.high:.4%}", "taken by the rule" if taken else ""],
        numbers=frozenset({1, 2}),
    )


def _residual(found: Risk) -> Markup:
    worst = found.prosecutor.over[str(THRESHOLDS[1])]
    told = [
        f"With the quasi-identifiers named, {words.percent(worst)} of records stand in classes of fewer than 12 and above a risk of {THRESHOLDS[1]:g}."
    ]
    told += [f"In {name} a class holds at least {one.distinct} distinct values." for name, one in found.diversity.items()]
    return element("ul", [element("li", one) for one in told])


def _bars(key: str, title: str, names: Sequence[str], shares: Sequence[float]) -> Markup:
    """Bars of shares, each with its number above it."""
    wide, floor = _WIDE / len(names), _TALL - _FOOT
    marks = []
    for at, (name, share) in enumerate(zip(names, shares, strict=True)):
        tall = share * (floor - _HEAD)
        middle = (at + 0.5) * wide
        marks += [
            element("rect", x=at * wide + wide * 0.15, y=floor - tall, width=wide * 0.7, height=tall, class_="bar"),
            element("text", words.percent(share, 0), x=middle, y=floor - tall - 4, text_anchor="middle", class_="soft"),
            element("text", name, x=middle, y=floor + 16, text_anchor="middle"),
        ]
    told = "; ".join(f"{name}: {words.percent(share)}" for name, share in zip(names, shares, strict=True))
    picture = element(
        "svg",
        element("title", title, id=f"title-{key}"),
        element("desc", told, id=f"desc-{key}"),
        join(marks),
        element("line", x1=0, x2=_WIDE, y1=floor, y2=floor, class_="axis"),
        viewBox=f"0 0 {_WIDE} {_TALL}",
        role="img",
        aria_labelledby=f"title-{key} desc-{key}",
        xmlns="http://www.w3.org/2000/svg",
    )
    behind = numbers_behind(
        ["", "Share of records"], [[name, words.percent(share)] for name, share in zip(names, shares, strict=True)]
    )
    return drawn(key, picture, f"risk/{key}", title + ".", behind)
