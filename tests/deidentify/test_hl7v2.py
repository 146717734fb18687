"""HL7 v2 messages: what a message is for stays as it was written, and whom it is about is told nowhere."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.core.errors import Malformed, Misconfigured
from bedside.core.ids import is_number_pseudonym
from bedside.core.time import UNSTATED
from bedside.deidentify.desk import Desk, Leave
from bedside.deidentify.hl7v2 import Change
from bedside.deidentify.hl7v2_encapsulated import MOST_BYTES, html_text, rtf_text, scrubbed
from bedside.deidentify.hl7v2_lines import scrub_lines
from bedside.deidentify.keyring import Keyring
from bedside.deidentify.policy import Hl7v2Rules, Policy, policy
from bedside.deidentify.survey import survey
from bedside.formats.files import RawFile
from bedside.formats.hl7v2 import Delimiters, Message, escape, pieces, rebuild

ZONE = "America/New_York"
HEAD = "MSH|^~\\&|EHR|MERCY|LAKE|X|20260113100500||ORU^R01^ORU_R01|CTL-1|T|2.5.1||||||UNICODE UTF-8"
PID = (
    "PID|1||70707071^^^HOSP^MR~912-04-4321^^^SSA^SS||Quillfeather^Zebulon^Q||19420517|M|||14 Kestrel Mews^^Fernhollow^NY^10301"
    "||212-555-0147|||||V7700011122"
)
ORDER = "OBR|1|ORD1|ACC900000001|2524-7^Lactate^LN|||20260113100000|||||||||1234567890^Vandersnoot^Ottoline||||||20260113100500"
MOTHER = "PID|1||80808082^^^HOSP^MR||Quillfeather^Maudlina"
STANDARD = Delimiters("|", "^", "~", "\\", "&")


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    """A keyring that has met two patients, their staff, and a merge."""
    root = tmp_path_factory.mktemp("hl7v2")
    merge = f"{HEAD.replace('ORU^R01^ORU_R01', 'ADT^A40')}\r{PID}\rMRG|70707072^^^HOSP^MR\r"
    (root / "a.hl7").write_bytes("\r".join([HEAD, PID, ORDER, "", merge, HEAD, MOTHER, ""]).encode())
    made = Keyring.create(root / "k", seed=b"hl7v2", made=True)
    survey([RawFile("feed", "hl7v2", root / "a.hl7", "a.hl7", "a.hl7")], made, timezones={"feed": ZONE})
    return made


def _own(base: str = "expert-determination", **rules: object) -> Policy:
    return msgspec.structs.replace(policy(base), hl7v2=msgspec.convert(rules, Hl7v2Rules)) if rules else policy(base)


@pytest.fixture(scope="module")
def out(ring: Keyring) -> Callable[..., Message]:
    """Segments after the patient's, as they come out."""

    def changed(*segments: str, rules: Policy | None = None, head: str = HEAD, who: str = PID, timezone: str | None = ZONE) -> Message:
        change = Change(Desk(ring, rules or policy("expert-determination")), source="feed", timezone=timezone)
        return Message.parse(change.message("\r".join([head, who, *segments]).encode(), where="x"), where="out")

    return changed


def _lines(message: Message, name: str, field: int) -> list[str]:
    return [segment.field(field) for segment in message.all(name)]


# --- what a message is for ----------------------------------------------------------------------------


def test_a_result_comes_out_as_it_was_written_but_for_people_numbers_and_times(out, ring):
    message = out(ORDER, "OBX|1|NM|2524-7^Lactate^LN||3.70|mmol/L|0.5-2.2|H|||F|||20260113100000||77^Vandersnoot^Ottoline", "NTE|1|L|hemolysed")
    head, person, order, result, note = (segment.text for segment in message.segments)
    who = Desk(ring, policy("expert-determination"))
    name, number = message.get("PID-3.1"), who.number
    moved = message.get("OBR-7.1")
    assert head.split("|")[8:12] == ["ORU^R01^ORU_R01", number("CTL-1"), "T", "2.5.1"]
    assert person == f"PID|1||{name}^^^BEDSIDE^MR||||{message.get('PID-7')}|M|||^^^NY^103|||||||{number('V7700011122')}"
    assert order == f"OBR|1|{number('ORD1')}|{number('ACC900000001')}|2524-7^Lactate^LN|||{moved}|||||||||{number('1234567890')}||||||{message.get('OBR-22')}"
    assert result == f"OBX|1|NM|2524-7^Lactate^LN||3.70|mmol/L|0.5-2.2|H|||F|||{moved}||{number('77')}"
    assert note == "NTE|1|L|hemolysed"
    assert re.match(r"\d{8}100000-0500\Z", moved)


