"""A list of known patients from a file: what a residue proof looks for, and what a note's own patient is looked up in.

In        one JSON record a line (gzip or plain; a JSON array or a Bundle in one file too): FHIR R4 Patient, RelatedPerson, Person or
          Practitioner, or a flat record {"subject" or "id", "name" or "given" and "family", "mrn", "phone", "address", ...};
          values may be lists, keys may be written in any of the ways of `_KEYS`
Out       one (subject, `KnownIdentifiers`) a person, in the order of the file; lines of one subject are put together
Refuses   a line that is no such record, or tells nothing known: all bad lines at once, by number, never by content
Elsewhere the survey of raw files, which fills the same record: `collect.py`.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from bedside.core.errors import Malformed, Misconfigured
from bedside.deidentify.patients import KnownIdentifiers

Person = tuple[str | None, KnownIdentifiers]
_SHOWN = 5
_KEYS = {
    "subject": "subject subjectid id pid personid patientid uuid guid",
    "records": "mrn mrns records record recordnumber medicalrecord medicalrecordnumber medicalrecordno chart chartnumber hospitalnumber",
    "numbers": "identifier identifiers number numbers account accountnumber encounter encounterid visit visitid visitnumber csn accession "
    "accessionnumber member memberid memberno plan planid healthplan healthplanid healthplannumber insurance insuranceid policy policynumber "
    "beneficiary beneficiaryid medicare medicareid medicaid medicaidid license licence licensenumber driverlicense driverslicense "
    "passport passportnumber nationalid nhsnumber device deviceid serial serialnumber vehicle plate vin otherids",
    "name": "name names fullname displayname alias aliases maidenname formername formernames nickname nicknames preferredname othername "
    "othernames birthname text",
    "given": "given givenname givennames first firstname firstnames forename forenames",
    "middle": "middle middlename middlenames middleinitial mi",
    "family": "family familyname last lastname surname surnames",
    "births": "birth births birthdate birthday dob dateofbirth born",
    "phones": "phone phones phonenumber phonenumbers telephone telephones telephonenumber tel mobile mobilephone cell cellphone homephone "
    "workphone fax faxnumber pager",
    "emails": "email emails emailaddress mail",
    "ssns": "ssn ssns socialsecurity socialsecuritynumber sin",
    "address": "address addresses homeaddress mailingaddress fulladdress residence",
    "streets": "street streets streetaddress addressline addressline1 addressline2 addressline3 address1 address2 line line1 line2",
    "cities": "city cities town municipality",
    "zips": "zip zips zipcode zipcodes postalcode postcode postal",
}
_KIND = {spelling: kind for kind, spellings in _KEYS.items() for spelling in spellings.split()}
_RESOURCES = ("Patient", "RelatedPerson", "Person", "Practitioner")
_NICKNAME = re.compile(r"(?<!\w)[\"“'‘(]([^\"“”'‘’()]{2,40})[\"”'’)](?!\w)")
_BEFORE = re.compile(r"^(?:(?:Dr|Mr|Mrs|Ms|Miss|Mx|Prof|Rev|Sir|Dame|Herr|Frau)\b\.?\s*)+", re.IGNORECASE)
_AFTER = re.compile(r"(?:,?\s+(?:Jr|Sr|II|III|IV|M\.?D|D\.?O|Ph\.?D|R\.?N|Esq)\b\.?)+$", re.IGNORECASE)
_ZIP = re.compile(r"\b(\d{5}(?:-\d{4})?)\s*(?:,?\s*(?:USA?|United States)\.?)?\s*$", re.IGNORECASE)
_STATE = re.compile(r"[\s,]+(?:[A-Z]{2}|[A-Z][a-z]+)?[\s,]*$")


class _Bad(Exception):
    """Why a record cannot be used. Stays in this module."""


def read(path: Path | str) -> list[Person]:
    """Everybody of a known-patients file: (subject, what is known), the subject None where a record names none.

    Raises `Misconfigured` where there is no such file and `Malformed` for bad lines, with their numbers and without their values.
    """
    people, named, bad = list[Person](), dict[str, KnownIdentifiers](), list[str]()
    for where, said in _records(Path(path)):
        try:
            found = list(_people(_decoded(said)))
        except _Bad as error:
            bad.append(f"{where}: {error}")
            continue
        except (TypeError, AttributeError, ValueError, OverflowError):
            bad.append(f"{where}: a field is of another type than it should be")
            continue
        for subject, known in found:
            if subject is not None and subject in named:
                named[subject].add(known)
                continue
            people.append((subject, known))
            if subject is not None:
                named[subject] = known
    _refuse(bad, bool(people))
    return people


def index(people: Iterable[Person]) -> dict[str, int]:
    """Which person an id means: subjects, record numbers, other numbers, each only where one person alone has it."""
    found: dict[str, set[int]] = {}
    for at, (subject, known) in enumerate(people):
        for one in {subject, *known.records, *known.numbers} - {None}:
            found.setdefault(str(one), set()).add(at)
            found.setdefault(f"Patient/{one}", set()).add(at)
    return {one: next(iter(whose)) for one, whose in found.items() if len(whose) == 1}


def _refuse(bad: list[str], some: bool) -> None:
    if bad:
        more = f"; and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
        raise Malformed(f"{len(bad)} records of the known patients cannot be used", where="; ".join(bad[:_SHOWN]) + more,
                        do='write one FHIR Patient a line, or one flat record such as {"subject": ..., "name": ..., "mrn": ...}')  # fmt: skip
    if not some:
        raise Malformed("the file of known patients holds nobody", where="--known", do="write one patient a line")


def _records(path: Path) -> Iterator[tuple[str, bytes | Any]]:
    """Records with their places: the elements of an array, the one document of a file, or the lines."""
    if not path.exists() or path.is_dir():
        raise Misconfigured("no such file of known patients", where="--known", do="correct the path")
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            raise Malformed("gzip stream is truncated or damaged", where="--known", do="write the file again") from None
    data = data.removeprefix(b"\xef\xbb\xbf")
    lines = [(at, line) for at, line in enumerate(data.splitlines(), 1) if line.strip()]
    whole = _whole(data) if len(lines) > 1 or data.lstrip()[:1] == b"[" else None
    if isinstance(whole, list):
        yield from ((f"record {at}", one) for at, one in enumerate(whole, 1))
    elif whole is not None:
        yield "the document", whole
    else:
        yield from ((f"line {at}", line) for at, line in lines)


def _whole(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _decoded(said: bytes | Any) -> dict[str, Any]:
    if isinstance(said, bytes):
        try:
            said = msgspec.json.decode(said)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _Bad("not JSON") from None
    if not isinstance(said, dict):
        raise _Bad("not a JSON object")
    return said


def _people(record: dict[str, Any]) -> Iterator[Person]:
    kind = record.get("resourceType")
    if kind == "Bundle":
        inside = [one.get("resource") for one in record["entry"] if isinstance(one, dict)] if "entry" in record else []
        for one in inside:
            if isinstance(one, dict) and one.get("resourceType") in _RESOURCES:
                yield from _people(one)
        return
    if kind is not None and kind not in _RESOURCES:
        raise _Bad("a resource of another type than Patient")
    subject, known = [str(record["id"])] if kind and record.get("id") else [], KnownIdentifiers()
    if kind:
        known.note("records", subject[0] if subject else None)
        record = {name: value for name, value in record.items() if name not in ("id", "resourceType", "text")}
    _take(record, known, subject)
    if not any(getattr(known, name) for name in known.__struct_fields__):
        raise _Bad("tells no identifier under a key that is known")
    yield (subject[0] if subject else None), known


def _take(record: dict[str, Any], known: KnownIdentifiers, subject: list[str]) -> None:
    """Everything of a record, those beside the person (contacts, relatives) included."""
    parts: dict[str, list[str]] = {"given": [], "middle": [], "family": []}
    for key, value in record.items():
        kind = _kind(key)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                _inner(kind, one, known, subject)
            elif (text := _said(one)) is None:
                continue
            elif kind in parts:
                parts[kind].append(text)
            elif kind == "subject":
                subject.append(text)
                known.note("numbers", text)
            elif kind is not None:
                _NOTE.get(kind, lambda text, known, kind=kind: known.note(kind, text))(text, known)
    given = [word for text in (*parts["given"], *parts["middle"]) for word in text.split()]
    for family in parts["family"] or ([""] if given else []):
        known.name(given, family)


def _inner(kind: str | None, one: dict[str, Any], known: KnownIdentifiers, subject: list[str]) -> None:
    """An object inside a record: a FHIR identifier or telecom, or a record of its own about the same person or those beside."""
    value = _said(one.get("value"))
    if value is None:
        inner = one if kind != "address" else {("address" if name == "text" else name): said for name, said in one.items()}
        _take({name: said for name, said in inner.items() if kind is not None or name != "text"}, known, [])
    elif one.get("system") in ("phone", "fax", "email", "pager", "sms"):
        known.note("emails" if one["system"] == "email" else "phones", value)
    elif kind == "numbers" and not value.startswith("urn:"):
        _identifier(one, value, known)
    elif kind is not None:
        _take({kind: value}, known, subject)


def _identifier(one: dict[str, Any], value: str, known: KnownIdentifiers) -> None:
    from bedside.deidentify.fhir import LINKING, identifier_kind

    said = identifier_kind(one)
    known.note("ssns" if said == "SS" else "records" if said in LINKING else "numbers", value)


def _kind(key: str) -> str | None:
    """What a key means, whatever its case, separators and a "patient" before it."""
    plain = re.sub(r"[\W_]", "", key).lower()
    return (
        _KIND.get(plain)
        or _KIND.get(re.sub(r"^(?:patient|pt|person|member)", "", plain))
        or ("subject" if plain == "patient" else None)
    )


def _said(value: object) -> str | None:
    """A value as text: a number without its point, since a spreadsheet writes record numbers as such."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return str(int(value)) if value == int(value) else None


