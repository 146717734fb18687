"""The model card: one page on what the model is, what it was tested on, what it found and what it cannot do.

In        the study's declaration, the `Test`, the bundle's card, the `Book`
Out       Markdown
Source    fields after the model card example of FDA's draft guidance (January 2025, appendix E); Mitchell et al., FAT* 2019.
"""

from __future__ import annotations

from collections.abc import Mapping

from bedside.dossier import targets, told
from bedside.dossier.references import Book
from bedside.dossier.writing import bullets, declared, person, plain, table, text
from bedside.evaluate.judged import Test, Unjudged
from bedside.evaluate.records import Evaluation
from bedside.report import words
from bedside.report.declaration import declared as declaration
from bedside.report.document import MADE, NOT_CLEARED
from bedside.report.prose import dig


def model_card(
    study: Mapping[str, object], test: Test, bundle_card: Mapping[str, object], book: Book, *, made: bool
) -> str:
    """The whole card."""
    return text(
        f"# Model card: {plain(study.get('name', 'model'))}",
        f"**{MADE}**" if made else None,
        f"**{NOT_CLEARED}**",
        "## What it is",
        _what(study, bundle_card, book),
        "## What it is for",
        _purpose(study),
        "## What was asked",
        question(study, test, book),
        "## What the test found",
        targets.found(test, book),
        "## By group",
        targets.by_group(test, book) or "No subgroup was recorded.",
        "## What it cannot do",
        limits(test, made=made),
        "## How it was made",
        development(bundle_card, book),
        "## Upkeep",
        bullets(
            person("who watches the model in use, how often, and who may switch it off"),
            person("contact for questions and reports of harm"),
        ),
        "## Entries cited",
        told.cited(book),
    )


def question(study: Mapping[str, object], test: Test, book: Book) -> str:
    """The declaration, each part with the entry that holds it."""
    rows = [[label, plain(said), _declared_in(label, test, book)] for label, said in declaration(study, test)]
    return table(["Declared", "", "Entry"], rows)


def _declared_in(label: str, test: Test, book: Book) -> str:
    """Thresholds stand among the figures; the rest among the parameters of the step that used them."""
    if label == "Thresholds":
        return next((where for name in targets.thresholds(test) if (where := book.where(name))), "study.toml")
    part = {"De-identified": "deidentify", "Intended use, as declared": "claims"}.get(label, "task")
    steps = ("train", "cohort", "deidentify", "dossier")
    found = next((held for step in steps if (held := book.fact(step, "parameters", "told", part))), None)
    return found[1] if found else "study.toml"


def development(bundle_card: Mapping[str, object], book: Book) -> str:
    """What the sealed bundle says of its making."""
    entry = book.entry("train")
    reference = book.reference(int(str(entry["seq"])), "bundles/model/card.json") if entry else "bundle card"
    rows = [[plain(label), plain(said), reference] for label, said in _flat(bundle_card) if label not in ("schema", "made")]
    if not rows:
        return person("how the model was developed; the bundle has no card")
    return table(["", "As the sealed bundle says", "Entry"], rows)


def limits(test: Test, *, made: bool) -> str:
    """What the test does not show."""
    results = [one.result for one in test.sections if not isinstance(one.result, Unjudged)]
    small = list(dict.fromkeys(f"{words.COLUMNS.get(row.column, row.column).lower()} {row.level}" for one in results for row in one.subgroups if row.note))
    of = "patients" if any(one.clusters == "subjects" for one in results) else words.plural(words.unit(test.unit))
    lines = [
        f"Tested in retrospect, on one set of {of}. Nobody acted on its predictions; whether acting on them helps is not shown.",
        "Not tested at another hospital unless a test above says so." if of == "patients" else f"Not tested on {of} of another kind unless a test above says so.",
    ]
    if any(isinstance(one, Evaluation) and one.unit in words.TIMED for one in results):
        lines.append("Patients treated because staff saw the danger may count as false alarms.")
    if small:
        lines.append(f"Not judged for lack of {of} or events: {plain(', '.join(small))}.")
    lines += [f"{plain(one.called)} could not be judged: {plain(one.result.why)}." for one in test.sections if isinstance(one.result, Unjudged)]
    if made:
        lines.insert(0, "The data are made: nothing here carries over to patients.")
    return bullets(*lines, person("known clinical limits, and patients for whom it must not be used"))


def _what(study: Mapping[str, object], bundle_card: Mapping[str, object], book: Book) -> str:
    digest, kind = book.fact("train", "outputs"), bundle_card.get("learner") or "see the bundle"
    return bullets(
        f"Kind: {plain(kind)}, a fixed model that does not learn in use",
        f"Ledger entry of the sealed bundle: {digest[1] if digest else person('the model has no ledger entry')}",
        f"Manufacturer: {person('name and address')}",
        f"Regulatory status: not cleared. {person('status in each country of use')}",
    )


def _purpose(study: Mapping[str, object]) -> str:
    claims = {key: dig(study, "claims", key) for key in ("intended_use", "intended_users", "population", "operating_point")}
    return bullets(
        f"Intended use: {declared(claims['intended_use'], 'the intended use')}",
        f"Intended users: {declared(claims['intended_users'], 'who reads the output, and their training')}",
        f"Intended patients: {declared(claims['population'], 'the intended patients')}",
        f"Operating point: {declared(claims['operating_point'], 'which threshold is meant for use, and why')}",
        f"Role in the decision: {person('informs, drives, or replaces a decision')}",
    )


def _flat(record: Mapping[str, object], before: str = "") -> list[tuple[str, str]]:
    """A nested record as lines."""
    lines: list[tuple[str, str]] = []
    for key, value in record.items():
        label = f"{before}{words.spoken(str(key))}"
        lines += _flat(value, f"{label}: ") if isinstance(value, Mapping) else [(label, _said(value))]
    return [(label, said) for label, said in lines if said]


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
