"""Handlers of what FHIR tells of people: addresses made less precise, and names, phones and addresses of the same form in their place.

In        an Address, HumanName or ContactPoint as a dict, or a name as a text
Out       an address with state, country and what the policy lets stand of zip code and city; surrogates where the policy makes them
Source    HL7 FHIR R4 2.24.0.13 to 2.24.0.15; 45 CFR 164.514(b)(2)(i)(B)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bedside.deidentify.fhir_definitions import elements
from bedside.deidentify.fhir_tree import Beside, Handler, Node
from bedside.deidentify.fhir_values import said
from bedside.deidentify.fhir_work import PERSON, Json, Work, Wrong


def postal_address(periods: Node) -> Handler:
    """Handler of an Address: state, country, and as much of the zip code and city as the policy lets stand."""

    def change(work: Work, one: Any, beside: Beside) -> Json | None:
        if type(one) is not dict:
            raise Wrong
        policy = work.desk.policy
        kept = {name: one[name] for name in ("use", "type") if one.get(name) in elements("Address")[name].codes}
        for name in ("state", "country", *(("city", "district") if policy.city else ())):
            if type(one.get(name)) is str and (text := work.worded(one[name])):
                kept[name] = text
        if "postalCode" in one and (code := policy.zip(said(one["postalCode"]))):
            kept["postalCode"] = code
        if type(one.get("period")) is dict and (period := periods.change(work, one["period"], one)):
            kept["period"] = period
        if len(kept) < len(one):
            work.did("fhir: address made less precise")
        return kept or None

    return change


def surrogate(kind: str, own: bool, rest: Handler | None = None) -> Handler:
    """Handler of a name, a phone or an address in a structured record: another of the same form.

    own   the policy itself says so; a name's surrogate is asked for by its `names` else, and it goes where that says remove
    rest  what becomes of the elements of an address that have no surrogate
    """

    def change(work: Work, value: Any, beside: Beside) -> Any:
        work.reach = max(work.reach, PERSON)
        if work.person is None or not (own or work.desk.policy.names == "surrogate"):
            work.did(f"fhir: {kind} removed")
            return None
        give = work.desk.surrogates(work.person).of
        if type(value) is str:
            return give(value, "NAME")
        if type(value) is not dict:
            raise Wrong
        done = (rest(work, value, beside) or {}) if rest is not None else {}
        for name, part in value.items():
            new = _surrogate(kind, name, part, value, give)
            if new:
                done[name] = new
        return done or None

    return change


_SURROGATES = {
    "HumanName": {"text": "NAME", "family": "NAME", "given": "NAME"},
    "Address": {"line": "ADDRESS", "city": "CITY"},
    "ContactPoint": {"value": "PHONE"},
}
_KINDS_OF_CONTACT = {"email": "EMAIL", "url": "URL"}
_TITLE = re.compile(r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Jr|Sr|I{1,3}|IV|MD|PhD)\.?\Z")


def _surrogate(kind: str, name: str, part: Any, whole: Json, give: Callable[[str, str], str | None]) -> Any:
    """The surrogate of a part of a name, a phone or an address; codes stay, anything else has none."""
    if type(part) is list:
        return [new for one in part if (new := _surrogate(kind, name, one, whole, give))]
    if type(part) is not str:
        return None
    if name in ("use", "system"):
        return part if part in elements(kind)[name].codes else None
    if name in ("prefix", "suffix"):
        return part if _TITLE.match(part) else None
    said = _KINDS_OF_CONTACT.get(str(whole.get("system")), "PHONE") if kind == "ContactPoint" else ""
    as_kind = _SURROGATES[kind].get(name) if kind in _SURROGATES else None
    return give(part, said or as_kind) if as_kind else None
