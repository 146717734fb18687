"""What a policy generalises, done in memory to live FHIR resources before the featuriser sees them: no shift, no pseudonym.

Training saw capped ages and three-digit zip codes; the bedside must see the same, or scores differ.
Limits    the age cap is taken at the moment of the prediction, in training at the subject's last known event: features cap the age
          themselves (`Features.age_cap_years`), so both read "89 or over" unless the record goes on for over a year after it.
          Under safe-harbor a birth date is its year.
"""

from __future__ import annotations

import time
from typing import Any

from bedside.core.errors import Malformed
from bedside.core.time import iso_instant
from bedside.deidentify.clock import capped
from bedside.deidentify.policy import Policy, policy, zip_code


def generalise(resource: dict[str, Any], policy_name: str, *, at: int | None = None) -> dict[str, Any]:
    """The resource as the policy lets a model see it. The one given is not changed.

    at   the moment of the prediction, microseconds of UTC; now when None
    """
    rules = policy(policy_name)
    if rules.unchanged:
        return resource
    if resource.get("resourceType") == "Patient":
        return _patient(resource, rules, at if at is not None else time.time_ns() // 1000)
    if resource.get("resourceType") == "Observation" and rules.age_cap is not None:
        return _observation(resource, rules.age_cap)
    return resource


def _patient(resource: dict[str, Any], rules: Policy, at: int) -> dict[str, Any]:
    done = dict(resource)
    if isinstance(resource.get("birthDate"), str):
        done["birthDate"] = _birth(resource["birthDate"], rules, at)
    if isinstance(resource.get("address"), list):
        done["address"] = [_address(one, rules) for one in resource["address"] if isinstance(one, dict)]
    return done


def _birth(text: str, rules: Policy, at: int) -> str:
    try:
        born = iso_instant(text, where="Patient.birthDate")
    except Malformed:
        return text
    day = capped(born.us, at, rules.age_cap).isoformat()
    return day[: 4 if rules.birth_date == "year" else len(text)]


def _address(one: dict[str, Any], rules: Policy) -> dict[str, Any]:
    kept = {name: one[name] for name in ("use", "type", "state", "country", *(("city",) if rules.city else ())) if name in one}
    code = zip_code(str(one.get("postalCode") or ""), rules.zip_digits)
    return kept | ({"postalCode": code} if code else {})


def _observation(resource: dict[str, Any], cap: int) -> dict[str, Any]:
    from bedside.deidentify.fhir import cap_age

    quantity = resource.get("valueQuantity")
    if not isinstance(quantity, dict) or "value" not in quantity:
        return resource
    capped_quantity = dict(quantity)
    cap_age(capped_quantity, cap)
    return resource if capped_quantity == quantity else resource | {"valueQuantity": capped_quantity}
