"""What becomes of each attribute under one policy: Table E.1-1, the options that the policy takes, and its own exceptions, compiled.

In        `policy.dates` and `policy.dicom`
Out       `Rules`: a treatment by tag; what happens to times; the private attributes that stay; the codes that may be claimed
Order     the policy's own `elements`, then options (E.1.1: an option overrides the profile), then the basic profile.
          Where the table leaves the choice to the data set's type (X/Z, X/D, Z/D, ...) the one that no type forbids is taken.
          A time is never kept because its device is: full dates stay only where the policy keeps dates.
Source    DICOM PS3.15 Annex E, Tables E.1-1 and E.3.10-1 (`dicom_actions.toml`, `dicom_safe_private.toml`); PS3.16 CID 7050
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from typing import Literal, NamedTuple

import msgspec

from bedside.core.errors import Misconfigured
from bedside.deidentify.policy import Policy

Treatment = Literal[
    "remove", "empty", "dummy", "uid", "keep", "kept", "scrub", "time", "zone", "subject", "number", "characteristic", "inside", "content",
    "shift", "generalise", "pseudonymise", "surrogate",
]  # fmt: skip
Times = Literal["keep", "move", "gone"]
CODES = {
    "basic": ("113100", "Basic Application Confidentiality Profile"),
    "pixels": ("113101", "Clean Pixel Data Option"),
    "graphics": ("113103", "Clean Graphics Option"),
    "structured-content": ("113104", "Clean Structured Content Option"),
    "descriptors": ("113105", "Clean Descriptors Option"),
    "full-dates": ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    "modified-dates": ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    "characteristics": ("113108", "Retain Patient Characteristics Option"),
    "device": ("113109", "Retain Device Identity Option"),
    "uids": ("113110", "Retain UIDs Option"),
    "safe-private": ("113111", "Retain Safe Private Option"),
    "institution": ("113112", "Retain Institution Identity Option"),
}
MODIFIED = {"keep": "UNMODIFIED", "move": "MODIFIED", "gone": "REMOVED"}
_BASIC: dict[str, Treatment] = {
    "X": "remove", "Z": "empty", "D": "dummy", "U": "uid", "X/Z": "empty", "X/D": "dummy", "Z/D": "dummy", "X/Z/D": "dummy", "X/Z/U": "inside",
}  # fmt: skip
# Beside the table: order numbers under tags that were retired before it was made.
_SUBJECT: dict[int, Treatment] = {
    0x00100020: "subject", 0x00100010: "subject", 0x00080050: "number", 0x00401006: "number", 0x00401007: "number", 0x00402006: "number",
    0x00402007: "number",
}  # fmt: skip
_OVERRIDES: dict[str, Treatment] = {
    "keep": "keep", "remove": "remove", "pseudonymise": "pseudonymise", "shift": "shift", "generalise": "generalise",
    "surrogate": "surrogate", "scrub": "scrub",
}  # fmt: skip
_WEAKER = frozenset({"keep", "scrub", "shift", "generalise", "surrogate"})
_ZONE = 0x00080201
# Not in the table, and of no use once anything has changed: lengths of what was, signatures and encrypted originals.
_USELESS = (0x00080001, 0x04000500, 0x04000510, 0x04000520, 0x4FFE0001)
_PRIVATE = re.compile(r"(.+),([0-9A-Fa-f]{4}),xx([0-9A-Fa-f]{2})\Z")


class _Table(msgspec.Struct, frozen=True):
    schema: str
    actions: dict[str, str]
    options: dict[str, str]
    options_new: dict[str, str]


class _SafePrivate(msgspec.Struct, frozen=True):
    schema: str
    standard: dict[str, dict[str, str]]
    imaging: dict[str, dict[str, str]]


class Private(NamedTuple):
    """One private attribute: its creator, group and the last two digits of its element."""

    creator: str
    group: int
    element: int


class Rules(NamedTuple):
    """One policy, compiled."""

    treatments: dict[int, Treatment]
    times: Times
    private: dict[Private, str]
    options: tuple[str, ...]
    graphics: bool
    uids: bool
    characteristics: bool
    method: str


def _tags(text: str) -> frozenset[int]:
    return frozenset(int(tag, 16) for tag in text.split())


_TABLE = msgspec.toml.decode(files("bedside.deidentify").joinpath("dicom_actions.toml").read_bytes(), type=_Table)
ACTIONS: dict[int, str] = {tag: action for action, tags in _TABLE.actions.items() for tag in _tags(tags)}
OPTIONS: dict[str, frozenset[int]] = {
    name: _tags(tags) | _tags(_TABLE.options_new.get(name, "")) for name, tags in _TABLE.options.items()
}
CHARACTERISTICS = OPTIONS["characteristics_keep"] | OPTIONS["characteristics_clean"]


def rules_of(policy: Policy) -> Rules:
    """The rules of a policy, compiled once."""
    return _compiled(msgspec.json.encode(policy))


@lru_cache(maxsize=16)
def _compiled(said: bytes) -> Rules:
    policy = msgspec.json.decode(said, type=Policy)
    retain, clean, times = set(policy.dicom.retain), set(policy.dicom.clean), times_of(policy)
    treatments: dict[int, Treatment] = {tag: _BASIC[action] for tag, action in ACTIONS.items()}
    treatments |= dict.fromkeys(_USELESS, "remove")
    for option, wanted, treatment in (
        ("descriptors", "descriptors" in clean, "scrub"),
        ("device_clean", "device" in retain, "scrub"),
        ("device_keep", "device" in retain, "kept"),
        ("institution", "institution" in retain, "kept"),
        ("uids", "uids" in retain, "keep"),
        ("graphics", "graphics" in clean, "inside"),
        ("structured_content", "structured-content" in clean, "content"),
        ("characteristics_keep", "characteristics" in retain, "characteristic"),
        ("characteristics_clean", "characteristics" in retain, "scrub"),
        ("dates", times != "gone", "time"),
    ):
        if wanted:
            treatments |= dict.fromkeys(OPTIONS[option], treatment)  # type: ignore[arg-type]
    if times == "gone":  # not even those of a device that stays
        treatments |= {tag: _BASIC[ACTIONS[tag]] for tag in OPTIONS["dates"]}
    treatments |= _SUBJECT | {_ZONE: "remove" if times == "gone" else "zone"}
    own = _own(policy)
    return Rules(
        treatments | own, times, private_of(policy), _options(policy, times, own), "graphics" in clean, "uids" in retain,
        "characteristics" in retain, f"Bedside, {policy.name[:36]}, {policy.digest}",
    )  # fmt: skip


def times_of(policy: Policy) -> Times:
    """What happens to dates and times: without one of the two options they go."""
    if not {"full-dates", "modified-dates"} & set(policy.dicom.retain):
        return "gone"
    return "keep" if policy.dates == "keep" else "move"


def _own(policy: Policy) -> dict[int, Treatment]:
    own: dict[int, Treatment] = {}
    for tag, action in policy.dicom.elements.items():
        if not re.match(r"[0-9A-Fa-f]{8}\Z", tag):
            raise Misconfigured("a tag has eight hexadecimal digits", where="[dicom] elements", do='write it as "0008103e"')
        own[int(tag, 16)] = _OVERRIDES[action]
    return own


def _options(policy: Policy, times: Times, own: dict[int, Treatment]) -> tuple[str, ...]:
    """What is claimed of every instance: never pixels (known only when they were read), never visual features (not done)."""
    weaker = any(treatment in _WEAKER and tag in ACTIONS for tag, treatment in own.items())
    dates = {"keep": ["full-dates"], "move": ["modified-dates"], "gone": []}[times]
    said = {*policy.dicom.retain, *policy.dicom.clean} - {"full-dates", "modified-dates", "pixels", "recognizable-features"}
    return tuple(name for name in CODES if (name == "basic" and not weaker) or name in said or name in dates)


def private_of(policy: Policy) -> dict[Private, str]:
    """Private attributes that stay, and the representation they have where a data set does not say it."""
    if "safe-private" not in policy.dicom.retain:
        return {}
    found = dict(_shipped())
    for one in policy.dicom.private:
        parts = _PRIVATE.match(one)
        if parts is None:
            raise Misconfigured("not a private attribute", where="[dicom] private", do='write it as "CREATOR,gggg,xxee"')
        found.setdefault(Private(parts[1].strip(), int(parts[2], 16), int(parts[3], 16)), "")
    return found


@lru_cache(maxsize=1)
def _shipped() -> dict[Private, str]:
    listed = msgspec.toml.decode(files("bedside.deidentify").joinpath("dicom_safe_private.toml").read_bytes(), type=_SafePrivate)
    return {
        Private(creator, int(tag[:4], 16), int(tag[5:], 16)): vr
        for part in (listed.standard, listed.imaging)
        for creator, elements in part.items()
        for tag, vr in elements.items()
    }
