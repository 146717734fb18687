"""Bedside: from a hospital's raw data to a clinical model that is tested, served, monitored and documented.

>>> from bedside import Study
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bedside.study import Study

__version__ = "0.1.0"
__all__ = ["Study", "__version__"]


def __getattr__(name: str) -> object:
    if name == "Study":
        from bedside.study import Study

        return Study
    raise AttributeError(f"module 'bedside' has no attribute {name!r}")
