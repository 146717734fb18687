"""Patients named in the texts of other patients: taken out by the same search that proves that they are gone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.deidentify.patients import KnownIdentifiers, Name
from bedside.deidentify.residue_needles import Needles
from bedside.deidentify.residue_search import sightings
from bedside.deidentify.strangers import Strangers

PEOPLE = [
    KnownIdentifiers(names={Name(("Xandra", "Mae"), "Quillfeather")}, records={"40012345"}, phones={"(617) 555-0142"}, emails={"xandra.q@example.org"}),
    KnownIdentifiers(names={Name(("Jürgen",), "Müller-Weiß")}, records={"AB-99-7788"}, ssns={"912-34-5678"}, streets={"12 Zedwick Lane"}),
]
NEEDLES = Needles(([], one) for one in PEOPLE)
WRITINGS = [
    "Xandra Quillfeather", "QUILLFEATHER, XANDRA MAE", "quillfeather xandra m", "40012345", "0040012345", "617-555-0142", "617.555.0142", "(617) 555 0142",
    "xandra.q@example.org", "Jürgen Müller-Weiß", "Juergen Mueller Weiss", "AB997788", "912 34 5678", "12 zedwick LANE", "Qui11feather, Xandra",
]  # fmt: skip
_PLAIN = st.lists(st.sampled_from(["seen", "today", "for", "cough", "BP", "120/80", "and", "5", "mg", "of", "it;", "Äpfel,", "3.5", "x", "10", "—", "stable\n"]), max_size=12).map(" ".join)


@given(_PLAIN, st.sampled_from(WRITINGS), _PLAIN)
def test_whatever_the_proof_finds_has_a_place_in_the_text_and_nothing_else_goes(before, said, after):
    text = f"{before} {said} {after}"
    spans = list(Strangers(NEEDLES).find(text))
    assert spans
    left = list(text)
    for start, end, _ in spans:
        left[start:end] = "\0" * (end - start)
    assert not [one for one in sightings("".join(left).replace("\0", ""), NEEDLES) if one.strong]
    assert "".join(left).startswith(before)
    assert "".join(left).endswith(after)


def test_a_text_without_anybody_costs_one_search():
    assert not list(Strangers(NEEDLES).find("Mueller-Hinton agar, 40 cells, 617 nm, call back in 5 days"))


@pytest.mark.parametrize("said", ["seen XandraQuillfeather ok", "AB-99-77B8", "ph 6l7-555-0l42 x", "40O12345", "call 617 555 O142", "Xandra\nQuillfeather", "QUILLFEATHER^XANDRA"])
def test_an_odd_writing_never_leaves_something_for_the_proof_to_stop_at(said):
    text = f"BP 120/80\n{said}\nstable"
    spans = list(Strangers(NEEDLES).find(text))
    left = "".join("#" if any(start <= at < end for start, end, _ in spans) and sign != "\n" else sign for at, sign in enumerate(text))
    assert not [one for one in sightings(left, NEEDLES) if one.strong]
    assert left.startswith("BP 120/80\n")
    assert left.endswith("\nstable")


def test_what_repeats_in_one_long_line_is_judged_once():
    from bedside.deidentify import residue_search

    asked = 0

    def counted(line, found, *, judge=residue_search._meaning):
        nonlocal asked
        asked += 1
        return judge(line, found)

    residue_search._meaning, before = counted, residue_search._meaning
    try:
        many = list(sightings("Pt MRN 40012345 ok; " * 300, NEEDLES))
    finally:
        residue_search._meaning = before
    assert sum(one.strong for one in many) == 300
    assert asked <= 600