def test_the_control_number_of_an_answer_is_that_of_the_message_it_answers(out):
    assert out("MSA|AA|CTL-1|Quillfeather is known").get("MSA-2") == out().get("MSH-10")
    assert out("MSA|AA|CTL-1|Quillfeather is known").get("MSA-3") == "[NAME] is known"


def test_sender_and_receiver_are_told_apart_and_not_named(out):
    message = out()
    names = [message.get(f"MSH-{n}") for n in (3, 4, 5, 6)]
    assert len(set(names)) == 4
    assert all(re.match(r"N[0-9A-Z]{12}\Z", name) for name in names)


def test_software_and_credentials_of_the_sender_are_dropped(out):
    message = out("SFT|Vendor|1|Product", "UAC|KERB^Kerberos^L|^AP^x^Base64^c2VjcmV0")
    assert [segment.name for segment in message.segments] == ["MSH", "PID"]


def test_next_of_kin_guarantor_and_insured_are_kept_as_structure_only(out):
    message = out(
        "NK1|1|Quillfeather^Maud|SPO^Spouse^HL70063|9 Elm St^^Fernhollow^NY|212-555-0199||EC|20200101",
        "GT1|1|G77|Quillfeather^Maud||9 Elm St|||19430101|F||SPO|900-11-2222",
        "IN1|1|PPO1^Plan^L|C55^^^NAIC|Acme Health||||GRP7|Acme Corp|||20250101|20261231||HMO|Quillfeather^Zebulon|SEL|19420517|14 Kestrel Mews"
        + "|" * 17
        + "POL-99887766"
        + "|" * 13
        + "MEM123",
    )
    kin, guarantor, insured = (message.segment(name) for name in ("NK1", "GT1", "IN1"))
    assert [kin.field(n) for n in (1, 2, 3, 4, 5, 7)] == ["1", "", "SPO^Spouse^HL70063", "", "", "EC"]
    assert [guarantor.field(n) for n in (3, 5, 8, 9, 11, 12)] == ["", "", "", "F", "SPO", ""]
    assert [insured.field(n) for n in (2, 15, 16, 17, 18, 19)] == ["PPO1^Plan^L", "HMO", "", "SEL", "", ""]
    assert all(insured.field(n).startswith("N") for n in (3, 4, 8, 36, 49))
    assert insured.field(12) != "20250101"


def test_a_segment_of_which_nothing_is_left_is_dropped_and_counted(ring):
    change = Change(Desk(ring, policy("expert-determination")), source="feed", timezone=ZONE)
    assert b"NK1" not in change.message(f"{HEAD}\r{PID}\rNK1|1|Quillfeather^Maud||9 Elm St".encode(), where="x")
    assert change.desk.actions["hl7v2: segment NK1 with nothing left dropped"] == 1


def test_a_segment_whose_first_field_says_something_stays(out):
    assert [segment.text for segment in out("RXR|PO|", "ORC|RE|", "PV1|1|").segments[2:]] == ["RXR|PO", "ORC|RE", "PV1|1"]


def test_repetitions_that_are_alike_stay_as_many(out):
    assert out("OBX|1|TX|N^Note^L||fine~fine~Zebulon~fine~fine", "OBX|2|TX|N^Note^L||fine").segment("OBX").text == "OBX|1|TX|N^Note^L||fine~fine~[NAME]~fine~fine"


def test_frames_and_batches_come_out_as_they_were_without_what_they_tell(ring):
    message = f"{HEAD}\r{PID}\rNTE|1||Zebulon\r"
    data = f"FHS|^~\\&|MERCY|Quillfeather||||||||Zebulon\rBHS|^~\\&|MERCY\r{message}{message}BTS|2|Zebulon\rFTS|1\r".encode() + f"\x0b{message}\x1c\r".encode()
    change = Change(Desk(ring, policy("expert-determination")), source="feed", timezone=ZONE)
    done = rebuild(data, [change.message(piece.raw, where=piece.place) for piece in pieces(data)], bare_envelope=True).decode()
    assert not re.search("zebulon|quillfeather|mercy", done, re.IGNORECASE)
    assert (done.count("MSH|"), done.count("\x0bMSH"), done.count("\x1c\r")) == (3, 1, 1)
    assert done.startswith("FHS|^~\\&\rBHS|^~\\&\rMSH|")
    assert "BTS|2\rFTS|1" in done


