"""The residue proof finds what it must in any wrapping, and nothing where there is nothing."""

from __future__ import annotations

import base64
import gzip
import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core.ids import pseudonym
from bedside.deidentify.keyring import Keyring
from bedside.deidentify.patients import KnownIdentifiers, MapState, Name, PatientMap, Subject
from bedside.deidentify.residue import prove, words_of

from .conftest import dicom_bytes

KNOWN = KnownIdentifiers(
    names={Name(("Zebulon", "Q"), "Quillfeather"), Name(("José",), "Muñoz"), Name(("Bjørn",), "Østergård")},
    records={"70707071", "4711", "C-001234"},
    phones={"212-555-0147"},
    ssns={"912-04-4321"},
    streets={"14 Kestrel Mews"},
    emails={"zeb@quill.example"},
    births={"1932-05-17"},
    zips={"10301"},
    numbers={"V7700011122"},
)


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    made = Keyring.create(tmp_path_factory.mktemp("r") / "k", seed=b"r", made=True)
    made.map = PatientMap(MapState(subjects=[Subject(0, 5, {"mrn|70707071"}, KNOWN)]))
    return made


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Zebulon Quillfeather", "name"),
        ("QUILLFEATHER, ZEBULON", "name"),
        ("quillfeather^zebulon^q", "name"),
        ("Zebulon Q. Quillfeather", "name"),
        ("Jose Munoz", "name"),
        ("José Muñoz", "name"),
        ("Bjorn Ostergard", "name"),
        ("BJØRN ØSTERGÅRD", "name"),
        ("Oestergaard, Bjoern", "name"),
        ("70707071", "number"),
        ("MRN70707071", "number"),
        ("C001234", "number"),
        ("C-001234", "number"),
        ("(212) 555-0147", "phone"),
        ("2125550147", "phone"),
        ("+12125550147", "phone"),
        ("212.555.0147", "phone"),
        ("912044321", "ssn"),
        ("14 kestrel mews", "address"),
        ("ZEB@quill.example", "email"),
        ("v7700011122", "number"),
    ],
)
def test_strong_identifiers_are_found_in_any_writing(ring, text, kind):
    found = prove([("a.txt", f"seen: {text} today".encode())], ring)
    assert found.strong >= 1
    assert kind in {hit.kind for hit in found.strong_hits}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda t: ("a.ndjson", json.dumps({"note": f"line\n{t}"}).encode()),
        lambda t: ("a.ndjson", json.dumps({"data": base64.b64encode(f"long text with {t} in it".encode()).decode()}).encode()),
        lambda t: ("a.csv.gz", gzip.compress(f'1,"{t}"\n'.encode())),
        lambda t: ("a.hl7", f"MSH|^~\\&|\rPID|1||{t}\r".encode()),
        lambda t: ("a.dcm", dicom_bytes(PatientComments=t, PatientName="", PatientID="x", PatientTelephoneNumbers="")),
        lambda t: (f"{t}.txt", b"nothing"),
    ],
)
def test_wrappings_are_opened(ring, wrap):
    assert prove([wrap("Zebulon Quillfeather")], ring).strong >= 1


def test_parquet_is_opened(ring, tmp_path):
    import polars as pl

    pl.DataFrame({"a": ["70707071"], "b": [1.5]}).write_parquet(tmp_path / "x.parquet")
    assert prove([("x.parquet", (tmp_path / "x.parquet").read_bytes())], ring).strong == 1


@pytest.mark.parametrize(
    "text",
    [
        "0.70707071",
        "12.70707071",
        "707070712",
        "a70707071b",
        "P70707071ABCD",
        "Zebulon said that Quillfeather",
        "212-555-0148",
        "14 Kestrel Road",
        "4711",
        "2.25.707070711234",
        "Quillfeather",
    ],
)
def test_what_only_looks_alike_is_no_strong_hit(ring, text):
    assert prove([("a.txt", f"x {text} y".encode())], ring).strong == 0


def test_weak_identifiers_count_only_in_their_own_subjects_records(ring):
    line = f'{{"subject":"{pseudonym(5)}","text":"Mrs Quillfeather 4711 19320517 10301"}}'
    other = f'{{"subject":"{pseudonym(6)}","text":"Mrs Quillfeather 4711"}}'
    found = prove([("a.ndjson", f"{line}\n{other}\n".encode())], ring)
    assert (found.strong, found.weak) == (0, 4)
    assert {hit.kind for hit in found.weak_hits} == {"name", "short number", "birth date", "zip"}


@pytest.mark.parametrize(
    ("name", "data", "place"),
    [
        ("a.csv", b"a\nb\n70707071\n", "line 3"),
        ("a.hl7", b"MSH|1\rPID|1\rMSH|2\rPID|70707071\r", "message 2"),
        ("a.dcm", dicom_bytes(PatientName="", PatientTelephoneNumbers="", PatientComments=""), "header 1"),
        ("a.txt", b"Patient-ID: x\n\n70707071\n", "note"),
        ("a.ndjson", b'{"a":1}\n{"data":"' + base64.b64encode(b"long text with 70707071 in it") + b'"}', "line 2, attachment"),
    ],
)
def test_a_hit_says_in_which_record(ring, name, data, place):
    (hit,) = [hit for hit in prove([(name, data)], ring).strong_hits if hit.kind == "number"]
    assert hit.places == [place]


def test_a_file_whose_name_tells_is_told_by_its_number(ring):
    (hit,) = prove([("ok.txt", b"x"), ("70707071.txt", b"x")], ring).strong_hits
    assert (hit.file, hit.places) == ("file 2 (its name tells)", ["name"])


def test_the_record_shows_counts_and_never_content(ring):
    import msgspec

    told = msgspec.json.encode(prove([("a.txt", b"Zebulon Quillfeather 70707071")], ring)).decode()
    assert not any(word in told.lower() for word in ("zebulon", "quillfeather", "70707071"))


@given(before=st.text(max_size=30), after=st.text(max_size=30))
def test_a_number_between_blanks_is_found_whatever_stands_around(ring, before, after):
    assert prove([("a.txt", f"{before} 70707071 {after}".encode("utf-8", "replace"))], ring).strong >= 1


@given(st.binary(max_size=300))
def test_any_bytes_can_be_searched(ring, data):
    assert prove([("a.bin", data)], ring).files == 1


@pytest.mark.parametrize("text", ["Ünal, ANNA-Maria 555_0134", "Unal, ANNA-Maria\t555_0134\x00x", "", "ﬁne straße 7"])
def test_words_of_ascii_and_of_other_text_are_cut_alike(text):
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()
    assert words_of(text) == tuple(re.findall(r"[^\W_]+", plain))
