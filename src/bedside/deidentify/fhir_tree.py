"""Handlers of one FHIR type, compiled: one look-up an element, no rule is read while resources pass.

In        the value of an element, and what stands beside it
Out       the value without identifiers, the very same object where nothing changed, None where nothing is left
Required  an element that must be there and was taken away is said to be masked: `_name` with data-absent-reason for a primitive, an
          extension in the place of any other, with stand-ins for what must be in it; of a choice that may be a text, the text [REMOVED]
Raises    `Wrong` where an element has another type than R4 says
Source    HL7 FHIR R4 (4.0.1) sections 2.6.2 (JSON of primitives with extensions), 2.18 (nothing is empty: ele-1);
          http://hl7.org/fhir/StructureDefinition/data-absent-reason, code masked
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from bedside.deidentify.fhir_definitions import PRIMITIVES, elements
from bedside.deidentify.fhir_work import ALL, Json, Work, Wrong

_MASKED = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}
NOWHERE = "http://deidentified.invalid/fhir"  # RFC 2606: .invalid; as `formats/fhir.py` writes a Bundle's addresses
_WORDED, GONE = ("String", "Markdown"), "[REMOVED]"
UNKNOWN, REMOVED = "fhir: element that R4 does not have removed", "fhir: element removed"


class Beside(Protocol):
    """What stands beside an element."""

    def get(self, name: str, /) -> Any:
        """The element of that name, None where there is none."""
        ...


Handler = Callable[[Work, Any, Beside], Any]


class Rule:
    """What becomes of one element.

    one    handler of one value
    many   the element is a list
    node   the handlers of what it holds, where it is a backbone; `fhir_json.py` goes through those without reading them whole
    quick  date, period, reference, identifier or quantity, where a plain one can be changed without reading it as JSON
    apart  a list of these is remembered item by item, since its items repeat and their company does not
    reach  how far the result holds at most; `memo` is what `fhir_json.py` remembers of it
    """

    __slots__ = ("apart", "memo", "name", "node", "one", "prefix", "primitive", "quick", "reach", "required")

    def __init__(self, name: str, one: Handler, *, reach: int = ALL, node: Node | None = None, primitive: bool = False, required: bool = False) -> None:
        self.name, self.one, self.reach, self.node, self.primitive, self.required = name, one, reach, node, primitive, required
        self.quick: str | None = None
        self.apart = False
        self.prefix = b'"' + name.encode() + b'":'
        self.memo: dict[bytes, tuple[bytes, tuple[str, ...]]] = {}

    def change(self, work: Work, value: Any, beside: Beside) -> Any:
        """The element changed, one value or a list."""
        if type(value) is not list:
            return self.one(work, value, beside)
        done, same = [], True
        paired = self.primitive and beside.get("_" + self.name) is not None
        for said in value:
            new = None if said is None else self.one(work, said, beside)
            same = same and new is said and (new is not None or paired)
            if new is not None or paired:
                done.append(new)
        return value if same and value else done or None


class Node:
    """The elements of one type.

    parts  rule of each element by its name, once it was met
    make   gives the rule of an element that was not met before: most types have more elements than a sender ever uses
    first  asked before the elements are: may give the whole result at once
    last   told after they were changed: what was, and what is
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.parts: dict[str, Rule] = {}
        self.make: Callable[[str], Rule | None] = self.parts.get
        self.first: Callable[[Work, Json], Any] | None = None
        self.last: Callable[[Work, Json, Json], None] | None = None
        self.needs: list[tuple[frozenset[str], dict[str, str]]] = _needs(path)
        self.extensions: Handler | None = None

    def rule(self, name: str) -> Rule | None:
        """The rule of an element; None where the type has none of that name."""
        found = self.parts.get(name)
        if found is None and (found := self.make(name)) is not None:
            self.parts[name] = found
        return found

    def change(self, work: Work, value: Any, beside: Beside) -> Any:
        """A value of this type without identifiers."""
        if type(value) is not dict:
            raise Wrong
        if self.first is not None and (early := self.first(work, value)) is not None:
            return early
        done: Json = {}
        same, parts = True, self.parts
        for name, said in value.items():
            rule = parts.get(name) or self.rule(name)
            new = self.other(work, name, said) if rule is None else None if said is None else rule.change(work, said, value)
            if new is not None:
                done[name] = new
            same = same and new is said
        if same and done and self.last is None:
            return value
        if any(name[0] == "_" for name in done):
            _drop_empty_pairs(done)
        if not done:
            return None
        if self.last is not None:
            self.last(work, done, value)
        if self.needs:
            self.complete(done, value.keys())
        return done

    def other(self, work: Work, name: str, said: Any) -> Any:
        """An element that is none of the type's own: the extensions of a primitive, or nothing that R4 knows."""
        rule = self.rule(name[1:]) if name[:1] == "_" else None
        if rule is None or not rule.primitive or self.extensions is None:
            work.did(UNKNOWN)
            return None
        return [self._extended(work, one) for one in said] if type(said) is list else self._extended(work, said)

    def _extended(self, work: Work, said: Any) -> Any:
        """The extensions of a primitive; its id goes."""
        if said is None:
            return None
        if type(said) is not dict:
            raise Wrong
        kept = self.extensions(work, said["extension"], said) if self.extensions and "extension" in said else None
        return {"extension": kept} if kept else None

    def complete(self, done: Json, said: Any) -> None:
        """Stand-ins for required elements that were sent and are not there any more."""
        for names, kinds in self.needs:
            if names.isdisjoint(done):
                sent = next((bare for name in said if (bare := name.removeprefix("_")) in kinds), None)
                if sent is not None:
                    name, value = stand_in(self.path, sent)
                    done[name] = value


