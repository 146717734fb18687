"""Write src/bedside/deidentify/hl7v2_fields.toml: what becomes of every field of every segment of HL7 v2.3 to v2.8.2.

    pip install --target /tmp/hl7 hl7apy && python scripts/make_hl7v2_fields.py /tmp/hl7

The package is asked for facts only: which data type a field has in which version. What a type means for privacy (`BY_TYPE`), and where a field
is not what its type says (`EXCEPTIONS`), is decided here. A field whose type changed between versions gets the more careful of the two kinds.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from importlib import import_module
from pathlib import Path

TABLE = Path(__file__).resolve().parents[1] / "src" / "bedside" / "deidentify" / "hl7v2_fields.toml"
VERSIONS = ("2_3", "2_3_1", "2_4", "2_5", "2_5_1", "2_6", "2_7", "2_8", "2_8_1", "2_8_2")

# Not in the table: envelopes (formats.hl7v2 cuts them down), credentials and software of the sender (SFT, UAC), pieces of a message cut in two (ADD,
# DSC), and queries in a language of their own, which quote what was asked for.
LEFT_OUT = frozenset({"FHS", "FTS", "BHS", "BTS", "SFT", "UAC", "ADD", "DSC", "EQL", "ERQ", "SPR", "VTQ", "CER"})

BY_TYPE = {
    "name": "XPN", "person": "XCN CN PPN", "id": "CX CK", "entity": "EI", "entities": "EIP CM_EIP", "licence": "PLN PI CM_PI CM_PLN",
    "remove": "XTN TN DLN varies VR CM_VR QIP QSC CM_RANGE CM_ABS_RANGE CM_RFR CM_DLT", "encapsulated": "ED RP",
    "address": "XAD AD", "place": "PL LA1 LA2 CM_LA1", "reader": "NDL CM_NDL", "organisation": "XON", "authority": "HD",
    "code": "CE CWE CNE IS", "scrub": "ST TX FT GTS", "time": "TS DTM DT DR", "timing": "TQ", "interval": "RI", "repeat": "RPT",
    "occurrence": "FC DLD CM_DLD OCD CM_OCD OSP CM_OSP", "dated": "DIN CM_DIN", "event": "CCD CM_CCD", "approval": "AUI CM_AUI",
    "benefit": "RMC PTA DTN CM_RMC CM_PTA CM_DTN CM_PEN UVC CM_UVC MOP", "deductible": "DDI CM_DDI", "requirement": "PCF CM_PCF ICD",
    "specimen": "SPS CM_SPS", "parent": "PRL CM_PRL", "charge": "MOC CM_MOC", "job": "JCC", "specialty": "SPD CM_SPD", "privilege": "PIP CM_PIP",
    "reference": "RFR DLT", "criterion": "SCV", "place_of_error": "ELD CM_ELD", "price": "CP", "money": "MO", "amount": "CQ",
    "structured": "SN NR NA", "quantity": "NM", "keep": "ID SI TM PT MSG CM_MSG VID OG ERL VH RCD SRT",
}  # fmt: skip
CAREFUL = tuple(BY_TYPE)  # where versions differ, the kind that stands first here
KIND_OF = {one: kind for kind, types in BY_TYPE.items() for one in types.split()}

# Dates that move like all others, but on which nothing happened to the patient: the survey counts no events by them.
VALIDITY = re.compile(
    r"expir|effective|birth|hire|employ|retire|manufact|licen|agreement|privilege|practice|academic|irb|publicity|registry|protection|contract|"
    r"marketed|validity|inactivat|bad_debt|delete_account|purge|verification|eligibility|signature|certificat|first_used|activation|report_interval"
)
KEPT_AS_TIME = {("RXA", 16), ("RXD", 19), ("PV1", 25), ("PV2", 17), ("PV2", 28), ("IN1", 12), ("IN1", 13), ("SPM", 19), ("OBX", 12), ("ORC", 15), ("DG1", 19)}

# People beside the patient (45 CFR 164.514(b)(2)(i): relatives, employers, household members): of these only codes and dates of cover stay.
KIN = frozenset({"NK1", "GT1", "IN1", "IN2"})
KIN_LOSES = frozenset({"name", "person", "id", "address", "organisation", "scrub", "job", "price", "licence", "entity"})

# Where a field is not what its type says. "remove" is written as nothing at all: what the table does not name is blank.
EXCEPTIONS: dict[str, dict[str, list[int]]] = {
    "MSH": {"keep": [1, 2, 18, 20], "pseudonymise": [10], "remove": [8, 14]},
    "MSA": {"pseudonymise": [2], "keep": [5]},
    "PID": {"subject": [2, 3, 4], "birth": [7], "patient": [21], "remove": [5, 6, 9, 12, 19, 20, 23], "name": [5]},
    "MRG": {"subject": [1, 2, 4], "remove": [7]},
    "PD1": {"patient": [10]},
    "CSR": {"patient": [4, 5]}, "SCD": {"patient": [33]}, "DB1": {"patient": [3]},
    "QRD": {"pseudonymise": [4], "who": [8]}, "QRF": {"remove": [1, 4, 5]}, "URD": {"who": [3]}, "URS": {"remove": [1, 4, 5]},
    "QPD": {"pseudonymise": [2]}, "QAK": {"pseudonymise": [1]}, "QID": {"pseudonymise": [1]},
    "OBR": {"pseudonymise": [18, 19, 20, 21]},
    "OBX": {"value": [5], "keep": [4, 7], "remove": [13], "code": [20, 22], "entity": [21]},
    "NTE": {"scrub": [3]},
    "OMC": {"remove": [9]},
    "ACC": {"remove": [3, 9]},
    "FT1": {"pseudonymise": [2, 3, 42]},
    "IN1": {"id": [3, 49], "organisation": [4, 9], "pseudonymise": [8, 28, 36], "keep": [22], "remove": [14, 18]},
    "IN2": {"id": [25, 26, 61], "keep": [21]},
    "IN3": {"id": [2], "remove": [15, 21]},
    "GT1": {"id": [2], "remove": [8, 24]},
    "NK1": {"remove": [16]},
    "PV1": {"discharge": [37], "unit": [39]}, "PV2": {"remove": [5, 6]},
    "TXA": {"remove": [16]},
    "STF": {"remove": [6, 11, 15]}, "SDD": {"remove": [7]}, "EQP": {"remove": [2]},
    "RXE": {"pseudonymise": [15]}, "RXD": {"pseudonymise": [7]},
    "PCR": {"pseudonymise": [12]}, "SID": {"pseudonymise": [3]}, "DON": {"remove": [17], "pseudonymise": [26]}, "PRT": {"pseudonymise": [20]},
    "BUI": {"pseudonymise": [8]}, "CSP": {}, "MFE": {"pseudonymise": [2]}, "MFA": {"pseudonymise": [2]}, "PRA": {"pseudonymise": [1]},
    "IVC": {"pseudonymise": [26, 27, 30]}, "PMT": {"remove": [9, 12]},
    "UB1": {"remove": [20, 21, 22, 23]}, "UB2": {"keep": [2, 4, 5], "remove": [9, 10, 11, 13, 14, 15, 16], "pseudonymise": [12]},
    "NSC": {"remove": [2, 3, 6, 7]}, "NST": {"remove": [2]}, "IPC": {"pseudonymise": [9]}, "PES": {"name": []},
}  # fmt: skip

HEAD = '''\
# What becomes of every field of HL7 v2.3 to v2.8.2, by segment, kind and field number. Made by scripts/make_hl7v2_fields.py; change it there.
# A field that is not here is blanked. A segment that is not here, Z segments among them, is dropped and counted.
#
# The actions, in the words of the policies:
#   keep          a code, a number, a flag: stays unless it is a word or number of somebody known, or looks like an identifier: then scrubbed
#   remove        blank                              pseudonymise  the keyed number that the same value gets in every format
#   shift         moved with the subject's clock     surrogate     a made-up name where the policy says names = "surrogate", else blank
#   scrub         free text, through the text rules
# and what needs more than one rule:
#   subject       a number of the patient: the subject's pseudonym           patient, who   the same where the map knows the number, else pseudonymised
#   birth         the date of birth                                          value          OBX-5, by the type in OBX-2 (see [values])
#   code          codes stay; words of local codes are scrubbed              quantity       a number, else scrubbed
#   address       state, zip and country as the policy says                  structured     numbers, signs and ranges, else scrubbed
#   unit          a ward stays, any other name of a place is pseudonymised: words/wards.txt
#   encapsulated  text is decoded and scrubbed, anything else removed
#   time, validity  dates and ranges, shifted; by the second the survey counts no event
schema = "bedside.hl7v2-fields/2"

# Data types with parts: an action, or another kind, for each component in turn; of a kind inside a kind, for each subcomponent. What stands after the
# last is removed (names of people's rooms, check digits, jurisdictions).
[kinds]
time = ["shift", "shift"]
validity = ["shift", "shift"]
name = ["surrogate", "surrogate", "surrogate"]
person = ["pseudonymise", "surrogate", "surrogate", "surrogate", "remove", "remove", "remove", "remove", "authority", "remove", "remove", "remove", "keep", "remove", "shift"]
staff = ["pseudonymise", "surrogate", "surrogate"]
id = ["pseudonymise", "remove", "remove", "authority", "keep", "authority", "shift", "shift"]
entity = ["pseudonymise", "pseudonymise", "pseudonymise", "keep"]
entities = ["entity", "entity"]
authority = ["pseudonymise", "pseudonymise", "keep"]
licence = ["pseudonymise", "code", "remove", "shift"]
organisation = ["pseudonymise", "code", "pseudonymise", "remove", "remove", "authority", "keep", "authority", "keep", "pseudonymise"]
ward = ["unit", "pseudonymise", "keep"]
place = ["ward", "authority", "authority", "authority", "keep", "keep", "authority", "authority"]
discharge = ["unit", "shift", "shift"]
reader = ["staff", "shift", "shift", "unit", "pseudonymise", "pseudonymise", "authority", "keep", "keep", "pseudonymise", "pseudonymise"]
money = ["quantity", "keep"]
price = ["money", "keep", "quantity", "quantity", "code", "keep"]
amount = ["quantity", "code"]
interval = ["code", "keep"]
timing = ["amount", "interval", "keep", "shift", "shift", "keep", "scrub", "scrub", "keep", "remove", "code", "quantity"]
repeat = ["code", "keep", "quantity", "quantity", "quantity", "code", "keep", "keep", "quantity", "code", "scrub"]
occurrence = ["code", "shift", "shift"]
dated = ["shift", "code"]
event = ["keep", "shift"]
approval = ["pseudonymise", "shift", "scrub"]
benefit = ["code", "code", "quantity", "code"]
deductible = ["quantity", "money", "quantity"]
requirement = ["code", "keep", "shift"]
specimen = ["code", "code", "scrub", "code", "code", "code", "code"]
parent = ["code", "keep", "scrub"]
charge = ["money", "code"]
job = ["code", "code", "scrub"]
specialty = ["scrub", "scrub", "keep", "shift"]
privilege = ["code", "code", "shift", "shift", "entity"]
reference = ["structured", "code", "structured", "structured", "scrub", "scrub", "scrub"]
criterion = ["code", "scrub"]
place_of_error = ["keep", "quantity", "quantity", "code"]

# OBX-5 by the data type in OBX-2. A type that is not here is blanked and counted.
[values]
quantity = ["NM"]
structured = ["SN", "NR", "NA", "MA"]
scrub = ["ST", "TX", "FT", "GTS", ""]
code = ["CE", "CWE", "CNE", "IS", "ID", "CF"]
time = ["TS", "DTM", "DT", "DR"]
keep = ["TM", "SI", "VID", "PT"]
patient = ["CX", "CK"]
entity = ["EI"]
entities = ["EIP"]
person = ["XCN", "CN", "PPN", "CNN"]
name = ["XPN", "PN"]
address = ["XAD", "AD", "SAD"]
place = ["PL", "LA1", "LA2"]
organisation = ["XON"]
authority = ["HD"]
money = ["MO"]
price = ["CP"]
amount = ["CQ"]
interval = ["RI"]
timing = ["TQ"]
repeat = ["RPT"]
encapsulated = ["ED", "RP"]
remove = ["XTN", "TN", "DLN"]
'''


def facts() -> dict[str, dict[int, list[tuple[str, str]]]]:
    """Segment, field number, and over the versions its data types with the field's name."""
    found: dict[str, dict[int, list[tuple[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for version in VERSIONS:
        for place, about in import_module(f"hl7apy.v{version}.fields").FIELDS.items():
            segment, _, number = place.partition("_")
            if number.isdigit() and about[2] and about[2].upper() != "WD":
                found[segment][int(number)].append((about[2], about[3].lower()))
    return found


def kind_of(segment: str, number: int, said: list[tuple[str, str]]) -> str:
    """The kind of a field: an exception, or the most careful kind of its types."""
    for kind, numbers in EXCEPTIONS.get(segment, {}).items():
        if number in numbers:
            chosen = kind
    if any(number in numbers for numbers in EXCEPTIONS.get(segment, {}).values()):
        return chosen
    kind = min((KIND_OF[one] for one, _ in said), key=CAREFUL.index)
    if segment in KIN and kind in KIN_LOSES:
        return "remove"
    if kind == "time" and (segment, number) not in KEPT_AS_TIME and any(VALIDITY.search(name) for _, name in said):
        return "validity"
    return kind


def written(found: dict[str, dict[int, list[tuple[str, str]]]]) -> str:
    """The file."""
    parts = [HEAD]
    for segment in sorted(found.keys() - LEFT_OUT):
        kinds: dict[str, list[int]] = defaultdict(list)
        for number in sorted(found[segment] | dict.fromkeys(n for ns in EXCEPTIONS.get(segment, {}).values() for n in ns)):
            kinds[kind_of(segment, number, found[segment].get(number, []))].append(number)
        kinds.pop("remove", None)
        parts.append(f"[segments.{segment}]\n" + "".join(f"{kind} = {numbers}\n" for kind, numbers in sorted(kinds.items())))
    return "\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", help="folder that hl7apy was installed into")
    sys.path.insert(0, parser.parse_args().packages)
    TABLE.write_text(written(facts()), encoding="utf-8")


if __name__ == "__main__":
    main()
