"""Pieces of the text: tables, lists, and the mark where a person must write.

In        plain text of any origin
Out       Markdown of the small dialect that `report/markdown.py` reads; what was typed elsewhere is escaped
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bedside.dossier.references import TO_BE_COMPLETED

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


def plain(text: object) -> str:
    """Text that means only itself, on one line.

    >>> plain("a|b\\n<i>")
    'a\\\\|b \\\\<i\\\\>'
    """
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def person(what: str) -> str:
    """What only a person can write."""
    return f"**{TO_BE_COMPLETED}** by a person: {what}"


def declared(value: object, what: str) -> str:
    """What the study declares, marked as declared and not proven; else the mark."""
    return f"{plain(value)} (as declared in study.toml)" if value not in (None, "", [], {}) else person(what)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; its cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def bullets(*lines: str) -> str:
    return "\n".join(f"- {line}" for line in lines)


def text(*blocks: str | None) -> str:
    """Blocks with an empty line between; what is None is left out."""
    return "\n\n".join(block for block in blocks if block) + "\n"