def stand_in(path: str, name: str) -> tuple[str, Any]:
    """What stands in the place of a required element that was taken away, under which name.

    >>> stand_in("Endpoint", "address")
    ('_address', {'extension': [{'url': 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', 'valueCode': 'masked'}]})
    """
    element = elements(path)[name]
    for word in _WORDED if element.choice != name else ():
        if (other := element.choice.removesuffix("[x]") + word) in elements(path):
            return other, GONE
    if element.choice != name and element.kind == "url":
        return name, NOWHERE
    value: Json = {"extension": [dict(_MASKED)]}
    if element.kind in PRIMITIVES:
        return "_" + name, [value] if element.many else value
    asked = set()
    for inner in elements(element.kind).values():
        if inner.required and inner.choice not in asked:
            asked.add(inner.choice)
            key, inside = stand_in(element.kind, inner.name)
            value[key] = inside
    return name, [value] if element.many else value


def _needs(path: str) -> list[tuple[frozenset[str], dict[str, str]]]:
    """The required elements of a type: under which names each can stand, its extensions alone among them."""
    found: dict[str, dict[str, str]] = {}
    for element in elements(path).values():
        if element.required:
            found.setdefault(element.choice, {})[element.name] = element.kind
    return [(frozenset(kinds) | {"_" + name for name in kinds}, kinds) for kinds in found.values()]


def _drop_empty_pairs(done: Json) -> None:
    """Take away what neither the values nor the extensions of a primitive fill, so that the others stay side by side."""
    for under in [name for name in done if name[0] == "_"]:
        name, more = under[1:], done[under]
        if type(more) is not list:
            continue
        values = done.get(name)
        values = values if type(values) is list else [None] * len(more)
        longest = max(len(values), len(more))
        pairs = zip(values + [None] * (longest - len(values)), more + [None] * (longest - len(more)), strict=True)
        kept = [pair for pair in pairs if pair != (None, None)]
        for key, listed in ((name, [value for value, _ in kept]), (under, [said for _, said in kept])):
            if any(one is not None for one in listed):
                done[key] = listed
            else:
                done.pop(key, None)
