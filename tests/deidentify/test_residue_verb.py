"""`bedside residue` on any folder with any list: what is planted in any writing and wrapping is found, and a clean folder is clean."""

from __future__ import annotations

import base64
import bz2
import gzip
import json
import lzma
import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.cli.group import bedside
from bedside.deidentify import residue_open
from bedside.deidentify.known_file import read
from bedside.deidentify.residue import prove

from .conftest import dicom_bytes

RECORD = {
    "subject": "S1", "name": "Zebulon Quincy Quillfeather", "mrn": ["0070707071", "C-001234"], "phone": "(212) 555-0147", "dob": "1932-05-17",
    "address": "14 North Kestrel Street Apt 3, Fernhollow, NY 10301", "email": "zeb@quill.example", "ssn": "912-04-4321",
}  # fmt: skip
WRITINGS = {
    "name": ["Zebulon Quillfeather", "QUILLFEATHER, ZEBULON", "quillfeather^zebulon", "Zebulon Q. Quillfeather", "Quincy Quillfeather", "Z. Q. Quillfeather",
             "Zébulon Quillfeather", "Zebulon  Qui11feather", "ZebulonQuillfeather", "Zebulon\nQuillfeather"],
    "number": ["70707071", "0070707071", "000070707071", "MRN70707071", "70-70-70-71", "7070 7071", "7O7O7O71", "C001234", "c-001234", "70707071.0"],
    "phone": ["212-555-0147", "2125550147", "+1 (212) 555 0147", "212.555.0147", "1-212-555-0147", "212/555/0147", "21 25 55 01 47", "2125550147x12", "212-555-O147"],
    "ssn": ["912-04-4321", "912044321", "912 04 4321"],
    "address": ["14 North Kestrel Street", "14 N. Kestrel St.", "14 north kestrel st apt 3", "14 N Kestrel Str, Apartment 3"],
    "email": ["zeb@quill.example", "ZEB@QUILL.EXAMPLE"],
}  # fmt: skip
CLEAN = (
    "Mr. [NAME] was seen for Parkinson disease, BP 128/76, platelets 250000 /uL, 0.70707071 and 12.70707071, code 2.25.70707071.4, "
    "zebulon alone, 1234 Kestrel Avenue, phone 212-555-0199, in 2021. "
)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    path = tmp_path_factory.mktemp("k") / "known.ndjson"
    path.write_text(json.dumps(RECORD))
    return read(path)


def _zip(text, name="word/document.xml"):
    held = BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return held.getvalue()


def _parquet(frame):
    held = BytesIO()
    frame.write_parquet(held, compression="zstd")
    return held.getvalue()


def _pdf(text):
    one, two = (
        part.replace("\n", " ").replace("(", "\\(").replace(")", "\\)").encode("latin-1", "replace")
        for part in (text[:4], text[4:])
    )
    content = zlib.compress(b"BT /F1 12 Tf [(" + one + b") 20 (" + two + b")] TJ ET")
    return b"%PDF-1.4\n1 0 obj << /Filter /FlateDecode >>\nstream\n" + content + b"\nendstream\nendobj\n"


def _utf16_private(text):
    data = dicom_bytes(
        PatientName="",
        PatientID="x",
        PatientTelephoneNumbers="",
        AnatomicRegionSequence=[],
        PatientComments="",
        ConvolutionKernel="B30",
    )
    wide = text.encode("utf-16-le")
    return data + b"\x09\x00\x10\x10UN\x00\x00" + (len(wide)).to_bytes(4, "little") + wide


