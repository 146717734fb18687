"""FHIR R4 resources without identifiers: rules by element name, safe defaults by type.

In        one resource as a dict, the desk, the references that a Bundle's URLs stand for
Out       the resource with the same shape: ids and references rewritten consistently, dates moved with their precision and offset,
          names, contacts, pictures and narrative gone, free text scrubbed, `meta` saying what was done
Rules     `fhir_rules.toml`. An element that is not in it stays only as a number, a truth value or a date; its text is scrubbed.
Source    HL7 FHIR R4 (4.0.1); v3-ObservationValue PSEUDED, REDACTED for meta.security.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

import msgspec

from bedside.core.errors import Malformed
from bedside.deidentify.attachments import attached, content_type
from bedside.deidentify.desk import Desk, Leave, Person
from bedside.deidentify.patients import Key, PatientMap
from bedside.deidentify.policy import zip_code

Json = dict[str, Any]
SUBJECT_SYSTEM = "urn:bedside:subject"
POLICY_SYSTEM = "urn:bedside:deidentify"
YEAR_SYSTEM = "urn:bedside:true-year"
_SECURITY = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
_SUBJECT_KEYS = ("subject", "patient", "beneficiary", "for", "individual", "subscriber")
_DATE = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s?(?:Z|[+-]\d{2}:?\d{2})?)?)?)?\Z")
_CODE = re.compile(r"[^\s@]{1,64}(?: [^\s@]{1,64}){0,5}\Z")
_ADDRESS_OF_DEFINITION = re.compile(r"(?:https?://|urn:)[\w.:/#|%~-]+\Z")
_REFERENCE = re.compile(r"(?:(?:https?|ftp)://\S+/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/\S+)?\Z")
_SAMPLES = re.compile(r"[\d\sELU.+-]*\Z")
_REPEATED = frozenset(
    {
        "code",
        "category",
        "class",
        "type",
        "clinicalStatus",
        "verificationStatus",
        "interpretation",
        "serviceType",
        "route",
        "method",
        "valueCodeableConcept",
        "medicationCodeableConcept",
        "reasonCode",
        "vaccineCode",
        "productOrService",
        "adjudication",
    }
)
_LONGEST_KEPT, _MOST_KEPT = 2000, 20_000
_YEARS = frozenset({"a", "yr", "year", "years"})
_CODING, _QUANTITY = frozenset({"system", "code", "display", "version"}), frozenset({"system", "code", "unit", "value"})


class _Rules(msgspec.Struct, frozen=True):
    drop: frozenset[str]
    code: frozenset[str]
    definition: frozenset[str]
    date: frozenset[str]
    worded: frozenset[str]
    nameless: frozenset[str]
    extensions: frozenset[str]
    published: tuple[str, ...]
    schema: str = ""


RULES = msgspec.toml.decode(files("bedside.deidentify").joinpath("fhir_rules.toml").read_bytes(), type=_Rules)


def subject_key(resource: Json, desk_map: PatientMap, source: str, urls: dict[str, str]) -> Key | None:
    """Key of the patient that a resource is about, None when it is about nobody."""
    if resource.get("resourceType") == "Patient":
        own = resource.get("id")
        return desk_map.fhir_key(own, source=source) if isinstance(own, str) else None
    for name in _SUBJECT_KEYS:
        about = resource.get(name)
        if isinstance(about, dict):
            key = reference_key(about, desk_map, source, urls)
            if key is not None:
                return key
    return None


def reference_key(reference: Json, desk_map: PatientMap, source: str, urls: dict[str, str]) -> Key | None:
    """Key of the patient that a Reference points at: by id, by URL in a Bundle, or by identifier."""
    text = reference.get("reference")
    if isinstance(text, str):
        kind, name = target(text, urls)
        if kind == "Patient" or (kind is None and text.startswith("urn:uuid:") and reference.get("type", "Patient") == "Patient"):
            return desk_map.fhir_key(name, source=source)
        return None
    logical = reference.get("identifier")
    if isinstance(logical, dict) and isinstance(logical.get("value"), str) and reference.get("type", "Patient") == "Patient":
        return desk_map.record_key(logical["value"], source=source, stated=logical.get("system"))
    return None


def target(text: str, urls: dict[str, str]) -> tuple[str | None, str]:
    """Type and id of a reference; the type is None where the text does not say it.

    >>> target("http://ehr.example/fhir/Patient/17/_history/2", {}), target("urn:uuid:ab", {"urn:uuid:ab": "Encounter/5"})
    (('Patient', '17'), ('Encounter', '5'))
    """
    found = _REFERENCE.match(urls.get(text, text))
    if found is not None:
        return found[1], found[2]
    return None, text.rsplit("/", 1)[-1].removeprefix("urn:uuid:").removeprefix("urn:oid:")


class Change:
    """Changes the resources of one file. One object a file, since it carries the file's URLs and zone."""

    def __init__(self, desk: Desk, *, source: str, timezone: str | None, urls: dict[str, str]) -> None:
        self.desk, self.source, self.timezone, self.urls = desk, source, timezone, urls
        self.person: Person | None = None
        self.kind, self.where = "", ""
        self._labels: dict[str, Json] = {}
        self._known: dict[str, Any] = {}

    def resource(self, resource: Json, *, where: str) -> Json:
        """The resource without identifiers. Raises `Malformed` for an unreadable one and `Leave` for one that has no place."""
        self.kind, self.where = resource["resourceType"], where
        if self.kind == "Bundle":
            raise Leave("a Bundle without resources")
        key = subject_key(resource, self.desk.map, self.source, self.urls)
        self.person = self.desk.the(key, where=where) if key is not None else self._attached(resource)
        if self.kind == "Patient":
            self._refuse_replaced(resource)
        try:
            return self._whole(resource)
        except (TypeError, AttributeError, KeyError, ValueError, RecursionError) as error:
            what = f"an element has another type than R4 says ({type(error).__name__})"
            raise Malformed(what, where=where, do="fix the sender") from None

    def _whole(self, resource: Json) -> Json:
        done: Json = {"resourceType": self.kind}
        if self.kind == "Patient":
            name = self.person.name if self.person else self.desk.number(str(resource.get("id", "")))
            done |= {"id": name, "identifier": [{"system": SUBJECT_SYSTEM, "value": name}]}
        elif isinstance(resource.get("id"), str):
            done["id"] = self.desk.number(resource["id"])
        done["meta"] = self._meta(resource)
        skipped = ("resourceType", "id", "meta", "identifier") if self.kind == "Patient" else ("resourceType", "id", "meta")
        return done | self._element({key: value for key, value in resource.items() if key not in skipped}, self.kind)

    def _refuse_replaced(self, resource: Json) -> None:
        """A patient record that another one replaces says nothing that the other does not."""
        for link in resource.get("link") or ():
            other = link.get("other") or {}
            if link.get("type") == "replaced-by" and self.person is not None:
                key = reference_key(other, self.desk.map, self.source, self.urls)
                if key is not None and self.desk.find(key) is self.person:
                    raise Leave("a patient record replaced by another of the same person", merged=True)

    def _attached(self, resource: Json) -> Person | None:
        """Whose document a Binary is, when another resource said so."""
        owner = self.desk.map.owner(f"{self.source}|{self.kind}/{resource.get('id')}")
        return self.desk.person(owner) if owner is not None else None

    def _element(self, node: Json, key: str) -> Json:
        if "system" in node and self._is_public(node):
            return node
        if "data" in node and "contentType" in node:
            return self._attachment(node)
        done: Json = {}
        for name, value in node.items():
            special = _SPECIAL.get(name)
            new = special(self, value, node, key) if special is not None else self._value(name, value, node)
            if new is not None and new != {} and new != []:
                done[name] = new
        if "value" in done and self.desk.policy.age_cap is not None:
            cap_age(done, self.desk.policy.age_cap)
        return done

    def _is_public(self, node: Json) -> bool:
        """Whether a Coding or a Quantity is of a published system and nothing more: most elements are, and stay as they are."""
        if not _is_published(node["system"]):
            return False
        if node.keys() <= _CODING:
            return all(type(value) is str for value in node.values()) and self._tells_nobody(node)
        if (
            node.keys() <= _QUANTITY
            and isinstance(node.get("value"), (int, float, Decimal))
            and isinstance(node.get("code", ""), str)
        ):
            unit = node.get("unit", "")
            return isinstance(unit, str) and node.get("code") not in _YEARS and unit.lower() not in _YEARS and self.desk.clean(unit)
        return False

    def _tells_nobody(self, coding: Json) -> bool:
        """Whether neither the words nor a code of letters are anybody's: a published system does not prove that the words are its."""
        code = coding.get("code", "")
        return self.desk.silent(coding.get("display", "")) and (not code.isalpha() or self.desk.silent(code))

    def _value(self, name: str, value: Any, node: Json) -> Any:
        if name in RULES.drop or (name[0] == "_" and not isinstance(value, dict)):
            self.desk.actions["fhir: element removed"] += 1
            return None
        if type(value) is str:
            return self._string(name, value, node)
        if name in _REPEATED and (type(value) is dict or type(value) is list):
            return self._repeated(name, value)
        if type(value) is dict:
            return self._identifier(value) if name.endswith("dentifier") or name == "requisition" else self._element(value, name)
        if type(value) is list:
            return [new for one in value if (new := self._value(name, one, node)) is not None and new != {}]
        return value

    def _repeated(self, name: str, value: Any) -> Any:
        """An element that most resources share (a code, a category): changed once when it says nothing of a person."""
        said = name + repr(value)
        if said in self._known:
            return self._known[said]
        new = (
            self._element(value, name) if type(value) is dict else [self._element(one, name) for one in value if type(one) is dict]
        )
        if len(said) <= _LONGEST_KEPT and len(self._known) < _MOST_KEPT and self._tells_nothing(value):
            self._known[said] = new
        return new

    def _tells_nothing(self, node: Any) -> bool:
        """Whether every text inside is a published code's, or holds nothing that could identify anybody."""
        if type(node) is str:
            return self.desk.clean(node)
        if type(node) is list:
            return all(self._tells_nothing(one) for one in node)
        if type(node) is dict:
            return self._is_public(node) if "system" in node else all(map(self._tells_nothing, node.values()))
        return True

    def _string(self, name: str, value: str, node: Json) -> str | None:
        if name in RULES.code:
            return self._code(value, node, name)
        if name in RULES.definition:
            return value if _ADDRESS_OF_DEFINITION.match(value) else None
        if (name in RULES.date or len(value) >= 10) and _DATE.match(value):
            return self._date(value)
        if name in RULES.date:
            self.desk.actions["fhir: unreadable date removed"] += 1
            return None
        return self.desk.text(value, self.person) or None

    def _date(self, value: str) -> str | None:
        clock = self.person.clock if self.person is not None else self.desk.nobody
        if clock is None:
            self.desk.actions["fhir: date of no patient removed"] += 1
            return None
        return clock.iso(value, where=self.where, timezone=self.timezone)

    def _code(self, value: str, node: Json, name: str) -> str | None:
        if name == "code" and _is_published(node.get("system")):
            return self.desk.kept(value, self.person)
        if _CODE.match(value) and self.desk.plain(value, self.person):
            return value
        return self.desk.text(value, self.person)

    def _display(self, value: Any, node: Json, key: str) -> str | None:
        if not isinstance(value, str):
            return None
        if "code" in node or "system" in node:
            return self.desk.kept(value, self.person) if _is_published(node.get("system")) else self.desk.text(value, self.person)
        kind = target(node.get("reference", ""), self.urls)[0] or node.get("type") or key.capitalize()
        if kind in RULES.worded:
            return value if self.desk.plain(value, self.person) else self.desk.text(value, self.person)
        self.desk.actions["fhir: words of a reference removed"] += 1
        return None

    def _reference(self, value: Any, node: Json, key: str) -> str | None:
        if not isinstance(value, str):
            return None
        if value.startswith("#"):
            return "#" + self.desk.number(value[1:]) if len(value) > 1 else value
        kind, name = target(value, self.urls)
        if kind in ("Patient", None):
            person = self.desk.find(self.desk.map.fhir_key(name, source=self.source))
            if person is not None:
                return f"Patient/{person.name}"
        kind = kind or node.get("type")
        return f"{kind}/{self.desk.number(name)}" if kind else self.desk.number(name)

    def _meta(self, resource: Json) -> Json:
        """`meta` with the time moved and labels that say what was done."""
        said = resource.get("meta") if isinstance(resource.get("meta"), dict) else {}
        assert isinstance(said, dict)
        done: Json = {}
        if isinstance(said.get("lastUpdated"), str) and (moved := self._string("lastUpdated", said["lastUpdated"], said)):
            done["lastUpdated"] = moved
        if said.get("profile"):
            done["profile"] = self._value("profile", said["profile"], said)
        labels = [self._label(one, "security") for one in said.get("security") or ()]
        done["security"] = [*labels, {"system": _SECURITY, "code": "PSEUDED"}, {"system": _SECURITY, "code": "REDACTED"}]
        done["tag"] = [self._label(one, "tag") for one in said.get("tag") or ()] + self._tags(resource)
        return {name: value for name, value in done.items() if value}

    def _label(self, one: Json, key: str) -> Json:
        """A label of `meta`, changed once for all resources that carry it."""
        said = repr(one)
        known = self._labels.get(said)
        if known is None:
            known = self._labels[said] = self._element(one, key)
        return known

    def _tags(self, resource: Json) -> list[Json]:
        tags = [{"system": POLICY_SYSTEM, "code": self.desk.policy.name}]
        if self.kind == "Encounter" and self.desk.policy.dates != "keep" and isinstance(resource.get("id"), str):
            year = self.desk.map.state.encounter_years.get(self.desk.number(resource["id"]))
            tags += [{"system": YEAR_SYSTEM, "code": str(year)}] if year is not None else []
        return tags

    def _identifiers(self, value: Any, node: Json, key: str) -> Any:
        if isinstance(value, list):
            return [new for one in value if (new := self._identifier(one))]
        return self._identifier(value) if isinstance(value, dict) else None

    def _identifier(self, one: Json) -> Json | None:
        """An identifier with its pseudonym: the subject's name for a patient's, a keyed number for any other, none for an SSN."""
        value = one.get("value")
        if not isinstance(value, str) or not value.strip():
            return None
        kind = identifier_kind(one)
        if kind == "SS":
            self.desk.actions["fhir: element removed"] += 1
            return None
        kept = {name: one[name] for name in ("use",) if isinstance(one.get(name), str)}
        key = self.desk.map.record_key(value, source=self.source, stated=one.get("system"))
        person = self.desk.find(key) if kind in LINKING else None
        if person is not None:
            return kept | {"system": SUBJECT_SYSTEM, "value": person.name}
        if isinstance(one.get("system"), str) and _ADDRESS_OF_DEFINITION.match(one["system"]):
            kept["system"] = one["system"]
        if isinstance(one.get("type"), dict):
            kept["type"] = self._element(one["type"], "type")
        if value.startswith("urn:oid:"):
            return kept | {"value": "urn:oid:" + self.desk.uid(value.removeprefix("urn:oid:"))}
        return kept | {"value": self.desk.number(value)}

    def _extensions(self, value: Any, node: Json, key: str) -> list[Json] | None:
        kept = [one for one in value if isinstance(one, dict) and _is_allowed(one.get("url"))]
        self.desk.actions["fhir: extension removed"] += len(value) - len(kept)
        return [self._extension(one) for one in kept]

    def _extension(self, one: Json) -> Json:
        url = one.get("url")
        inner = {name: value for name, value in one.items() if name not in ("url", "id", "extension")}
        nested = (
            {"extension": [self._extension(part) for part in one["extension"]]} if isinstance(one.get("extension"), list) else {}
        )
        return ({"url": url} if isinstance(url, str) else {}) | self._element(inner, "extension") | nested

    def _attachment(self, node: Json) -> Json:
        """Text decoded, scrubbed and encoded again, in UTF-8; what is not text is dropped, since nobody has read it."""
        kept: Json = {}
        if kind := content_type(node["contentType"]):
            kept["contentType"] = kind
        if isinstance(node.get("language"), str):
            kept["language"] = self._code(node["language"], node, "language")
        if isinstance(node.get("title"), str):
            kept["title"] = self.desk.text(node["title"], self.person)
        if isinstance(node.get("creation"), str) and (moved := self._string("creation", node["creation"], node)):
            kept["creation"] = moved
        found = attached(node)
        if found is None:
            self.desk.actions["fhir: attachment without readable text dropped"] += 1
            return kept
        if found.said:
            kept["contentType"] += "; charset=utf-8"
        if found.charset not in ("utf-8", "ascii"):
            self.desk.actions["fhir: attachment in another character set, now in UTF-8"] += 1
        return kept | {"data": b64encode(self.desk.text(found.text, self.person).encode()).decode()}

    def _contained(self, value: Any, node: Json, key: str) -> list[Json]:
        outer = self.kind
        done = []
        for one in value:
            self.kind = one["resourceType"]
            inside = {name: inner for name, inner in one.items() if name not in ("id", "meta", "resourceType")}
            new = self._element(inside, self.kind)
            done.append({"resourceType": self.kind} | ({"id": self.desk.number(one["id"])} if "id" in one else {}) | new)
        self.kind = outer
        return done

    def _name(self, value: Any, node: Json, key: str) -> str | None:
        if isinstance(value, str) and self.kind not in RULES.nameless and not _is_person(key):
            return value if self.desk.plain(value, self.person) else self.desk.text(value, self.person)
        self.desk.actions["fhir: name removed"] += 1
        return None

    def _text(self, value: Any, node: Json, key: str) -> Any:
        if isinstance(value, str):
            return self.desk.kept(value, self.person) if _is_code_text(value, node) else self.desk.text(value, self.person)
        self.desk.actions["fhir: narrative removed"] += 1
        return None

    def _address(self, value: Any, node: Json, key: str) -> Any:
        if isinstance(value, list):
            return [new for one in value if (new := self._address(one, node, key))]
        if not isinstance(value, dict):
            return None
        policy = self.desk.policy
        names = ("use", "type", "state", "country", *(("city",) if policy.city else ()))
        kept = {name: value[name] for name in names if isinstance(value.get(name), str)}
        if isinstance(value.get("postalCode"), str) and (code := zip_code(value["postalCode"], policy.zip_digits)):
            kept["postalCode"] = code
        if isinstance(value.get("period"), dict):
            kept["period"] = self._element(value["period"], "period")
        return kept

    def _birth(self, value: Any, node: Json, key: str) -> str | None:
        if self.kind != "Patient" or self.person is None or not isinstance(value, str):
            return None
        return self.person.clock.birth(value, where=f"{self.where}, birthDate")

    def _uid(self, value: Any, node: Json, key: str) -> str | None:
        return self.desk.uid(value) if isinstance(value, str) else None

    def _url(self, value: Any, node: Json, key: str) -> str | None:
        """A link to a Binary is a reference; any other address could say anything."""
        if isinstance(value, str) and target(value, self.urls)[0] == "Binary":
            return f"Binary/{self.desk.number(target(value, self.urls)[1])}"
        return None

    def _data(self, value: Any, node: Json, key: str) -> str | None:
        return value if isinstance(value, str) and "origin" in node and _SAMPLES.match(value) else None

    def _nothing(self, value: Any, node: Json, key: str) -> None:
        return None


