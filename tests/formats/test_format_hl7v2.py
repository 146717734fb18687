"""HL7 v2 messages come apart by their own delimiters and go together again byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core.errors import Malformed
from bedside.formats import hl7v2
from bedside.formats.hl7v2 import Delimiters, Message, escape, unescape

MARKS = Delimiters("|", "^", "~", "\\", "&")
HEAD = "MSH|^~\\&|LAB|GHH|EHR|GHH|20260113100000-0500||ORU^R01^ORU_R01|M1|P|2.5.1"
PID = "PID|1||4711^^^GHH^MR~123456789^^^USSSA^SS||Featherstonehaugh^Ada^B||19310417|F"
OBX = "OBX|1|NM|2345-7^Glucose^LN||5.4|mmol/L"
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_PLAIN = st.text("AZaz09 .-éß", max_size=8)
_FIELD = st.lists(st.lists(_PLAIN, min_size=1, max_size=3).map("^".join), min_size=1, max_size=2).map("~".join)
_SEGMENT = st.builds("|".join, st.tuples(st.sampled_from(["PID", "OBX", "NTE", "ZX1"]), _FIELD, _FIELD))
_ENDS = st.sampled_from(["\r", "\n", "\r\n"])


def message(*segments: str, head: str = HEAD, end: str = "\r") -> Message:
    return Message.parse(end.join([head, *segments, ""]).encode(), where="x")


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    end = draw(_ENDS)
    text = end.join([HEAD, *draw(st.lists(_SEGMENT, max_size=5))])
    return text.encode()


@given(messages(), _ENDS)
def test_an_untouched_message_encodes_to_its_own_bytes(raw: bytes, end: str) -> None:
    for data in (raw, raw + end.encode()):
        found = Message.parse(data, where="x")
        assert [found.segments[0].get("10"), *(one.name for one in found.segments[:1])] == ["M1", "MSH"]
        assert found.encode() == data


@given(st.lists(messages(), min_size=1, max_size=4), st.booleans(), st.booleans(), st.booleans())
def test_messages_of_a_file_come_out_whole_and_go_back(raws: list[bytes], mllp: bool, batch: bool, bom: bool) -> None:
    framed = [b"\x0b" + raw + b"\r\x1c\r" if mllp else raw + b"\r" for raw in raws]
    data = b"FHS|^~\\&\rBHS|^~\\&\r" + b"".join(framed) + b"BTS|9\rFTS|1\r" if batch else b"".join(framed)
    data = b"\xef\xbb\xbf" + data if bom else data
    cut = list(hl7v2.pieces(data))
    assert [piece.raw.rstrip(b"\r\n") for piece in cut] == [raw.rstrip(b"\r\n") for raw in raws]
    assert [piece.place for piece in cut] == [f"message {n}" for n in range(1, len(raws) + 1)]
    assert hl7v2.rebuild(data, [piece.raw for piece in cut]) == data


@given(st.binary(max_size=80) | st.text("MSHBTF|^~\\&\r\n\x0b\x1cAZ19", max_size=80).map(str.encode))
def test_no_bytes_crash_the_cutting_of_a_file(data: bytes) -> None:
    cut = list(hl7v2.pieces(data))
    assert hl7v2.rebuild(data, [piece.raw for piece in cut]) == data
    for piece in cut:
        try:
            assert Message.parse(piece.raw, where=piece.place).encode() == piece.raw
        except Malformed as error:
            assert piece.place in error.where


@given(st.binary(max_size=60).filter(lambda noise: b"TS" not in noise and b"HS" not in noise))
def test_nothing_between_the_pieces_but_framing(noise: bytes) -> None:
    data = noise + b"\r" + HEAD.encode() + b"\r"
    left = hl7v2.rebuild(data, [None] * len(list(hl7v2.pieces(data))))
    assert not left.replace(b"\xef\xbb\xbf", b"").strip(b"\r\n\x0b\x1c\x00 "), left


@given(_TEXT)
def test_escaped_text_is_read_back_as_it_was(text: str) -> None:
    written = escape(text, MARKS)
    assert not set(written) & set("|^~&\r\n\x0b\x1c")
    assert unescape(written, MARKS) == text


@given(_TEXT.filter(bool), st.sampled_from(["PID-5.1", "PID-5.2.2", "PID-11", "PID-40.3", "PID-3.1"]), st.integers(0, 2))
def test_what_is_set_is_what_is_read(text: str, path: str, rep: int) -> None:
    found = message(PID, OBX)
    found.set(path, text, rep=rep)
    again = Message.parse(found.encode(), where="x")
    assert again.get(path, rep=rep) == text
    assert again.get("OBX-5") == "5.4"
    assert again.get("PID-8") == "F"


def test_fields_repetitions_and_parts_are_addressed_as_the_standard_counts_them() -> None:
    found = message(PID, OBX)
    assert found.get("MSH-1") == "|"
    assert found.get("MSH-2") == "^~\\&"
    assert found.get("MSH-9.2") == "R01"
    assert found.get("PID-3.1", rep=1) == "123456789"
    assert found.repetitions("PID-3") == ["4711^^^GHH^MR", "123456789^^^USSSA^SS"]
    assert found.get("PID-5.1.1") == "Featherstonehaugh"
    assert found.get("OBX-3.3") == "LN"
    assert found.get("PID-4") is None
    assert found.get("PV1-19.1") is None
    assert found.segments[2].get("5") == "5.4"
    assert found.segments[2].field(3) == "2345-7^Glucose^LN"


def test_a_field_that_the_sender_nulls_is_not_an_absent_one() -> None:
    assert message('PID|1||4711||""').get("PID-5.1") == hl7v2.NULL


def test_the_second_segment_of_a_name_is_reached_by_its_number() -> None:
    found = message(PID, OBX, OBX.replace("5.4", "6.1"))
    assert found.get("OBX-5", segment_index=1) == "6.1"
    found.set("OBX-5", "7.0", segment_index=1)
    assert [one.get("5") for one in found.all("OBX")] == ["5.4", "7.0"]


def test_a_sender_may_choose_its_own_delimiters() -> None:
    found = Message.parse(b"MSH#*%!@#LAB\rPID#1##47*x@y!T!z%48\r", where="x")
    assert found.get("PID-3.2.1") == "x"
    assert found.get("PID-3.2.2") == "y@z"
    assert found.get("PID-3.1", rep=1) == "48"
    found.set("PID-5.1", "a#b|c!")
    assert found.encode().endswith(b"##a!F!b|c!E!\r")


def test_a_sender_may_declare_fewer_delimiters() -> None:
    found = Message.parse(b"MSH|^~|LAB\rPID|1||47^a&b\\c~48\r", where="x")
    assert found.get("PID-3.2") == "a&b\\c"
    with pytest.raises(Malformed, match="escape"):
        found.set("PID-5.1", "a|b")


def test_the_truncation_character_of_version_2_7_is_known() -> None:
    assert Message.parse(b"MSH|^~\\&#|LAB\rNTE|1||cut\\P\\\r", where="x").get("NTE-3") == "cut#"


@pytest.mark.parametrize(("written", "meant"), [
    ("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", "a|b^c&d~e\\f"), ("one\\.br\\two", "one\ntwo"), ("\\X0D0A\\", "\r\n"), ("\\XC3A9\\", "é"),
    ("\\H\\loud\\N\\", "loud"), ("\\.sp+2\\x", "\n\nx"), ("\\.in+4\\x", "x"), ("5\\unknown\\6", "5\\unknown\\6"),
    ("open\\", "open\\"), ("\\XFF\\", "\\XFF\\"), ("\\Zabc\\", "\\Zabc\\"),
])  # fmt: skip
def test_escape_sequences_mean_what_section_2_7_says(written: str, meant: str) -> None:
    assert message(f"NTE|1||{written}").get("NTE-3") == meant


def test_hexadecimal_escapes_are_in_the_characters_of_the_message() -> None:
    head = HEAD + "||||||8859/1"
    assert message("NTE|1||\\XE9\\", head=head).get("NTE-3") == "é"


@pytest.mark.parametrize(("declared", "codec"), [
    ("8859/1", "latin-1"), ("UNICODE UTF-8", "utf-8"), ("ASCII", "utf-8"), ("8859/15", "iso8859-15"),
    ("8859/1~UNICODE UTF-8", "latin-1"), ("", "utf-8"), ("BIG-5", "big5"),
])  # fmt: skip
def test_text_is_in_the_character_set_that_msh_18_names(declared: str, codec: str) -> None:
    name = "許功蓋" if codec == "big5" else "Müller"
    raw = f"{HEAD}||||||{declared}\rPID|1||1||{name}^A\r".encode(codec)
    found = Message.parse(raw, where="x")
    assert found.get("PID-5.1") == name
    found.set("PID-8", "F")
    assert found.encode() == raw[:-1] + b"|||F\r"


@pytest.mark.parametrize("raw", [
    HEAD.encode() + b"\rPID|1||1||M\xfcller\r", (HEAD + "||||||KLINGON").encode() + b"\r", b"MSH|^^\\&|A\r", b"MSH|ABCD|A\r",
    b"MSH|", HEAD.encode() + b"\rthis is no segment\r", HEAD.encode() + b"\rPIDx1\r", b"PID|1\r", b"", HEAD.encode("utf-16"),
    b"\x0b" + HEAD.encode(), HEAD.encode() + b"\npid|1\n", b"MSH|^~\\&A||\rPID|1\r",
])  # fmt: skip
def test_what_breaks_the_standard_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        Message.parse(raw, where="x")


def test_an_error_never_shows_the_patient() -> None:
    raw = HEAD.encode() + b"\rFeatherstonehaugh 19310417\r"
    with pytest.raises(Malformed) as caught:
        Message.parse(raw, where="message 1")
    assert "Feather" not in str(caught.value)
    assert "1931" not in str(caught.value)


def test_new_text_outside_the_character_set_is_refused_not_lost() -> None:
    found = message(PID, head=HEAD + "||||||8859/1")
    found.set("PID-5.1", "Ł")
    with pytest.raises(Malformed, match="8859"):
        found.encode()


def test_a_line_feed_inside_text_of_a_message_with_carriage_returns_is_text() -> None:
    found = message("NTE|1||first\nsecond", OBX)
    assert found.get("NTE-3") == "first\nsecond"
    assert found.get("OBX-5") == "5.4"


def test_a_broken_message_costs_only_itself() -> None:
    data = "\r".join([HEAD, PID, HEAD, "garbage", HEAD, PID, ""]).encode()
    first, second, third = hl7v2.pieces(data)
    assert Message.parse(first.raw, where="x").get("PID-3.1") == "4711"
    assert Message.parse(third.raw, where="x").get("PID-3.1") == "4711"
    with pytest.raises(Malformed):
        Message.parse(second.raw, where=second.place)


def test_text_before_the_first_message_is_a_record_of_its_own() -> None:
    data = b"exported by Dr Featherstonehaugh\r" + HEAD.encode() + b"\r"
    assert [piece.place for piece in hl7v2.pieces(data)] == ["line 1", "message 1"]
    assert hl7v2.rebuild(data, [None, HEAD.encode()]) == HEAD.encode() + b"\r"


def test_a_frame_that_is_never_closed_is_a_message_cut_off() -> None:
    data = b"\x0b" + HEAD.encode() + b"\r\x1c\r\x0b" + HEAD.encode() + b"\rPID|1||47"
    whole, cut = hl7v2.pieces(data)
    assert Message.parse(whole.raw, where="x").get("MSH-10") == "M1"
    with pytest.raises(Malformed, match="cut off"):
        Message.parse(cut.raw, where=cut.place)


def test_a_batch_without_its_trailer_is_a_file_cut_off() -> None:
    data = b"BHS|^~\\&\r" + HEAD.encode() + b"\r"
    cut = list(hl7v2.pieces(data))
    assert [piece.place for piece in cut] == ["message 1", "end of file"]
    with pytest.raises(Malformed, match="trailer"):
        Message.parse(cut[1].raw, where=cut[1].place)


def test_a_dropped_message_goes_with_its_frame() -> None:
    data = b"\x0b" + HEAD.encode() + b"\r\x1c\r\x0b" + HEAD.encode() + b"\r\x1c\r"
    assert hl7v2.rebuild(data, [None, HEAD.encode()]) == b"\x0b" + HEAD.encode() + b"\r\x1c\r"


def test_a_bare_envelope_says_nothing_but_delimiters_and_counts() -> None:
    data = (b"FHS|^~\\&|LAB|GHH|||20260113|sec|Ada_4711.hl7|for Ada\rBHS|^~\\&|LAB|GHH\r" + HEAD.encode() + b"\r" + HEAD.encode()
            + b"\rBTS|2|about Ada\rFTS|1|Ada\r")  # fmt: skip
    new = hl7v2.rebuild(data, [HEAD.encode(), None], bare_envelope=True)
    assert new == b"FHS|^~\\&\rBHS|^~\\&\r" + HEAD.encode() + b"\rBTS|1\rFTS|1\r"


def test_a_segment_can_be_taken_out() -> None:
    found = message(PID, "NTE|1||called Ada", OBX)
    found.remove(found.all("NTE")[0])
    assert found.encode() == "\r".join([HEAD, PID, OBX, ""]).encode()


def test_the_delimiters_themselves_cannot_be_set() -> None:
    with pytest.raises(ValueError, match="delimiters"):
        message(PID).set("MSH-2", "x")
    with pytest.raises(ValueError, match="not a place"):
        message(PID).get("PID-0")


@pytest.mark.parametrize("raw", [b"MSH\n|^~\\&|A", b"MSH|", b"MSH", b"MSH\r\n"])
def test_a_header_that_ends_before_its_delimiters_is_refused(raw):
    with pytest.raises(Malformed):
        Message.parse(raw, where="x")