b64 = lambda data: base64.b64encode(data).decode()  # noqa: E731
WRAPPINGS = {
    "text": lambda t: ("a.txt", t.encode()),
    "latin-1": lambda t: ("a.txt", t.encode("latin-1", "replace") + b" \xe9t\xe9"),
    "utf-16": lambda t: ("a.txt", t.encode("utf-16")),
    "utf-16 without mark": lambda t: ("a.txt", ("plain words before: " + t).encode("utf-16-be")),
    "json": lambda t: ("a.ndjson", json.dumps({"a": {"b": [t]}}).encode()),
    "json, all escaped": lambda t: ("a.ndjson", b'{"a":"' + "".join(f"\\u{ord(c):04x}" for c in t).encode() + b'"}'),
    "attachment": lambda t: ("a.ndjson", json.dumps({"content": [{"attachment": {"data": b64(t.encode() + b" and more")}}]}).encode()),
    "gzip in an attachment": lambda t: ("a.ndjson", json.dumps({"data": b64(gzip.compress(t.encode()))}).encode()),
    "utf-16 in an attachment": lambda t: ("a.ndjson", json.dumps({"data": b64(t.encode("utf-16"))}).encode()),
    "csv": lambda t: ("a.csv", b'a,b\n1,"' + t.encode() + b'"\n'),
    "gzip": lambda t: ("a.csv.gz", gzip.compress(t.encode())),
    "gzip under another name": lambda t: ("a.csv", gzip.compress(t.encode())),
    "bzip2": lambda t: ("a.bz2", bz2.compress(t.encode())),
    "xz": lambda t: ("a.xz", lzma.compress(t.encode())),
    "zip": lambda t: ("a.zip", _zip(t)),
    "zip in zip": lambda t: ("a.zip", _zip(_zip(t))),
    "html": lambda t: ("a.html", b"<html><p>" + "".join(f"&#{ord(c)};" for c in t).encode() + b"</p></html>"),
    "url": lambda t: ("a.txt", b"http://x.example/?q=" + quote(t).encode()),
    "hl7": lambda t: ("a.hl7", b"MSH|^~\\&|A\rOBX|1|TX|x||" + t.replace("\n", "\\.br\\").encode() + b"\r"),
    "hl7 hex": lambda t: ("a.hl7", b"MSH|^~\\&|A\rOBX|1|TX|x||\\X" + t.encode().hex().upper().encode()[:60] + b"\\\r"),
    "hl7 base64": lambda t: ("a.hl7", b"MSH|^~\\&|A\rOBX|1|ED|x||^TEXT^^Base64^" + b64(t.encode() + b" and more").encode() + b"\r"),
    "parquet": lambda t: ("a.parquet", _parquet(pl.DataFrame({"a": ["x", t]}))),
    "nested parquet": lambda t: ("a.parquet", _parquet(pl.DataFrame({"a": [[{"b": t}]]}))),
    "binary parquet": lambda t: ("a.parquet", _parquet(pl.DataFrame({"a": [t.encode()]}))),
    "dicom": lambda t: ("a.dcm", dicom_bytes(PatientName="", PatientID="x", PatientTelephoneNumbers="", AnatomicRegionSequence=[], ConvolutionKernel="B30", PatientComments=t)),
    "dicom, unknown private in utf-16": lambda t: ("a.dcm", _utf16_private(t)),
    "pdf": lambda t: ("a.pdf", _pdf(t)),
}  # fmt: skip
SHORT = {"hl7 hex": 30}


@pytest.mark.parametrize("kind", WRITINGS)
@pytest.mark.parametrize("wrap", WRAPPINGS)
def test_every_writing_is_found_in_every_wrapping(known, wrap, kind):
    for said in WRITINGS[kind]:
        if len(said.encode()) > SHORT.get(wrap, 999):
            continue
        found = prove([WRAPPINGS[wrap](said)], known=known)
        assert kind in {hit.kind for hit in found.strong_hits}, said


@pytest.mark.parametrize("wrap", WRAPPINGS)
def test_a_clean_output_has_no_hit_in_any_wrapping(known, wrap):
    name, data = WRAPPINGS[wrap](CLEAN)
    cleaned = data.replace(b"70707071", b"x" * 8) if wrap.startswith("dicom") else data
    found = prove([(name, cleaned)], known=known)
    assert (found.strong, found.strong_hits) == (0, [])


_WORDS = st.lists(
    st.sampled_from(["the", "patient", "was", "seen", "with", "120", "mg", "on", "day", "3", "Muñoz", "—", "\t"]), max_size=60
)


@settings(max_examples=60, deadline=None)
@given(_WORDS, _WORDS, st.sampled_from(sorted(WRITINGS)), st.integers(0, 20), st.sampled_from(sorted(WRAPPINGS)))
def test_a_variant_in_a_random_place_of_an_output_is_found_and_nothing_is_without_it(known, before, after, kind, which, wrap):
    said = WRITINGS[kind][which % len(WRITINGS[kind])]
    text = " ".join([*before, ":", said, ";", *after])
    if wrap != "hl7 hex":
        assert prove([WRAPPINGS[wrap](text)], known=known).strong >= 1
    elsewhere = WRAPPINGS[wrap](" ".join([*before, *after]))
    if not wrap.startswith("dicom"):
        assert prove([elsewhere], known=known).strong == 0


@pytest.mark.parametrize(
    "said",
    [
        "1932-05-17",
        "05/17/1932",
        "5/17/1932",
        "17.05.1932",
        "May 17, 1932",
        "17 May 1932",
        "17th May 1932",
        "19320517",
        "1932-05-17T00:00:00",
    ],
)
def test_a_birth_date_in_any_writing_is_for_review(known, said):
    found = prove([("a.txt", f"on {said} she".encode())], known=known)
    assert (found.strong, [hit.kind for hit in found.weak_hits]) == (0, ["birth date"])


def test_two_weak_ones_of_one_person_in_one_record_are_for_review_and_one_is_not(known):
    assert prove([("a.csv", b"a\nQuillfeather was here\nzip 10301\n")], known=known).weak == 0
    assert {hit.kind for hit in prove([("a.csv", b"Quillfeather of 10301\n")], known=known).weak_hits} == {"name", "zip"}
    assert {hit.kind for hit in prove([("a.csv", b"5550147 zip 10301\n")], known=known).weak_hits} == {"short phone", "zip"}


@pytest.mark.parametrize("said", ["(002) 924-1310", "0029241310", "002.924.1310", "+49 30 1234567", "0049 30 1234567"])
def test_phones_that_begin_with_zeros_or_a_country_are_found(tmp_path, said):
    (tmp_path / "k").write_text(json.dumps({"subject": "S2", "phone": ["002-924-1310", "+49 30 1234567"]}))
    assert prove([("a.txt", f"call {said} now".encode())], known=read(tmp_path / "k")).strong >= 1


