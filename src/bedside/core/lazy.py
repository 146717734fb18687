"""Optional libraries, imported where they are used, kept from reporting their use, and named with the line to type when absent."""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType

from bedside.core.errors import Missing

# onnxruntime's wheels report their use to Microsoft unless told not to before they load (its Privacy.md); monai loads it too.
_SAYS_NOTHING = {"ORT_DISABLE_TELEMETRY": "1"}


def need(module: str, *, extra: str) -> ModuleType:
    """The module, or `Missing` with the extra that brings it.

    >>> need("json", extra="risk").__name__
    'json'
    """
    os.environ.update(_SAYS_NOTHING)
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name and module.startswith(error.name):
            raise Missing(f"{module} is not installed", where=f"extra [{extra}]", do=f"pip install 'bedside[{extra}]'") from error
        raise
