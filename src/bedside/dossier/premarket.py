"""A 510(k)-shaped draft: what the ledger can fill is filled and cited, what only people can write is marked.

In        the study's declaration, the `Test`, the bundle's card, the `Book`
Out       Markdown, sections after FDA's draft guidance on AI-enabled device software functions (January 2025; still a draft)
Never     claims substantial equivalence, calls tuning or testing by the word that the guidance warns of, or signs.
"""

from __future__ import annotations

from collections.abc import Mapping

from bedside.dossier import targets, told
from bedside.dossier.card import development, limits, question
from bedside.dossier.checklist import ASKED
from bedside.dossier.references import TO_BE_COMPLETED, Book
from bedside.dossier.writing import bullets, declared, person, plain, table, text
from bedside.evaluate.judged import Test, Unjudged
from bedside.evaluate.records import Evaluation
from bedside.report import words
from bedside.report.document import MADE, NOT_CLEARED
from bedside.report.prose import dig

_STATUS = (
    "The sections follow FDA's guidance on AI-enabled device software functions of January 2025 (docket FDA-2024-D-4488), "
    "which is a **draft**, not for implementation. Check its status, and that of every rule named here, before use. "
    "A submission itself is made in the agency's eSTAR form; this text can only feed it."
)
_ORDER_NOTE = "Words: development is training, tuning and the evaluation of tuning; a test is made once, on patients held out."


def premarket(
    study: Mapping[str, object], test: Test, bundle_card: Mapping[str, object], book: Book, *, made: bool
) -> str:
    """The whole draft."""
    body = [
        "## 1 Administrative",
        _administrative(),
        "## 2 Device description",
        _description(study, test, book),
        "## 3 Software description",
        _software(bundle_card, test),
        "## 4 Labeling",
        _labeling(test),
        "## 5 Risk management",
        bullets(
            person("risk management plan and file (ISO 14971), risks of wrong, late and missing output included"),
            person("controls, and evidence that they work"),
        ),
        "## 6 Data management",
        _data(test, book),
        "## 7 Model and its development",
        development(bundle_card, book),
        _versions(book),
        "## 8 Performance testing",
        _testing(test, book),
        "## 9 Human factors",
        bullets(person("use-related risk analysis, and usability testing with intended users")),
        "## 10 Performance monitoring",
        _monitoring(),
        "## 11 Cybersecurity",
        _security(book),
        "## 12 Public summary",
        "The model card beside this file, `model_card.md`, is its draft.",
        "## 13 Predetermined change control plan",
        bullets(person("whether one is sought; if so its modifications, protocol and impact assessment")),
        "## 14 What is asked, and where it is answered",
        _asked(),
        "## 15 What this does not show",
        limits(test, made=made),
        "## 16 Entries cited",
        told.cited(book),
    ]
    head = [
        f"# Premarket draft: {plain(study.get('name', 'device'))}",
        f"**{MADE}**" if made else None,
        f"**{NOT_CLEARED}**",
        _STATUS,
    ]
    return text(*head, f"Fields that only people can fill: {_open(body)}, each marked {TO_BE_COMPLETED}. {_ORDER_NOTE}", *body)


def _open(body: list[str]) -> int:
    """How many marks are left; a count of this text, not a result."""
    return sum(block.count(f"**{TO_BE_COMPLETED}**") for block in body)


def _administrative() -> str:
    return bullets(
        f"Device name, class, product code: {person('as registered')}",
        f"Submitter and contact: {person('name, address, telephone')}",
        f"Predicate device: {person('number and comparison')}. This draft makes no statement about equivalence with any device: "
        "that is for the submitter to argue and for the agency to find",
        f"510(k) summary or statement (21 CFR 807.92, 807.93): {person('one of the two')}",
        f"Truthful and accurate statement (21 CFR 807.87): {person('to be signed')}",
        f"Financial disclosure for clinical studies (21 CFR part 54): {person('forms')}",
        f"Whether this is a device at all (section 520(o)(1)(E), four criteria): {person('worksheet')}",
    )


def _description(study: Mapping[str, object], test: Test, book: Book) -> str:
    use = [
        f"{label}: {declared(dig(study, 'claims', key), what)}"
        for key, label, what in (
            ("intended_use", "Intended use", "the intended use"),
            ("intended_users", "Users", "users, training, place of use"),
            ("population", "Patients", "the intended patients"),
            ("operating_point", "Operating point", "the threshold meant for use"),
        )
    ]
    kind = "a risk model fitted to past records" if _timed(test) else "a model fitted to past cases"
    says = f"The device uses artificial intelligence: {kind}. It is fixed; it does not learn in use."
    return "\n\n".join(
        [
            says,
            bullets(*use),
            question(study, test, book),
            bullets(
                person("workflow, automation, what happens before and after the output"), person("what may be configured, by whom")
            ),
        ]
    )


