"""A place named in a string ("bedside.room.file:name") is there, and the string points up the house as an import would."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import bedside

TOP = Path(bedside.__file__).parent
PLACE = re.compile(r"(bedside(?:\.\w+)+):(\w+)")


def named() -> Iterator[tuple[Path, str, str]]:
    """Every string of the package that names a place: the file, the module, the attribute."""
    for path in sorted(TOP.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and (found := PLACE.fullmatch(node.value)):
                yield path, *found.groups()


def floors() -> dict[str, int]:
    """Room to its floor, from the bottom line of the layers contract (0, core) up to the command line."""
    told = tomllib.loads((TOP.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = [one["layers"] for one in told["tool"]["importlinter"]["contracts"] if one["type"] == "layers"]
    return {room.strip(): floor for floor, line in enumerate(reversed(layers)) for room in line.split("|")}


def may(importer: str, imported: str, told: dict[str, int]) -> bool:
    return importer == imported or told[importer] > told[imported]


def test_every_named_place_is_there():
    places = list(named())
    assert places, "no string names a place: the test has shown nothing"
    for _, module, attribute in places:
        assert hasattr(import_module(module), attribute), f"{module}:{attribute}"


def test_no_string_points_down_the_house_or_to_a_stranger():
    told = floors()
    for path, module, _ in named():
        own, other = path.relative_to(TOP).parts[0].removesuffix(".py"), module.split(".")[1]
        assert may(own, other, told), f"{path.relative_to(TOP)} names {module}"


def test_a_string_that_points_down_would_be_seen():
    told = floors()
    assert may("serve", "bundle", told)
    assert not may("bundle", "serve", told)
    assert not may("serve", "monitor", told)
