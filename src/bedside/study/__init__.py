"""study.toml, planned and run: the one room that knows every other, and writes what they return to the ledger."""

from __future__ import annotations

from bedside.study.study import Ran, Study

__all__ = ["Ran", "Study"]
