"""What is known of a person is found where names hide (nicknames, contacts), and taken out where rules say that a value stays."""

from __future__ import annotations

import json

import pytest

from bedside.deidentify.collect import _human_names
from bedside.deidentify.patients import KnownIdentifiers, Name
from bedside.formats.dicom import parse

from .conftest import Hospital, dicom_bytes, observation, patient

LOINC = "http://loinc.org"


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({"text": "Zebulon Quillfeather"}, {Name(("Zebulon",), "Quillfeather")}),
        ({"text": "Mr. Zebulon Q Quillfeather, Jr."}, {Name(("Zebulon", "Q"), "Quillfeather")}),
        ({"text": "Quillfeather, Zebulon"}, {Name(("Zebulon",), "Quillfeather")}),
        ({"use": "nickname", "text": "Zebby"}, {Name(("Zebby",), "")}),
        ({"text": 'Zebulon "Zebby" O\'Quill'}, {Name(("Zebby",), ""), Name(("Zebulon",), "O'Quill")}),
        ({"given": "Zebulon", "family": "Quill"}, {Name(("Zebulon",), "Quill")}),
    ],
)
def test_a_name_only_written_out_is_surveyed(said, names):
    known = KnownIdentifiers()
    _human_names([said], known)
    assert known.names == names


def _about(text: str, **about: object) -> bytes:
    who = patient(**about)
    return b"".join(json.dumps(one).encode() + b"\n" for one in (who, observation(note=[{"text": text}])))


@pytest.mark.parametrize(
    ("about", "text"),
    [
        ({"name": [{"text": "Zebulon Quillfeather"}]}, "told Quillfeather of it"),
        ({"name": [{"family": "Quillfeather"}, {"use": "nickname", "text": "Zebby"}]}, "told Zebby of it"),
        ({"contact": [{"name": {"text": "Mrs. Maudlina Kestrelkin"}}]}, "told Kestrelkin of it"),
        ({"contact": [{"name": {"family": "Kestrelkin"}, "telecom": [{"value": "07911 555731"}]}]}, "told 07911-555-731 of it"),
        ({"contained": [{"resourceType": "RelatedPerson", "name": [{"text": "Maudlina Kestrelkin"}]}]}, "told Maudlina of it"),
    ],
)
def test_neither_a_nickname_nor_a_contact_is_told_in_text(empty: Hospital, about, text):
    file = empty.put("fhir", "all.ndjson", _about(text, **about))
    empty.survey()
    assert json.loads(empty.safe(file).splitlines()[1])["note"][0]["text"] in ("told [NAME] of it", "told [PHONE] of it")


def test_next_of_kin_in_a_message_are_not_told_in_its_notes(empty: Hospital):
    message = (
        "MSH|^~\\&|LAB|MERCY|EHR|X|20260113101000-0500||ORU^R01|C|T|2.5.1\rPID|1||70707071^^^HOSP^MR||Quillfeather^Zebulon|Maidenquill\r"
        "NK1|1|Kestrelkin^Maudlina|SPO||07911 555731\rOBX|1|TX|N^Comment^L||told Kestrelkin and Maidenquill, 07911 555 731||||||F\r"
    )
    file = empty.put("hl7v2", "oru.hl7", message.encode())
    empty.survey()
    assert b"|told [NAME] and [NAME], [PHONE]|" in empty.safe(file)


def test_a_kept_column_loses_what_is_known_of_its_row_and_nothing_else(empty: Hospital):
    head = "mrn,encounter,patient_name,collected,loinc,value\n"
    rows = (f'70707071,V1,"Quillfeather, Zebulon",2026-01-13,2524-7,{value}\n' for value in
            ("3.70", "QUILLFEATHER_ZEB", "seen by Zebulon", "707070.71", "70707071", "Positive", "Glucose 70707072"))  # fmt: skip
    file = empty.put("tables", "labs.csv", (head + "".join(rows)).encode())
    empty.survey()
    kept = [line.rsplit(",", 1)[1] for line in empty.safe(file).decode().splitlines()[1:]]
    assert kept == ["3.70", "[NAME]_ZEB", "seen by [NAME]", "707070.71", "[ID]", "Positive", "Glucose 70707072"]


def test_a_code_string_that_holds_a_name_is_replaced_and_others_stay(empty: Hospital):
    raw = dicom_bytes(ImageType=["ORIGINAL", "PRIMARY", "QUILLFEATHER", "AXIAL"], PatientPosition="HFS", PatientSex="QUILLFEATHER")
    file = empty.put("dicom", "ct.dcm", raw)
    empty.survey()
    done = parse(empty.safe(file), where="x")
    assert (list(done.ImageType), done.PatientPosition, done.PatientSex) == (
        ["ORIGINAL", "PRIMARY", "REMOVED", "AXIAL"],
        "HFS",
        "",
    )


def test_the_words_of_a_published_code_lose_a_name_and_stay_else(empty: Hospital):
    coding = [{"system": LOINC, "code": code, "display": words} for code, words in
              (("8867-4", "Heart rate"), ("8867-4", "Heart rate of Quillfeather"), ("ZEBULON", "x"))]  # fmt: skip
    told = observation(code={"coding": coding, "text": "Heart rate of Quillfeather"})
    file = empty.put("fhir", "all.ndjson", json.dumps(patient()).encode() + b"\n" + json.dumps(told).encode())
    empty.survey()
    code = json.loads(empty.safe(file).splitlines()[1])["code"]
    assert [(one["code"], one["display"]) for one in code["coding"]] == [
        ("8867-4", "Heart rate"),
        ("8867-4", "Heart rate of [NAME]"),
        ("[NAME]", "x"),
    ]
    assert code["text"] == "Heart rate of [NAME]"


def test_the_words_of_a_published_code_in_a_message_lose_a_name_and_stay_else(empty: Hospital):
    message = (
        "MSH|^~\\&|LAB|MERCY|EHR|X|20260113101000-0500||ORU^R01|C|T|2.5.1\rPID|1||70707071^^^HOSP^MR||Quillfeather^Zebulon\r"
        "OBX|1|NM|8867-4^Heart rate^LN||88|/min|||||F\rOBX|2|NM|8867-4^Rate of Quillfeather^LN||88|/min|||||F\r"
    )
    file = empty.put("hl7v2", "oru.hl7", message.encode())
    empty.survey()
    assert b"|8867-4^Heart rate^LN|" in empty.safe(file)
    assert b"|8867-4^Rate of [NAME]^LN|" in empty.safe(file)
