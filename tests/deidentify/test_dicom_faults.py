"""DICOM that is broken, made to hurt, or of nobody known: told, never copied, and never with a value in the message."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bedside.core.errors import Malformed
from bedside.deidentify import dicom
from bedside.deidentify.desk import Desk
from bedside.deidentify.dicom_stream import parse, walk
from bedside.deidentify.dicom_write import written
from bedside.deidentify.policy import policy
from bedside.formats.dicom import parse as read

from .conftest import ZONE, Hospital, dicom_bytes
from .dicom_made import BIG, DEFLATED, EXPLICIT, IMPLICIT, UNDEFINED, element, item, part10, sequence

NAME, SECRETS = b"Quillfeather", ("Quillfeather", "Zebulon", "70707071", "19320517")
BIRTH = element(0x00100030, "DA", b"19320517")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    hospital = Hospital(tmp_path_factory.mktemp("faults"))
    hospital.put("dicom", "x.dcm", dicom_bytes())
    hospital.survey()
    return Desk(hospital.keyring, policy("expert-determination"))


def _refused(desk: Desk, raw: bytes) -> str:
    with pytest.raises(Malformed) as told:
        dicom.change(raw, desk, source="dicom", timezone=ZONE, where="dicom/f-1.dcm")
    assert not [one for one in SECRETS if one in str(told.value)]
    assert (told.value.where, bool(told.value.do)) == ("dicom/f-1.dcm", True)
    return told.value.what


def _nested(depth: int, *, undefined: bool) -> bytes:
    """Sequences in each other, made without recursion."""
    if undefined:
        head = struct.pack("<HH2sHI", 0x0008, 0x2218, b"SQ", 0, UNDEFINED) + struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED)
        return head * depth + BIRTH + (struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)) * depth
    inner = BIRTH
    for _ in range(depth):
        inner = sequence(0x00082218, inner)
    return inner


SOUND = dicom_bytes()
TOO_LONG = element(0x00104000, "UT", NAME, length=900_000)
FAULTS = {
    "no DICOM": (b"Quillfeather, Zebulon " * 20, "neither the DICM mark"),
    "empty": (b"", "neither the DICM mark"),
    "only the mark": (bytes(128) + b"DICM", "no SOP Class"),
    "cut off in pixels": (SOUND[:-3], "ends beyond"),
    "cut off in a header": (SOUND[:-24], "ends beyond|cut off"),
    "an element longer than the file": (part10([TOO_LONG]), "ends beyond"),
    "an item longer than its sequence": (part10([element(0x00082218, "SQ", struct.pack("<HHI", 0xFFFE, 0xE000, 4000) + BIRTH)]), "no item of it"),
    "text where a sequence should be": (part10([element(0x00082218, "SQ", b"Quillfeather Zebulon")]), "no item of it"),
    "a sequence without an end": (part10([element(0x00082218, "SQ", item(BIRTH), length=UNDEFINED)]), "no item of it"),
    "an item without an end": (part10([], level=element(0x00080016, "UI", b"1.2") + element(0x00082218, "SQ", struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED) + BIRTH, length=UNDEFINED)), "does not end"),
    "fragments without an end": (part10([element(0x7FE00010, "OB", struct.pack("<HHI", 0xFFFE, 0xE000, 90) + NAME, length=UNDEFINED)]), "cut off"),
    "a delimiter alone": (part10([], level=struct.pack("<HHI", 0xFFFE, 0xE00D, 0)), "delimiter|has not begun"),
    "no representation of the standard": (part10([element(0x00104000, "LT", NAME).replace(b"LT", b"Q!")]), "no value representation"),
    "an element twice": (part10([element(0x00100030, "DA", b"19320517")]) + BIRTH, "twice"),
    "text after the data set": (SOUND + b"Quillfeather, Zebulon was here", "no value representation|ends beyond|cut off"),
    "nested 10,000 deep": (part10([_nested(10_000, undefined=True)]), "nested deeper"),
    "nested 100 deep in known lengths": (part10([_nested(100, undefined=False)]), "nested deeper"),
    "no instance UID": (part10([element(0x00080018, "UI", b"")]), "no SOP Class or SOP Instance"),
    "no patient": (part10([element(0x00100020, "LO", b"")]), "without PatientID"),
    "a patient of nobody's": (part10([element(0x00100020, "LO", b"99887766")]), "not in the patient map"),
    "a directory": (part10([sequence(0x00041220, element(0x00100010, "PN", NAME))]), "DICOMDIR"),
    "a deflated data set that is none": (part10([], syntax=DEFLATED, level=b"Quillfeather" * 9), "damaged"),
    "a deflated data set that is cut off": (part10([], syntax=DEFLATED, level=zlib.compressobj(9, zlib.DEFLATED, -15).compress(bytes(9000)) + b"\1"), "damaged|cut off"),
    "text in the pixels of the patient's": (part10([element(0x7FE00010, "OB", struct.pack("<HHI", 0xFFFE, 0xE000, 0) + struct.pack("<HHI", 0xFFFE, 0xE000, 16) + b"\xff\xfeQuillfeather\0\0" + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0), length=UNDEFINED)]), "spell"),
}  # fmt: skip


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_fault_is_told_with_its_place_and_without_a_value(desk, fault):
    import re

    raw, said = FAULTS[fault]
    assert re.search(said, _refused(desk, raw))


def test_a_deflated_bomb_is_not_blown_up():
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(bytes(8 << 20)) + packer.flush()
    with pytest.raises(Malformed, match="inflates to more than 4 MiB"):
        parse(part10([], syntax=DEFLATED, level=bomb), where="x", most=4 << 20)


def test_sequences_as_deep_as_reports_are_pass(desk):
    done = dicom.change(part10([_nested(40, undefined=True)]), desk, source="dicom", timezone=ZONE, where="x")
    assert b"19320517" not in done


def test_a_fault_in_what_is_removed_anyway_is_none(desk):
    raw = part10([element(0x00081120, "SQ", b"Quillfeather"), element(0x00090010, "LO", b"ACME"), element(0x00091001, "SQ", b"Quillfeather")])
    assert NAME not in dicom.change(raw, desk, source="dicom", timezone=ZONE, where="x")


def test_elements_out_of_order_are_put_in_order(desk):
    raw = part10([], level=b"".join(reversed([element(tag, vr, value) for tag, vr, value in ((0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.2"), (0x00080018, "UI", b"1.2.3"), (0x00100020, "LO", b"70707071"))])))
    done = dicom.change(raw, desk, source="dicom", timezone=ZONE, where="x")
    tags = list(parse(done, where="x").level.elements)
    assert tags == sorted(tags)


def test_a_file_without_meta_information_gets_some(desk):
    for syntax in (EXPLICIT, IMPLICIT, BIG):
        whole = part10([], syntax=syntax)
        done = dicom.change(written(parse(whole, where="x").level), desk, source="dicom", timezone=ZONE, where="x")
        assert (read(done, where="x").file_meta.TransferSyntaxUID, read(done, where="x").Modality) == (syntax, "CT")


def test_a_transfer_syntax_that_is_not_what_was_written_is_corrected(desk):
    raw = part10([], syntax=IMPLICIT, level=written(parse(part10([]), where="x").level))
    assert read(dicom.change(raw, desk, source="dicom", timezone=ZONE, where="x"), where="x").file_meta.TransferSyntaxUID == EXPLICIT


_SOUND = [SOUND, part10([sequence(0x00082218, BIRTH, undefined=True)], syntax=EXPLICIT), part10([sequence(0x00082218, element(0x00100030, "DA", b"19320517", syntax=BIG), syntax=BIG)], syntax=BIG)]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(base=st.sampled_from(_SOUND), cuts=st.lists(st.tuples(st.integers(128, 900), st.integers(0, 12), st.binary(max_size=12)), min_size=1, max_size=4))
def test_whatever_happens_to_the_bytes_nothing_is_told_and_what_comes_out_can_be_read(desk, base, cuts):
    for at, size, new in cuts:
        at = 128 + (at - 128) % (len(base) - 128)
        base = base[:at] + new + base[at + size :]
    try:
        done = dicom.change(base, desk, source="dicom", timezone=ZONE, where="x")
    except Malformed as told:
        assert not [one for one in SECRETS if one in str(told)]
    else:
        assert b"70707071" not in done
        assert len(list(walk(parse(done, where="x").level, "x"))) > 5


@given(st.lists(st.tuples(st.sampled_from([0x00080070, 0x00180050, 0x00280010, 0x7FE00010]), st.binary(max_size=20)), max_size=4, unique_by=lambda one: one[0]), st.booleans())
def test_reading_and_writing_gives_the_same_bytes(values, undefined):
    data = b"".join(element(tag, {0x00280010: "US", 0x7FE00010: "OW"}.get(tag, "LO"), value) for tag, value in sorted(values))
    whole = sequence(0x00082218, data, data, undefined=undefined) + data if all(tag > 0x00082218 for tag, _ in values) else data
    part = parse(part10([], level=element(0x00080005, "CS", b"ISO_IR 100") + whole), where="x")
    list(walk(part.level, "x"))
    assert written(part.level) == element(0x00080005, "CS", b"ISO_IR 100") + whole


def test_the_survey_does_not_blow_a_bomb_up_either():
    from bedside.formats.dicom import _inflates_beyond

    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = part10([], syntax=DEFLATED, level=packer.compress(bytes(8 << 20)) + packer.flush())
    assert _inflates_beyond(bomb, 4 << 20)
    assert not _inflates_beyond(bomb, 16 << 20)
    assert not _inflates_beyond(SOUND, 1)
