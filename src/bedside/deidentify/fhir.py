"""FHIR R4 resources without identifiers, every type by its own compiled rules.

In        one resource as a dict or as JSON, the desk, the references that a Bundle's URLs stand for
Out       the resource with the same shape: ids and references rewritten consistently, dates moved with their precision and offset,
          names, contacts and pictures gone, free text scrubbed, `meta` saying what was done and under which policy
Rules     `fhir_rules.toml` over the elements that R4 has (`fhir_elements.tsv.xz`). What R4 does not have is removed and counted.
Refuses   a resource of a type that R4 does not have, or with an element of another type than R4 says: `Malformed`
Source    HL7 FHIR R4 (4.0.1); v3-ObservationValue PSEUDED, REDACTED for meta.security.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from bedside.core.errors import Malformed
from bedside.deidentify.desk import Desk, Leave, Person
from bedside.deidentify.fhir_compile import tree_of
from bedside.deidentify.fhir_definitions import resource_types
from bedside.deidentify.fhir_json import Lazy, change_members, members_of
from bedside.deidentify.fhir_names import target
from bedside.deidentify.fhir_numbers import decode, encode
from bedside.deidentify.fhir_parts import attached_again
from bedside.deidentify.fhir_tree import Beside
from bedside.deidentify.fhir_types import LINKING, SUBJECT_SYSTEM, cap_age, identifier_kind
from bedside.deidentify.fhir_work import Json, Work, Wrong, reference_key
from bedside.deidentify.patients import Key, PatientMap
from bedside.formats import fhir as format

__all__ = ["LINKING", "SUBJECT_SYSTEM", "Change", "cap_age", "identifier_kind", "inner_resources", "reference_key", "subject_key", "target"]
POLICY_SYSTEM = "urn:bedside:deidentify"
YEAR_SYSTEM = "urn:bedside:true-year"
_SECURITY = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
_LABELS = [{"system": _SECURITY, "code": "PSEUDED"}, {"system": _SECURITY, "code": "REDACTED"}]
_SUBJECT_KEYS = ("subject", "patient", "beneficiary", "for", "individual", "subscriber")
_ALSO = {
    "Account": ("subject",), "Appointment": ("participant", "actor"), "AppointmentResponse": ("actor",), "AuditEvent": ("entity", "what"),
    "Contract": ("subject",), "EnrollmentRequest": ("candidate",), "Group": ("member", "entity"), "Person": ("link", "target"),
    "Provenance": ("target",), "Schedule": ("actor",),
}  # fmt: skip
"""Where else a resource tells whom it is about. It is about that person where there is one alone."""
_KINDS = {f'"{kind}"'.encode(): kind for kind in resource_types() - {"Bundle"}}
_WRONG = (TypeError, AttributeError, KeyError, ValueError, RecursionError)
_HEAD = frozenset({"resourceType", "id", "meta"})
_HEAD_OF_PATIENT = _HEAD | {"identifier"}


def subject_key(resource: Beside, desk_map: PatientMap, source: str, urls: dict[str, str]) -> Key | None:
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


def inner_resources(resource: Json) -> Iterator[Json]:
    """The resources inside a Parameters or an inner Bundle, to any depth, which are about people of their own."""
    waiting: list[Any] = [value for name, value in resource.items() if name in ("parameter", "entry")]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            inside = one.get("resource")
            if isinstance(inside, dict) and isinstance(inside.get("resourceType"), str):
                yield inside
                yield from inner_resources(inside)
            waiting.append(one.get("part"))


class Change(Work):
    """Changes the resources of one file. One object a file, since it carries the file's URLs and zone."""

    def __init__(self, desk: Desk, *, source: str, timezone: str | None, urls: dict[str, str]) -> None:
        super().__init__(desk, source=source, timezone=timezone, urls=urls)
        self._tree = tree_of(desk)
        self._tag = {"system": POLICY_SYSTEM, "code": desk.policy.name, "version": desk.policy.digest}
        self._subjects: dict[bytes, Person | None] = {}
        self._metas: dict[tuple[str, bytes], bytes] = {}

    def resource(self, resource: Json, *, where: str) -> Json:
        """The resource without identifiers. Raises `Malformed` for an unreadable one and `Leave` for one that has no place."""
        kind = self._known_type(resource["resourceType"], where)
        try:
            self.begin(kind, self._person(kind, resource, where), resource, where=where)
            return self._whole(resource)
        except _WRONG as error:
            raise _malformed(error, where) from None

    def json(self, raw: bytes, *, where: str) -> bytes:
        """As `resource`, from JSON to compact JSON: quicker, since what repeats is not read again."""
        members = self._members(raw, where)
        try:
            said = bytes(members["resourceType"])
            kind = _KINDS.get(said) or self._known_type(decode(said), where)
            if kind == "Binary":
                return encode(self.resource(decode(raw), where=where))
            beside = Lazy(members)
            person = self._person(kind, beside, where, members)
            self.begin(kind, person, raw, where=where)
            self._tree.memory.turn_to(self, person.name if person is not None else "")
            return self._written(kind, members, beside)
        except (*_WRONG, msgspec.DecodeError) as error:
            raise _malformed(error, where) from None

    def inner(self, one: Json) -> Json:
        """A resource inside a Bundle or Parameters, about its own subject, or nobody."""
        before = (self.kind, self.person, self.whole, self.where)
        kind = one["resourceType"]
        try:
            key = subject_key(one, self.desk.map, self.source, self.urls)
            person = self.desk.the(key, where=self.where) if key is not None else self._also(kind, one)
            self.begin(kind, person, one, where=self.where)
            return self._whole(one)
        finally:
            kind, person, whole, where = before
            self.begin(kind, person, whole, where=where)

    # --- whose it is ------------------------------------------------------------------------------------

    def _known_type(self, kind: Any, where: str) -> str:
        if kind == "Bundle":
            raise Leave("a Bundle without resources")
        if not isinstance(kind, str) or kind not in resource_types():
            raise Malformed("a type of resource that R4 does not have", where=where, do="send FHIR R4")
        return kind

    def _members(self, raw: bytes, where: str) -> dict[str, msgspec.Raw]:
        """The elements of a resource; what is none is refused in the words of `formats.fhir`."""
        try:
            members = members_of(raw)
            if bytes(members["resourceType"]) != b'"Bundle"' and (raw.isascii() or raw.decode()):
                return members
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError, RecursionError):
            pass
        return members_of(encode(format.parse(raw, where=where)))

    def _person(self, kind: str, beside: Beside, where: str, members: dict[str, msgspec.Raw] | None = None) -> Person | None:
        """Whose resource it is. Raises `Malformed` for a patient whom the survey has not met."""
        said = b""
        if members is not None and kind != "Patient":
            for name in _SUBJECT_KEYS:
                if name in members:
                    said += bytes(members[name])
        if said in self._subjects:
            return self._subjects[said]
        key = subject_key(beside, self.desk.map, self.source, self.urls)
        if key is None:
            return self._also(kind, beside)
        person = self.desk.the(key, where=where)
        if kind == "Patient":
            self._refuse_replaced(beside, person)
        elif said:
            self._subjects[said] = person
        return person

    def _also(self, kind: str, beside: Beside) -> Person | None:
        """The one person whom a resource names elsewhere; the owner of a Binary, when another resource said so."""
        if kind == "Binary":
            owner = self.desk.map.owner(f"{self.source}|Binary/{beside.get('id')}")
            return self.desk.person(owner) if owner is not None else None
        found: dict[str, Person] = {}
        for reference in _references(beside, _ALSO.get(kind, ())):
            key = reference_key(reference, self.desk.map, self.source, self.urls)
            person = self.desk.find(key) if key is not None else None
            if person is not None:
                found[person.name] = person
        return next(iter(found.values())) if len(found) == 1 else None

    def _refuse_replaced(self, resource: Beside, person: Person) -> None:
        """A patient record that another one replaces says nothing that the other does not."""
        for link in resource.get("link") or ():
            other = link.get("other") or {}
            if link.get("type") == "replaced-by":
                key = reference_key(other, self.desk.map, self.source, self.urls)
                if key is not None and self.desk.find(key) is person:
                    raise Leave("a patient record replaced by another of the same person", merged=True)

    # --- the resource as a dict -------------------------------------------------------------------------

    def _whole(self, resource: Json) -> Json:
        head = self._head(resource) | {"meta": self._meta(resource.get("meta"), resource.get("id"))}
        if self.kind == "Binary":
            return head | attached_again(self._tree, self, resource)
        skip = _HEAD_OF_PATIENT if self.kind == "Patient" else _HEAD
        rest = {name: value for name, value in resource.items() if name not in skip}
        return head | (self._tree.resource(self.kind).change(self, rest, resource) or {} if rest else {})

    def _head(self, resource: Beside) -> Json:
        own = resource.get("id")
        if self.kind == "Patient":
            name = self.person.name if self.person is not None else self.desk.number(str(own or ""))
            return {"resourceType": "Patient", "id": name, "identifier": [{"system": SUBJECT_SYSTEM, "value": name}]}
        return {"resourceType": self.kind} | ({"id": self.desk.number(own)} if isinstance(own, str) else {})

    def _meta(self, said: Any, own: Any) -> Json:
        """`meta` with the time moved and labels that say what was done."""
        said = said if isinstance(said, dict) else {}
        done: Json = self._tree.resource("Meta").change(self, said, said) or {} if said else {}
        done = {name: done[name] for name in ("lastUpdated", "profile", "extension", "security", "tag") if name in done}
        tags = [self._tag]
        if self.kind == "Encounter" and self.desk.policy.dates != "keep" and isinstance(own, str):
            year = self.desk.map.state.encounter_years.get(self.desk.number(own))
            tags += [{"system": YEAR_SYSTEM, "code": str(year)}] if year is not None else []
        return done | {"security": [*done.get("security", ()), *_LABELS], "tag": [*done.get("tag", ()), *tags]}

    # --- the resource as JSON ---------------------------------------------------------------------------

    def _written(self, kind: str, members: dict[str, msgspec.Raw], beside: Beside) -> bytes:
        head = self._written_head(kind, members, beside)
        meta = self._written_meta(kind, members, beside)
        for name in _HEAD_OF_PATIENT if kind == "Patient" else _HEAD:
            members.pop(name, None)
        return b",".join([head, meta, *change_members(self, self._tree.memory, self._tree.resource(kind), members, beside)]) + b"}"

    def _written_head(self, kind: str, members: dict[str, msgspec.Raw], beside: Beside) -> bytes:
        if kind == "Patient" or "id" not in members or type(own := decode(members["id"])) is not str:
            return encode(self._head(beside))[:-1]
        return f'{{"resourceType":"{kind}","id":"{self.desk.number(own)}"'.encode()

    def _written_meta(self, kind: str, members: dict[str, msgspec.Raw], beside: Beside) -> bytes:
        """`meta`, once for all resources of a person that carry the same; an Encounter's tells its year."""
        if kind == "Encounter":
            return b'"meta":' + encode(self._meta(beside.get("meta"), beside.get("id")))
        key = (self.person.name if self.person is not None else "", bytes(members.get("meta", b"")))
        found = self._metas.get(key)
        if found is None:
            found = b'"meta":' + encode(self._meta(beside.get("meta"), None))
            if len(self._metas) < 10_000:
                self._metas[key] = found
        return found


def _references(beside: Beside, path: tuple[str, ...]) -> Iterator[Json]:
    """The references at a path, whatever is a list on the way."""
    waiting = [(beside.get(path[0]), 1)] if path else []
    while waiting:
        one, depth = waiting.pop()
        if isinstance(one, list):
            waiting += [(item, depth) for item in one]
        elif isinstance(one, dict):
            if depth == len(path):
                yield one
            else:
                waiting.append((one.get(path[depth]), depth + 1))


def _malformed(error: Exception, where: str) -> Malformed:
    what = "an element has another type than R4 says" if isinstance(error, Wrong) else f"an element has another type than R4 says ({type(error).__name__})"
    return Malformed(what, where=where, do="fix the sender")
