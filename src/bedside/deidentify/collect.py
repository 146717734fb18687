"""What one raw file tells the survey: whose numbers stand together, and what the structure knows of each person.

In        a raw file, and `People`, the union of keys that grows over all files
Out       nothing but what `People` then holds. A record that cannot be parsed is counted and skipped.
Elsewhere who gets which code in the end: `survey.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from bedside.core.errors import Malformed
from bedside.core.time import Instant, compact_instant, iso_instant, wall_time
from bedside.deidentify.patients import Key, KnownIdentifiers, PatientMap, Subject, earliest
from bedside.formats.files import RawFile

if TYPE_CHECKING:
    from bedside.deidentify.keyring import Keyring
    from bedside.formats.notes import Note

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:?\d{2})?)?\Z")
_LAST_YEAR = 9990
_SSN = re.compile(r"\d{3}-?\d{2}-?\d{4}\Z")
_STAFF_COLUMN = re.compile(
    r"provider|prescriber|physician|doctor|performed|nurse|tech|author|attending|ordering|clinician|staff|operator|pharmac|verified|signed|resident|"
    r"surgeon|payer|hospital|clinic|facility|_by$",
    re.IGNORECASE,
)


_NICKNAME = re.compile(r"(?<!\w)[\"“'‘(]([^\"“”'‘’()]{2,40})[\"”'’)](?!\w)")
_TITLES_BEFORE = re.compile(r"^(?:(?:Dr|Mr|Mrs|Ms|Miss|Mx|Prof|Rev|Sir|Dame|Herr|Frau)\b\.?\s*)+", re.IGNORECASE)
_TITLES_AFTER = re.compile(r"(?:,?\s+(?:Jr|Sr|II|III|IV|M\.?D|D\.?O|Ph\.?D|R\.?N|Esq)\b\.?)+$", re.IGNORECASE)
_PEOPLE = frozenset({"Patient", "RelatedPerson"})
_KIN_FIELDS = {"NK1": ("2", "5"), "GT1": ("3", "6")}  # whose field of names and whose of phones: HL7 v2.5.1 3.4.5, 6.5.5


class People:
    """Who is who, while the survey reads: keys united into people, facts gathered with them."""

    def __init__(self, found: PatientMap, *, empty: bool = False) -> None:
        """empty   of one part only: what the map holds already is left to the one that it joins"""
        self.map = found
        self.staff = KnownIdentifiers()
        self.owners: dict[str, str] = {} if empty else dict(found.state.owners)
        self.years: dict[str, int] = {} if empty else dict(found.state.encounter_years)
        self._parent: dict[str, str] = {}
        self._order: list[str] = []
        self.facts: dict[str, Subject] = {}

    def see(self, keys: Iterable[Key | str]) -> str | None:
        """Unite keys of one person; the handle of that person, None when there are no keys."""
        texts = [key if isinstance(key, str) else key.text for key in keys]
        for text in texts:
            if text not in self._parent:
                self._parent[text] = text
                self._order.append(text)
        for other in texts[1:]:
            self._unite(texts[0], other)
        return texts[0] if texts else None

    def of(self, handle: str) -> Subject:
        """The facts kept under a handle; those of one person are put together in the end."""
        facts = self.facts.get(handle)
        if facts is None:
            facts = self.facts[handle] = Subject(-1, -1)
        return facts

    def groups(self) -> dict[str, list[str]]:
        """People in order of first appearance, each with all keys."""
        found: dict[str, list[str]] = {}
        for text in self._order:
            found.setdefault(self._root(text), []).append(text)
        return found

    def join(self, other: People) -> None:
        """Take in what another has seen after this one, as though this one had seen it itself."""
        for text in other._order:
            self.see([text])
        for text in other._order:
            self._unite(text, other._root(text))
        for handle, facts in other.facts.items():
            mine = self.of(handle)
            mine.known.add(facts.known)
            mine.saw(facts.first_us, facts.last_us)
            mine.encounter_us = earliest(mine.encounter_us, facts.encounter_us)
        self.staff.add(other.staff)
        self.owners |= other.owners
        self.years |= other.years

    def _root(self, text: str) -> str:
        while (up := self._parent[text]) != text:
            self._parent[text] = text = self._parent[up]
        return text

    def _unite(self, one: str, other: str) -> None:
        a, b = self._root(one), self._root(other)
        if a != b:
            self._parent[max(a, b)] = min(a, b)


class Collector:
    """The survey of one file."""

    def __init__(
        self, file: RawFile, people: People, keyring: Keyring, timezone: str | None, mapping: dict[str, Any] | None, *, nobody: bool = False
    ) -> None:
        self.nobody = nobody
        self.file, self.people, self.keyring, self.timezone, self.mapping = file, people, keyring, timezone, mapping
        self.map, self.source = people.map, file.source
        self.records, self.unreadable = 0, 0
        self._instants: dict[str, int | None] = {}

    def read(self) -> None:
        kinds: dict[str, Callable[[], None]] = {
            "fhir": self._fhir,
            "hl7v2": self._hl7v2,
            "tables": self._tables,
            "dicom": self._dicom,
            "notes": self._note,
        }
        try:
            kinds[self.file.format]()
        except Malformed:
            self.unreadable += 1

    # --- FHIR -------------------------------------------------------------------------------------

    def _fhir(self) -> None:
        from bedside.deidentify.fhir import inner_resources
        from bedside.formats import fhir

        data = self.file.read()
        urls = fhir.full_urls(data)
        for piece in fhir.pieces(data):
            self.records += 1
            try:
                resource = fhir.parse(piece.raw, where=piece.place)
                for one in (resource, *inner_resources(resource)):
                    self._resource(one, urls)
            except (Malformed, TypeError, AttributeError, KeyError, ValueError, RecursionError):
                self.unreadable += 1

    def _resource(self, resource: dict[str, Any], urls: dict[str, str]) -> None:
        from bedside.deidentify.fhir import subject_key

        kind = resource["resourceType"]
        if kind in ("Practitioner", "PractitionerRole"):
            self._practitioner(resource)
        key = subject_key(resource, self.map, self.source, urls)
        if key is None:
            return
        keys = [key, *(self._patient_keys(resource, urls) if kind == "Patient" else ())]
        handle = self.people.see(keys)
        if handle is None:
            return
        facts = self.people.of(handle)
        if kind in _PEOPLE:
            self._person(resource, facts.known)
        if kind == "Patient":
            facts.known.note("births", resource.get("birthDate"))
            facts.known.note("records", resource.get("id"))
        self._numbers(resource, facts, kind)
        self._times(resource, facts)
        if kind == "Encounter":
            self._encounter(resource, facts)
        if kind in ("DocumentReference", "DiagnosticReport"):
            self._binaries(resource, handle, urls)

    def _patient_keys(self, resource: dict[str, Any], urls: dict[str, str]) -> Iterable[Key]:
        from bedside.deidentify.fhir import LINKING, identifier_kind, reference_key

        identifiers: list[dict[str, Any]] = resource.get("identifier") or []
        for one in identifiers:
            if isinstance(one.get("value"), str) and one["value"].strip() and identifier_kind(one) in LINKING:
                yield self.map.record_key(one["value"], source=self.source, stated=one.get("system"))
        links: list[dict[str, Any]] = resource.get("link") or []
        for link in links:
            other = reference_key(link.get("other") or {}, self.map, self.source, urls)
            if other is not None:
                yield other

    def _person(self, resource: dict[str, Any], known: KnownIdentifiers) -> None:
        """A patient, and those beside them: contacts, relatives. None of them may be told in the patient's text."""
        _human_names(resource.get("name"), known)
        for one in resource.get("telecom") or ():
            known.note("emails" if one.get("system") == "email" else "phones", one.get("value"))
        said: Any = resource.get("address") or ()
        for one in [said] if isinstance(said, dict) else said:
            for line in one.get("line") or ():
                known.note("streets", line)
            known.note("cities", one.get("city"))
            known.note("zips", one.get("postalCode"))
        for other in resource.get("contact") or ():
            self._person({name: value for name, value in other.items() if name != "contact"}, known)
        for inner in resource.get("contained") or ():
            if inner.get("resourceType") in _PEOPLE:
                self._person(inner, known)

    def _numbers(self, resource: dict[str, Any], facts: Subject, kind: str) -> None:
        """Every identifier of a record about a patient is a number that text must not tell."""
        from bedside.deidentify.fhir import LINKING, identifier_kind

        said_of: Any = resource.get("identifier") or []
        identifiers: list[dict[str, Any]] = said_of if isinstance(said_of, list) else [said_of]
        for one in identifiers:
            value = one.get("value")
            said = identifier_kind(one)
            if not isinstance(value, str) or value.startswith("urn:"):
                continue
            facts.known.note("ssns" if said == "SS" else "records" if kind == "Patient" and said in LINKING else "numbers", value)
        if kind == "Encounter":
            facts.known.note("numbers", resource.get("id"))

    def _times(self, resource: dict[str, Any], facts: Subject) -> None:
        for value in times_of(resource):
            self._saw(value, facts, iso_instant)

    def _encounter(self, resource: dict[str, Any], facts: Subject) -> None:
        start = (resource.get("period") or {}).get("start")
        if isinstance(start, str):
            numbers = [resource.get("id"), *(one.get("value") for one in resource.get("identifier") or ())]
            self._began(start, numbers, facts, iso_instant)

    def _began(self, start: str, numbers: Iterable[Any], facts: Subject, parse: Callable[..., Instant]) -> None:
        from bedside.deidentify.desk import number_of

        try:
            instant = parse(start, where="start", timezone=self.timezone)
        except Malformed:
            return
        facts.encounter_us = earliest(facts.encounter_us, instant.us)
        for number in numbers:
            if isinstance(number, str) and number.strip():
                self.people.years[number_of(self.keyring, number)] = wall_time(instant.local_us).year

    def _binaries(self, resource: dict[str, Any], handle: str, urls: dict[str, str]) -> None:
        from bedside.deidentify.fhir import target

        for name, value in _strings(resource):
            if name == "url" and target(value, urls)[0] == "Binary":
                self.people.owners[f"{self.source}|Binary/{target(value, urls)[1]}"] = handle

    def _practitioner(self, resource: dict[str, Any]) -> None:
        _human_names(resource.get("name"), self.people.staff)
        for one in resource.get("telecom") or ():
            self.people.staff.note("emails" if one.get("system") == "email" else "phones", one.get("value"))
        for one in resource.get("identifier") or ():
            self.people.staff.note("numbers", one.get("value"))

    # --- HL7 v2 -----------------------------------------------------------------------------------

    def _hl7v2(self) -> None:
        from bedside.formats import hl7v2

        for piece in hl7v2.pieces(self.file.read()):
            self.records += 1
            try:
                self._message(hl7v2.Message.parse(piece.raw, where=piece.place))
            except (Malformed, ValueError):
                self.unreadable += 1

    def _message(self, message: Any) -> None:
        from bedside.deidentify.hl7v2 import FIELDS, is_merge, patient_keys

        offset = re.search(r"[+-]\d{4}\Z", message.get("MSH-7.1") or "")
        handle: str | None = None
        pending: list[Any] = []
        for segment in message.segments:
            if segment.name == "PID":
                keys = list(patient_keys(segment, "3", self.map, self.source))
                handle = self.people.see(keys)
                if handle is not None:
                    self._pid(segment, self.people.of(handle).known)
            elif segment.name == "MRG":
                old = list(patient_keys(segment, "1", self.map, self.source))
                other = self.people.see([*([handle] if handle is not None and is_merge(message) else []), *old])
                if other is not None:
                    for key in old:
                        self.people.of(other).known.note("records", key.value)
            elif segment.name in _KIN_FIELDS and handle is not None:
                self._kin(segment, self.people.of(handle).known)
            pending.append((handle, segment))
        first = next((one for one, _ in pending if one is not None), None)
        for owner, segment in pending:
            if (owner or first) is not None and segment.name in FIELDS:
                self._segment(segment, FIELDS[segment.name], self.people.of(owner or first or ""), offset[0] if offset else "")

    def _pid(self, segment: Any, known: KnownIdentifiers) -> None:
        for path in ("2", "3", "4"):
            for rep in range(len(segment.repetitions(int(path)))):
                value, kind = segment.get(f"{path}.1", rep), (segment.get(f"{path}.5", rep) or "").upper()
                known.note("ssns" if kind == "SS" else "records" if kind in ("", "MR", "PI", "PT", "MRT") else "numbers", value)
        for path in ("5", "6", "9"):
            _field_names(segment, path, known)
        known.note("births", _dashed(segment.get("7.1")))
        for path in ("13", "14"):
            for rep in range(len(segment.repetitions(int(path)))):
                parts = [segment.get(f"{path}.{n}", rep) for n in (1, 6, 7)]
                known.note("phones", parts[0] or "".join(part for part in parts[1:] if part))
                known.note("emails", segment.get(f"{path}.4", rep))
        for rep in range(len(segment.repetitions(11))):
            for kind, n in (("streets", 1), ("cities", 3), ("zips", 5)):
                known.note(kind, segment.get(f"11.{n}" if n != 1 else "11.1.1", rep))
        known.note("numbers", segment.get("18.1"))
        known.note("ssns", segment.get("19"))

    def _kin(self, segment: Any, known: KnownIdentifiers) -> None:
        name, phone = _KIN_FIELDS[segment.name]
        _field_names(segment, name, known)
        for rep in range(len(segment.repetitions(int(phone)))):
            known.note("phones", segment.get(f"{phone}.1", rep))

    def _segment(self, segment: Any, table: dict[int, str], facts: Subject, offset: str) -> None:
        for number, kind in table.items():
            if number > len(segment) or not segment.field(number):
                continue
            if kind == "time":
                value = segment.get(f"{number}.1") or ""
                self._saw(
                    value + (offset if len(value) > 8 and not self.timezone and not re.search(r"[+-]\d{4}\Z", value) else ""),
                    facts,
                    compact_instant,
                )
            elif kind == "person":
                self._staff(segment, number)
            elif kind == "reader":
                self._readers(segment, number)
            elif kind == "id" and segment.name == "PV1":
                facts.known.note("numbers", segment.get(f"{number}.1"))
        if segment.name == "PV1" and segment.get("44.1"):
            self._began(str(segment.get("44.1")), [segment.get("19.1")], facts, compact_instant)

    def _staff(self, segment: Any, number: int) -> None:
        for rep in range(len(segment.repetitions(number))):
            given = [segment.get(f"{number}.3", rep), *(segment.get(f"{number}.4", rep) or "").split()]
            self.people.staff.name([part for part in given if part], segment.get(f"{number}.2.1", rep))
            if segment.get(f"{number}.2", rep):
                self.people.staff.note("numbers", segment.get(f"{number}.1", rep))

    def _readers(self, segment: Any, number: int) -> None:
        """NDL: who read a result, in the subcomponents of its first component (HL7 v2.8.2 section 2.A.44)."""
        for rep in range(len(segment.repetitions(number))):
            given = [segment.get(f"{number}.1.3", rep), *(segment.get(f"{number}.1.4", rep) or "").split()]
            self.people.staff.name([part for part in given if part], segment.get(f"{number}.1.2", rep))

    # --- tables -----------------------------------------------------------------------------------

    def _tables(self) -> None:
        from bedside.deidentify import tables
        from bedside.formats import tables as format

        rule = tables.rule_of(self.mapping, self.file.relative)
        if rule is None or rule.get("ignore") is not None:
            return
        frame = format.read(self.file).text()
        self.records += frame.height
        zone, roles = tables.zone_of(self.mapping, rule, self.timezone), rule.get("roles") or {}
        owners = [
            self.people.see([self.map.record_key(raw, source=self.source)]) if raw else None for raw in tables.subjects(frame, rule)
        ]
        for owner, raw in zip(owners, tables.subjects(frame, rule), strict=True):
            if owner is not None and raw:
                self.people.of(owner).known.note("records", raw)
                if not any(map(str.isdigit, raw)) and len(re.split(r"[ ,^]+", raw.strip())) > 1:  # a name that stands for a number
                    (_person_name if "^" in raw else _full_name)(raw, self.people.of(owner).known)
        for name in frame.columns:
            self._column(
                name, roles.get(name, ""), frame[name].to_list(), owners, zone, tables.columns_of(rule.get("time_formats"))
            )

    def _column(
        self, name: str, role: str, values: list[str | None], owners: list[str | None], zone: str | None, formats: list[str]
    ) -> None:
        staff = bool(_STAFF_COLUMN.search(name)) and not name.lower().startswith(("patient", "pt_"))
        for value, owner in set(zip(values, owners, strict=True)):
            if value is None or owner is None or not value.strip():
                continue
            facts = self.people.of(owner)
            if role in ("date", "datetime"):
                self._cell_time(value, facts, zone, formats)
            elif role:
                self._cell(role, name, value.strip(), self.people.staff if staff else facts.known)
            elif staff and re.search(r"[A-Za-z]", value) and len(value.split()) in (2, 3):
                _full_name(value, self.people.staff)

    def _cell(self, role: str, name: str, value: str, known: KnownIdentifiers) -> None:
        if role in ("name", "drop") and (role == "name" or known is self.people.staff):
            if re.match(r"[A-Za-z]", value):
                _full_name(value, known)
        elif role in ("given", "family"):
            known.name([value] if role == "given" else [], value if role == "family" else None)
        elif role == "birth_date":
            known.note("births", value)
        elif role in ("phone", "zip", "email", "ssn"):
            known.note(role + "s", value)
        elif role == "city":
            known.note("cities", value)
        elif role == "address":
            known.note("cities" if re.search(r"city|town", name, re.IGNORECASE) else "streets", value)
        elif role in ("identifier", "encounter", "plan"):
            known.note("ssns" if _SSN.match(value) and "ssn" in name.lower() else "numbers", value)

    def _cell_time(self, value: str, facts: Subject, zone: str | None, formats: list[str]) -> None:
        from bedside.deidentify.tables import iso_text

        try:
            instant = iso_instant(iso_text(value, formats), where="cell", timezone=zone)
        except Malformed:
            return
        facts.saw(instant.us, instant.us)

    # --- DICOM and notes --------------------------------------------------------------------------

    def _dicom(self) -> None:
        from bedside.deidentify.dicom import patient_key
        from bedside.formats import dicom

        self.records += 1
        dataset: Any = dicom.parse(self.file.read(), where="instance", stop_before_pixels=True)
        try:
            key = patient_key(dataset, self.map, self.source, nobody=self.nobody)
            if key is None:
                return
            others = [patient_key(item, self.map, self.source) for item in dataset.get("OtherPatientIDsSequence") or ()]
            facts = self.people.of(self.people.see([key, *(one for one in others if one is not None)]) or "")
            self._header(dataset, facts)
        except (AttributeError, KeyError, TypeError, ValueError, NotImplementedError, OverflowError):
            self.unreadable += 1

    def _header(self, dataset: Any, facts: Subject) -> None:
        known = facts.known
        known.note("records", str(dataset.get("PatientID") or ""))
        for word in ("PatientName", "OtherPatientNames", "PatientBirthName"):
            _person_name(dataset.get(word), known)
        known.note("births", _dashed(str(dataset.get("PatientBirthDate") or "")))
        known.note("phones", str(dataset.get("PatientTelephoneNumbers") or ""))
        known.note("streets", str(dataset.get("PatientAddress") or "").split("^")[0].split(",")[0])
        for word in ("AccessionNumber", "AdmissionID", "StudyID", "IssuerOfAdmissionID"):
            known.note("numbers", str(dataset.get(word) or ""))
        for word in (
            "ReferringPhysicianName",
            "PerformingPhysicianName",
            "NameOfPhysiciansReadingStudy",
            "OperatorsName",
            "PhysiciansOfRecord",
            "RequestingPhysician",
        ):
            _person_name(dataset.get(word), self.people.staff)
        for of in ("Study", "Series", "Acquisition", "Content"):
            self._saw(f"{dataset.get(f'{of}Date') or ''}{dataset.get(f'{of}Time') or ''}", facts, compact_instant)

    def _note(self) -> None:
        from bedside.formats import notes

        data = self.file.read()
        lines = notes.are_lines(data)
        for piece in notes.pieces(data):
            self.records += 1
            try:
                self._one_note(notes.parse(piece.raw, where=piece.place, line=lines))
            except Malformed:
                self.unreadable += 1

    def _one_note(self, note: Note) -> None:
        number = note.header.get("Patient-ID", "").strip()
        if not number:
            return
        facts = self.people.of(self.people.see([self.map.record_key(number, source=self.source)]) or "")
        facts.known.note("records", number)
        facts.known.note("numbers", note.header.get("Encounter-ID"))
        _full_name(re.sub(r",?\s+(?:M\.?D|D\.?O|RN|NP|PA-?C|PhD)\.?.*", "", note.header.get("Author", "")), self.people.staff)
        date = note.header.get("Date", "").strip()
        self._saw(date, facts, compact_instant if date[:8].isdigit() else iso_instant)

    def _saw(self, text: str, facts: Subject, parse: Callable[..., Instant]) -> None:
        instant = self._instants.get(text, 0)
        if instant == 0:
            instant = self._instants[text] = self._instant(text, parse)
        if instant is not None:
            facts.saw(instant, instant)

    def _instant(self, text: str, parse: Callable[..., Instant]) -> int | None:
        try:
            us = parse(text, where="time", timezone=self.timezone).us
        except Malformed:
            return None
        return us if wall_time(us).year < _LAST_YEAR else None


