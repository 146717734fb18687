"""DICOM under the options of PS3.15 E.3: what stays, what is claimed, and that the rest of a file is as it came."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bedside.core.errors import Malformed, Misconfigured
from bedside.deidentify import dicom
from bedside.deidentify.desk import Desk
from bedside.deidentify.dicom_graphics import masked
from bedside.deidentify.dicom_stream import Level, parse, vr_by_tag
from bedside.deidentify.dicom_write import written
from bedside.deidentify.policy import DicomRules, Policy, policy
from bedside.formats.dicom import parse as read

from .conftest import ZONE, Hospital, dicom_bytes
from .dicom_made import BIG, DEFLATED, EXPLICIT, IMPLICIT, SUBJECT, element, part10, sequence

NAME = b"Quillfeather"
Change = Callable[..., bytes]


@pytest.fixture(scope="module")
def hospital_once(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    hospital = Hospital(tmp_path_factory.mktemp("dicom"))
    hospital.put("dicom", "x.dcm", dicom_bytes())
    hospital.survey()
    return hospital


@pytest.fixture
def change(hospital_once: Hospital) -> Change:
    """Change bytes under a policy, with `dicom` rules or other fields of its own."""

    def changed(raw: bytes, name: str = "expert-determination", rules: dict[str, Any] | None = None, **own: Any) -> bytes:
        base = policy(name)
        told: Policy = msgspec.structs.replace(base, dicom=msgspec.structs.replace(base.dicom, **(rules or {})), **own)
        return dicom.change(raw, Desk(hospital_once.keyring, told), source="dicom", timezone=ZONE, where="x.dcm")

    return changed


def level(raw: bytes) -> Level:
    return parse(raw, where="x").level


# --- what is claimed ----------------------------------------------------------------------------------


def _codes(raw: bytes) -> list[str]:
    return [one.CodeValue for one in read(raw, where="x").get("DeidentificationMethodCodeSequence") or ()]


@pytest.mark.parametrize(
    ("retain", "clean", "codes", "times"),
    [
        ([], [], ["113100"], "REMOVED"),
        (["modified-dates"], [], ["113100", "113107"], "MODIFIED"),
        (["characteristics", "device", "institution", "uids", "safe-private"], [], ["113100", "113108", "113109", "113110", "113111", "113112"], "REMOVED"),
        (["modified-dates"], ["pixels", "recognizable-features", "graphics", "structured-content", "descriptors"], ["113100", "113103", "113104", "113105", "113107"], "MODIFIED"),
    ],
)  # fmt: skip
def test_the_codes_are_those_of_what_was_done_and_of_nothing_else(change, retain, clean, codes, times):
    done = read(change(dicom_bytes(), rules={"retain": retain, "clean": clean}), where="x")
    assert sorted(_codes(change(dicom_bytes(), rules={"retain": retain, "clean": clean}))) == codes
    assert (done.LongitudinalTemporalInformationModified, done.PatientIdentityRemoved) == (times, "YES")
    assert done.BurnedInAnnotation == "NO"  # as the sender said: nobody here has looked


def test_the_method_names_the_policy_and_its_digest(change):
    method = read(change(dicom_bytes()), where="x").DeidentificationMethod
    assert method == f"Bedside, expert-determination, {policy('expert-determination').digest}"


def test_a_policy_that_keeps_a_row_of_the_table_does_not_claim_the_profile(change):
    assert "113100" not in _codes(change(dicom_bytes(), rules={"elements": {"00104000": "keep"}}))
    assert "113100" in _codes(change(dicom_bytes(), rules={"elements": {"00181160": "remove"}}))


def test_an_image_that_nobody_looked_at_does_not_say_that_it_holds_no_text(change):
    raw = dicom_bytes()
    without = part10([])
    assert read(change(raw), where="x").BurnedInAnnotation == "NO"
    meta = parse(without, where="x")
    meta.level.remove(0x00280301)
    bare = without[: without.index(b"DICM") + 4] + without[132 : len(without) - len(written(level(without)))] + written(meta.level)
    assert "BurnedInAnnotation" not in read(change(bare), where="x")


# --- options ------------------------------------------------------------------------------------------


def test_dates_stay_move_or_go_as_the_options_say(change):
    raw = dicom_bytes(AcquisitionDateTime="20260113101500")
    gone = read(change(raw, rules={"retain": []}), where="x")
    moved = read(change(raw), where="x")
    kept = read(change(raw, "limited-data-set"), where="x")
    assert (gone.StudyDate, gone.StudyTime, gone.AcquisitionDateTime) == ("", "", "19000101000000+0000")
    assert (kept.StudyDate, kept.StudyTime, kept.AcquisitionDateTime) == ("20260113", "101500", "20260113101500-0500")
    assert moved.StudyDate not in ("", "20260113")
    assert moved.StudyTime == "101500"


def test_full_dates_are_not_kept_by_a_policy_that_moves_dates(change):
    done = change(dicom_bytes(), rules={"retain": ["full-dates"]})
    assert read(done, where="x").StudyDate != "20260113"
    assert "113106" not in _codes(done)


def test_device_institution_and_uids_stay_where_they_are_retained_but_no_time_with_them(change):
    raw = dicom_bytes(DeviceSerialNumber="SN4711", StationName="CT1", InstitutionName="Mercy", DateOfLastCalibration="20250101", DeviceUID="1.2.3.9")
    kept = read(change(raw, rules={"retain": ["device", "institution", "uids"], "clean": []}), where="x")
    assert (kept.DeviceSerialNumber, kept.StationName, kept.InstitutionName, kept.DeviceUID, kept.SOPInstanceUID) == ("SN4711", "CT1", "Mercy", "1.2.3.9", "1.2.3.4.5")
    assert "DateOfLastCalibration" not in kept
    gone = read(change(raw), where="x")
    assert (gone.DeviceSerialNumber, gone.InstitutionName) == ("REMOVED", "REMOVED")
    assert gone.DeviceUID.startswith("2.25.")


def test_what_is_retained_still_does_not_tell_of_the_patient(change):
    done = change(dicom_bytes(DeviceSerialNumber="Quillfeather", InstitutionName=f"Room of {SUBJECT}"), rules={"retain": ["device", "institution"]})
    assert NAME not in done
    assert SUBJECT.encode() not in done


def test_an_age_above_the_cap_is_capped_wherever_it_stands_and_whatever_it_is_written_as(change):
    raw = part10([element(0x00101010, "LO", b"093Y"), sequence(0x00082218, element(0x00101010, "AS", b"101Y")), sequence(0x00081199, element(0x00101010, "AS", b"089Y"))])
    done = change(raw)
    assert b"093Y" not in done
    assert b"101Y" not in done
    assert done.count(b"090Y") == 2
    assert b"089Y" in done


def test_descriptions_keep_what_is_known_to_tell_of_nobody(change):
    done = read(change(dicom_bytes(SeriesDescription="t1_mprage_sag_p2 Quillfeather 40012345", StudyDescription="CT chest abdomen - 55F Dr. Smith", ProtocolName="AxT2 FLAIR Qwzyx")), where="x")
    assert done.SeriesDescription.startswith("t1_mprage_sag_p2 [")
    assert "40012345" not in done.SeriesDescription
    assert "Smith" not in done.StudyDescription
    assert done.StudyDescription.startswith("CT chest abdomen")
    assert done.ProtocolName == "AxT2 FLAIR [REMOVED]"
    assert "SeriesDescription" not in read(change(dicom_bytes(SeriesDescription="CT"), rules={"clean": []}), where="x")


def test_names_in_other_character_sets_are_found_and_written_back_in_them(empty):
    raw = dicom_bytes(SpecificCharacterSet="ISO_IR 192", PatientName="Schäferle^Zoë", StudyDescription="Kopf Schäferle nativ", PatientID="5150515")
    file = empty.put("dicom", "x.dcm", raw)
    empty.survey()
    done = read(empty.safe(file), where="x")
    assert "Sch" not in done.StudyDescription
    assert done.StudyDescription.startswith("Kopf")
    assert "Schäferle".encode() not in empty.safe(file)


def test_a_policys_own_elements_win(change):
    raw = dicom_bytes(Manufacturer="ACME", PatientComments="of Quillfeather", AccessionNumber="A1", PatientBirthDate="19320517", SeriesNumber=3)
    own = {"00080070": "remove", "00104000": "scrub", "00080050": "remove", "00100030": "generalise", "0020000d": "keep", "00080020": "keep"}
    done = read(change(raw, rules={"elements": own}), where="x")
    assert "Manufacturer" not in done
    assert "AccessionNumber" not in done
    assert done.PatientBirthDate.endswith("0101")
    assert (done.StudyInstanceUID, done.StudyDate) == ("1.2.3.4", "20260113")
    assert "Quillfeather" not in done.PatientComments
    with pytest.raises(Misconfigured, match="eight hexadecimal digits"):
        change(raw, rules={"elements": {"PatientName": "keep"}})


def test_a_name_may_be_another_of_the_same_form_wherever_it_stands(change):
    nested = sequence(0x00082218, element(0x00100010, "PN", b"Quillfeather^Zebulon"))
    done = change(part10([nested]), names="surrogate")
    name = read(done, where="x").PatientName
    assert NAME not in done
    assert name.family_name
    assert name.given_name
    assert read(done, where="x").AnatomicRegionSequence[0].PatientName == name
    own = read(change(dicom_bytes(OperatorsName="Vandersnoot^Ottoline"), rules={"elements": {"00081070": "surrogate"}}), where="x").OperatorsName
    assert str(own).count("^") == 1
    assert "Vandersnoot" not in str(own)


# --- private ------------------------------------------------------------------------------------------

PHILIPS, ACME = b"Philips MR Imaging DD 001", b"ACME CORP"


def _private(syntax: str = EXPLICIT) -> list[bytes]:
    slope = struct.pack(">f" if syntax == BIG else "<f", 2.5)
    return [
        element(0x20050010, "LO", ACME, syntax=syntax), element(0x20050011, "LO", PHILIPS, syntax=syntax),
        element(0x20051001, "LO", b"Zebulon", syntax=syntax), element(0x2005110E, "FL", slope, syntax=syntax),
        element(0x2005111F, "LO", b"Quillfeather", syntax=syntax),
    ]  # fmt: skip


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_safe_private_attributes_stay_with_their_creators_and_all_others_go(change, syntax):
    left = {tag: one for tag, one in level(change(part10(_private(syntax), syntax=syntax))).elements.items() if tag >> 16 & 1}
    assert sorted(left) == [0x20050011, 0x2005110E]
    assert not [tag for tag in level(change(part10(_private(syntax), syntax=syntax), rules={"retain": []})).elements if tag >> 16 & 1]


def test_a_site_may_name_private_attributes_and_they_are_scrubbed_like_others(change):
    raw = part10([element(0x00090010, "LO", ACME), element(0x00091001, "LO", b"kernel of Quillfeather"), element(0x00091002, "DA", b"20260113")])
    done = change(raw, rules={"private": ["ACME CORP,0009,xx01", "ACME CORP,0009,xx02"]})
    assert 0x00091001 in level(done).elements
    assert NAME not in done
    assert level(done).text(0x00091002) not in ("20260113", "")
    with pytest.raises(Misconfigured, match="not a private attribute"):
        change(raw, rules={"private": ["ACME"]})


@pytest.mark.parametrize(("value", "left"), [(b"SITE KERNEL 3", True), (b"of Quillfeather ", True), (struct.pack("<2f", 1.5, 2.5), True), (b"\1\2Quillfeather\3", False)])
def test_a_named_private_attribute_of_no_known_kind_is_text_or_numbers_by_its_bytes(change, value, left):
    raw = part10([element(0x00090010, "LO", ACME, syntax=IMPLICIT), element(0x00091001, "UN", value, syntax=IMPLICIT)], syntax=IMPLICIT)
    done = change(raw, rules={"private": ["ACME CORP,0009,xx01"]})
    assert (0x00091001 in level(done).elements) == left
    assert NAME not in done


def test_private_attributes_in_the_block_of_another_creator_are_not_taken_for_safe_ones(change):
    raw = part10([element(0x20050010, "LO", ACME), element(0x2005100E, "FL", struct.pack("<f", 2.5))])
    assert 0x2005100E not in level(change(raw)).elements


def test_a_safe_private_attribute_that_holds_something_else_goes(change):
    raw = part10([element(0x20050010, "LO", PHILIPS), element(0x2005100E, "LO", b"Quillfeather")])
    assert not [tag for tag in level(change(raw)).elements if tag >> 16 & 1]


# --- graphics and reports -----------------------------------------------------------------------------


def test_overlays_go_and_so_do_the_bits_of_the_pixels_in_which_they_lie(change):
    pixels = struct.pack("<4H", 0x1001, 0xF002, 0x0003, 0x8FFF)
    numbers = [element(tag, "US", struct.pack("<H", value)) for tag, value in ((0x00280100, 16), (0x00280101, 12), (0x00280102, 11), (0x60000100, 16), (0x60000102, 12))]
    done = level(change(part10([*numbers, element(0x7FE00010, "OW", pixels)])))
    assert not [tag for tag in done.elements if tag >> 24 == 0x60]
    assert struct.unpack("<4H", done.value(done.elements[0x7FE00010])) == (0x001, 0x002, 0x003, 0xFFF)


@given(st.binary(max_size=60), st.sampled_from([1, 2, 4]), st.integers(0, 2**32 - 1), st.sampled_from(["little", "big"]))
def test_masking_all_cells_at_once_is_masking_each(data, size, mask, order):
    data, mask = data[: len(data) // size * size], mask % (1 << 8 * size)
    each = b"".join((int.from_bytes(data[at : at + size], order) & mask).to_bytes(size, order) for at in range(0, len(data), size))
    assert masked(data, size, mask, order) == each


@pytest.mark.parametrize(("graphics", "data", "left"), [(["graphics"], struct.pack("<4H", 1, 2, 3, 4), True), ([], struct.pack("<4H", 1, 2, 3, 4), False), (["graphics"], b"Smith_ZQ", False)])
def test_the_geometry_of_a_curve_stays_without_its_words(change, graphics, data, left):
    curve = [element(0x50000005, "US", struct.pack("<H", 2)), element(0x50000010, "US", struct.pack("<H", 2)), element(0x50000103, "US", struct.pack("<H", 0))]
    raw = part10([*curve, element(0x50000022, "LO", b"of Smith"), element(0x50002500, "LO", b"Smith"), element(0x50003000, "OW", data)])
    done = change(raw, rules={"clean": graphics})
    assert b"Smith" not in done
    assert (0x50003000 in level(done).elements) == left


def test_annotations_keep_their_geometry_and_their_text_without_names(change):
    text, where = element(0x00700006, "ST", b"mass, see Dr. Vandersnoot, Quillfeather"), element(0x00700022, "FL", struct.pack("<2f", 1, 2))
    done = change(part10([sequence(0x00700001, sequence(0x00700008, text) + sequence(0x00700009, where))]))
    assert where in done
    assert b"mass, see" in done
    assert NAME not in done
    assert b"Vandersnoot" not in done


def _content(kind: bytes, code: bytes, value: bytes) -> bytes:
    concept = sequence(0x0040A043, element(0x00080100, "SH", code) + element(0x00080102, "SH", b"DCM") + element(0x00080104, "LO", b"what it is"))
    return element(0x0040A040, "CS", kind) + b"".join(sorted([concept, value], key=lambda one: (one[1], one[0], one[3], one[2])))


def _report(*items: bytes) -> bytes:
    return part10([sequence(0x0040A730, *items)])


def test_a_report_keeps_its_tree_and_loses_who_it_tells_of(change):
    raw = _report(
        _content(b"PNAME", b"121029", element(0x0040A123, "PN", b"Quillfeather^Zebulon")), _content(b"PNAME", b"121008", element(0x0040A123, "PN", b"Vandersnoot^Ottoline")),
        _content(b"TEXT", b"121030", element(0x0040A160, "UT", SUBJECT.encode())), _content(b"TEXT", b"121009", element(0x0040A160, "UT", b"Nobody Known Institute")),
        _content(b"DATE", b"121031", element(0x0040A121, "DA", b"19320517")), _content(b"DATE", b"111060", element(0x0040A121, "DA", b"20260113")),
        _content(b"UIDREF", b"121126", element(0x0040A124, "UI", b"1.2.3.4.77")), _content(b"TEXT", b"121071", element(0x0040A160, "UT", b"Parkinson disease, 12 mm nodule, Quillfeather")),
    )  # fmt: skip
    done = change(raw)
    items = read(done, where="x").ContentSequence
    name = read(done, where="x").PatientID
    assert [one.ValueType for one in items] == ["PNAME", "PNAME", "TEXT", "TEXT", "DATE", "UIDREF", "TEXT"]
    assert (items[0].PersonName, items[1].PersonName, items[2].TextValue, items[3].TextValue) == (name, "Anonymous", name, "REMOVED")
    assert items[4].Date not in ("", "20260113")
    assert items[5].UID.startswith("2.25.")
    assert items[6].TextValue.startswith("Parkinson disease, 12 mm nodule, [")
    assert b"19320517" not in done


def test_an_age_in_a_report_is_capped(change):
    unit = sequence(0x004008EA, element(0x00080100, "SH", b"a") + element(0x00080102, "SH", b"UCUM"))
    measured = sequence(0x0040A300, unit + element(0x0040A30A, "DS", b"93"))
    done = change(_report(_content(b"NUM", b"121033", measured)))
    assert read(done, where="x").ContentSequence[0].MeasuredValueSequence[0].NumericValue == 90
    assert "ContentSequence" not in str(read(change(_report(_content(b"NUM", b"121033", measured)), rules={"retain": []}), where="x").get("ContentSequence") or "")


def test_without_the_option_the_content_of_a_report_is_replaced(change):
    done = change(_report(_content(b"TEXT", b"121071", element(0x0040A160, "UT", b"a nodule"))), rules={"clean": []})
    item = read(done, where="x").ContentSequence[0]
    assert (item.TextValue, item.ConceptNameCodeSequence[0].CodeMeaning) == ("REMOVED", "REMOVED")


def test_codes_of_published_schemes_stay_and_a_hospitals_own_only_if_they_tell_nothing(change):
    def code(value: bytes, scheme: bytes) -> bytes:
        return element(0x00080100, "SH", value) + element(0x00080102, "SH", scheme)

    raw = part10([sequence(0x00082218, code(b"419993007", b"SCT"), code(b"ABDO", b"99MERCY"), code(b"MRN4711", b"99MERCY"), code(SUBJECT.encode(), b"SCT"))])
    assert [one.CodeValue for one in read(change(raw), where="x").AnatomicRegionSequence] == ["419993007", "ABDO", "REMOVED", "REMOVED"]


def test_the_words_of_a_hospitals_own_code_are_those_of_a_description_and_those_of_a_published_one_stay(change):
    def code(scheme: bytes, words: bytes) -> bytes:
        return element(0x00080100, "SH", b"X1") + element(0x00080102, "SH", scheme) + element(0x00080104, "LO", words)

    raw = part10([sequence(0x00081032, code(b"99MERCY", b"Swedish Issaquah CT chest"), code(b"99MERCY", b"CT head axial"), code(b"SCT", b"Guillain-Barre syndrome"))])
    told = [one.CodeMeaning for one in read(change(raw), where="x").ProcedureCodeSequence]
    assert ("Swedish" in told[0], "Issaquah" in told[0], told[0][-8:]) == (False, False, "CT chest")
    assert told[1:] == ["CT head axial", "Guillain-Barre syndrome"]


# --- the file -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("undefined", [False, True])
def test_what_nobody_had_to_touch_is_bit_for_bit_as_it_came_in_every_coding(change, syntax, undefined):
    kept = [element(0x00180050, "DS", b"5.0", syntax=syntax), sequence(0x00189301, element(0x00189302, "CS", b"HELICAL", syntax=syntax), undefined=undefined, syntax=syntax)]
    raw = part10([*kept, element(0x00104000, "LT", NAME, syntax=syntax), element(0x7FE00010, "OW", bytes(range(256)), syntax=syntax)], syntax=syntax)
    done = change(raw)
    assert all(one in done for one in kept)
    assert done.endswith(element(0x7FE00010, "OW", bytes(range(256)), syntax=syntax))
    assert NAME not in done
    assert read(done, where="x").SliceThickness == 5


def test_a_deflated_data_set_stays_deflated(change):
    import zlib

    level = part10([element(0x00104000, "LT", NAME)])
    data = written(parse(level, where="x").level)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    raw = part10([], syntax=DEFLATED, level=packer.compress(data) + packer.flush())
    done = read(change(raw), where="x")
    assert (done.file_meta.TransferSyntaxUID, done.PatientID[:1]) == (DEFLATED, "P")


def test_meta_information_and_preamble_are_written_anew(change):
    done = change(part10([], preamble=b"Quillfeather, Zebulon".ljust(128)))
    meta = read(done, where="x").file_meta
    assert done[:128] == bytes(128)
    assert meta.MediaStorageSOPInstanceUID == read(done, where="x").SOPInstanceUID
    assert (meta.ImplementationVersionName, sorted(one.tag.element for one in meta)) == ("BEDSIDE", [0, 1, 2, 3, 0x10, 0x12, 0x13])


def test_a_sequence_in_an_element_of_unknown_representation_is_cleaned_inside(change):
    inner = element(0x00100010, "PN", b"Quillfeather^Zebulon", syntax=IMPLICIT) + element(0x00180050, "DS", b"5.0", syntax=IMPLICIT)
    for undefined in (False, True):
        done = change(part10([sequence(0x00082218, inner, vr="UN", undefined=undefined)]))
        assert NAME not in done
        assert element(0x00180050, "DS", b"5.0", syntax=IMPLICIT) in done
        assert read(done, where="x").AnatomicRegionSequence[0].SliceThickness == 5


def test_padding_group_lengths_and_what_the_standard_does_not_have_are_left_out(change):
    raw = part10([element(0x00080000, "UL", b"\0\0\0\1"), element(0xFFFCFFFC, "OB", b"Quillfeather"), element(0x00090002, "LO", NAME), element(0x0018FFF0, "LO", b"new")])
    done = level(change(raw + bytes(64)))
    assert not {0x00080000, 0xFFFCFFFC, 0x00090002, 0x0018FFF0} & set(done.elements)


@pytest.mark.parametrize(
    ("tag", "vr", "value"),
    [
        (0x00280010, "LO", NAME), (0x00280010, "US", b"Quillfea"), (0x00281201, "OW", b"Quillfeather Zebulon"), (0x00180050, "DS", b"Zebulon"), (0x00282000, "OB", b"desc\0Quillfeather"),
        (0x00080020, "LO", NAME), (0x00080008, "CS", b"QUILLFEATHER"), (0x00081155, "LO", NAME), (0x00180050, "SQ", b""), (0x00189074, "OB", NAME), (0x00282000, "OB", b"\1\2Quillfeather\3"),
    ],
)  # fmt: skip
def test_names_in_elements_of_the_wrong_kind_do_not_pass(change, tag, vr, value):
    assert value not in change(part10([element(tag, vr, value)])) or not value


def test_uids_agree_over_references_meta_and_nesting(change):
    inner = element(0x00081155, "UI", b"1.2.3.4.5")
    done = change(part10([sequence(0x00081250, inner), sequence(0x00082218, inner), element(0x00083010, "UI", b"1.2.3.4.5\\1.2.840.10008.1.2")]))
    dataset = read(done, where="x")
    same = {dataset.SOPInstanceUID, dataset.file_meta.MediaStorageSOPInstanceUID, dataset.RelatedSeriesSequence[0].ReferencedSOPInstanceUID, dataset.IrradiationEventUID[0]}
    assert len(same) == 1
    assert dataset.IrradiationEventUID[1] == "1.2.840.10008.1.2"


def test_the_same_instance_gives_the_same_bytes(change):
    raw = dicom_bytes()
    assert change(raw) == change(raw)


_WORDS = st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz0123456789^,.-_/", max_size=40)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tag=st.sampled_from([0x00080070, 0x00081030, 0x00181160, 0x00204000, 0x00181210, 0x0008103E, 0x00400254, 0x0040A160, 0x00080104, 0x00324000, 0x00181030]),
    before=_WORDS,
    after=_WORDS,
    form=st.sampled_from(["Quillfeather", "QUILLFEATHER", "quillfeather", "Quillfeather^Zebulon", "Zebulon Quillfeather", SUBJECT, "212-555-0147"]),
    depth=st.integers(0, 3),
)
def test_no_text_of_a_header_tells_what_is_known_of_the_patient(change, tag, before, after, form, depth):
    made = element(tag, "UT", f"{before} {form} {after}".encode())
    for _ in range(depth):
        made = sequence(0x00082218, made)
    done = change(part10([made]))
    assert form.encode() not in done


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tag=st.sampled_from(sorted(tag for tag in vr_by_tag() if tag >> 16 >= 8 and tag & 0xFFFF and tag not in (0x00080005, 0x00080016, 0x00080018, 0x00100020))),
       vr=st.sampled_from(["", "", "LO", "UT", "UN", "OB", "OW", "US", "PN", "UI"]), value=st.sampled_from([b"of Quillfeather", b"Quillfeather^Zebulon ", b"MRN 70707071"]))  # fmt: skip
def test_no_attribute_of_the_standard_tells_of_the_patient_in_whatever_kind_it_is_written(change, tag, vr, value):
    kind = vr or vr_by_tag()[tag]
    try:
        done = change(part10([element(tag, kind, value)]), rules={"clean": ["pixels", "descriptors"]})
    except Malformed as told:
        assert "uillfeather" not in str(told)
    else:
        assert b"uillfeather" not in done
        assert SUBJECT.encode() not in done


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    numbers=st.lists(st.tuples(st.sampled_from([0x00180050, 0x00180060, 0x00180088, 0x00280030, 0x00281050, 0x00200032]), st.floats(0, 5000).map(lambda x: f"{x:.6g}")), max_size=6, unique_by=lambda one: one[0]),
    syntax=st.sampled_from([EXPLICIT, IMPLICIT, BIG]),
    depth=st.integers(0, 4),
)
def test_numbers_are_bit_identical(change, numbers, syntax, depth):
    made = [element(tag, "DS", value.encode(), syntax=syntax) for tag, value in sorted(numbers)]
    nested = b"".join(made)
    for _ in range(depth):
        nested = sequence(0x00082218, nested, syntax=syntax)
    done = change(part10([nested] if depth else made, syntax=syntax))
    assert all(one in done for one in made)


# --- pixels -------------------------------------------------------------------------------------------


def _kind(sop_class: str, **more: tuple[int, str]) -> bytes:
    return part10([element(0x00080016, "UI", sop_class.encode()), *(element(tag, "CS", value.encode()) for tag, value in more.values())])


@pytest.mark.parametrize("modality", ["SR", "KO", "PR"])
def test_an_object_without_pixels_passes_whatever_its_modality(change, modality):
    assert level(change(_kind("1.2.840.10008.5.1.4.1.1.88.11", modality=(0x00080060, modality)))).text(0x00080060) == modality


@pytest.mark.parametrize(("kind", "said"), [("1.2.840.10008.5.1.4.1.1.104.1", "encapsulated document"), ("1.2.840.10008.5.1.4.1.1.104.3", "encapsulated document"), ("1.2.840.10008.5.1.4.1.1.9.4.1", "voice"), ("1.2.840.10008.5.1.4.1.1.66", "raw data")])
def test_documents_voices_and_raw_data_are_quarantined(change, kind, said):
    with pytest.raises(Malformed, match=said):
        change(_kind(kind))


@pytest.mark.parametrize(("image_type", "suspect"), [(r"ORIGINAL\PRIMARY\VOLUME\NONE", False), (r"ORIGINAL\PRIMARY\LABEL\NONE", True), (r"ORIGINAL\PRIMARY\OVERVIEW\NONE", True), (r"ORIGINAL\PRIMARY", True)])
def test_of_a_slide_the_label_and_the_overview_may_show_text_and_the_volume_does_not(image_type, suspect):
    raw = _kind("1.2.840.10008.5.1.4.1.1.77.1.6", modality=(0x00080060, "SM"), image=(0x00080008, image_type))
    from bedside.deidentify.dicom_pixels import Header, pixels_may_tell

    assert (pixels_may_tell(Header(level(raw))) is not None) == suspect
    assert (pixels_may_tell(read(raw, where="x")) is not None) == suspect


SUSPECT = [{"BurnedInAnnotation": "YES"}, {"Modality": "US"}, {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, {"ImageType": ["DERIVED", "SCREEN SAVE"]}, {"ConversionType": "DF"},
           {"ImageType": ["DERIVED", "SECONDARY", "OTHER", "CT_SOM5 PROT"]}, {"SeriesDescription": "Dose Report"}]  # fmt: skip


@pytest.mark.parametrize("changes", SUSPECT)
@pytest.mark.parametrize("rules", [{"pixels": "none"}, {"clean": ["descriptors"]}])
def test_without_reading_pixels_a_suspect_image_is_quarantined(change, changes, rules):
    with pytest.raises(Malformed, match="the policy has no pixels read"):
        change(dicom_bytes(**changes), rules=rules)


@pytest.mark.parametrize("changes", SUSPECT)
def test_a_suspect_image_is_read_and_says_so(change, changes):
    pytest.importorskip("rapidocr_onnxruntime")
    done = change(dicom_bytes(Rows=32, Columns=32, PixelData=bytes(2048), **changes))
    assert read(done, where="x").BurnedInAnnotation == "NO"
    assert "113101" in _codes(done)
    assert NAME not in done


def test_any_image_is_read_where_the_policy_wants_it(change):
    pytest.importorskip("rapidocr_onnxruntime")
    raw = dicom_bytes(Rows=32, Columns=32, PixelData=bytes(2048))
    assert "113101" in _codes(change(raw, rules={"pixels": "all"}))
    assert "113101" not in _codes(change(raw))


def test_rules_of_the_shipped_policies_are_sound():
    from bedside.deidentify.dicom_rules import rules_of

    assert rules_of(policy("safe-harbor")).times == rules_of(policy("expert-determination")).times == "move"
    assert rules_of(policy("limited-data-set")).times == "keep"
    assert rules_of(msgspec.structs.replace(policy("safe-harbor"), dicom=DicomRules())).options == ("basic",)