def written_name(text: str, known: KnownIdentifiers) -> None:
    """A name in one string: 'Smith, Anna M', 'Smith^Anna', 'Mrs. Anna "Annie" Smith Jr.'; a nickname is a name of its own."""
    for nickname in _NICKNAME.findall(text):
        known.name([nickname], None)
    plain = _AFTER.sub("", _BEFORE.sub("", " ".join(_NICKNAME.sub(" ", text).split()))).strip(" ,")
    if "^" in plain:
        family, *given = plain.split("^")[:3]
        known.name(given, family)
    elif "," in plain:
        family, _, rest = plain.partition(",")
        known.name(rest.split(), family)
    else:
        *given, last = plain.split() or [""]
        known.name(given, last) if given else known.name([last], None)


def written_address(text: str, known: KnownIdentifiers) -> None:
    """An address in one string: street, then city, state and zip after commas or line ends."""
    found = _ZIP.search(text)
    if found and found.start():
        known.note("zips", found[1])
        text = text[: found.start()].rstrip(" ,\n")
    parts = [part.strip() for part in re.split(r"[,\n;^]+", text) if part.strip()]
    known.note("streets", parts[0] if parts else None)
    places = [part for part in (_STATE.sub("", " " + part).strip() if len(part) == 2 else part for part in parts[1:]) if part]
    if places:
        known.note("cities", re.sub(r"\s+[A-Z]{2}$", "", places[-1]))


_NOTE: dict[str, Callable[[str, KnownIdentifiers], None]] = {"name": written_name, "address": written_address}