def times_of(resource: dict[str, Any]) -> Iterator[str]:
    """Every date and time of a resource, to the day or finer, but for a birth."""
    for name, value in _strings(resource):
        if 10 <= len(value) <= 35 and value[4] == "-" and name != "birthDate" and _ISO.match(value):
            yield value


def _strings(resource: dict[str, Any]) -> list[tuple[str, str]]:
    """Every string of a resource with the name of its element."""
    found: list[tuple[str, str]] = []
    waiting: list[tuple[str, Any]] = list(resource.items())
    while waiting:
        name, node = waiting.pop()
        if type(node) is str:
            found.append((name, node))
        elif type(node) is dict:
            waiting += node.items()
        elif type(node) is list:
            waiting += [(name, one) for one in node]
    return found


def _dashed(text: str | None) -> str | None:
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if text and len(text) >= 8 and text[:8].isdigit() else text


def _field_names(segment: Any, path: str, known: KnownIdentifiers) -> None:
    """The names of an XPN field."""
    for rep in range(len(segment.repetitions(int(path)))):
        given = [segment.get(f"{path}.2", rep), *(segment.get(f"{path}.3", rep) or "").split()]
        known.name([part for part in given if part], segment.get(f"{path}.1.1", rep))


def _human_names(said: Any, known: KnownIdentifiers) -> None:
    """FHIR HumanName, one or several: by its parts, and as written where it only is, nicknames among it."""
    for name in [said] if isinstance(said, dict) else said or ():
        given = name.get("given") or ()
        known.name([given] if isinstance(given, str) else given, name.get("family"))
        if isinstance(name.get("text"), str):
            _written_name(name["text"], known)


