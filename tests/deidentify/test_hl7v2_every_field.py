"""Every field of every segment of HL7 v2.3 to v2.8.2 filled with what identifies, by its data type: nothing of it comes out."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from bedside.deidentify.desk import Desk
from bedside.deidentify.hl7v2 import Change
from bedside.deidentify.hl7v2_rules import FIELDS, KINDS, LEAVES, VALUES
from bedside.deidentify.keyring import Keyring
from bedside.deidentify.policy import policy
from bedside.deidentify.survey import survey
from bedside.formats.files import RawFile

ZONE = "America/New_York"
PID = (
    "PID|1||70707071^^^HOSP^MR~912-04-4321^^^SSA^SS||Quillfeather^Zebulon||19320517|M|||14 Kestrel Mews^^Fernhollow^NY^10301|||||||V7700011122"
    "\rPID|1||70707071^^^HOSP^MR||Quillfeather^Zebulon|||||||(212) 555-0147"
)
HEAD = "MSH|^~\\&|EHR|MERCY|LAKE|X|20250707070707||ADT^A01|CTL-1|T|2.8.2||||||UNICODE UTF-8"
TIME = "20260113101512"
TEXT = "Mr. Xylander called (212) 555-0177 on 01/13/2026, MRN: 88374621, ort@xyl.example, for Zebulon Quillfeather, 912-04-4321"
FACILITY = "Mercywood&2.16.840.1.113883.3.9999&ISO"
PERSON = f"D7766554^Xylander&van&Xylander^Ortwin^Quax^III^Dr.^MD^^{FACILITY}^L^4^M11^DN^{FACILITY}^{TIME}^^{TIME}&{TIME}"
PLANTED = {
    "XPN": f"Xylander&van&Xylander^Ortwin^Quax^III^Dr.^MD^L^A^^{TIME}&{TIME}^G^{TIME}^{TIME}^Quax^Ort",
    "XCN": PERSON, "CN": PERSON, "PPN": PERSON, "NDL": f"D7766554&Xylander&Ortwin^{TIME}^{TIME}^ICU^Bed7731^B7731^{FACILITY}^^^Plovertower^F7731",
    "XAD": f"77 Plover Gate&Plover Gate&77^Apt 7731^Wexlerton^NY^10301-7731^USA^H^Plover County^Plover^T7731^A^{TIME}&{TIME}^{TIME}^{TIME}^^^^^Xylander^Ort",
    "XTN": "(212)555-0177^PRN^PH^ort@xyl.example^1^212^5550177^7731^call Xylander^^^+12125550177",
    "CX": f"CX8837462^4^M11^{FACILITY}^MR^{FACILITY}^{TIME}^{TIME}^Plover County^Mercywood^sec7731", "CK": f"8837462^4^M11^{FACILITY}",
    "EI": "EI8837462^Mercywood^2.16.840.1.113883.3.9999^ISO", "EIP": "EI8837462&Mercywood^EI8837463&Mercywood",
    "HD": "Mercywood^2.16.840.1.113883.3.9999^ISO", "XON": f"Mercywood^L^8837462^4^M11^{FACILITY}^XX^{FACILITY}^A^8837463",
    "PL": f"ICU^Bed7731^B7731^{FACILITY}^^N^Plovertower^F7731^beside Xylander^EI8837462&Mercywood^{FACILITY}",
    "ED": f"Mercywood^TEXT^plain^Base64^{base64.b64encode(TEXT.encode()).decode()}", "DLN": f"DL8837462^NY^{TIME}",
    "TS": f"{TIME}^S", "DTM": TIME, "DT": "20260113", "DR": f"{TIME}&S^{TIME}&S", "TQ": f"1^Q6H^X3^{TIME}^{TIME}^R^{TEXT}^{TEXT}",
    "ST": TEXT, "TX": TEXT, "FT": "Mr. Xylander\\.br\\called \\H\\(212) 555-0177\\N\\ for \\X5A\\ebulon Quill\\H\\feather\\N\\, 01/13/2026",
    "NM": "70707071", "SI": "70707071", "ID": "QUILLFEATHER", "IS": "QUILLFEATHER", "SN": "=^70707071", "NR": "70707071^70707071",
    "CE": f"QUILLFEATHER^{TEXT}^LN^70707071^{TEXT}^SCT", "PLN": f"D7766554^Zebulon^{TEXT}^{TIME}", "AUI": f"EI8837462^{TIME}^{TEXT}",
    "JCC": f"Zebulon^Quillfeather^{TEXT}", "FC": f"Quillfeather^{TIME}", "SPS": f"Zebulon^Quillfeather^{TEXT}^Zebulon",
    "OCD": f"Zebulon^{TIME}", "OSP": f"Zebulon^{TIME}^{TIME}", "DIN": f"{TIME}^{TEXT}", "SPD": f"{TEXT}^{TEXT}^Y^{TIME}",
    "PRL": f"Zebulon^1^{TEXT}", "CP": "70707071&Zebulon", "RI": f"Zebulon^{TEXT}", "varies": f"Quillfeather^{TEXT}",
}  # fmt: skip
PLANTED |= {"CWE": f"{PLANTED['CE']}^2.40^2.40^{TEXT}^QUILLFEATHER^{TEXT}^LN^1^2.16.840.1.113883.3.9999", "CNE": PLANTED["CE"], "TN": PLANTED["XTN"],
            "AD": PLANTED["XAD"], "LA1": PLANTED["PL"], "LA2": PLANTED["PL"], "PI": PLANTED["PLN"]}  # fmt: skip
OTHER = "^".join(["Quillfeather"] * 6)
SURVIVORS = re.compile(
    r"quillfeather|zebulon|xylander|ortwin|\bquax\b|mercywood|plover|wexlerton|7731|8837462|8837463|88374621|7766554|70707071|555-?0177|5550177|"
    r"555-?0147|912-04-4321|xyl\.example|20260113|01/13/2026|2\.16\.840\.1\.113883\.3\.9999|kestrel",
    re.IGNORECASE,
)


def _types() -> dict[str, dict[int, list[str]]]:
    found = {}
    for line in (Path(__file__).parent / "hl7v2_types.txt").read_text("utf-8").splitlines()[1:]:
        segment, *fields = line.split()
        found[segment] = {int(field.partition(":")[0]): field.partition(":")[2].split("/") for field in fields}
    return found


TYPES = _types()


@pytest.fixture(scope="module")
def change(tmp_path_factory: pytest.TempPathFactory) -> Change:
    root = tmp_path_factory.mktemp("hl7v2")
    (root / "a.hl7").write_bytes(f"{HEAD}\r{PID}\r".encode())
    ring = Keyring.create(root / "k", seed=b"every field", made=True)
    survey([RawFile("feed", "hl7v2", root / "a.hl7", "a.hl7", "a.hl7")], ring, timezones={"feed": ZONE})
    return Change(Desk(ring, policy("expert-determination")), source="feed", timezone=ZONE)


def _segment(name: str, plants: list[str]) -> str:
    """A segment with every field planted; PID keeps the number that says whom it is about."""
    if name == "PID":
        plants[2] = f"70707071^^^HOSP^MR~{plants[2]}"
    if name == "OBX":
        plants[1], plants[2] = "ST", "8867-4^Heart rate^LN"
    return "|".join([name, *plants])


def _out(change: Change, segment: str) -> str:
    """The segment as it comes out, with documents decoded."""
    message = f"{HEAD}\rPID|1||70707071^^^HOSP^MR\r{segment}\r"
    text = change.message(message.encode(), where="x").decode()
    for found in re.findall(r"Base64\^([A-Za-z0-9+/=]+)", text):
        text += base64.b64decode(found).decode("utf-8", "replace")
    return text


@pytest.mark.parametrize("name", sorted(TYPES))
def test_nothing_planted_by_its_data_type_survives_in_any_field(change, name):
    most = max(len(types) for types in TYPES[name].values())
    for version in range(most):
        plants = [""] * (max(TYPES[name]) + 3)
        for number, types in TYPES[name].items():
            plants[number - 1] = PLANTED.get(types[min(version, len(types) - 1)], OTHER)
        plants[-3:] = [OTHER, TEXT, PLANTED["XPN"]]  # fields that no version has
        text = _out(change, _segment(name, plants))
        assert {found[0] for found in SURVIVORS.finditer(text)} == set()


@pytest.mark.parametrize("name", sorted(TYPES))
def test_the_patients_own_identifiers_survive_in_no_component_of_any_field(change, name):
    for own in ("QUILLFEATHER&Zebulon", "70707071&70707071", "912-04-4321&(212) 555-0147"):
        text = _out(change, _segment(name, ["^".join([own] * 24)] * (max(TYPES[name]) + 2)))
        assert {found[0] for found in SURVIVORS.finditer(text)} == set()


@pytest.mark.parametrize("kind", ["", *VALUES, "ZZ"])
def test_no_type_of_a_result_lets_an_identifier_through(change, kind):
    for plant in {PLANTED.get(kind, OTHER), PLANTED["ED"], PLANTED["XPN"] if VALUES.get(kind) == "name" else TEXT, "^".join(["QUILLFEATHER&70707071"] * 20)}:
        text = _out(change, f"OBX|1|{kind}|8867-4^Heart rate^LN||{plant}~{plant}||||||F")
        assert {found[0] for found in SURVIVORS.finditer(text)} == set()


def test_the_table_names_every_segment_and_only_kinds_that_there_are():
    assert len(FIELDS) > 170
    assert TYPES.keys() - FIELDS.keys() == {"SFT", "UAC", "ADD", "DSC", "EQL", "ERQ", "SPR", "VTQ", "CER"}
    used = {kind for fields in FIELDS.values() for kind in fields.values()} | {part for parts in KINDS.values() for part in parts} | set(VALUES.values())
    assert used <= LEAVES | KINDS.keys()
    assert sum(map(len, FIELDS.values())) > 2300
