"""Odd letters, endless lines and broken ones: identifiers go all the same, the rest stays bit for bit, and no text costs the square of its length."""

from __future__ import annotations

import itertools
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.deidentify.folding import folded, in_ascii
from bedside.deidentify.known import Finder
from bedside.deidentify.patients import KnownIdentifiers, Name
from bedside.deidentify.spans import KINDS
from bedside.deidentify.text import scrub, spans_of

PLANTED = {
    "NAME": ["Dr. Okonkwo", "Mr. Zbigniew Kestrelkin", "Mrs. Quillfeather"],
    "PHONE": ["(212) 555-0134", "+44 7911 555731", "06 12 34 56 78"],
    "SSN": ["SSN 219-09-9999"],
    "ID": ["MRN: 40012345", "account number 99887766", "license plate 7ABC123", "policy no. XQ-887766"],
    "EMAIL": ["kestrelkin@mail.example"],
    "URL": ["https://kestrelkin.example/x"],
    "IP": ["192.168.77.12"],
    "DATE": ["05/17/2023", "March 9th, 2021", "2022-11-30", "on 9 Feb 2020"],
    "AGE": ["a 97-year-old"],
    "ADDRESS": ["639 Brown Ridges Apt. 699"],
    "HOSPITAL": ["at Brookhollow Medical Center"],
    "CITY": ["lives in Fakeville, OH"],
}
SECRET = re.compile(r"okonkwo|zbigniew|kestrelkin|quillfeather|555|7911|12 34|219|9999|4001|99887|7abc|887766|77\.12|05/17|9th|11-30|9 feb|97-|639|brown r|brookh|fakev")
CARRIERS = ["{} seen for chest pain, BP 120/80.", "Plan: {} ; continue lisinopril 10 mg daily.", "We told {} that potassium was 3.7 mmol/L.", "Impression\n{}\nstable, SpO2 97%."]


@given(said=st.sampled_from([one for all_of in PLANTED.values() for one in all_of]), carrier=st.sampled_from(CARRIERS))
def test_a_planted_identifier_of_every_kind_goes_and_the_carrier_stays_bit_for_bit(said, carrier):
    left = scrub(carrier.format(said)).text
    before, after = carrier.split("{}")
    assert not SECRET.search(left.lower()), left
    assert left.startswith(before)
    assert left.endswith(after)


@pytest.mark.parametrize(
    "said",
    ["SSN 123\u201145\u20116789", "１２３-４５-６７８９ is the SSN", "SSN 1\u200b23-45-6789", "Mr. Ke\u200bstrel\u00adkin", "Mr. Müllerke\u0308", "call 212\u00a0555\u00a00134", "MRN\u200f: 4001\u00ad2345",
     "kes\u200btrel@mail.example", "Dr.\u00a0Okonkwo", "phone ٢١٢-٥٥٥-٠١٣٤", "Mr.\u202fO\u2019Kestrel", "seen 05\u201317\u20132023", "MRN： 40012345"],
)  # fmt: skip
def test_odd_letters_hide_no_identifier(said):
    done = scrub(f"Note: {said}; BP 120/80.")
    plain = in_ascii(folded(done.text).text)
    assert done.counts
    assert not re.search(r"6789|kestr|muller|0134|2345|okonkwo|05-17", plain.lower()), plain


@given(st.text(max_size=200))
def test_any_text_keeps_what_no_span_covers(text):
    spans = spans_of(text)
    assert all(0 <= span.start < span.end <= len(text) and span.kind in KINDS for span in spans)
    assert all(one.end <= other.start for one, other in itertools.pairwise(spans))
    done = scrub(text)
    kept = "".join(text[a:b] for a, b in zip([0, *(span.end for span in spans)], [*(span.start for span in spans), len(text)], strict=True))
    assert re.sub(r"\[[A-Z]+\]|90", "", done.text) == re.sub(r"\[[A-Z]+\]|90", "", kept) or "AGE" in done.counts or "[" in text or "90" in text


@given(st.lists(st.sampled_from(["Dr. ", "Mr", "12", "3/4", "-", "/", ".", ":", "@", "#", "\n", " ", "MRN", "Mary ", "St. ", "Ab-", "(", ")", "'", "2023", "May ", "years", "\u200b", "ü", "x."]), max_size=60))
def test_any_heap_of_signs_is_read(pieces):
    text = "".join(pieces)
    assert spans_of(text) == spans_of(text)


NOTE = "Mr. Kestrelkin, MRN 40012345, seen 05/17/2023 at Brookhollow Medical Center, (212) 555-0134. BP 120/80, K 3.7, on lisinopril 10 mg. "
UNITS = [NOTE, "Ab-", "Aa.", "ID:", "a@", "St. ", "1-", "Ab ", "1/", "1.", "1 ", "A. ", "Dr. ", "name: a ", ":a", "-0a", "x.com", "1a", "#", "May 1 ", "Mary ", "MRN ", "0", "Xx", "(1", "ou ", "3/10 "]


class _Count:
    """How many lines of this package run: a measure of work that no other process disturbs."""

    def __init__(self) -> None:
        self.lines = 0

    def __call__(self, frame, event, _):
        if "deidentify" not in frame.f_code.co_filename:
            return None
        self.lines += event == "line"
        return self


def _work(text: str) -> int:
    count = _Count()
    before = sys.gettrace()
    sys.settrace(count)
    try:
        spans_of(text, finders=[FINDER])
    finally:
        sys.settrace(before)
    return count.lines


FINDER = Finder(KnownIdentifiers(names={Name(("Mary",), "Kestrelkin")}, records={"40012345"}, phones={"(212) 555-0134"}))


@pytest.mark.parametrize("unit", UNITS)
def test_twice_the_text_is_twice_the_work(unit):
    short = unit * (3000 // len(unit))
    spans_of(short)
    assert _work(short * 2) <= 2.3 * _work(short) + 400


def test_a_million_letters_in_one_line_find_what_one_note_finds():
    many = 1_000_000 // len(NOTE)
    found = spans_of(NOTE * many)
    one = spans_of(NOTE)
    assert [(span.start % len(NOTE), span.kind) for span in found] == [(span.start, span.kind) for span in one] * many


@pytest.mark.parametrize("unit", ["A" * 50_000, "1" * 50_000, "a@" * 30_000, "." * 50_000, "Ab-" * 20_000, "1-" * 30_000, ":a" * 30_000, "(" * 50_000, "\u0301" * 30_000, "A.B." * 15_000, "1 " * 30_000])
def test_a_line_of_one_sign_ends(unit):
    assert len(scrub(f"At NY, 9 {unit} Med @ http://").text) > 0
