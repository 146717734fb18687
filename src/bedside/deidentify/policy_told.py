"""A policy in words: what becomes of each class of identifier in each format.

In        a policy
Out       one row for each class that the rule names (164.514(b)(2)(i)(A)-(R), with (e)(2)(i)-(xvi) beside it), and what stands in its place:
          removed      gone; a text shows the kind in brackets
          replaced     another of the same form (a surrogate)
          pseudonym    a code of ours: P... for a person, N... for a number, 2.25.... for a UID
          moved        dates by whole weeks a person; relative: counted from the day of a person's first event; year: the year alone
          capped       an age above the cap reads one above it; generalised: the first three digits of a zip code; kept
Tested    every row is: tests/deidentify/test_policy_classes.py plants each class in each format and looks for what this table says
"""

from __future__ import annotations

from typing import Literal

import msgspec

from bedside.deidentify.policy import Policy

Fate = Literal["removed", "replaced", "pseudonym", "moved", "relative", "year", "capped", "generalised", "kept"]
FORMATS = ("fhir", "hl7v2", "tables", "dicom", "text")
_DATES: dict[str, Fate] = {"shift": "moved", "relative": "relative", "keep": "kept"}
_WHOLE_ZIP = 5
_ZIPS: dict[int, Fate] = {0: "removed", 3: "generalised", _WHOLE_ZIP: "kept"}
_KIND = {
    "names": "NAME", "street": "ADDRESS", "city": "CITY", "zip": "ZIP", "dates": "DATE", "ages": "AGE", "phones": "PHONE", "faxes": "PHONE", "mail": "EMAIL",
    "ssn": "SSN", "records": "ID", "plans": "ID", "accounts": "ID", "licences": "ID", "vehicles": "ID", "devices": "ID", "urls": "URL", "ips": "IP",
}  # fmt: skip


class Row(msgspec.Struct, frozen=True):
    """One class: its letter in safe harbor, its number in the limited data set ("" where that does not name it), and its fate by format."""

    id: str
    harbor: str
    limited: str
    what: str
    fates: dict[str, Fate]


def told(policy: Policy) -> list[Row]:
    """The rows of a policy."""
    return [Row(id, harbor, limited, what, {format: _fate(policy, id, format) for format in FORMATS}) for id, harbor, limited, what in CLASSES]


def _fate(policy: Policy, id: str, format: str) -> Fate:
    if policy.unchanged:
        return "kept"
    if format == "text":
        own = policy.text.kinds.get(_KIND.get(id, ""))
        if own == "keep":
            return "kept"
        if own in ("remove", "generalise", "surrogate"):
            return {"remove": "removed", "generalise": "year" if id == "dates" else "generalised", "surrogate": "replaced"}[own]
    return _usual(policy, id, format)


def _usual(policy: Policy, id: str, format: str) -> Fate:
    """What a policy does where nothing in particular is said of a kind."""
    if id == "names":
        return _name(policy, format)
    if id == "dates":
        return "removed" if format == "dicom" and not {"full-dates", "modified-dates"} & set(policy.dicom.retain) else _DATES[policy.dates]
    if id == "births":
        return "removed" if format == "dicom" else "year" if policy.birth_date == "year" else _DATES[policy.dates]
    if id == "ages":
        return "kept" if policy.age_cap is None else "capped"
    if id == "zip":
        return "removed" if format == "dicom" or (format == "text" and policy.zip_digits != _WHOLE_ZIP) else _ZIPS[policy.zip_digits]
    if id == "city":
        return "kept" if policy.city and format != "dicom" else "removed"
    if id in ("records", "codes"):
        return "removed" if format == "text" else "pseudonym"
    if format == "text" and policy.text.replace == "surrogates" and id in _KIND:
        return "replaced"
    return "removed"


def _name(policy: Policy, format: str) -> Fate:
    if format == "text":
        return "replaced" if policy.text.replace == "surrogates" else "removed"
    return "pseudonym" if format == "dicom" else "replaced" if policy.names == "surrogate" else "removed"


