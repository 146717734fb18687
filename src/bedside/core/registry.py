"""A registry is a table of names and places, loaded when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from importlib import import_module
from typing import Generic, TypeVar, cast

from bedside.core.errors import Misconfigured

T = TypeVar("T")


class Registry(Generic[T]):
    """Names to makers: `Registry("runner", {"lightgbm": "bedside.bundle.lightgbm:Runner"})`."""

    def __init__(self, kind: str, builtin: dict[str, str]) -> None:
        self.kind, self._where = kind, dict(builtin)

    def get(self, name: str) -> T:
        """The object of that name; `Misconfigured` with the nearest name when there is none."""
        if name not in self._where:
            near = get_close_matches(name, self._where, 1)
            raise Misconfigured(f"no {self.kind} called {name!r}", where=f"{self.kind} registry",
                                do=f"did you mean {near[0]!r}?" if near else f"choose one of {sorted(self._where)}")  # fmt: skip
        module, _, attribute = self._where[name].partition(":")
        return cast(T, getattr(import_module(module), attribute))

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def places(self) -> dict[str, str]:
        """Name to "module:attribute", for the test that holds them to the layer rule."""
        return dict(self._where)
