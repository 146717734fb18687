"""What stands for an identifier: of its form, never itself, the same in every note of the subject, and nobody's."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.core.time import DAY_US
from bedside.deidentify.clock import Clock
from bedside.deidentify.folding import fold
from bedside.deidentify.patients import KnownIdentifiers, Name, words
from bedside.deidentify.policy import policy
from bedside.deidentify.replace import ByKind
from bedside.deidentify.residue import prove
from bedside.deidentify.spans import KINDS
from bedside.deidentify.surrogate_names import lists
from bedside.deidentify.surrogates import Surrogates, plain_numbers
from bedside.deidentify.text import scrub

KEY = bytes(range(32))
KNOWN = KnownIdentifiers(
    names={Name(("John", "Quincy"), "Smith")}, records={"40012345"}, phones={"(617) 555-2368"}, ssns={"123-45-6789"}, emails={"john.smith@quill.example"}
)
AVOID = frozenset(word for name in ("John Quincy Smith", "Anna Kowalski") for word in words(name)) | plain_numbers([KNOWN])
ONE = Surrogates(KEY, "P000000000001", AVOID, known=KNOWN)
WORD = st.from_regex(r"[A-Z][a-z]{2,11}|[A-Z]{3,10}|[a-z]{3,8}|[A-Z]'[A-Z][a-z]{3,8}", fullmatch=True)
NAME = st.lists(WORD, min_size=1, max_size=4).flatmap(
    lambda parts: st.lists(st.sampled_from([" ", ", ", "-", "^", " J. ", "\n"]), min_size=len(parts) - 1, max_size=len(parts) - 1).map(
        lambda joints: "".join(part + joint for part, joint in zip(parts, [*joints, ""], strict=True))
    )
)
NUMBER = st.from_regex(r"[A-Z]{0,4}[-# ]?[0-9]{4,9}(?:[-/][0-9A-Za-z]{1,4})?", fullmatch=True)
PHONE = st.from_regex(r"\(?[2-9][0-9]{2}\)?[ .-][0-9]{3}[ .-][0-9]{4}(?: x[0-9]{2,4})?|\+44 20 [0-9]{4} [0-9]{4}|0[1-9][0-9]{2} [0-9]{3} [0-9]{4}", fullmatch=True)


def shape(text: str) -> str:
    """Digits as 0, everything else as it stands."""
    return re.sub(r"\d", "0", text)


@given(NAME)
@settings(max_examples=200, deadline=None)
def test_a_made_name_has_the_form_of_the_true_one_and_none_of_its_words(said):
    made = ONE.of(said, "NAME") or ""
    there, here = (re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", one) for one in (said, made))
    assert re.sub(r"[^\W\d_]+(?:'[^\W\d_]+)*", "", made) == re.sub(r"[^\W\d_]+(?:'[^\W\d_]+)*", "", said)
    assert [(len(one) == 1, one.isupper(), one.islower()) for one in here] == [(len(one) == 1, one.isupper(), one.islower()) for one in there]
    kept = {a.casefold() for a, b in zip(there, here, strict=True) if a.casefold() == b.casefold()}
    assert kept <= {"van", "von", "der", "den", "del", "dos", "the", "and", "bin", "ibn", "ten", "ter", "della", "dds", "lpn", "crna", "mbbs", "dnp", "msw", "iii"}
    assert AVOID.isdisjoint({fold(word).casefold() for word in here} - kept)


@given(NUMBER, st.sampled_from(["ID", "SSN"]))
@settings(max_examples=200, deadline=None)
def test_a_made_number_keeps_letters_digits_and_separators_and_is_no_known_one(said, kind):
    made = ONE.of(said, kind)
    if made is not None:
        sort = str.maketrans(dict.fromkeys("0123456789", "0"))
        assert [one.isalpha() for one in made.translate(sort)] == [one.isalpha() for one in said.translate(sort)]
        assert re.sub(r"[^\W_]", "", made) == re.sub(r"[^\W_]", "", said)
        assert re.sub(r"\W", "", made).lower() not in AVOID | {re.sub(r"\W", "", said).lower()}


@given(PHONE)
@settings(max_examples=200, deadline=None)
def test_a_made_phone_keeps_its_grouping_and_cannot_be_called(said):
    made = ONE.of(said, "PHONE") or ""
    digits = re.sub(r"\D", "", made.split(" x")[0])
    abroad = said[0] in "+0"
    assert shape(made) == shape(said)
    assert digits.removeprefix("44").startswith("0") if abroad else digits[3:8] == "55501"


@pytest.mark.parametrize(("said", "kind"), [("123456789", "SSN"), ("987-65-4321", "SSN")])
def test_a_made_social_security_number_was_never_issued_and_is_no_taxpayer_number(said, kind):
    digits = re.sub(r"\D", "", ONE.of(said, kind) or "")
    assert digits[0] == "9"
    assert 1 <= int(digits[3:5]) < 50


@given(st.ip_addresses())
@settings(max_examples=50, deadline=None)
def test_a_made_address_of_the_net_is_one_for_documentation(true):
    made = ip_address(ONE.of(str(true), "IP") or "")
    assert any(made in ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"))


def test_mail_and_web_go_to_example_org_and_mail_bears_the_made_name():
    first, family = (ONE.of("John Smith", "NAME") or "").lower().split()
    assert ONE.of("john.smith@quill.example", "EMAIL") == f"{first}.{family}@example.org"
    assert (ONE.of("https://quill.example/me?id=1", "URL") or "").startswith("https://example.org/")


def test_one_person_has_one_made_name_in_every_writing():
    first, family = (ONE.of("John Smith", "NAME") or "").split()
    said = {
        "SMITH, JOHN": f"{family.upper()}, {first.upper()}", "Mr. Smith": f"Mr. {family}", "Smith's": f"{family}'s", "j. smith": f"{first[0].lower()}. {family.lower()}",
        "Smith^John": f"{family}^{first}", "Dr. John Smith, MD": f"Dr. {first} {family}, MD", "John Smith Jr.": f"{first} {family} Jr.",
    }  # fmt: skip
    assert {one: ONE.of(one, "NAME") for one in said} == said


@pytest.mark.parametrize(("said", "of"), [("Sarah", 0), ("Jennifer", 0), ("Michael", 1), ("Robert", 1), ("Maria", 0)])
def test_a_given_name_keeps_its_gender(said, of):
    assert (ONE.of(said, "NAME") or "").lower() in lists()[of]


def test_particles_stay_and_a_family_name_that_is_one_does_not():
    made = ONE.of("Maria de la Cruz", "NAME") or ""
    assert re.fullmatch(r"\w+ de la \w+", made)
    assert "Cruz" not in made
    assert (ONE.of("Le, Anna", "NAME") or "Le").split(",")[0] != "Le"


@pytest.mark.parametrize(
    ("said", "kind", "form"),
    [
        ("639 Brown Ridges Apt. 699", "ADDRESS", r"\d{3} [A-Z][a-z]+ Ridges Apt\. \d{3}"),
        ("12 5th Avenue, Boston, MA 02139", "ADDRESS", r"\d\d \d(?:st|nd|rd|th) Avenue, [A-Z][a-z]+, MA 021\d\d"),
        ("32558 Lambert Mews, South Katherinefurt, AS 89030", "ADDRESS", r"\d{5} [A-Z][a-z]+ Mews, South [A-Z][a-z]+, AS 890\d\d"),
        ("12 Elm St, Lyme, NH 03601", "ADDRESS", r"\d\d [A-Z][a-z]+ St, [A-Z][a-z]+, NH 000\d\d"),
        ("12 Park Avenue", "ADDRESS", r"\d\d (?!Park)[A-Z][a-z]+ Avenue"),
        ("7 North Lake Drive Unit 4", "ADDRESS", r"\d North (?!Lake)[A-Z][a-z]+ Drive Unit \d"),
        ("P.O. Box 1234", "ADDRESS", r"P\.O\. Box \d{4}"),
        ("Good Samaritan Hospital", "HOSPITAL", r"(?!Good)[A-Z][a-z]+ (?!Samaritan)[A-Z][a-z]+ Hospital"),
        ("South Katherinefurt", "CITY", r"South [A-Z][a-z]+"),
        ("Albany, New York", "CITY", r"[A-Z][a-z]+, New York"),
        ("MCDANIEL MEMORIAL HOSPITAL", "HOSPITAL", r"[A-Z]+ MEMORIAL HOSPITAL"),
        ("St. Jude's", "HOSPITAL", r"St\. [A-Z][a-z]+'s"),
        ("02139-4307", "ZIP", r"021\d\d-\d{4}"),
        ("03601", "ZIP", r"000\d\d"),
        ("MRN: CC-789654", "ID", r"MRN: [A-Z]{2}-\d{6}"),
    ],
)
def test_a_made_place_or_number_says_what_it_is_and_not_which(said, kind, form):
    made = ONE.of(said, kind) or ""
    assert re.fullmatch(form, made)
    assert made != said


@given(st.text(max_size=40) | st.from_regex(r"[\w .,'’@/:+-]{1,30}", fullmatch=True), st.sampled_from([*KINDS, "OTHER"]))
@settings(max_examples=300, deadline=None)
def test_any_text_of_any_kind_gives_another_text_or_a_tag(said, kind):
    made = ONE.of(said, kind)
    assert made is None or re.sub(r"[\W_]", "", fold(made)).casefold() != re.sub(r"[\W_]", "", fold(said)).casefold()
    assert Surrogates(KEY, "P000000000001", AVOID, known=KNOWN).of(said, kind) == made


@given(st.lists(st.sampled_from(["Quillfeather", "ZEBULON", "vandersnoot", "Kestrel", "Fernhollow"]) | st.from_regex(r"\d{3,6}|[,#(]|MRN:?|Street|@|TX|x", fullmatch=True), min_size=2, max_size=8)
       .map(" ".join), st.sampled_from(KINDS))  # fmt: skip
@settings(max_examples=400, deadline=None)
def test_spans_that_became_one_under_any_kind_leave_no_word_standing(said, kind):
    made = ONE.of(said, kind) or ""
    assert not re.search(r"quillfeather|zebulon|vandersnoot|kestrel|fernhollow", made, re.IGNORECASE)
    assert not set(re.findall(r"\d{5,}", said)) & set(re.findall(r"\d{5,}", made))


def test_an_address_that_was_found_as_its_zip_code_is_an_address():
    made = ONE.of("68195 Lori Trace, West Jeff, VI 29498", "ZIP") or ""
    assert re.fullmatch(r"\d{5} [A-Z][a-z]+ Trace, West [A-Z][a-z]+, VI 294\d\d", made)
    assert "Lori" not in made


def test_what_only_says_what_it_is_gets_a_tag():
    assert ONE.of("General Hospital", "HOSPITAL") is None
    assert ONE.of("01/13/2026", "DATE") is None


def test_two_subjects_surrogates_do_not_tell_that_theirs_were_alike():
    other = Surrogates(KEY, "P000000000002", AVOID)
    said = [f"{first} {last}" for first in ("Mary", "Linda", "James", "Omar") for last in ("Okafor", "Lindqvist", "Tanaka", "Brandt")]
    assert sum(ONE.of(one, "NAME") == other.of(one, "NAME") for one in said) == 0
    assert sum(ONE.of(f"{number:08d}", "ID") == other.of(f"{number:08d}", "ID") for number in range(10_000_000, 10_000_050)) == 0


def test_the_same_key_gives_the_same_surrogates_in_whatever_order_they_are_asked_for():
    said = [("Okafor", "NAME"), ("Mary Okafor", "NAME"), ("V0001112223", "ID"), ("14 Kestrel Mews", "ADDRESS")]
    one, other = Surrogates(KEY, "P1"), Surrogates(KEY, "P1")
    assert [one.of(*pair) for pair in said] == [other.of(*pair) for pair in reversed(said)][::-1]


def test_where_every_listed_name_is_to_be_avoided_a_name_is_made():
    whole = frozenset(name.casefold() for names in lists() for name in names)
    made = Surrogates(KEY, "P1", whole).of("Mary Okafor", "NAME") or ""
    assert re.fullmatch(r"[A-Z][a-z]+ [A-Z][a-z]+", made)
    assert whole.isdisjoint(made.casefold().split())


NOTE = "Pt John Smith (MRN 40012345), 617-555-2368, seen 01/13/2026 by Dr. Okonkwo in zip 02139. BP 120/80; Crohn's disease, aged 93."


@given(st.text(max_size=60).filter(lambda text: not re.search(r"[\w@:/]", text)))
@settings(max_examples=50, deadline=None)
def test_what_stands_outside_of_identifiers_is_bit_identical(around):
    text = f"{around} {NOTE}"
    done = scrub(text, known=KNOWN, clock=Clock(shift_us=7 * DAY_US), instead=ByKind({}, ONE, True))
    outside = [[one[a:b] for a, b in zip([0, *(s.end for s in spans)], [*(s.start for s in spans), len(one)], strict=True)]
               for one, spans in ((text, done.spans), (done.text, done.marks))]  # fmt: skip
    assert outside[0] == outside[1]
    assert not re.search(r"John|Smith|40012345|2368|Okonkwo|\[NAME\]|\[ID\]", done.text)
    assert "01/20/2026" in done.text
    assert "aged 90" in done.text


def test_a_policy_says_of_each_kind_what_becomes_of_it():
    kinds = {"DATE": "generalise", "ID": "remove", "PHONE": "keep", "NAME": "surrogate", "ZIP": "generalise"}
    told = scrub(NOTE, known=KNOWN, clock=Clock(shift_us=400 * DAY_US), instead=ByKind(kinds, ONE)).text
    assert "MRN [ID]" in told
    assert "617-555-2368" in told
    assert "seen 2027 by" in told
    assert "zip 021." in told
    assert (ONE.of("John Smith", "NAME") or "-") in told


def test_dates_that_stay_leave_their_weekday(hospital):
    moved = scrub("Seen Mon, 01/12/2026", clock=Clock(shift_us=DAY_US), instead=ByKind({"DATE": "keep"})).text
    assert moved == "Seen Mon, 01/12/2026"


@pytest.fixture
def surrogate_policy(tmp_path):
    place = tmp_path / "own.toml"
    place.write_text('base = "expert-determination"\nname = "own"\n[text]\nreplace = "surrogates"\n', "utf-8")
    return str(place)


def test_notes_with_surrogates_pass_the_residue_proof_and_read_as_notes(hospital, by_format, surrogate_policy):
    note = hospital.safe(by_format("notes"), surrogate_policy).decode()
    assert prove([("note.txt", note.encode())], hospital.keyring).strong == 0
    assert not re.search(r"\[(?:NAME|PHONE|ID|ADDRESS)\]|Quillfeather|Zebulon|70707071|Vandersnoot", note)
    assert re.search(r"Mr\. [A-Z][a-z]+ is a 90-year-old man from \d\d [A-Z][a-z]+ Mews, phone \(\d{3}\) 555-01\d\d\.", note)
    assert "for Parkinson disease, on lisinopril 10 mg. BP 128/76, diagnosed back in 2021." in note


def test_a_subject_has_the_same_surrogates_in_notes_and_messages(hospital, by_format, surrogate_policy):
    note, message = (hospital.safe(by_format(kind), surrogate_policy).decode() for kind in ("notes", "hl7v2"))
    family = re.search(r"Mr\. ([A-Z][a-z]+) is a", note)
    assert family
    assert f"about Mr. {family[1]}, " in message
    assert policy(surrogate_policy).text.replace == "surrogates"
