"""What a policy keeps, moves, replaces and takes away. The four shipped ones are `policies/*.toml`; a site's own begins with one of them.

In        a name, or the path of a TOML file with `base = "<name>"` and what differs from it
Out       `Policy`, with the digest of all that decides: its own fields, the formats' rule files, the census table
Source    45 CFR 164.514(b)(1) expert determination, (b)(2) safe harbor, (e) limited data set. A shifted date is not
          safe harbor, so `safe-harbor` counts time from the subject's first event and `expert-determination` shifts.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import msgspec

from bedside.core import canonical
from bedside.core.errors import Misconfigured

SCHEMA_NAME = "bedside.policy/2"
NAMES = ("expert-determination", "safe-harbor", "limited-data-set", "as-received")
RULE_FILES = ("fhir_rules.toml", "hl7v2_fields.toml", "dicom_actions.toml", "dicom_safe_private.toml", "policies/zip3.toml")
Action = Literal["keep", "remove", "pseudonymise", "shift", "generalise", "surrogate", "scrub"]
_DIGEST_LENGTH = 16


class TextRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[text]: what stands in the place of an identifier.

    replace   tags: its kind in brackets; surrogates: another of the same form, the same one wherever the subject's said it
    kinds     what becomes of a kind in particular: keep, remove (the tag), generalise (dates to the year), surrogate
    """

    replace: Literal["tags", "surrogates"] = "tags"
    kinds: dict[str, Literal["keep", "remove", "generalise", "surrogate"]] = {}


class FhirRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[fhir]: what differs from the shipped rules.

    elements     path from the type ("Patient.maritalStatus", "*.note") to action
    extensions   addresses of extensions that stay beside the shipped ones
    """

    elements: dict[str, Action] = {}
    extensions: list[str] = []


class Hl7v2Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[hl7v2]: what differs from the shipped table.

    fields     "PID-10" to action
    segments   segments of the site's own that stay, each with its fields by kind: ZPI = {keep = [1], text = [2]}
    """

    fields: dict[str, Action] = {}
    segments: dict[str, dict[str, list[int]]] = {}


class DicomRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[dicom]: the options of PS3.15 E.3 and what differs from Table E.1-1.

    retain      E.3.6 to E.3.11: full-dates, modified-dates, characteristics, uids, device, institution, safe-private
    clean       E.3.1 to E.3.5: pixels, recognizable-features, graphics, structured-content, descriptors
    pixels      which images are read for text: those likely to hold any (suspect), all, or none (the suspect are then quarantined)
    private     private attributes known to be safe beside the shipped list, as "CREATOR,gggg,xxee"
    elements    "ggggeeee" to action
    """

    retain: list[Literal["full-dates", "modified-dates", "characteristics", "uids", "device", "institution", "safe-private"]] = []
    clean: list[Literal["pixels", "recognizable-features", "graphics", "structured-content", "descriptors"]] = []
    pixels: Literal["suspect", "all", "none"] = "suspect"
    private: list[str] = []
    elements: dict[str, Action] = {}


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One policy.

    dates        shift: whole weeks, 1 to `shift_weeks`, per subject; relative: from the day of the subject's first event; keep
    birth_date   full: moved like the other dates; year: its year only, after the move
    age_cap      an age above this reads `age_cap` + 1, the birth date included; None keeps ages
    zip_digits   5 keeps, 3 keeps three where over 20,000 people live (else 000), 0 removes
    names        what becomes of a name in a structured record: remove, or a surrogate of the same form
    narrative    FHIR: what becomes of `text`: remove, or scrub
    """

    schema: str
    name: str
    title: str
    basis: str
    unchanged: bool
    dates: Literal["shift", "relative", "keep"]
    shift_weeks: int
    birth_date: Literal["full", "year"]
    age_cap: int | None = None
    zip_digits: Literal[0, 3, 5] = 3
    city: bool = False
    narrative: Literal["remove", "scrub"] = "remove"
    names: Literal["remove", "surrogate"] = "remove"
    base: str = ""
    text: TextRules = TextRules()
    fhir: FhirRules = FhirRules()
    hl7v2: Hl7v2Rules = Hl7v2Rules()
    dicom: DicomRules = DicomRules()

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits over all that decides what this policy does; equal digests, equal treatment."""
        return _digest(canonical.dumps(self))


@lru_cache(maxsize=16)
def policy(name: str) -> Policy:
    """The policy of that name, or of that TOML file; `Misconfigured` when there is none, or when it is none."""
    if name.endswith(".toml"):
        return _own(Path(name))
    if name not in NAMES:
        raise Misconfigured(
            "no such de-identification policy",
            where="[deidentify] policy, or --policy",
            do=f"choose one of {', '.join(NAMES)}, or give the path of a TOML file that begins with one of them as its base",
        )
    return msgspec.convert(_table(name), Policy)


def _own(path: Path) -> Policy:
    """A site's own policy: a shipped one, and what differs from it. Tables are joined, other values replaced."""
    try:
        said = msgspec.toml.decode(path.read_bytes())
        base = said.get("base", "")
        if base not in NAMES:
            raise Misconfigured("a policy of your own begins with a shipped one", where=f"{path.name}, base", do=f"choose one of {', '.join(NAMES)}")
        if said.get("name", base) in NAMES:
            raise Misconfigured("a policy of your own needs a name of its own", where=f"{path.name}, name", do="give it one that no shipped policy has")
        return msgspec.convert(_joined(_table(base), said), Policy)
    except OSError as error:
        raise Misconfigured(f"the policy file cannot be read: {error.strerror}", where=path.name, do="correct the path") from None
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise Misconfigured(f"not a policy: {error}", where=path.name, do="correct the file; docs/deidentify.md lists what a policy holds") from None


def _table(name: str) -> dict[str, Any]:
    table: dict[str, Any] = msgspec.toml.decode(files("bedside.deidentify").joinpath("policies", f"{name}.toml").read_bytes())
    return table


def _joined(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    return base | {key: _joined(base.get(key, {}), value) if isinstance(value, dict) else value for key, value in own.items()}


@lru_cache(maxsize=16)
def _digest(said: bytes) -> str:
    """Over the policy and every rule file of the formats, in the order of their names."""
    whole = hashlib.sha256(said)
    for name in RULE_FILES:
        place = files("bedside.deidentify").joinpath(*name.split("/"))
        whole.update(b"\0" + name.encode() + b"\0" + (place.read_bytes() if place.is_file() else b""))
    return whole.hexdigest()[:_DIGEST_LENGTH]


@lru_cache(maxsize=1)
def restricted_zips() -> tuple[frozenset[str], str]:
    """Three-digit zip areas with 20,000 people or fewer, and the census they were counted in."""
    table = msgspec.toml.decode(files("bedside.deidentify").joinpath("policies", "zip3.toml").read_bytes())
    return frozenset(table["restricted"]), str(table["census"])


def zip_code(text: str, digits: int) -> str:
    """A zip code as the policy lets it stand; 000 where too few live or the code is not known to be one.

    >>> zip_code("02139-4307", 3), zip_code("03601", 3), zip_code("SW1A 1AA", 3), zip_code("02139", 0)
    ('021', '000', '000', '')
    """
    if digits == 5 or not text:
        return text
    if digits == 0:
        return ""
    plain = text.strip()
    known = len(plain) >= 5 and plain[:5].isascii() and plain[:5].isdigit()
    return plain[:3] if known and plain[:3] not in restricted_zips()[0] and plain[:3] != "000" else "000"
