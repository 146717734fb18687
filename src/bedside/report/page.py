"""The report of a test: one file that says what was asked, what was found, how sure it is, and how to check it.

In        records: the study's declaration, an `Evaluation`, row accounts, leakage checks, the ledger's head
Out       self-contained HTML; every number carries data-figure, the name to give to `bedside explain`
Refuses   nothing: what is not known is left out; what could not be estimated says why
"""

# ruff: noqa: PT028 (test_report draws the report of a test; it is no test of ours)
from __future__ import annotations

from collections.abc import Mapping, Sequence

from bedside.evaluate.figures import name
from bedside.evaluate.records import Estimate, Evaluation
from bedside.report import declaration, flow, forest, prose, ranking, tables, usefulness, words
from bedside.report.document import banners, document, facts, number, paragraph, section, table, table_row
from bedside.report.markup import Markup, element, join

_PARTS = {
    "asked": "What was asked",
    "flow": "Where the records went",
    "ranking": "Ranking",
    "clock": "Worth beyond the clock",
    "promises": "Promises kept",
    "use": "Use at a threshold",
    "groups": "Subgroups",
    "splits": "Splits",
    "leaks": "What a test must not know",
    "limits": "What this does not show",
    "proof": "Proof",
}
_CHECKED = {
    "copies": "Subjects in different splits whose records are copies of each other",
    "decisions": "Decisions looked at",
    "features": "Feature columns",
    "known_before_time": "Facts said to be known before they happened",
    "sampled_decisions": "Decisions whose features were made again from the facts known by then",
    "sampled_facts": "Facts of those decisions, past and future",
    "sampled_facts_withheld": "Of these, facts not yet known, withheld from the features",
    "splits": "Splits",
    "subjects": "Subjects looked at",
    "without_known_at": "Facts without a time of becoming known",
}
SELF_ATTESTED = (
    "The ledger shows in which order things were done: the plan, the sealed model, the opening of the test labels, the test. "
    "Without an outside witness for its checkpoints that order is self-attested: whoever holds the signing key could have "
    "rewritten the whole of it. Keep the root below somewhere else, and a later rewrite shows."
)


def test_report(
    *,
    title: str,
    study: Mapping[str, object],
    evaluation: Evaluation,
    counts: Sequence[Mapping[str, object]],
    ledger_head: Mapping[str, object],
    made: bool,
    next_commands: Sequence[str],
    leakage: Mapping[str, object] | None = None,
    quality: str | None = None,
    stages: Sequence[tuple[str, int]] = (),
    unseen: Sequence[str] = (),
) -> str:
    """The whole page.

    study        the declaration (study.toml) as a dict; parts that are missing are left out
    counts       tallies (core.accounts) as dicts, one per file
    stages       (label, count) between the records read and the test: events, subjects, decisions, ...
    leakage      the cohort's own checks, name to count
    ledger_head  size, root, signature and time of the newest checkpoint
    quality      link to the data-quality page, relative to this one
    unseen       declared signals of which the data hold no value
    """
    parts: dict[str, Markup | None] = {
        "asked": declaration.asked(study, evaluation, unseen),
        "flow": _flow(counts, stages, evaluation, quality),
        "ranking": _ranking(evaluation),
        "clock": _clock(evaluation),
        "promises": _promises(evaluation),
        "use": _use(evaluation),
        "groups": _groups(evaluation),
        "splits": forest.splits(evaluation) if len(evaluation.splits) > 1 else None,
        "leaks": _leaks(evaluation, leakage),
        "limits": _limits(evaluation, made),
        "proof": _proof(ledger_head, next_commands),
    }
    shown = {key: part for key, part in parts.items() if part}
    return document(
        title,
        paragraph("Test report · Bedside", kind="kind"),
        element("h1", title),
        banners(made),
        prose.finding(evaluation, study),
        _cards(evaluation),
        _contents(list(shown)),
        [section(key, _PARTS[key], part) for key, part in shown.items()],
        element(
            "footer",
            "Made by Bedside from the records named above. Every number here can be traced: ",
            element("code", f"bedside explain STUDY {name(evaluation.main, 'auroc')}"),
            ".",
        ),
    )


def _cards(evaluation: Evaluation) -> Markup:
    main = evaluation.row(evaluation.main)
    told = [_card("Ranking (AUROC)", name(main.output, "auroc"), main.auroc, "decimal", "0.5 is chance")]
    told.append(
        _card(
            "Average precision",
            name(main.output, "auprc"),
            main.auprc,
            "decimal",
            f"{words.decimal(main.base_rate.value)} is chance",
        )
    )
    if main.calibration:
        ratio = main.calibration.observed_to_expected
        told.append(
            _card("Observed / expected events", name(main.output, "observed_to_expected"), ratio, "decimal", "1 is perfect")
        )
    if evaluation.worth:
        within = evaluation.worth.within_hour
        told.append(
            _card(
                "Ranking within the same hour",
                name(main.output, "beyond clock", "within hour"),
                within,
                "decimal",
                "0.5 is the clock",
            )
        )
    return element("dl", told, class_="cards")


def _card(label: str, called: str, estimate: Estimate, form: str, compare: str) -> Markup:
    big = element("data", words.value(estimate, form), value=repr(estimate.value), data_figure=called, class_="big")
    small = element(
        "span", f"{words.interval(estimate, form) or estimate.method}; {compare}; n = {words.count(estimate.n)}", class_="small"
    )
    return element("div", element("dt", label), element("dd", big, small))


