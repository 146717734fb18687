"""The one style sheet, read from beside this file and put into every page: nothing is fetched when a page is opened."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def sheet() -> str:
    """The text of style.css."""
    return files("bedside.report").joinpath("style.css").read_text(encoding="utf-8")
