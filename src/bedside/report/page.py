"""The report of a test: one file that says what was asked, what was found, how sure it is, and how to check it.

In        records: the study's declaration, a `Test`, row accounts, leakage checks, the ledger's head
Out       self-contained HTML; every number carries data-figure, the name to give to `bedside explain`
Refuses   nothing: what is not known is left out; what could not be estimated says why
"""

# ruff: noqa: PT028 (test_report draws the report of a test; it is no test of ours)
from __future__ import annotations

from collections.abc import Mapping, Sequence

from bedside.evaluate.judged import Test, Unjudged
from bedside.evaluate.records import Evaluation
from bedside.evaluate.stored import as_test
from bedside.report import declaration, flow, words
from bedside.report.document import banners, document, facts, paragraph, section, table, table_row
from bedside.report.markup import Markup, element, join
from bedside.report.parts import anchor, blocks, cards, finding, left_out, overview, part

_PARTS = {
    "asked": "What was asked",
    "flow": "Where the records went",
    "targets": "All targets",
    "result": "Result",
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
_MANY = 5
SELF_ATTESTED = (
    "The ledger shows in which order things were done: the plan, the sealed model, the opening of the test labels, the test. "
    "Without an outside witness for its checkpoints that order is self-attested: whoever holds the signing key could have "
    "rewritten the whole of it. Keep the root below somewhere else, and a later rewrite shows."
)


def test_report(
    *,
    title: str,
    study: Mapping[str, object],
    evaluation: Test | Evaluation,
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
    evaluation   the `Test`; a single yes-no `Evaluation` will do
    counts       tallies (core.accounts) as dicts, one per file
    stages       (label, count) between the records read and the test: events, subjects, decisions, ...
    leakage      the cohort's own checks, name to count
    ledger_head  size, root, signature and time of the newest checkpoint
    quality      link to the data-quality page, relative to this one
    unseen       declared signals of which the data hold no value
    """
    test = as_test(evaluation)
    parts: dict[str, Markup | None] = {"asked": declaration.asked(study, test, unseen), "flow": _flow(counts, stages, test, quality)}
    parts |= blocks(test.only) if test.only else {"targets": overview(test)}
    last = {"leaks": _leaks(test, leakage), "limits": _limits(test, made), "proof": _proof(ledger_head, next_commands)}
    shown, end = ({key: block for key, block in some.items() if block} for some in (parts, last))
    targets = [] if test.only else test.sections
    return document(
        title,
        paragraph("Test report · Bedside", kind="kind"),
        element("h1", title),
        banners(made),
        finding(test.only, study) if test.only else _findings(test),
        cards(test.only) if test.only else None,
        _contents([*((key, _PARTS[key]) for key in shown), *((anchor(one), one.called) for one in targets), *((key, _PARTS[key]) for key in end)]),
        [section(key, _PARTS[key], block) for key, block in shown.items()],
        [part(one, study) for one in targets],
        [section(key, _PARTS[key], block) for key, block in end.items()],
        element(
            "footer",
            "Made by Bedside from the records named above. Every number here can be traced: ",
            element("code", f"bedside explain STUDY {example(test)}"),
            ".",
        ),
    )


def _findings(test: Test) -> Markup:
    """What a study with several targets found, before each is told by itself."""
    judged = [one for one in test.sections if not isinstance(one.result, Unjudged)]
    lost = len(test.sections) - len(judged)
    more = f" {words.count(lost)} of them could not be judged, and the table says why." if lost else ""
    return paragraph(
        f"The model was asked {len(test.sections)} things of each {words.unit(test.unit)}: "
        f"{', '.join(words.quoted(one.called) for one in test.sections)}. ",
        f"Each is judged by itself{'; with so many answers some look good or bad by chance' if len(test.sections) >= _MANY else ''}.{more}", kind="lead",
    )  # fmt: skip


def example(test: Test) -> str:
    """A figure of this page."""
    for one in test.sections:
        if isinstance(one.result, Evaluation):
            return one.result.named(one.result.main, "auroc")
        if not isinstance(one.result, Unjudged) and (keys := [key for key in one.result.headline if key in one.result.row(one.result.main).measures]):
            return one.result.named(one.result.main, *keys[0].split("/"))
    return "FIGURE"


def _contents(parts: Sequence[tuple[str, str]]) -> Markup:
    return element("nav", [element("a", said, href=f"#{key}") for key, said in parts], aria_label="Contents")


def _flow(counts: Sequence[Mapping[str, object]], stages: Sequence[tuple[str, int]], test: Test, quality: str | None) -> Markup:
    sums = flow.by_source(counts)
    read, written = (sum(one[key] for one in sums.values()) for key in ("read", "written"))
    path = [("records read", read), ("written", written)] if counts else []
    path += [*stages, *_tested(test)]
    more = paragraph(element("a", "The data-quality page", href=quality), " says more about what was read.") if quality else None
    only = test.only.result if test.only else None
    return join([flow.spine(path), flow.accounts(counts) if counts else None, left_out(only) if isinstance(only, Evaluation) else None, more])


def _tested(test: Test) -> list[tuple[str, int]]:
    """The last stages of the flow; of several targets the one with most units."""
    results = [one.result for one in test.sections]
    if test.only and isinstance(held := results[0], Evaluation):
        timed = held.unit in words.TIMED
        said = "predictions" if timed else words.plural(words.unit(held.unit))
        return [(f"{said} tested", held.counts.predictions), ("followed by the event" if timed else "with the finding", held.counts.events)]
    units = [one.counts.predictions if isinstance(one, Evaluation) else one.counts.units for one in results if not isinstance(one, Unjudged)]
    return [(f"{words.plural(words.unit(test.unit))} tested", max(units, default=0))]


def _leaks(test: Test, leakage: Mapping[str, object] | None) -> Markup:
    checks = _checks(test)
    rows = [table_row([said.capitalize(), "held" if not breaches else f"broken {words.count(breaches)} times"]) for said, breaches in checks.items()]
    broken = any(checks.values())
    warned = element("p", "A check is broken: these results say more than the model could know. Do not use them.", class_="banner")
    told = [table_row([_CHECKED.get(key, words.spoken(key).capitalize()), str(many) if not isinstance(many, int) else words.count(many)],
                      numbers=frozenset({1})) for key, many in (leakage or {}).items()]  # fmt: skip
    found = (
        [element("h3", "Checked when the cohort was made"), table(["Checked", "Count"], told, numbers=frozenset({1}))]
        if leakage
        else None
    )
    return join([warned if broken else None, table(["Check", "Found"], rows), found])


def _checks(test: Test) -> dict[str, int]:
    """What was checked, and the breaches over all targets."""
    found: dict[str, int] = {}
    for one in test.sections:
        for check in () if isinstance(one.result, Unjudged) else one.result.leakage:
            found[check.said] = found.get(check.said, 0) + check.breaches
    return found


def _limits(test: Test, made: bool) -> Markup:
    results = [one.result for one in test.sections]
    timed = any(isinstance(one, Evaluation) and one.unit in words.TIMED for one in results)
    of = "patients" if any(not isinstance(one, Unjudged) and one.clusters == "subjects" for one in results) else words.plural(words.unit(test.unit))
    held = [f"One test of one model on the {of} named above. Other hospitals, years and ways of measuring may give other numbers."]
    if of != "patients":
        held = [f"One test of one model on the {of} named above. Others, and other ways of measuring, may give other numbers."]
    held.append("A retrospective test: nobody acted on these predictions. Whether acting on them helps patients is not shown.")
    if timed:
        held.append("Patients who were treated because staff saw the danger may count as false alarms.")
    if made:
        held.insert(0, "The data are made. Nothing here carries over to patients.")
    if any(isinstance(one, Evaluation) and not any(row.operating for row in one.outputs) for one in results):
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