def test_rooms_beds_and_buildings_are_numbers_and_the_ward_stays(out):
    place = out("PV1|1|I|ICU^R12^B3^MERCY&1.2.3&ISO^^N^Tower^5^by the window of Mr. Quillfeather").segment("PV1").field(3).split("^")
    assert (place[0], place[5], place[8:]) == ("ICU", "N", [])
    assert all(part.startswith("N") and "MERCY" not in part for part in (place[1], place[2], place[3], place[6]))


@pytest.mark.parametrize("ward", ["4W", "MICU", "Labor \\T\\ Delivery", "ED", "Ward 3", '""'])
def test_a_point_of_care_that_every_hospital_has_stays(out, ward):
    assert out(f"PV1|1|I|{ward}^R12").segment("PV1").field(3).split("^")[0] == ward


@pytest.mark.parametrize("house", ["SWEDISH ISSAQUAH", "CAREPLUS KENMORE&1.2.3&ISO", "MGH", "Room 4127"])
def test_a_point_of_care_that_tells_the_hospital_is_a_number(out, house):
    message = out(f"PV1|1|I|{house}^R12||{house}", f"NPU|{house}", f"AIL|1|A|{house}")
    said = [message.segment(name).field(at).split("^")[0].split("&")[0] for name, at in (("PV1", 3), ("NPU", 1), ("AIL", 3))]
    assert len(set(said)) == 1
    assert is_number_pseudonym(said[0])


def test_the_house_that_a_patient_goes_to_and_the_one_that_serves_are_numbers(out):
    fields = [""] * 36 + ["SWEDISH^20260113101500", "", "MGH"]
    segment = out(f"PV1|{'|'.join(fields)}").segment("PV1")
    assert is_number_pseudonym(segment.field(37).split("^")[0])
    assert is_number_pseudonym(segment.field(39))
    fields[36:39] = ["SNF", "", "ICU"]
    segment = out(f"PV1|{'|'.join(fields)}").segment("PV1")
    assert (segment.field(37), segment.field(39)) == ("SNF", "ICU")


def test_who_a_query_asks_about_is_the_subject_where_the_map_knows_the_number(out):
    message = out("QRD|20260113100500|R|I|Q1|||1^RD|70707071^Quillfeather^Zebulon|DEM", "QPD|Q22^Find^HL70471|T1|@PID.5.1^Quillfeather")
    assert message.get("QRD-8") == message.get("PID-3.1")
    assert message.segment("QPD").text.count("|") == 2


def test_a_mother_is_named_as_she_is_in_her_own_record(out):
    child = out(who=PID + "|" * 3 + "80808082^^^HOSP^MR")
    mother = out(who=MOTHER)
    assert child.get("PID-21") == mother.get("PID-3.1") != child.get("PID-3.1")


def test_the_number_that_was_merged_names_the_same_person(out):
    message = out("MRG|70707072^^^HOSP^MR||OLD-ACCOUNT^^^HOSP^AN||||Quillfeather^Zeb", head=HEAD.replace("ORU^R01^ORU_R01", "ADT^A40"))
    assert message.get("MRG-1.1") == message.get("PID-3.1")
    assert message.get("MRG-3.1").startswith("N")
    assert message.get("MRG-7") is None


def test_a_message_about_nobody_is_left_out_and_one_about_a_stranger_refused_without_a_word_of_it(ring):
    change = Change(Desk(ring, policy("expert-determination")), source="feed", timezone=ZONE)
    with pytest.raises(Leave):
        change.message(f"{HEAD}\rQRD|20260113|R|I|Q1|||1^RD|70707071^Quillfeather".encode(), where="x")
    with pytest.raises(Malformed) as told:
        change.message(f"{HEAD}\rPID|1||99887766^^^HOSP^MR||Stranger^Known".encode(), where="x")
    assert not re.search("99887766|Stranger", str(told.value))