def _written_name(text: str, known: KnownIdentifiers) -> None:
    """ 'Mr. Anna "Annie" M Smith Jr.': a nickname is a name of its own, titles and suffixes are none."""
    for nickname in _NICKNAME.findall(text):
        known.name([nickname], None)
    words = " ".join(_NICKNAME.sub(" ", text).split())
    plain = _TITLES_AFTER.sub("", _TITLES_BEFORE.sub("", words)).strip(" ,")
    if "," in plain or " " in plain:
        _full_name(plain, known)
    else:
        known.name([plain], None)


def _full_name(text: str, known: KnownIdentifiers) -> None:
    """ "Smith, Anna M" or "Anna M Smith", a title set aside."""
    plain = re.sub(r"^(?:Dr|Mr|Mrs|Ms|Prof)\.?\s+", "", text.strip())
    if "," in plain:
        family, _, given = plain.partition(",")
        known.name(given.split(), family)
    elif plain:
        parts = plain.split()
        known.name(parts[:-1], parts[-1])


def _person_name(value: Any, known: KnownIdentifiers) -> None:
    """DICOM person names: Family^Given^Middle^Prefix^Suffix, one or several."""
    if not value:
        return
    for one in [value] if isinstance(value, str) or hasattr(value, "family_name") else value:
        family, given, middle = [*str(one).split("=")[0].split("^"), "", ""][:3]
        known.name([*given.split(), *middle.split()], family)
