"""What the ledger tells beside the figures: where records went, how patients were divided, in which order things were done.

In        the `Book`
Out       Markdown; each statement cites its entry
"""

from __future__ import annotations

from collections.abc import Mapping

from bedside.dossier.references import Book, seq_of
from bedside.dossier.writing import plain, table
from bedside.report import words
from bedside.report.flow import FATES, by_source
from bedside.report.prose import dig

_KEYS = ("read", *FATES)
ORDER = ("deidentify", "read", "cohort", "train", "open-test-labels", "test")


def accounts(book: Book) -> str | None:
    """Records at de-identification, then by source: read, and what became of them."""
    rows = _at_deidentification(book)
    if (found := book.fact("read", "counts", "tallies")) is not None and isinstance(found[0], list):
        rows += [
            [plain(source), *(words.count(sums[key]) for key in _KEYS), found[1]]
            for source, sums in by_source(list(found[0])).items()
        ]
    return table(["Records", *(key.capitalize() for key in _KEYS), "Entry"], rows) if rows else None


def _at_deidentification(book: Book) -> list[list[str]]:
    found = book.fact("deidentify", "counts", "records")
    if found is None or not isinstance(found[0], dict):
        return []
    sums = by_source([{**found[0], "source": "all"}])["all"]
    return [["all, raw to de-identified", *(words.count(sums[key]) for key in _KEYS), found[1]]]


def divided(book: Book) -> str | None:
    """Decisions and patients of each split."""
    found = book.fact("cohort", "counts", "splits")
    if found is None or not isinstance(found[0], list):
        return None
    splits, reference = [dict(split) for split in found[0]], found[1]
    head = [words.spoken(str(key)).capitalize() for key in (splits[0] if splits else {})]
    body = [
        [*(words.count(value) if isinstance(value, int) else plain(value) for value in split.values()), reference]
        for split in splits
    ]
    return table([*head, "Entry"], body) if splits else None


def flow(book: Book) -> str | None:
    """From patients to decisions: who was left out, and why."""
    found = book.fact("cohort", "counts", "flow")
    if found is None or not isinstance(found[0], Mapping):
        return None
    return table(
        ["Stage", "How many"],
        [[plain(words.spoken(str(key))), f"{many:,} {found[1]}"] for key, many in found[0].items() if isinstance(many, int)],
    )


def order(book: Book) -> str:
    """The order of plan, model, opening and test, as the ledger has it; said to be wrong when it is."""
    newest = {step: entry for step in ORDER if (entry := book.entry(step)) is not None}
    rows = [[book.reference(seq_of(entry), "receipt"), step, *_when(entry)] for step, entry in newest.items()]
    return table(["Entry", "Step", "When", "Code"], rows) + "\n\n" + " ".join(_verdict(book))


def cited(book: Book) -> str:
    """Every entry that this document cites."""
    rows = [
        [f"L{seq_of(entry)}", str(dig(entry, "receipt", "step")), *_when(entry)]
        for entry in book.entries
        if seq_of(entry) in book.cited
    ]
    return table(["Entry", "Step", "When", "Code"], rows)


def _verdict(book: Book) -> list[str]:
    openings = [entry for entry in book.entries if dig(entry, "receipt", "step") == "open-test-labels"]
    if not openings:
        return [
            "The ledger holds no opening of sealed test labels. "
            "With folds, each prediction is by a model that never saw the patient."
        ]
    said = [_sealed_before(book, openings[-1])]
    if len(openings) > 1:
        many = f"**The test labels were opened {len(openings)} times**, each by another plan or model"
        said.append(f"{many}: the later results are not of a first look.")
    return said


def _sealed_before(book: Book, opening: Mapping[str, object]) -> str:
    """Whether the model that opened the labels was sealed in an earlier entry, and tested in a later one."""
    opened, model = seq_of(opening), dig(opening, "receipt", "parameters", "bundle")
    sealed = [entry for entry in book.entries if seq_of(entry) < opened and model in _digests(entry)]
    tested = book.entry("test")
    if model is not None and sealed and tested is not None and seq_of(tested) > opened:
        return (
            f"The model was sealed {book.reference(seq_of(sealed[0]), 'outputs')} before the test labels were opened "
            f"{book.reference(opened, 'parameters')}, and tested after {book.reference(seq_of(tested), 'figures')}. "
            "The order is self-attested unless an outside witness keeps the checkpoints."
        )
    return "**The ledger does not show that the model was sealed before the test labels were opened.** Do not call this a test."


def _digests(entry: Mapping[str, object]) -> set[object]:
    """Digests of what the training step of an entry wrote."""
    outputs = dig(entry, "receipt", "outputs") if dig(entry, "receipt", "step") == "train" else None
    return {dig(item, "digest") for item in outputs} if isinstance(outputs, list) else set()


def _when(entry: Mapping[str, object]) -> list[str]:
    return [plain(entry.get("time", "")), plain(dig(entry, "receipt", "code") or words.NOTHING)]