# --- texts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("seen by Zebulon", "seen by [NAME]"),
        ("told \\H\\Zebu\\N\\lon", "told [NAME]"),
        ("told \\X5A6562\\ulon", "told [NAME]"),
        ("told \\ZBOLD\\Zebulon", "told [NAME]"),
        ("told \\C2842\\Zebulon", "told [NAME]"),
        ("one\\.br\\two Zebulon\\.sp2\\three", "one\\.br\\two [NAME]\\.br\\\\.br\\three"),
        ("A \\T\\ B, \\H\\high\\N\\ at 5\\S\\3", "A \\T\\ B, \\H\\high\\N\\ at 5\\S\\3"),
        ("Ångström \\XC3A9\\", "Ångström \\XC3A9\\"),
    ],
)
def test_escapes_hide_no_name_and_stay_where_there_is_none(out, written, kept):
    assert _lines(out(f"OBX|1|FT|N^Note^L||{written}||||||F", f"NTE|1||{written}"), "OBX", 5) == [kept]
    assert _lines(out(f"NTE|1||{written}"), "NTE", 3) == [kept]


def test_a_note_sent_line_by_line_is_scrubbed_as_one_and_written_back_line_by_line(out):
    lines = ["Seen today: Zebulon", "Quillfeather, who is well.", "", "Phone 212-555-0147"]
    message = out(*(f"OBX|{at}|TX|N^Note^L|{at}|{line}||||||F" for at, line in enumerate(lines, 1)))
    said = _lines(message, "OBX", 5)
    assert len(said) == 4
    assert said[0].startswith("Seen today: [NAME]")
    assert said[1].endswith(", who is well.")
    assert said[2:] == ["", "Phone [PHONE]"]


def test_names_over_repetitions_and_lines_of_comments_are_found(out):
    message = out("OBX|1|TX|N^Note^L||Told Zebulon~Quillfeather~of it||||||F", "NTE|1||wife of Quill", "NTE|2||feather came")
    assert not re.search("quill|feather|zebulon", "\n".join(segment.text for segment in message.segments), re.IGNORECASE)
    assert message.segment("OBX").text.split("|")[5] == "Told [NAME]~~of it"
    assert _lines(message, "NTE", 3) == ["wife of [NAME]", " came"]


def test_lines_without_anything_to_hide_are_the_same_bytes(out):
    lines = ["HISTORY", "Parkinson disease since 2021, on 10 mg", "BP 120/80 \\T\\ stable", "  -- end --"]
    message = out(*(f"NTE|{at}|L|{line}" for at, line in enumerate(lines, 1)))
    assert _lines(message, "NTE", 3) == lines


@given(st.lists(st.sampled_from(["Ann", "Lee", "well", "Ann Lee", "", "x y"]), min_size=1, max_size=8))
def test_lines_come_back_as_many_and_without_the_name_wherever_it_was_cut(lines):
    def scrub(text: str) -> str:
        return re.sub(r"Ann\s+Lee|Ann|Lee", "[NAME]", text)

    done = scrub_lines(lines, scrub, lambda word: word in ("AnnLee",))
    assert len(done) == len(lines)
    assert not re.search("Ann|Lee", "\n".join(done))
    assert "".join(done).count("well") == "".join(lines).count("well")


def test_who_read_a_result_is_told_in_no_report_of_it(tmp_path: Path):
    read = ORDER + "|" * 10 + "77&Plowright&Hespera^20260113"
    raw = "\r".join([HEAD, PID, read, "NTE|1||read by Plowright, reviewed"]).encode()
    (tmp_path / "a.hl7").write_bytes(raw)
    ring = Keyring.create(tmp_path / "k", seed=b"readers", made=True)
    survey([RawFile("feed", "hl7v2", tmp_path / "a.hl7", "a.hl7", "a.hl7")], ring, timezones={"feed": ZONE})
    done = Change(Desk(ring, policy("expert-determination")), source="feed", timezone=ZONE).message(raw, where="x").decode()
    assert done.endswith("NTE|1||read by [NAME], reviewed")
    assert "Plowright" not in done


# --- documents ----------------------------------------------------------------------------------------


def _document(data: bytes, encoding: str = "Base64") -> str:
    return f"EHR^TEXT^plain^{encoding}^{base64.b64encode(data).decode() if encoding == 'Base64' else data.hex()}"


