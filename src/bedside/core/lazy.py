"""Optional libraries, imported where they are used and named with the line to type when absent."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from bedside.core.errors import Missing


def need(module: str, *, extra: str) -> ModuleType:
    """The module, or `Missing` with the extra that brings it.

    >>> need("json", extra="risk").__name__
    'json'
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name and module.startswith(error.name):
            raise Missing(f"{module} is not installed", where=f"extra [{extra}]", do=f"pip install 'bedside[{extra}]'") from error
        raise
