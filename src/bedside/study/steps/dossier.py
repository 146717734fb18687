"""Ledger and evaluation to the model card and the premarket draft."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bedside.core import canonical
from bedside.study.plan import Context, Done


def dossier(context: Context, out: Path) -> Done:
    """The model card and the premarket draft, each number with its ledger entry."""
    from bedside.bundle.sealed import Sealed
    from bedside.dossier.write import write
    from bedside.evaluate.stored import read

    found = read(context.path("reports/evaluation.json").read_bytes())
    entries = [msgspec.to_builtins(entry) for entry in context.ledger.entries()]
    card = Sealed.open(context.path("bundles/model")).card
    declared = msgspec.to_builtins(context.study)
    made = write(out / "dossier", study=declared, entries=entries, evaluation=found, bundle_card=card, made=context.study.made)
    content = canonical.digest([declared, found, card])  # the text itself also holds the ledger's clock
    return Done({f"dossier/{path.name}": content for path in made})