@pytest.mark.parametrize(
    "data",
    [
        b"Seen: Zebulon Quillfeather, 212-555-0147",
        rb"{\rtf1\ansi{\fonttbl{\f0 Zebulon;}}{\info{\author Zebulon}}\f0 Seen: Zeb{\b ulon} Quill\'66eather, \par 212-555-0147}",
        b"<html><head><title>Zebulon</title></head><body><!-- Quillfeather --><p>Seen: Zeb<b>ulon</b> Quill&#102;eather, 212-555-0147</p></body></html>",
        "Seen: Zebulon Quillfeather, 212-555-0147, gesehen für".encode("utf-16"),
    ],
)
def test_documents_that_are_text_are_opened_and_scrubbed(out, data):
    value = out(f"OBX|1|ED|18842-5^Summary^LN||{_document(data)}||||||F").segment("OBX").field(5).split("^")
    text = base64.b64decode(value[4]).decode()
    assert value[:4] == ["", "TEXT", "plain", "Base64"]
    assert text.startswith("Seen: [NAME]")
    assert "[PHONE]" in text
    assert not re.search("zeb|quill|font", text, re.IGNORECASE)


def test_a_document_without_identifiers_is_the_same_bytes(out):
    sound = _document(b"Potassium is normal.\r\nNo action.").removeprefix("EHR")
    assert out(f"OBX|1|ED|18842-5^Summary^LN||EHR{sound}||||||F").segment("OBX").field(5) == sound


@pytest.mark.parametrize(
    "document",
    [
        _document(b"%PDF-1.4 Zebulon"),
        _document(b"\x1f\x8b\x08\x00Zebulon"),
        _document(b"PK\x03\x04Zebulon"),
        _document(b"<ClinicalDocument><given>Zebulon</given></ClinicalDocument>"),
        _document(b'{"name": "Zebulon"}'),
        "EHR^TEXT^plain^Base64^@@@not base64@@@",
        "EHR^TEXT^plain^Zip^Zebulon",
        "EHR^TEXT^plain^Base64^" + base64.b64encode(base64.b64encode(b"Mr. Zebulon Quillfeather was seen")).decode(),
        "EHR^IM^png^Base64^" + base64.b64encode(b"\x89PNG\r\n\x1a\nZebulon").decode(),
    ],
)
def test_documents_that_are_no_text_are_removed_and_counted(ring, document):
    change = Change(Desk(ring, policy("expert-determination")), source="feed", timezone=ZONE)
    done = change.message(f"{HEAD}\r{PID}\rOBX|1|ED|18842-5^Summary^LN||{document}||||||F".encode(), where="x")
    assert b"LN||||||||F" in done
    assert change.desk.actions["hl7v2: document that is no plain text removed"] == 1


def test_a_document_larger_than_any_letter_is_not_opened():
    asked: list[str] = []
    assert scrubbed("Base64", base64.b64encode(b"a" * (MOST_BYTES + 3)).decode(), lambda text: asked.append(text) or text) is None
    assert not asked


def test_text_of_markup():
    assert rtf_text(r"{\rtf1{\*\x secret}A\u233?\par\tab B\{\}{\pict 00ff}}") == "A\xe9\n\tB{}"
    assert html_text("<p>A &amp; B<br>C<script>secret</script></p>") == "A & B\nC"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["A", "Hex", "Base64", ""]))
def test_no_document_whatever_breaks_the_opening(text, encoding):
    data = text if encoding in ("A", "") else text.encode().hex() if encoding == "Hex" else base64.b64encode(text.encode()).decode()
    done = scrubbed(encoding, data, lambda said: said)
    assert done is None or done[1] == data or text.lstrip().lower().startswith(("{\\rtf", "<"))
    assert scrubbed(encoding, text, lambda said: "") in (None, ("A", ""), ("Base64", ""))


# --- codes, values, times ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("CWE||E11.9^Type 2 diabetes^I10", "E11.9^Type 2 diabetes^I10"),
        ("CE||QUILLFEATHER^Rate^LN", "[NAME]^Rate^LN"),
        ("CE||A1^Rate of Zebulon^L", "A1^Rate of [NAME]^L"),
        ("CE||A1^Rate^Zebulon", "A1^Rate^[NAME]"),
        ("CWE||38341003^Hypertension^SCT^^^^^^said by Zebulon", "38341003^Hypertension^SCT^^^^^^said by [NAME]"),
        ("NM||250000", "250000"),
        ("NM||70707071", "[ID]"),
        ("SN||>^1^:^128", ">^1^:^128"),
        ("SN||^212-555-0147", "^[PHONE]"),
        ("NA||1.5^2.5^-3", "1.5^2.5^-3"),
        ("TM||101500", "101500"),
        ("XTN||(212)555-0147", ""),
        ("CQ||5.0^mL", "5.0^mL"),
        ("ZZ||anything", ""),
    ],
)
def test_a_value_is_kept_by_its_type(out, value, kept):
    kind, _, said = value.partition("||")
    assert out(f"OBX|1|{kind}|8867-4^Rate^LN||{said}||||||F").segment("OBX").field(5) == kept


