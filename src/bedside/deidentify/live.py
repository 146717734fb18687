"""What a policy generalises, done in memory to live FHIR resources before the featuriser sees them: no shift, no pseudonym.

Training saw capped ages, three-digit zip codes and no hospital's name; the bedside must see the same, or scores differ.
Limits    the age cap is taken at the moment of the prediction, in training at the subject's last known event: features cap the age
          themselves (`Features.age_cap_years`), so both read "89 or over" unless the record goes on for over a year after it.
          Under safe-harbor a birth date is the year that it falls in once time counts from the first event: the same as in
          training where that event is among the resources, else an age that may be one year off.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from bedside.core.errors import Malformed
from bedside.core.time import DAY_US, iso_instant
from bedside.deidentify.clock import capped, relative_shift
from bedside.deidentify.policy import Policy, policy
from bedside.deidentify.wards import is_kept


def generalise(resource: dict[str, Any], policy_name: str, *, at: int | None = None, first: int | None = None) -> dict[str, Any]:
    """The resource as the policy lets a model see it. The one given is not changed.

    at     the moment of the prediction, microseconds of UTC; now when None
    first  the subject's first instant, from `first_instant`; the prediction's when None
    """
    rules = policy(policy_name)
    if rules.unchanged:
        return resource
    if resource.get("resourceType") == "Patient":
        at = at if at is not None else time.time_ns() // 1000
        return _patient(resource, rules, at, first if first is not None else at)
    if resource.get("resourceType") == "Observation" and rules.age_cap is not None:
        return _observation(resource, rules.age_cap)
    if resource.get("resourceType") == "Encounter" and isinstance(resource.get("location"), list):
        return resource | {"location": [_stay(one, rules) if isinstance(one, dict) else one for one in resource["location"]]}
    return _named(resource, "name", "Location", rules) if resource.get("resourceType") == "Location" else resource


def first_instant(resources: Iterable[dict[str, Any]], policy_name: str) -> int | None:
    """The earliest time that resources of one subject state, as the survey finds it; None when they state none.

    Only a policy that counts time from the first event and keeps the year of birth asks for it; for the others it is None at no cost.
    """
    from bedside.deidentify.collect import times_of

    rules = policy(policy_name)
    if rules.dates != "relative" or rules.birth_date != "year":
        return None
    found = []
    for text in (text for resource in resources for text in times_of(resource)):
        try:
            found.append(iso_instant(text, where="a time").us)
        except Malformed:
            continue
    return min(found, default=None)


def _patient(resource: dict[str, Any], rules: Policy, at: int, first: int) -> dict[str, Any]:
    done = dict(resource)
    if isinstance(resource.get("birthDate"), str):
        done["birthDate"] = _birth(resource["birthDate"], rules, at, first)
    if isinstance(resource.get("address"), list):
        done["address"] = [_address(one, rules) for one in resource["address"] if isinstance(one, dict)]
    return done


def _birth(text: str, rules: Policy, at: int, first: int) -> str:
    try:
        born = iso_instant(text[:10], where="Patient.birthDate")
    except Malformed:
        return text
    day = capped(born.us, at, rules.age_cap)
    if rules.birth_date != "year":
        return day.isoformat()
    moved = timedelta(days=relative_shift(first) // DAY_US if rules.dates == "relative" else 0)
    try:
        return (date((day + moved).year, 1, 1) - moved).isoformat()
    except (OverflowError, ValueError):
        return text


def _address(one: dict[str, Any], rules: Policy) -> dict[str, Any]:
    kept = {name: one[name] for name in ("use", "type", "state", "country", *(("city",) if rules.city else ())) if name in one}
    code = rules.zip(str(one.get("postalCode") or ""))
    return kept | ({"postalCode": code} if code else {})


def _stay(one: dict[str, Any], rules: Policy) -> dict[str, Any]:
    """Where a patient stays: a ward by its name, and no number, which training knows by its pseudonym alone."""
    where, kind = one.get("location"), one.get("physicalType")
    if isinstance(kind, dict) and not rules.city:
        from bedside.deidentify.fhir_types import kind_of_place

        one = one | {"physicalType": kind_of_place(kind)}
    if not isinstance(where, dict):
        return one
    named = _named(where, "display", "Encounter.location.location", rules)
    return one | {"location": {name: value for name, value in named.items() if name != "identifier"}}


def _named(one: dict[str, Any], name: str, at: str, rules: Policy) -> dict[str, Any]:
    """A place without a name that the policy removes; what a site's own policy says of that very element comes first."""
    if not isinstance(one.get(name), str):
        return one
    said = next((rules.fhir.elements[path] for path in (f"{at}.{name}", f"Reference.{name}", f"*.{name}") if path in rules.fhir.elements), None)
    kept = said in ("keep", "scrub") if said is not None else is_kept(one[name], rules)
    return one if kept else {key: value for key, value in one.items() if key != name}


def _observation(resource: dict[str, Any], cap: int) -> dict[str, Any]:
    """With the ages above the cap taken back, its own and those of its components."""
    done = _capped(resource, cap)
    parts = resource.get("component")
    if isinstance(parts, list):
        new = [_capped(part, cap) if isinstance(part, dict) else part for part in parts]
        done = done if new == parts else done | {"component": new}
    return done


def _capped(node: dict[str, Any], cap: int) -> dict[str, Any]:
    quantity = node.get("valueQuantity")
    if not isinstance(quantity, dict) or "value" not in quantity:
        return node
    value = quantity["value"]
    if type(value) in (int, float) and value <= cap:
        return node
    from bedside.deidentify.fhir import cap_age

    new = dict(quantity)
    cap_age(new, cap)
    return node if new == quantity else node | {"valueQuantity": new}
