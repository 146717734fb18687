"""Progress on standard error, only on a terminal, for anything that takes over two seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
_EVERY_S = 0.2


def track(items: Iterable[T], label: str, *, total: int | None = None) -> Iterator[T]:
    """The items, with a line "label 120/300 (40 %)" that renews itself on a terminal and is silent elsewhere."""
    total = total if total is not None else len(items) if hasattr(items, "__len__") else None  # type: ignore[arg-type]
    if not sys.stderr.isatty():
        yield from items
        return
    shown = 0.0
    for done, item in enumerate(items, 1):
        yield item
        if time.monotonic() - shown > _EVERY_S:
            shown = time.monotonic()
            part = f"{done}/{total} ({100 * done // total} %)" if total else str(done)
            sys.stderr.write(f"\r\033[K  {label} {part}")
            sys.stderr.flush()
    sys.stderr.write("\r\033[K")


def say(text: str) -> None:
    """One line on standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