@pytest.mark.parametrize(
    ("segment", "kept"),
    [
        ("OBX|1|NM|30525-0^Age^LN||93|a", "90"),
        ("OBX|1|NM|30525-0^Age^LN||93", "90"),
        ("OBX|1|SN|L1^Age^L||>^93|yr^years", ">^90"),
        ("OBX|1|ST|21612-7^Age^LN||93", "90"),
        ("OBX|1|NM|30525-0^Age^LN||89|a", "89"),
        ("OBX|1|NM|8867-4^Rate^LN||93|/min", "93"),
    ],
)
def test_an_age_above_the_cap_reads_one_more_than_it(out, segment, kept):
    assert out(segment).segment("OBX").field(5) == kept


def test_a_date_of_birth_sent_as_a_result_is_treated_as_one(out):
    rules = policy("safe-harbor")
    assert out("OBX|1|DT|21112-8^Birth date^LN||19420517", rules=rules).segment("OBX").field(5) == out(rules=rules).get("PID-7")


@pytest.mark.parametrize("name", ["expert-determination", "limited-data-set", "safe-harbor"])
@settings(max_examples=60, deadline=None)
@given(moment=st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)), digits=st.sampled_from([4, 6, 8, 10, 12, 14, 19]), offset=st.sampled_from(["", "+0100"]), zone=st.sampled_from([ZONE, UNSTATED, None]))
def test_every_time_moves_as_the_subjects_clock_says(out, ring, name, moment, digits, offset, zone):
    text = (moment.strftime("%Y%m%d%H%M%S") + f".{moment.microsecond:06d}")[:digits]
    text += offset if digits > 8 else ""
    rules = policy(name)
    person = Desk(ring, rules).person(ring.map.subjects[0])
    said = text + ("" if zone or offset or digits <= 8 else "-0330")
    want = person.clock.compact(said, where="x", timezone=zone)
    head = HEAD if zone else HEAD.replace("20260113100500", "20260113100500-0330")
    assert out(f"OBX|1|TS|8867-4^Rate^LN||{text}", rules=rules, head=head, timezone=zone).segment("OBX").field(5) == want


def test_where_no_zone_is_stated_times_stay_without_one(out):
    assert re.fullmatch(r"\d{8}100500", out(timezone=UNSTATED).get("MSH-7"))


@pytest.mark.parametrize("text", ["00000000", "20261332", "soon", "2026011399"])
def test_a_time_that_is_none_is_blanked_and_not_the_end_of_its_message(out, text):
    try:
        assert out(f"OBX|1|TS|8867-4^Rate^LN||{text}||||||F").segment("OBX").field(5) == ""
    except Malformed as error:
        assert (text, "time of day" in error.what) == ("2026011399", True)


# --- delimiters and character sets ---------------------------------------------------------------------

_MARKS = st.permutations(list("|^~\\&!@#$%*+;:")).map(lambda marks: Delimiters(*marks[:5]))
_WORDS = st.lists(st.sampled_from(["fever", "and", "cough", "5 mg", "&", "|", "^", "~", "\\", "a\nb", "ä"]), max_size=6).map(" ".join)


@settings(max_examples=80, deadline=None)
@given(marks=_MARKS, words=_WORDS, name=st.sampled_from(["Zebulon", "QUILLFEATHER", "Quillfeather, Zebulon", "212-555-0147", "70707071"]))
def test_whatever_the_delimiters_nothing_known_survives_and_the_rest_is_the_same(ring, marks, words, name):
    f, c, r, e, s = marks[:5]
    text = escape(words, marks)
    lines = [
        f"MSH{f}{c}{r}{e}{s}{f}EHR{f}MERCY{f}{f}{f}20260113100500{f}{f}ORU{c}R01{f}1{f}T{f}2.5{f * 6}UNICODE UTF-8",
        f"PID{f}1{f}{f}70707071{c * 3}HOSP{s}1.2{c}MR{r}912-04-4321{c * 3}SSA{c}SS{f}{f}Quillfeather{c}Zebulon",
        f"OBX{f}1{f}TX{f}N{c}Note{c}L{f}{f}{text}",
        f"OBX{f}2{f}TX{f}M{c}Note{c}L{f}{f}{escape(f'told {name} of it', marks)}",
        f"OBX{f}3{f}CE{f}8867-4{c}Heart rate{c}LN{f}{f}A{s}B{c}words{c}L{r}C",
    ]
    change = Change(Desk(ring, policy("expert-determination")), source="feed", timezone=ZONE)
    message = Message.parse(change.message("\r".join(lines).encode(), where="x"), where="out")
    found = message.all("OBX")
    assert found[0].field(5) == text
    assert found[2].text == lines[4]
    assert re.fullmatch(r"told \[(NAME|PHONE|ID)\] of it", found[1].get("5") or "")


