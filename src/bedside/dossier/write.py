"""The dossier of a study: a model card and a premarket draft, as Markdown and as pages.

In        the study's declaration, ledger entries, the `Test`, the bundle's card
Out       model_card.md, model_card.html, premarket_510k.md, premarket_510k.html; the same records give the same bytes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bedside.dossier.card import model_card
from bedside.dossier.premarket import premarket
from bedside.dossier.references import Book
from bedside.evaluate.judged import Test
from bedside.evaluate.records import Evaluation
from bedside.evaluate.stored import as_test
from bedside.report import markdown


def write(
    out: Path,
    *,
    study: Mapping[str, object],
    entries: Sequence[Mapping[str, object]],
    evaluation: Test | Evaluation,
    bundle_card: Mapping[str, object],
    made: bool,
) -> list[Path]:
    """Write the dossier into a folder; the files written.

    entries     ledger entries as dicts, oldest first
    evaluation  the `Test`; a single yes-no `Evaluation` will do
    Raises `Refused` when the evaluation is not the one that the ledger holds.
    """
    test = as_test(evaluation)
    Book(entries).agrees_with(test)
    texts = {
        "model_card": model_card(study, test, bundle_card, Book(entries), made=made),
        "premarket_510k": premarket(study, test, bundle_card, Book(entries), made=made),
    }
    out.mkdir(parents=True, exist_ok=True)
    return [path for stem, text in texts.items() for path in _both(out / stem, text)]


def _both(stem: Path, text: str) -> list[Path]:
    title = text.splitlines()[0].removeprefix("# ")
    files = {stem.with_suffix(".md"): text, stem.with_suffix(".html"): markdown.page(title, text)}
    for path, content in files.items():
        path.write_text(content, encoding="utf-8")
    return list(files)
