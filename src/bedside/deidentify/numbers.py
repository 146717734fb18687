"""Numbers that identify: by a label before them, by their shape, by the company they keep.

In        a text in ASCII (`folding.in_ascii`), and the same in lower case
Out       spans of phones, social security and other numbers, addresses of mail, web and network, streets, zip codes, old ages, dates
Kept      doses, vital signs, laboratory values, bare years, codes of trials and of terminologies
How       one pass finds the runs of digits; what stands beside a run decides which patterns are tried, and only there
Source    45 CFR 164.514(b)(2)(i), (A) to (R)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedside.deidentify import number_forms as forms
from bedside.deidentify.addresses import address_spans_of, before_code
from bedside.deidentify.dates import date_spans
from bedside.deidentify.places import number_of_street, street_at, zip_at
from bedside.deidentify.records import record_spans
from bedside.deidentify.spans import Runs, Span
from bedside.deidentify.towns import town_spans

_SMALL, _FEWEST_LABELLED, _FEWEST_STRONG, _SSN_DIGITS, _NHS_DIGITS = 3, 4, 2, 9, 10
_CARD_DIGITS = range(13, 20)
_LONGEST_CODE, _LONGEST_NAME, _ZIP_AND_FOUR = 48, 80, 10
_AGE = re.compile(
    r"(?=[\s-]*(?:years?|yrs?|y\.?/?o\.?|yo|y)\b[\s-]*(?:old|of age|\bm\b|\bf\b|male|female|man|woman|y/?o)?|\s?[MFmf]\b(?!\s*\.\s*\d)|[\s-]*(?:birthday|anos|ans|jahre)\b|th\s+birthday)",
    re.IGNORECASE,
)
_AGED = re.compile(r"\b(?:age|aged|ages|turn(?:ed|ing|s)?)\b\s*:?\s*(?:of\s+|is\s+|was\s+)?\Z|\bin (?:his|her|their|the|my) (?:early |mid-?|late )?\Z|\b(?:age|years)[\s:(=]+\Z",
                   re.IGNORECASE)  # fmt: skip
_AGE_WORDS = ("age", "aged", "ages", "of", "is", "was", "turn", "turned", "turning", "turns", "years")
_NO_AGE = re.compile(r"\s*(?:%|mm|mg|kg|cm|bpm|ml|lbs?)")
_REACHED_AT = (["at"], ["on"], ["#"], ["to"], ["dial"])
_STREET_BEGINS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789rabpciqvu ,")
_GROUP_AFTER = frozenset(" )-./\n")


def number_spans(text: str, lower: str, runs: Runs, *, places: bool, age_cap: int | None) -> list[Span]:
    """Every number that identifies, the dates included; they may overlap.

    runs      the runs of digits in it (`spans.runs_of_digits`)
    places    zip codes go too
    age_cap   ages above it go; None keeps ages
    """
    found: list[Span] = []
    done, size = 0, len(text)
    for start, end, said in runs:
        if start < done:
            continue
        count = len(found)
        before, after = text[start - 1] if start else "\n", text[end] if end < size else "\n"
        plain = said.isdigit()
        dated = date_spans(text, lower, start, end, said, before, after)
        if dated:
            found += dated
        elif before.isalpha() or after.isalpha() or before in "#_" or after == "_" or (after == "-" and text[end + 1 : end + 2].isalpha()) or (before == "-" and text[start - 2 : start - 1].isalpha()):
            found += _coded(text, lower, start, end)
        if dated and not plain:
            pass
        elif plain and end - start <= _SMALL:
            if (after in _GROUP_AFTER and text[end + 1 : end + 3].strip(" (/\n")[:1].isdigit()) or before == "+":
                found += _grouped(text, lower, start, before)
            if age_cap is not None and end - start > 1 and int(said) > age_cap:
                found += _old(text, start, end)
        elif plain:
            found += _long(text, lower, start, end)
            found += zip_at(text, lower, start, end) if places else ()
        else:
            found += _divided(text, lower, start, end, said)
            if places and end - start == _ZIP_AND_FOUR and said[5] == "-":
                found += zip_at(text, lower, start, end)
        if end - start <= 6 and (after == " " or after.isalpha() or (after == "-" and text[end + 2 : end + 3] == " ")) and text[end + 1 : end + 2] in _STREET_BEGINS:
            found += street_at(text, lower, start, end)
        if (before == " " and (text[text.rfind(" ", 0, start - 1) + 1].isupper() or text[start - 2] == ".")) or before == "#":
            found += number_of_street(text, start, end)
        if len(found) > count:
            done = found[-1].end if len(found) == count + 1 else max([span.end for span in found[count:]])
    if runs:
        found += plate_spans(lower)
        found += record_spans(text, places=places)
    if places:
        found += address_spans_of(lower)
        found += town_spans(text, lower)
    return found


def _grouped(text: str, lower: str, start: int, before: str) -> Iterator[Span]:
    """A short run that begins a number of several groups."""
    begin = start - 1 if before in "(+" else start
    phone = forms.PHONE.match(text, begin) or (forms.PHONE.match(text, start) if begin < start else None)
    if phone and not _goes_before(text, begin):
        yield Span(*phone.span(), "SSN" if _labelled_ssn(lower, phone) else "PHONE")
        return
    number = forms.SSN.match(text, start)
    if number and before not in "-":
        yield Span(*number.span(), "SSN")
        return
    if text[start : start + 12].count(" ") and (group := forms.GROUPED.match(text, start)):
        digits = re.sub(r"\D", "", group.group())
        if len(digits) == _SSN_DIGITS and (forms.is_luhn(digits) or forms.label_before(lower, start) in forms.STRONG_LABELS):
            yield Span(*group.span(), "ID")
            return
    label = forms.label_before(lower, begin)
    if label in forms.PHONES:
        yield from _labelled_phone(text, begin)
    elif label in forms.STRONG_LABELS and (code := forms.SPACED_CODE.match(text, start)):
        yield Span(*code.span(), "ID")


def _goes_before(text: str, at: int) -> bool:
    """Whether a number is the rest of another one: behind a point, a hyphen, or a digit and a slash ("home/617-555-0142" is whole)."""
    return text[max(0, at - 1) : at] in (".", "-", "/") and not (text[at - 1] == "/" and not text[max(0, at - 2) : at - 1].isdigit())


def _labelled_ssn(lower: str, phone: re.Match[str]) -> bool:
    return forms.label_before(lower, phone.start()) in ("ssn", "ss")


def _labelled_phone(text: str, start: int) -> Iterator[Span]:
    found = forms.LABELLED_PHONE.match(text, start)
    if found and not forms.NOT_AFTER_PHONE.match(text, found.end()):
        yield Span(*found.span(), "PHONE")


def _long(text: str, lower: str, start: int, end: int) -> Iterator[Span]:
    """A run of four digits or more without anything in it."""
    said, size = text[start:end], end - start
    begin = start - 1 if text[start - 1 : start] in ("+", "(") else start
    if not text[start - 1 : start].isalnum() and (text[end : end + 1] in (" ", "-") or begin < start or said[0] == "0") and (phone := forms.PHONE.match(text, begin)):
        yield Span(*phone.span(), "PHONE")
        return
    if size == 4 and (card := forms.CARD.match(text, start)):
        yield Span(*card.span(), "ID")
        return
    if forms.MEASURED.match(text, end) or text[end : end + 1].isalnum() or text[start - 1 : start].isalnum() or _is_part_of_number(text, start, end):
        return
    label = forms.label_before(lower, start)
    if label in forms.PHONES:
        yield from _labelled_phone(text, start)
    elif label is not None and (not _is_year(said) or _is_marked(lower, start)):
        yield Span(start, end, "ID")
    elif size >= 7 and not forms.COMPACT_DATE.match(said):
        yield Span(start, end, "PHONE" if size == 10 and said[0] in "23456789" and said[3] in "23456789" and not forms.is_nhs(said) else "ID")


def _is_part_of_number(text: str, start: int, end: int) -> bool:
    return (text[start - 1 : start] in (".", ",") and text[start - 2 : start - 1].isdigit()) or (
        text[end : end + 1] in (".", ",") and text[end + 1 : end + 2].isdigit()
    )


def _is_marked(lower: str, start: int) -> bool:
    """Whether a year behind a label is a number after all: "MRN: 1987", "account #2014"."""
    return forms.MARKED.search(lower, max(0, start - 24), start) is not None


def _is_year(said: str) -> bool:
    return len(said) == 4 and said[:2] in ("19", "20")


def _divided(text: str, lower: str, start: int, end: int, said: str) -> Iterator[Span]:
    """A run with hyphens, slashes or points in it."""
    digits = sum(map(str.isdigit, said))
    before = text[start - 1 : start]
    if digits >= 7:
        begin = start - 1 if before in ("+", "(") else start
        phone = forms.PHONE.match(text, begin) or (forms.PHONE.match(text, start) if before == "(" else None)  # "(617-555-0142)": the whole stands in brackets
        if phone and not _goes_before(text, start):
            yield Span(*phone.span(), "PHONE")
            return
        if found := forms.SSN.match(text, start):
            yield Span(*found.span(), "SSN")
            return
        if digits == 7 and lower[max(0, start - 8) : start].split()[-1:] in _REACHED_AT and (found := forms.SHORT_PHONE.match(text, start)):
            yield Span(*found.span(), "PHONE")
            return
    if said.count(".") == 3 and (found := forms.IP.match(text, start)):
        yield Span(*found.span(), "IP")
        return
    if digits >= 7 and (found := forms.ID_SHAPE.match(text, start)) and not forms.MEASURED.match(text, found.end()):
        yield Span(*found.span(), "ID")
        return
    if digits < _FEWEST_LABELLED or (digits < 6 and "." in said) or forms.MEASURED.match(text, end):
        return
    label = forms.label_before(lower, start)
    if label in forms.PHONES:
        yield from _labelled_phone(text, start)
    elif label is not None:
        yield Span(start, end, "ID")


def _coded(text: str, lower: str, start: int, end: int) -> Iterator[Span]:
    """Digits with letters beside them: a record number, a licence, a plate, a serial, a postal code; not a dose and not a gene."""
    begin = start
    while begin and begin > start - _LONGEST_CODE and (text[begin - 1].isalnum() or (text[begin - 1] in "-_/" and text[begin - 2 : begin - 1].isalnum())):
        begin -= 1
    begin -= text[begin - 1 : begin] == "#" and not text[begin - 2 : begin - 1].isalpha()
    whole = forms.CODE.match(text, begin)
    if whole is None or whole.end() < end:
        return
    said = whole.group()
    if said.isdigit() or forms.NO_CODE.match(said):
        return
    shape = forms.ID_SHAPE.match(text, begin) or forms.UUID.match(text, begin) or (forms.IBAN.match(text, begin) if len(said) >= 4 else None)
    if shape is None and "/" not in said and text[begin].isupper() and begin + 4 >= start:
        shape = forms.POSTCODE.match(text, begin)
        if shape and not (" " in shape.group() or len(shape.group()) >= 5):
            shape = None
    if shape is None and text[begin].islower() and begin + 2 >= start and (code := forms.SMALL_POSTCODE.match(text, begin)) and (town := list(before_code(lower, begin))):
        yield from (*town, Span(*code.span(), "ZIP"))
        return
    if shape is None and len(said) == 17:
        shape = forms.VIN.match(text, begin)
    if shape is not None:
        stop = max(shape.end(), whole.end() if shape.end() >= end else 0)
        if not forms.MEASURED.match(text, stop):
            yield Span(shape.start(), stop, "ID")
            if shape.re is forms.POSTCODE and any(map(str.isspace, shape.group())):
                yield from before_code(lower, shape.start())
        return
    digits, strong = sum(map(str.isdigit, said)), None
    if forms.MEASURED.match(text, whole.end()) or (digits < 7 and forms.AMOUNT.match(said)):
        return
    strong = forms.label_before(lower, begin)
    if strong is None:
        return
    enough = digits >= _FEWEST_LABELLED or (digits >= _FEWEST_STRONG and (strong in forms.STRONG_LABELS or _is_marked(lower, begin) or said[0] == "#"))
    if enough and strong not in forms.PHONES:
        more = forms.MORE_GROUPS.match(text, whole.end()) if strong in forms.STRONG_LABELS else None
        stop = more.end() if more and not forms.MEASURED.match(text, more.end()) else whole.end()
        yield Span(begin, stop, "ID")


def _old(text: str, start: int, end: int) -> Iterator[Span]:
    """A number above the cap where the text makes it an age."""
    if text[end : end + 1] == "s":
        if forms.IN_THEIR.search(text, max(0, start - 20), start):
            yield Span(start, end, "AGE")
    elif not text[start - 1 : start].isalnum() and (
        _AGE.match(text, end)
        or (
            text[max(0, start - 12) : start].rstrip(" :(=").lower().endswith(_AGE_WORDS)
            and _AGED.search(text, max(0, start - 24), start)
            and not _NO_AGE.match(text, end)
        )
    ):
        yield Span(start, end, "AGE")


def plate_spans(lower: str) -> Iterator[Span]:
    """The plates of vehicles, behind a word that says so: "vehicle plate HBA 4094"."""
    if any(word in lower for word in forms.PLATE_WORDS):
        for found in forms.PLATE.finditer(lower):
            if any(map(str.isdigit, found["plate"] or found["abroad"])):
                yield Span(*found.span(found.lastgroup or 0), "ID")


def address_spans(text: str) -> Iterator[Span]:
    """Addresses of mail, web and network, and names of image files: found by the sign that each needs."""
    at = text.find("@")
    while at >= 0:
        start = at - (text[at - 1 : at] == " ")
        domain, name = forms.EMAIL_DOMAIN.match(text, start), _begin(text, start, forms.IN_EMAIL)
        if domain and name < start:
            yield Span(name, domain.end(), "EMAIL")
        at = text.find("@", at + 1)
    if "://" in text or "www." in text or "WWW." in text:
        yield from (Span(*found.span(), "URL") for found in forms.URL.finditer(text))
    if "XX" in text or "xx" in text or "**" in text:
        yield from (Span(*found.span(), "SSN") for found in forms.HIDDEN_SSN.finditer(text))
    for sign in (*forms.TWO_COLONS.finditer(text), *forms.TWO_DASHES.finditer(text)):
        for found in forms.COLONS.finditer(text, max(0, sign.start() - 24), min(len(text), sign.end() + 48)):
            yield Span(*found.span(), "IP")
    for sign in forms.POINT_LETTERS.finditer(text):
        name = _begin(text, sign.start(), forms.IN_HOST)
        host = forms.HOST.match(text, name)
        if name < sign.start() and host:
            yield Span(*host.span(), "URL")
        elif name < sign.start() and (photo := forms.PHOTO.match(text, name)):
            yield Span(*photo.span(), "ID")


def _begin(text: str, end: int, letters: frozenset[str]) -> int:
    """Where the run of such letters that ends at `end` begins."""
    start = end
    while start and end - start < _LONGEST_NAME and text[start - 1] in letters:
        start -= 1
    return start