@pytest.mark.parametrize(("charset", "codec"), [("8859/1", "latin-1"), ("WINDOWS-1252", "cp1252"), ("UNICODE UTF-8", "utf-8")])
def test_a_message_is_written_in_the_character_set_that_it_declares(ring, charset, codec):
    raw = f"{HEAD.replace('UNICODE UTF-8', charset)}\r{PID}\rNTE|1||Fièvre chez Zebulon".encode(codec)
    done = Change(Desk(ring, policy("expert-determination")), source="feed", timezone=ZONE).message(raw, where="x")
    assert done.endswith("NTE|1||Fièvre chez [NAME]".encode(codec))


_KEPT = {
    "OBX": ["1", "NM", "8867-4^Heart rate^LN", "", "88", "/min", "60-100", "N", "", "", "F"],
    "RXE": ["", "314076^lisinopril 10 MG^RXNORM", "10", "", "mg", "TAB^Tablet^L"],
    "RXR": ["PO^Oral^HL70162"], "AL1": ["1", "DA^Drug^HL70127", "7980^Penicillin G^RXNORM", "SV", "hives"],
    "DG1": ["1", "", "E11.9^Type 2 diabetes mellitus^I10", "", "", "F"], "SPM": ["1", "", "", "BLD^Whole blood^HL70487"],
    "TQ1": ["1", "", "BID", "", "", "", "", "", "R"], "PV1": ["1", "I"],
}  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(names=st.lists(st.sampled_from(sorted(_KEPT)), min_size=1, max_size=6), number=st.decimals(0, 9999, places=2))
def test_what_the_table_keeps_is_the_same_to_the_byte(ring, names, number):
    rows = ["|".join([name, *_KEPT[name]]).replace("|88|", f"|{number}|") for name in names]
    change = Change(Desk(ring, policy("expert-determination")), source="feed", timezone=ZONE)
    done = change.message("\r".join([HEAD, PID, *rows]).encode(), where="x")
    assert done.decode().split("\r")[2:] == rows


# --- a site's own policy ---------------------------------------------------------------------------------


def test_a_policy_may_change_what_becomes_of_a_field(out):
    fields = [""] * 40
    for number, value in {3: "70707071^^^HOSP^MR", 10: "2106-3^White^CDCREC", 12: "KINGS", 23: "born to Zebulon", 29: "20260113", 33: "20260113"}.items():
        fields[number - 1] = value
    rules = _own(fields={"PID-10": "remove", "PID-12": "keep", "PID-23": "scrub", "PID-29": "generalise", "PV1-3": "remove", "OBX-15": "pseudonymise"})
    message = out("PV1|1|I|ICU^R12", "OBX|1|NM|8867-4^Rate^LN||88||||||F||||LAB7", rules=rules, who="|".join(["PID", *fields]))
    assert [message.get(f"PID-{n}") for n in (10, 12, 23)] == [None, "KINGS", "born to [NAME]"]
    assert message.get("PID-29") == message.get("PID-33")[:4]
    assert message.get("PV1-3") is None
    assert message.get("OBX-15").startswith("N")


def test_segments_of_the_sites_own_stay_where_the_policy_names_their_fields(out):
    rules = _own(segments={"ZPI": {"keep": [1], "text": [2], "id": [3], "time": [4]}})
    row = out("ZPI|A|told Zebulon|C9^^^HOSP^MR|20260113|secret", "ZZZ|x", rules=rules).segment("ZPI")
    assert [row.field(1), row.field(2), row.field(5)] == ["A", "told [NAME]", ""]
    assert row.field(3).startswith("N")
    assert row.field(4) != "20260113"