def _software(bundle_card: Mapping[str, object], test: Test) -> str:
    beside = bundle_card.get("beside")
    shown = ["The output is a CDS Hooks card: score, what drove it, what was missing, simple scores beside it"]
    return bullets(
        *(shown if _timed(test) else [f"The output answers, of each {words.unit(test.unit)}: {plain(', '.join(one.called for one in test.sections))}"]),
        "No score is given when the data do not suffice" if _timed(test) else person("when no output is given, and what is shown instead"),
        f"Shown beside the model: {plain(', '.join(map(str, beside)))}"
        if isinstance(beside, list) and beside
        else "Nothing is shown beside the model",
        f"Documentation level (basic or enhanced): {person('evaluation')}",
        f"Screens as users see them: {person('pictures, sequence of use')}",
        f"Requirements, architecture, unresolved anomalies: {person('or reference to the files')}",
    )


def _labeling(test: Test) -> str:
    named = ", ".join(targets.points(test)) or "none"
    return bullets(
        f"Thresholds to be named in the label: {plain(named)}; their performance is in section 8",
        "Limits to be named in the label are in section 15",
        person("instructions for use, contraindications, training, what the user must not do with the output"),
    )


def _data(test: Test, book: Book) -> str:
    policy = book.fact("deidentify", "parameters", "told", "deidentify", "policy")
    lines = [
        f"De-identification: {plain(policy[0])} {policy[1]}"
        if policy
        else person("how the data were de-identified, and by which expert"),
        "Independence: no patient and no copy of a patient is in two splits; the cohort step stops otherwise",
    ]
    leaks = [
        f"Checked again on the predictions{'' if test.only else f' of {plain(one.called)}'}: {check.said}: "
        f"{book.number(one.result.named('leakage', check.name), 'count')} breaches"
        for one in test.sections
        if not isinstance(one.result, Unjudged)
        for check in one.result.leakage
    ]
    people = [
        person("sites, period, why these data suit the intended use"),
        person("reference standard: who says that the outcome happened, and how sure"),
        person("labels made by people, if any"),
        person("whether the patients stand for those in the country of use; test sites apart from development sites"),
    ]
    return "\n\n".join(
        block
        for block in (
            "Records, by source:",
            told.accounts(book),
            "From patients to decisions:",
            told.flow(book),
            "Splits:",
            told.divided(book),
            bullets(*lines, *leaks, *people),
        )
        if block
    )


def _versions(book: Book) -> str:
    code = book.fact("test", "code")
    said = f"Version tested: {plain(code[0])} {code[1]}" if code and code[0] else person("version tested")
    return bullets(said, f"Version to be released, and every difference: {person('table')}")


def _testing(test: Test, book: Book) -> str:
    blocks = [
        "### Plan and order",
        told.order(book),
        bullets(person("primary endpoint, success criterion, sample size and hypotheses, as fixed beforehand")),
        *targets.tested(test, book),
        bullets(
            person("missing demographics: why, and what was done"),
            person("repeatability; humans with and without the device, where it aids them"),
        ),
    ]
    return "\n\n".join(block for block in blocks if block)


def _timed(test: Test) -> bool:
    """Whether it speaks of events ahead, as a risk does."""
    return any(isinstance(one.result, Evaluation) and one.result.unit in words.TIMED for one in test.sections)


def _monitoring() -> str:
    return bullets(
        "Bedside's monitor compares inputs in use with the bundle's reference sketch and counts alerts",
        "It checks calibration once labels arrive",
        person("who looks, how often, what triggers action, how users are told"),
    )


def _security(book: Book) -> str:
    opened = book.fact("deidentify", "counts", "residue")
    proof = (
        f"Residue proof after de-identification: see entry {opened[1]}" if opened else person("proof that no identifier is left")
    )
    return bullets(
        proof,
        "Models are opened only when every file has its digest; weights are text, never executable",
        person("threat model, software bill of materials (section 524B), fuzz and penetration tests"),
    )


def _asked() -> str:
    by = {"ledger": "filled here", "partly": "partly filled; a person adds", "person": f"{TO_BE_COMPLETED}"}
    rows = [[row.section, plain(row.place), plain(row.what), row.answered, by[row.by]] for row in ASKED]
    return table(["Guidance", "Place in a submission", "Asked", "Section here", "Who"], rows)