def test_fhir_names_in_parts_are_one_name(known):
    name = {"name": [{"use": "official", "family": "Quillfeather", "given": ["Zebulon"]}]}
    assert prove([("a.ndjson", json.dumps(name).encode())], known=known).strong == 1


def test_a_common_pair_of_words_is_a_name_only_in_capitals_or_behind_a_label_and_else_for_review(tmp_path):
    (tmp_path / "k").write_text(json.dumps({"subject": "S2", "name": "May Long"}))
    people = read(tmp_path / "k")
    assert prove([("a.txt", b"it may long be so")], known=people).strong == 0
    assert prove([("a.txt", b"it may long be so")], known=people).weak == 1
    assert prove([("a.txt", b"told May Long so")], known=people).strong == 1
    assert prove([("a.txt", b"patient name: may long")], known=people).strong == 1


@pytest.mark.parametrize(
    ("text", "strong"),
    [
        ("platelets 250000 /uL", 0),
        ("MRN 250000", 1),
        ('{"code":"250000","system":"http://snomed.info/sct"}', 0),
        ("cost $250000", 0),
    ],
)
def test_six_digits_that_measure_or_code_something_are_no_strong_hit(tmp_path, text, strong):
    (tmp_path / "k").write_text(json.dumps({"subject": "S2", "mrn": "250000"}))
    assert prove([("a.ndjson", text.encode())], known=read(tmp_path / "k")).strong == strong


def test_blocks_end_nowhere_that_hides_an_identifier(known, monkeypatch, tmp_path):
    monkeypatch.setattr(residue_open, "_BLOCK", 64)
    monkeypatch.setattr(residue_open, "_LONGEST_LINE", 128)
    for shift in range(0, 140, 7):
        one_line = ("word " * 60)[:shift] + " Zebulon Quillfeather " + "word " * 60
        lines = "line\n" * (shift // 5) + "Zebulon Quillfeather\n" + "line\n" * 30
        for text in (one_line, lines):
            (tmp_path / "a.txt").write_text(text)
            assert prove([("a.txt", tmp_path / "a.txt")], known=known).strong >= 1
        (hit,) = prove([("a.txt", tmp_path / "a.txt")], known=known).strong_hits
        assert (hit.count, hit.places) == (1, [f"line {shift // 5 + 1}"])


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.gz", gzip.compress(b"word " * 999, mtime=0)[:-12], "cut off"),
        ("a.zip", _zip("x")[:-30], "damaged"),
        ("a.parquet", b"PAR1 no table PAR1", "Parquet"),
        ("a.pdf", b"%PDF-1.4 << /Encrypt 5 0 R >>", "encrypted"),
        ("a.ndjson", json.dumps({"data": b64(gzip.compress(b"\0" * 40_000_000, 9, mtime=0))}).encode(), "hundred times"),
    ],
    ids=["gzip cut off", "zip damaged", "no Parquet", "PDF encrypted", "a bomb"],
)
def test_what_cannot_be_opened_is_told_and_never_passes_as_searched(known, name, data, reason):
    found = prove([(name, data)], known=known)
    (one,) = found.unsearched
    assert reason in one.reason


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    out = tmp_path / "out"
    (out / "deep").mkdir(parents=True)
    (out / "deep" / "a.txt").write_text(CLEAN)
    (tmp_path / "known.ndjson").write_text(json.dumps(RECORD))
    return out


def _verb(*args):
    done = CliRunner().invoke(bedside, ["residue", *map(str, args)])
    return done.exit_code, done.output


def test_the_verb_ends_with_0_on_a_clean_folder_and_with_1_on_a_leak_that_it_places_and_never_shows(folder):
    code, said = _verb(folder, "--known", folder.parent / "known.ndjson")
    assert (code, "0 strong hits" in said) == (0, True)
    (folder / "deep" / ".hidden.csv").write_text("a\nb\n70707071\n")
    code, said = _verb(folder, "--known", folder.parent / "known.ndjson")
    assert code == 1
    assert "deep/.hidden.csv: 1 number (line 3)" in said
    assert "70707071" not in said
    code, said = _verb(folder, "--known", folder.parent / "known.ndjson", "--json")
    told = json.loads(said)["residue"]
    assert (code, told["strong"], told["strong_hits"][0]["places"]) == (1, 1, ["line 3"])


def test_verdicts_of_a_review_become_a_bound(folder):
    texts = [{"id": str(at), "judged": True, "leaks": 0, "over": 0, "replaced": 9} for at in range(200)]
    (folder.parent / "v.json").write_text(
        json.dumps({"schema": "bedside.review-verdicts/1", "policy": "p", "digest": "d", "texts": texts})
    )
    code, said = _verb(folder, "--verdicts", folder.parent / "v.json")
    assert (code, "0 of 200 texts: at most 1.5 % (one-sided 95 %)" in said) == (0, True)
