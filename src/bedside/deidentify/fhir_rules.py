"""Which action each FHIR element gets: the shipped rules, and on top what a policy says.

In        `fhir_rules.toml`; the policy's `[fhir] elements` and `extensions`
Out       `Rules.action(...)` of an element by its path and datatype, and word lists
Refuses   `Misconfigured` for a path that R4 does not have, and for an action that makes no sense for an element
Source    HL7 FHIR R4 (4.0.1); 45 CFR 164.514(b)(2)(i)
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

import msgspec

from bedside.core.errors import Misconfigured
from bedside.deidentify.fhir_definitions import PRIMITIVES, Element, elements, resource_types
from bedside.deidentify.policy import Action, Policy

_DATES = frozenset({"date", "dateTime", "instant"})
_TIMED = _DATES | {"Period", "Timing"}
_NUMBERED = frozenset({"string", "markdown", "id", "uri", "url", "oid", "uuid", "canonical", "code", "Identifier", "Reference"})
_COARSE = frozenset({"date", "dateTime", "Address", "Quantity", "Age"})
_WORDY = frozenset({"string", "markdown", "xhtml", "Narrative", "Attachment", "CodeableConcept", "Annotation"})
_FORMED = frozenset({"HumanName", "Address", "ContactPoint", "string", "markdown"})
_FIT: dict[str, frozenset[str]] = {"shift": _TIMED, "pseudonymise": _NUMBERED, "generalise": _COARSE, "scrub": _WORDY, "surrogate": _FORMED}


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lists and patterns of words that rules ask for."""

    worded: frozenset[str]
    extensions: frozenset[str]
    published: tuple[str, ...]
    asked: str
    birth: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal["bedside.fhir-rules/2"]
    datatypes: dict[str, Action]
    elements: dict[str, Action]
    words: Words


SHIPPED = msgspec.toml.decode(files("bedside.deidentify").joinpath("fhir_rules.toml").read_bytes(), type=_File)
WORDS = SHIPPED.words
_ASKED, _BIRTH = re.compile(WORDS.asked), re.compile(WORDS.birth)


class Rules:
    """The rules of one policy."""

    def __init__(self, policy: Policy) -> None:
        own = policy.fhir.elements
        for path, action in own.items():
            _check(path, action)
        self._elements: dict[str, Action] = SHIPPED.elements | own
        self._own = frozenset(own)
        self._extensions = frozenset(policy.fhir.extensions)
        self._deep = {path.rsplit(".", 1)[0] for path in own}

    def action(self, at: str, held: str, element: Element) -> tuple[Action | None, bool]:
        """What becomes of an element at a path, `held` being that of its datatype, and whether the policy itself says so.

        None where its own elements decide, as they do for a backbone or a coded concept.
        """
        for before in (at, held, "*"):
            for name in (element.name, element.choice):
                path = f"{before}.{name}"
                if path in self._elements:
                    return self._elements[path], path in self._own
        return SHIPPED.datatypes.get(element.kind), False

    def speaks_below(self, path: str) -> bool:
        """Whether some rule is about an element of the datatype at this very path, as "Patient.address.state" is."""
        return any(one == path or one.startswith(path + ".") for one in self._deep)

    def allows(self, url: object) -> bool:
        """Whether an extension may stay."""
        if not isinstance(url, str):
            return False
        return url in self._extensions or (url.startswith("http://hl7.org/fhir/") and url.rsplit("/", 1)[-1] in WORDS.extensions)


@lru_cache(maxsize=4096)
def asks_who(text: str) -> bool:
    """Whether a question's words ask for what identifies: a name, a phone, a number of a card.

    >>> [asks_who(text) for text in ("Last name", "patient-phone", "Name of the drug", "White blood cell count", "family")]
    [True, True, False, False, True]
    """
    return _ASKED.search(text) is not None


@lru_cache(maxsize=4096)
def asks_birth(text: str) -> bool:
    """Whether a question's words ask for a date of birth."""
    return _BIRTH.search(text) is not None


@lru_cache(maxsize=4096)
def is_published(system: object) -> bool:
    """Whether a coding system is published: its codes say nothing of a person."""
    return isinstance(system, str) and system.startswith(WORDS.published)


def _check(path: str, action: str) -> None:
    kinds = {kind for kind in _kinds(path) if action not in ("keep", "remove")}
    unfit = sorted(kind for kind in kinds if kind not in _FIT[action])
    if unfit:
        raise Misconfigured(f"a {unfit[0]} cannot be treated by {action}", where=f"policy, [fhir] elements, {path}", do="keep or remove it, or name its parts")


def _kinds(path: str) -> Iterable[str]:
    """The datatypes that an element at a path of a policy can have."""
    if path.startswith("*."):
        return ()
    at: str = path.split(".", 1)[0]
    if at not in resource_types() and not elements(at):
        raise Misconfigured("no such type in FHIR R4", where=f"policy, [fhir] elements, {path}", do="write it as Type.element")
    for name in path.split(".")[1:]:
        inside: Any = elements(at).get(name)
        if inside is None:
            raise Misconfigured("no such element in FHIR R4", where=f"policy, [fhir] elements, {path}", do="write a choice with its type: valueString")
        at = inside.kind
    return (at,) if at in PRIMITIVES or at[0].isupper() else ()
