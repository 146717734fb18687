"""Which optional libraries each extra brings, and which of them are not installed: as the package's own metadata says.

In        the name of an extra
Out       names of distributions; what to type
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, requires, version

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_WITH = re.compile(r"bedside\[([a-z,]+)\]")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([a-z]+)['"]""")
_ELSEWHERE = re.compile(r"""sys_platform\s*!=\s*['"]win32['"]""")
_NOT_FOR_USE = frozenset({"test", "all"})


@lru_cache(maxsize=1)
def extras() -> dict[str, tuple[str, ...]]:
    """Every extra that brings something to use, with the distributions it names."""
    import sys

    found: dict[str, list[str]] = {}
    for line in requires("bedside") or []:
        extra = _EXTRA.search(line)
        if extra is None or extra[1] in _NOT_FOR_USE or (sys.platform == "win32" and _ELSEWHERE.search(line)):
            continue
        others = _WITH.match(line)
        found.setdefault(extra[1], []).extend([f"[{name}]" for name in others[1].split(",")] if others else [_NAME.match(line)[0]])  # type: ignore[index]
    return {extra: tuple(_whole(extra, found)) for extra in sorted(found)}


def lacking(extra: str) -> list[str]:
    """Distributions of an extra that are not installed."""
    return [name for name in extras().get(extra, ()) if not _installed(name)]


def line_to_type(extra: str) -> str:
    """What brings an extra.

    >>> line_to_type("imaging")
    "pip install 'bedside[imaging]'"
    """
    return f"pip install 'bedside[{extra}]'"


def _whole(extra: str, found: dict[str, list[str]]) -> list[str]:
    """The distributions of an extra, those of extras it takes in among them."""
    told: list[str] = []
    for name in found.get(extra, []):
        told += _whole(name.strip("[]"), found) if name.startswith("[") else [name]
    return list(dict.fromkeys(told))


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
