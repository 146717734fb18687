"""The page of a search for molecules: what was found, and how much of it a scorer that was held back believes.

In        a `Generated` (evaluate.generated)
Out       self-contained HTML
"""

from __future__ import annotations

from bedside.evaluate.generated import Generated, Share, Step
from bedside.evaluate.records import Estimate
from bedside.report import words
from bedside.report.chart import Chart
from bedside.report.document import banners, document, drawn, facts, number, numbers_behind, paragraph, section, table, table_row
from bedside.report.markup import Markup, element, join

_SHOWN = 25
_LINES = (("objective", "risk", "the objective, which was searched"), ("twin", "logistic", "its twin: same molecules, other seed"),
          ("held_back", "clock", "held back: other molecules"))  # fmt: skip


def generation_page(found: Generated, *, title: str, made: bool) -> str:
    """The whole page."""
    return document(
        f"Generated molecules: {title}",
        paragraph("Generated molecules · Bedside", kind="kind"),
        element("h1", f"Generated molecules: {title}"),
        banners(made),
        paragraph(_finding(found), kind="lead"),
        section("kept", "Does another scorer believe it?", _kept(found), _course(found)),
        section("quality", "What was made", _quality(found)),
        section("best", "The best by the objective", _best(found)),
        element("footer", "Scores of models, not of molecules: nothing here was made or measured."),
    )


def _finding(found: Generated) -> str:
    share = found.kept["held_back"]
    if share.value is None:
        return f"{words.count(len(found.molecules))} molecules were scored for {found.wanted} {found.target}; {share.method}."
    return (
        f"{words.count(len(found.molecules))} molecules were scored for {found.wanted} {found.target}. Of what the search gained by its own scorer, "
        f"a scorer taught by other molecules sees {share.value:.0%} ({share.low:.0%} to {share.high:.0%}); the rest is the search fooling its scorer."
    )


def _kept(found: Generated) -> Markup:
    said = {"twin": "Seen by the twin (same molecules, other seed)", "held_back": "Seen by the held-back scorer (other molecules)"}
    rows = [table_row([said[name], number(f"generate/kept/{name.replace('_', '-')}", _estimate(share), "decimal"), share.method])
            for name, share in found.kept.items()]  # fmt: skip
    return table(["Share of the gain", "Value", "How"], rows, numbers=frozenset({1}))


def _estimate(share: Share) -> Estimate:
    return Estimate(share.value, share.low, share.high, share.n, share.method, "molecules")


def _course(found: Generated) -> Markup:
    steps = [Step(0, found.start.objective, found.start.twin, found.start.held_back), *found.course]
    low = min(min(one.objective, one.twin, one.held_back) for one in steps)
    high = max(max(one.objective, one.twin, one.held_back) for one in steps)
    room = (high - low) * 0.08 or 1.0
    chart = Chart("course", "Scores of the best ten over the search", f"Three lines from the start's mean to {steps[-1].calls} calls.",
                  x=(0, max(steps[-1].calls, 1)), y=(low - room, high + room), x_label="scorer calls", y_label="mean score of the best ten",
                  x_say=lambda value: f"{value:g}", y_say=lambda value: f"{value:g}")  # fmt: skip
    for name, kind, _ in _LINES:
        chart.curve([one.calls for one in steps], [getattr(one, name) for one in steps], kind)
    last = [getattr(steps[-1], name) for name, _, _ in _LINES]
    corners = {"lower right": sum(value < low + (high - low) * 0.4 for value in last), "upper left": 1}
    chart.key_in_a_free_corner([(kind, said) for _, kind, said in _LINES], corners)
    behind = numbers_behind(["Calls", "Objective", "Twin", "Held back"], [[str(one.calls), f"{one.objective:.3g}", f"{one.twin:.3g}", f"{one.held_back:.3g}"] for one in steps])
    return drawn("course", chart.svg(), "generate/area", "At 0 calls: the mean of the molecules that the search started from.", behind)


def _quality(found: Generated) -> Markup:
    told = found.quality
    fates = ", ".join(f"{words.count(many)} {what}" for what, many in sorted(found.proposals.items(), key=lambda pair: -pair[1]))
    return join([
        facts(("Molecules made and scored", words.count(told.made)), ("Valid", f"{told.valid:.1%}"), ("Unique among them", f"{told.unique:.1%}"),
              ("Not among those known before", f"{told.novel:.1%}"), ("Internal diversity", _plain(told.diversity)),
              ("Synthetic accessibility, median (1 easy, 10 hard)", _plain(told.accessibility)), ("QED, median", _plain(told.drug_likeness)),
              ("With a PAINS alert", None if told.alerts is None else f"{told.alerts:.1%}"), ("Proposals", fates),
              ("Scorers", f"searched: {words.count(found.own_rows)} compounds; held back: {words.count(found.other_rows)}, no group in both")),
    ])  # fmt: skip


def _best(found: Generated) -> Markup:
    rows = [table_row([element("code", smiles), words.count(call), f"{objective:.3g}", f"{twin:.3g}", f"{held:.3g}"], numbers=frozenset({1, 2, 3, 4}))
            for smiles, call, born, objective, twin, held in found.molecules if born][:_SHOWN]  # fmt: skip
    return table(["SMILES", "Call", "Objective", "Twin", "Held back"], rows, numbers=frozenset({1, 2, 3, 4}))


def _plain(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"