Special = Callable[[Change, Any, Json, str], Any]
_SPECIAL: dict[str, Special] = {
    "id": Change._nothing,
    "text": Change._text,
    "contained": Change._contained,
    "extension": Change._extensions,
    "identifier": Change._identifiers,
    "name": Change._name,
    "address": Change._address,
    "valueAddress": Change._address,
    "reference": Change._reference,
    "display": Change._display,
    "birthDate": Change._birth,
    "uid": Change._uid,
    "url": Change._url,
    "data": Change._data,
    "div": Change._nothing,
    "valueUrl": Change._url,
    "valueUri": Change._url,
    "family": Change._nothing,
    "given": Change._nothing,
    "versionId": Change._nothing,
}

LINKING = frozenset({"MR", "PI", "PT", "MRT", ""})
_SSN_SYSTEMS = ("us-ssn", "2.16.840.1.113883.4.1")
_OTHER_SYSTEMS = {
    "us-npi": "NPI",
    "2.16.840.1.113883.4.3": "DL",
    "passport": "PPN",
    "driver": "DL",
    "insurance": "MB",
    "member": "MB",
}


def identifier_kind(one: Json) -> str:
    """Code of HL7 table 0203 for an identifier, "" when it does not say."""
    kind = one.get("type")
    for coding in (kind.get("coding") or ()) if isinstance(kind, dict) else ():
        if isinstance(coding.get("code"), str):
            return str(coding["code"])
    system = str(one.get("system") or "").lower()
    if system.endswith(_SSN_SYSTEMS):
        return "SS"
    return next((code for sign, code in _OTHER_SYSTEMS.items() if sign in system), "")


@lru_cache(maxsize=4096)
def _is_published(system: object) -> bool:
    return isinstance(system, str) and system.startswith(RULES.published)


def _is_allowed(url: object) -> bool:
    return isinstance(url, str) and url.startswith("http://hl7.org/fhir/") and url.rsplit("/", 1)[-1] in RULES.extensions


def _is_person(key: str) -> bool:
    return key in ("agent", "participant", "contact", "practitioner", "actor", "entity", "who")


def _is_code_text(value: str, node: Json) -> bool:
    """Whether the words of a concept only repeat those of a published coding."""
    codings = (coding for coding in node.get("coding") or () if isinstance(coding, dict))
    return any(coding.get("display") == value and _is_published(coding.get("system")) for coding in codings)


def cap_age(quantity: Json, cap: int) -> None:
    """A quantity in years above the cap reads one more than it."""
    value = quantity["value"]
    if (
        isinstance(value, (int, float, Decimal))
        and not isinstance(value, bool)
        and value > cap
        and (quantity.get("code") in _YEARS or str(quantity.get("unit", "")).lower() in _YEARS)
    ):
        quantity["value"] = cap + 1