CLASSES: tuple[tuple[str, str, str, str], ...] = (
    ("names", "A", "i", "names of the patient, relatives, household, and staff"),
    ("street", "B", "ii", "street address, and what is smaller than a town"),
    ("city", "B", "", "town, county, precinct"),
    ("zip", "B", "", "zip code"),
    ("dates", "C", "", "dates of care"),
    ("births", "C", "", "date of birth"),
    ("ages", "C", "", "ages over 89"),
    ("phones", "D", "iii", "telephone numbers"),
    ("faxes", "E", "iv", "fax numbers"),
    ("mail", "F", "v", "electronic mail addresses"),
    ("ssn", "G", "vi", "social security numbers"),
    ("records", "H", "vii", "medical record numbers"),
    ("plans", "I", "viii", "health plan beneficiary numbers"),
    ("accounts", "J", "ix", "account numbers"),
    ("licences", "K", "x", "certificate and licence numbers"),
    ("vehicles", "L", "xi", "vehicle identifiers and licence plates"),
    ("devices", "M", "xii", "device identifiers and serial numbers"),
    ("urls", "N", "xiii", "web addresses (URLs)"),
    ("ips", "O", "xiv", "internet protocol (IP) addresses"),
    ("biometrics", "P", "xv", "biometric identifiers: finger and voice prints"),
    ("photos", "Q", "xvi", "full-face photographs and the like"),
    ("codes", "R", "", "any other number or code that identifies: encounters, orders, accessions, UIDs"),
)


def as_text(policy: Policy) -> str:
    """The policy for people."""
    head = [f"{policy.name}   digest {policy.digest}", policy.title, policy.basis, _settings(policy), ""]
    wide = max(len(row.what) for row in told(policy))
    head.append(f"{'':8} {'':{wide}}  " + "  ".join(f"{format:<11}" for format in FORMATS))
    return "\n".join([*head, *(_line(row, wide) for row in told(policy)), *_own(policy)])


def _line(row: Row, wide: int) -> str:
    return f"{row.harbor:<2} {row.limited:<5} {row.what:<{wide}}  " + "  ".join(f"{row.fates[format]:<11}" for format in FORMATS).rstrip()


def _settings(policy: Policy) -> str:
    parts = [f"dates {policy.dates}" + (f" by up to {policy.shift_weeks} weeks" if policy.dates == "shift" else ""), f"date of birth {policy.birth_date}",
             f"ages above {policy.age_cap} read {policy.age_cap + 1}" if policy.age_cap is not None else "ages stay",
             f"zip codes {policy.zip_digits} digits" + (f" (census {policy.census})" if policy.zip_digits == 3 else ""), f"texts get {policy.text.replace}",
             f"FHIR narrative {'removed' if policy.narrative == 'remove' else 'scrubbed'}", f"DICOM retains {', '.join(policy.dicom.retain) or 'nothing'}, "
             f"cleans {', '.join(policy.dicom.clean) or 'nothing'}, reads {policy.dicom.pixels} images for text"]  # fmt: skip
    return "; ".join(parts)


def _own(policy: Policy) -> list[str]:
    """What a site's own policy changes in the formats' tables, which the rows do not show."""
    own = [*(f"fhir     {path}: {action}" for path, action in policy.fhir.elements.items()), *(f"fhir     extension {url}: keep" for url in policy.fhir.extensions),
           *(f"hl7v2    {field}: {action}" for field, action in policy.hl7v2.fields.items()), *(f"hl7v2    segment {name}: {kinds}" for name, kinds in policy.hl7v2.segments.items()),
           *(f"dicom    {tag}: {action}" for tag, action in policy.dicom.elements.items()), *(f"dicom    private {one}: keep" for one in policy.dicom.private)]  # fmt: skip
    return ["", f"on the base of {policy.base}, and beside the rows above:", *own] if own else []
