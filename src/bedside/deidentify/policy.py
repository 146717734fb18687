"""What a policy keeps, moves, replaces and takes away. The four shipped ones are `policies/*.toml`; a site's own begins with one of them.

In        a name, or the path of a TOML file with `base = "<name>"` and what differs from it
Out       `Policy`, with the digest of all that decides: its own fields, the formats' rule files, the census table
Refuses   a policy that is called safe harbor or limited data set by its base and keeps what these do not; all its problems at once
Source    45 CFR 164.514(b)(1) expert determination, (b)(2) safe harbor, (e) limited data set. A shifted date is not
          safe harbor, so `safe-harbor` counts time from the subject's first event and `expert-determination` shifts.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from bedside.core import canonical
from bedside.core.errors import Misconfigured
from bedside.deidentify.zip_codes import Zip3, shipped, zip_code

T = TypeVar("T")

SCHEMA_NAME = "bedside.policy/2"
NAMES = ("expert-determination", "safe-harbor", "limited-data-set", "as-received")
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
    zip3         a table of areas other than the shipped one; in a policy's file the path of one, relative to it
    base         of a site's own policy: the shipped one that it began with
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
    zip3: Zip3 | None = None
    text: TextRules = TextRules()
    fhir: FhirRules = FhirRules()
    hl7v2: Hl7v2Rules = Hl7v2Rules()
    dicom: DicomRules = DicomRules()

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits over all that decides what this policy does; equal digests, equal treatment."""
        return _digest(canonical.dumps(self))

    @property
    def ground(self) -> str:
        """The shipped policy whose consequences this one has for what may be learned: safe-harbor where time is relative."""
        return "safe-harbor" if self.dates == "relative" else self.base or self.name

    @property
    def census(self) -> str:
        """The census that says where over 20,000 people live."""
        return (self.zip3 or shipped()).census

    def zip(self, text: str) -> str:
        """A zip code as this policy lets it stand."""
        return zip_code(text, self.zip_digits, self.zip3)


def policy(name: str) -> Policy:
    """The policy of that name, or of that TOML file; `Misconfigured` when there is none, or with every problem that it has."""
    if name.endswith(".toml"):
        return _own(Path(name))
    if name not in NAMES:
        near = get_close_matches(name, NAMES, 1)
        raise Misconfigured(
            "no such de-identification policy",
            where="[deidentify] policy, or --policy",
            do=(f"did you mean {near[0]!r}? " if near else "")
            + f"choose one of {', '.join(NAMES)}, or give the path of a TOML file that begins with one of them as its base",
        )
    return _shipped(name)


@lru_cache(maxsize=len(NAMES))
def _shipped(name: str) -> Policy:
    return msgspec.convert(_table(name), Policy)


def files_of(path: Path) -> list[Path]:
    """The files that a site's own policy consists of: its own, and the table of zip areas that it names."""
    named = _read(path, tomllib.loads).get("zip3")
    return [path, *([path.parent / named] if isinstance(named, str) else [])]


def _own(path: Path) -> Policy:
    """A site's own policy: read each time, since it may have changed; worked out once for one content."""
    places = files_of(path)
    return _whole(path.name, *(_read(place, str) for place in places))


@lru_cache(maxsize=16)
def _whole(name: str, text: str, areas: str | None = None) -> Policy:
    from bedside.deidentify.policy_check import checked

    said = tomllib.loads(text)
    if areas is not None:
        try:
            said["zip3"] = tomllib.loads(areas)
        except tomllib.TOMLDecodeError as error:
            raise Misconfigured(f"the table of zip areas is not TOML: {error}", where=f"{name}, zip3", do="correct its syntax") from None
    return checked(said, text, name, _table)


def _read(path: Path, made: Callable[[str], T]) -> T:
    try:
        return made(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Misconfigured(f"the file cannot be read: {error.strerror}", where=path.name, do="correct the path") from None
    except ValueError as error:  # TOML and UTF-8
        raise Misconfigured(f"not TOML: {error}", where=path.name, do="correct its syntax") from None


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(files("bedside.deidentify").joinpath("policies", f"{name}.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=16)
def _digest(said: bytes) -> str:
    """Over the policy, every rule file of the formats and every list of words, in the order of their names."""
    top = files("bedside.deidentify")
    places = [(one.name, one) for one in top.iterdir() if one.is_file() and not one.name.endswith((".py", ".md"))]
    places += [(f"words/{one.name}", one) for one in (top / "words").iterdir() if one.is_file()] + [("policies/zip3.toml", top / "policies" / "zip3.toml")]
    whole = hashlib.sha256(said)
    for name, place in sorted(places):
        whole.update(b"\0" + name.encode() + b"\0" + place.read_bytes())
    return whole.hexdigest()[:_DIGEST_LENGTH]


__all__ = ["NAMES", "DicomRules", "FhirRules", "Hl7v2Rules", "Policy", "TextRules", "policy", "zip_code"]