def _contents(keys: list[str]) -> Markup:
    return element("nav", [element("a", _PARTS[key], href=f"#{key}") for key in keys], aria_label="Contents")


def _flow(
    counts: Sequence[Mapping[str, object]], stages: Sequence[tuple[str, int]], evaluation: Evaluation, quality: str | None
) -> Markup:
    sums = flow.by_source(counts)
    read, written = (sum(one[key] for one in sums.values()) for key in ("read", "written"))
    held = evaluation.counts
    path = [("records read", read), ("written", written)] if counts else []
    path += [*stages, ("predictions tested", held.predictions), ("followed by the event", held.events)]
    more = paragraph(element("a", "The data-quality page", href=quality), " says more about what was read.") if quality else None
    return join([flow.spine(path), flow.accounts(counts) if counts else None, _left_out(evaluation), more])


def _left_out(evaluation: Evaluation) -> Markup | None:
    lost = {reason: many for reason, many in evaluation.left_out.items() if many}
    if not lost:
        return None
    return paragraph(
        "Left out of the test: ",
        "; ".join(f"{words.count(many)} predictions, {reason}" for reason, many in lost.items()),
        ".",
        kind="quiet",
    )


def _ranking(evaluation: Evaluation) -> Markup:
    pair = element("div", ranking.roc(evaluation), ranking.precision_recall(evaluation), class_="pair")
    gaps = [element("h3", "The model less each other output"), forest.differences(evaluation)] if evaluation.differences else []
    note = paragraph(evaluation.note, kind="quiet") if evaluation.clustered else None
    return join([pair, tables.comparison(evaluation), prose.utility(evaluation), gaps, note])


def _clock(evaluation: Evaluation) -> Markup | None:
    return join([prose.worth(evaluation), prose.components(evaluation)]) or None


def _promises(evaluation: Evaluation) -> Markup | None:
    main = evaluation.row(evaluation.main)
    if (found := main.calibration) is None:
        return None
    measured = {
        "in_the_large": ("In the large (log odds)", "0"),
        "slope": ("Slope", "1"),
        "observed_to_expected": ("Observed / expected", "1"),
        "brier": ("Brier score", "0"),
        "scaled_brier": ("Scaled Brier score", "1"),
        "mean_error": ("Mean error of the curve", "0"),
    }
    rows = [
        table_row([label, number(name(main.output, key), getattr(found, key), apart=True), perfect])
        for key, (label, perfect) in measured.items()
    ]
    beside = join([table(["Measure", "Estimate", "Perfect"], rows), paragraph(_methods(found.slope, found.brier), kind="quiet")])
    return element("div", usefulness.calibration(main), element("div", beside), class_="pair")


def _methods(*estimates: Estimate) -> str:
    return "Intervals: " + "; ".join(dict.fromkeys(estimate.method for estimate in estimates)) + "."


def _use(evaluation: Evaluation) -> Markup:
    curve = usefulness.decision(evaluation)
    return join([tables.operating(evaluation), element("div", curve, element("div", _reading()), class_="pair") if curve else None])


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


def _groups(evaluation: Evaluation) -> Markup | None:
    return join([prose.subgroups(evaluation.subgroups, evaluation), forest.subgroups(evaluation)]) if evaluation.subgroups else None


def _leaks(evaluation: Evaluation, leakage: Mapping[str, object] | None) -> Markup:
    rows = [
        table_row([check.said.capitalize(), "held" if not check.breaches else f"broken {words.count(check.breaches)} times"])
        for check in evaluation.leakage
    ]
    broken = any(check.breaches for check in evaluation.leakage)
    warned = element("p", "A check is broken: these results say more than the model could know. Do not use them.", class_="banner")
    told = [table_row([_CHECKED.get(key, words.spoken(key).capitalize()), str(many) if not isinstance(many, int) else words.count(many)],
                      numbers=frozenset({1})) for key, many in (leakage or {}).items()]  # fmt: skip
    found = (
        [element("h3", "Checked when the cohort was made"), table(["Checked", "Count"], told, numbers=frozenset({1}))]
        if leakage
        else None
    )
    return join([warned if broken else None, table(["Check", "Found"], rows), found])


def _limits(evaluation: Evaluation, made: bool) -> Markup:
    held = [
        "One test of one model on the patients named above. Other hospitals, years and ways of measuring may give other numbers.",
        "A retrospective test: nobody acted on these predictions. Whether acting on them helps patients is not shown.",
        "Patients who were treated because staff saw the danger may count as false alarms.",
    ]
    if made:
        held.insert(0, "The data are made. Nothing here carries over to patients.")
    if not any(row.operating for row in evaluation.outputs):
        held.append("No threshold was fixed before the test, so none is judged.")
    return element("ul", [element("li", line) for line in held])


def _proof(head: Mapping[str, object], commands: Sequence[str]) -> Markup:
    root = {key: element("code", str(head[key])) for key in ("root", "signature") if head.get(key)}
    return join(
        [
            paragraph(SELF_ATTESTED),
            facts(
                ("Entries in the ledger", _said(head.get("size"))),
                ("Merkle root (SHA-256)", root.get("root")),
                ("Signature (Ed25519)", root.get("signature")),
                ("Signed at", _said(head.get("time"))),
            ),
            [element("h3", "Next"), element("pre", "\n".join(commands))] if commands else None,
        ]
    )


def _said(value: object) -> str | None:
    return None if value is None else str(value)