@pytest.mark.parametrize("rules", [{"fields": {"PID10": "keep"}}, {"segments": {"ZPI": {"kept": [1]}}}, {"segments": {"zpi": {"keep": [1]}}}])
def test_a_policy_that_names_no_field_segment_or_kind_is_told(ring, rules):
    with pytest.raises(Misconfigured, match=r"no place|no kind|no name"):
        Change(Desk(ring, _own(**rules)), source="feed", timezone=ZONE)


def test_whom_a_record_is_about_stands_whatever_a_policy_says_of_the_field(out):
    assert out(rules=_own(fields={"PID-3": "keep"})).get("PID-3.1").startswith("P")


class _Other:
    def of(self, said: str, kind: str) -> str | None:
        return f"{kind.title()}{len(said)}"


def test_names_may_be_surrogates(ring):
    rules = msgspec.structs.replace(policy("expert-determination"), names="surrogate")
    change = Change(Desk(ring, rules), source="feed", timezone=ZONE, surrogates=lambda person: _Other())
    message = Message.parse(change.message(f"{HEAD}\r{PID}\r{ORDER}".encode(), where="x"), where="out")
    assert message.get("PID-5") == "Name12^Name7^Name1"
    assert message.segment("OBR").field(16).split("^")[1:] == ["Name11", "Name8"]


def test_a_policy_may_give_one_field_surrogates_and_they_are_those_of_the_notes(ring):
    desk = Desk(ring, _own(fields={"PID-5": "surrogate"}))
    message = Message.parse(Change(desk, source="feed", timezone=ZONE).message(f"{HEAD}\r{PID}".encode(), where="x"), where="out")
    family, given = message.get("PID-5.1"), message.get("PID-5.2")
    person = desk.person(ring.map.subjects[0])
    assert (family, given) == (desk.surrogates(person).of("Quillfeather", "NAME"), desk.surrogates(person).of("Zebulon", "NAME"))
    assert not {"Quillfeather", "Zebulon", "Q"} & {family, given}


# --- what is counted ---------------------------------------------------------------------------------------


def test_the_same_messages_give_the_same_counts_and_bytes_however_often_they_were_met(ring):
    rows = [f"{HEAD}\r{PID}\rNK1|1|Q^M|SPO\rPV1|1|I|ICU\rNTE|1||Zebulon called\rOBX|1|TX|N^Note^L||Zebulon\rZZZ|1".encode()] * 3
    change = Change(Desk(ring, policy("expert-determination")), source="feed", timezone=ZONE)
    told: list[tuple[bytes, Counter[str]]] = []
    for raw in rows:
        change.desk.actions = Counter()
        told.append((change.message(raw, where="x"), change.desk.actions))
    assert told[0] == told[1] == told[2]
    assert told[0][1]["text: NAME"] == 2


def test_no_bytes_whatever_end_in_anything_but_a_message_or_a_reason(ring):
    change = Change(Desk(ring, policy("expert-determination")), source="feed", timezone=ZONE)
    sound = f"{HEAD}\r{PID}\r{ORDER}\rOBX|1|ED|N^Note^L||{_document(b'Zebulon')}\rNTE|1||x"
    for at in range(0, len(sound), 3):
        for cut in (sound[:at], sound[:at] + "\\X4\\^^~&&|\r" + sound[at:], sound[:at] + sound[at + 5 :]):
            try:
                change.message(cut.encode(), where="x")
            except (Malformed, Leave) as told:
                assert "Zebulon" not in str(told)


def test_the_shipped_samples_of_hl7_are_changed_or_refused_with_a_reason(tmp_path: Path, shared_data: Path):
    folder = shared_data / "dataeng" / "hl7v2-samples" / "messages"
    files = [RawFile("s", "hl7v2", path, path.name, path.name) for path in sorted(folder.glob("*.hl7"))]
    ring = Keyring.create(tmp_path / "k", seed=b"samples", made=True)
    survey(files, ring, timezones={"s": ZONE})
    change, done = Change(Desk(ring, policy("expert-determination")), source="s", timezone=ZONE), Counter[str]()
    for piece in (piece for file in files for piece in pieces(file.read())):
        try:
            new = Message.parse(change.message(piece.raw, where="x"), where="out")
            done["changed"] += 1
            assert new.get("PID-3.1").startswith("P")
            assert not re.search(r"EVERYMAN|Woolfson|Aniston|GHHF", "\r".join(one.text for one in new.segments))
        except (Malformed, Leave) as told:
            done[str(told)] += 1
    assert done["changed"] > 60
