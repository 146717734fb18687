"""The ways in which a known identifier may be written, as runs of words: what the residue proof looks for.

In        `KnownIdentifiers` of one person
Out       strong forms (must be nowhere), digit strings (found in any grouping), weak forms (tell only beside their own person)
Words     runs of letters and digits, casefolded, marks off: "O'Neil-Müller" is o, neil, muller
Elsewhere how they are filed: `residue_needles.py`; how a text is searched: `residue_search.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from bedside.deidentify.folding import fold
from bedside.deidentify.lexicon import everyday, listed
from bedside.deidentify.patients import KnownIdentifiers, Name

Words = tuple[str, ...]
LONG_NUMBER, LONG_OTHER_NUMBER, LONG_PHONE, LONG_SSN, LOCAL_PHONE = 6, 8, 10, 9, 7
_FEWEST_DIGITS, _SHORT_NUMBER, _LONG_JOINED, _MOST_WRITINGS = 4, 4, 10, 16
_MOST_SIGNS = 40
_WORD = re.compile(r"[^\W_]+")
_ASCII = str.maketrans({code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)})
_BEYOND = re.compile(r"[^\x00-\x7f]+")
_COMPACT_DATE = re.compile(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\Z")
_DATE = re.compile(r"(\d{4})\D?(\d{2})\D?(\d{2})")
# Ways of the post to write one word of an address: USPS Publication 28, appendices C1 and C2 and section 233.
_POSTAL = [
    set(one.split("/"))
    for one in [
        "street/st/str",
        "avenue/ave/av",
        "road/rd",
        "boulevard/blvd",
        "drive/dr",
        "lane/ln",
        "court/ct",
        "place/pl",
        "terrace/ter",
        "circle/cir",
        "parkway/pkwy",
        "square/sq",
        "highway/hwy",
        "trail/trl",
        "crossing/xing",
        "expressway/expy",
        "freeway/fwy",
        "turnpike/tpke",
        "heights/hts",
        "mount/mt",
        "saint/st",
        "fort/ft",
        "mountain/mtn",
        "valley/vly",
        "village/vlg",
        "station/sta",
        "springs/spgs",
        "ridge/rdg",
        "point/pt",
        "plaza/plz",
        "north/n",
        "south/s",
        "east/e",
        "west/w",
        "northeast/ne",
        "northwest/nw",
        "southeast/se",
        "southwest/sw",
        "apartment/apt",
        "suite/ste",
        "floor/fl",
        "building/bldg",
        "room/rm",
    ]
]
_ALIKE = {word: sorted(one) for one in _POSTAL for word in one}
_UNIT = frozenset(["apartment", "apt", "suite", "ste", "floor", "fl", "unit", "building", "bldg", "room", "rm"])


def plain(text: str) -> str:
    """The text without marks; letters beyond ASCII that have a plain form become it."""
    if text.isascii():
        return text
    signs = {sign: fold(sign) for sign in beyond(text)}
    # One after the other is the same only where no sign becomes another that is replaced too, or two capitals.
    apart = all(signs.get(one, one) == one for said in signs.values() for one in said)
    if len(signs) > _MOST_SIGNS or not apart or any(len(said) > 1 and said[0].isupper() for said in signs.values()):
        return _BEYOND.sub(lambda found: fold(found[0]), text)
    for sign, said in signs.items():
        if said != sign:
            text = text.replace(sign, said)
    return text


def beyond(text: str) -> set[str]:
    """The different signs beyond ASCII of a text."""
    return set(text.encode("utf-8", "surrogatepass").translate(None, bytes(range(128))).decode("utf-8", "surrogatepass"))


def said(text: str) -> list[str]:
    """The words of a plain text. Nearly all text is ASCII, where a table and a split do what the pattern does, many times faster."""
    return text.translate(_ASCII).split() if text.isascii() else _WORD.findall(text.casefold())


def words_of(text: str) -> Words:
    """Words as the search sees them.

    >>> words_of("O'Neil-Müller, 555-0134")
    ('o', 'neil', 'muller', '555', '0134')
    """
    return tuple(said(plain(text)))


def strong_forms(known: KnownIdentifiers) -> Iterator[tuple[str, Words]]:
    """(kind, words) of everything that must be nowhere, but for digits alone."""
    for value in known.records | known.numbers:
        form, shortest = words_of(value), LONG_NUMBER if value in known.records else LONG_OTHER_NUMBER
        joined = "".join(form)
        if form and not joined.isdigit() and is_strong(form, shortest):
            yield from (("number", one) for one in {form, (joined,)} if len(joined) >= shortest)
    for name in known.names:
        yield from (("name", form) for one in name.writings() for form in name_forms(one))
    for value in known.streets:
        yield from (("address", form) for form in street_forms(value))
    for value in known.emails:
        form = words_of(value)
        if len(form) >= 2 and sum(map(len, form)) >= 8:
            yield "email", form


def strong_digits(known: KnownIdentifiers) -> Iterator[tuple[str, str]]:
    """(kind, digits) of numbers found in any grouping, leading zeros off."""
    for value in known.records | known.numbers:
        digits = "".join(words_of(value))
        shortest = LONG_NUMBER if value in known.records else LONG_OTHER_NUMBER
        if digits.isdigit() and is_strong((digits,), shortest):
            yield from (("number", one) for one in {digits, digits.lstrip("0")} if len(one) >= shortest)
    for value in known.ssns:
        digits = _digits(value)
        if len(digits) == LONG_SSN:
            yield "ssn", digits
    for value in known.phones:
        digits = _phone(value)
        if len(digits) >= LONG_PHONE:
            yield from (("phone", one) for one in {digits, digits[-LONG_PHONE:], "1" + digits[-LONG_PHONE:]})


def name_forms(name: Name) -> Iterator[Words]:
    """Given and family name in both orders: each given name alone, all of them, the first with initials, initials of two, run together."""
    family, given = words_of(name.family), words_of(" ".join(name.given))
    if not family or not given or sum(map(len, family)) < 2:
        return
    letters = tuple(part[0] for part in given)
    firsts = {given, *((part,) for part in given if len(part) > 1)} | {(*given[:1], *letters[1:])}
    if len(given) > 1 and not set(family) <= everyday():
        firsts |= {letters, ("".join(letters),)}
    for one in firsts:
        if max(map(len, one)) > 1 or len(one) > 1:
            yield from ((*one, *family), (*family, *one))
    if len(given[0]) > 1 and len(given[0] + "".join(family)) >= _LONG_JOINED:
        yield from ((given[0] + "".join(family),), ("".join(family) + given[0],))


def street_forms(value: str) -> Iterator[Words]:
    """A street with its words in full and shortened, with and without the flat."""
    form = words_of(value)
    flat = next((at for at, word in enumerate(form) if at > 1 and word in _UNIT), len(form))
    for part in {form, form[:flat]}:
        if len(part) < 2 or sum(map(len, part)) < 7 or not any(map(str.isdigit, "".join(part))):
            continue
        ways = [_ALIKE.get(word, [word]) if at else [word] for at, word in enumerate(part)]
        for at, one in enumerate(product(*ways)):
            if at < _MOST_WRITINGS or one == part:
                yield one
    if form and len(form) >= 2 and sum(map(len, form)) >= 8:
        yield form


def weak_forms(known: KnownIdentifiers) -> Iterator[tuple[str, Words]]:
    """(kind, words) of what tells only beside its own person. Names that are also words are left out."""
    for name in {one for whole in known.names for one in whole.writings()}:
        family, given = words_of(name.family), words_of(" ".join(name.given))
        for kind, parts in (("name", family), ("given name", given)):
            yield from ((kind, (part,)) for part in parts if len(part) > 2 and part not in everyday())
        if family and given and not set(family) <= everyday():
            yield from (("initial and name", form) for form in ((given[0][0], *family), (*family, given[0][0])))
    for birth in known.births:
        if day := compact_day(birth):
            yield "birth date", (day,)
    for value in known.records:
        form = words_of(value)
        if len(form) == 1 and len(form[0]) >= _SHORT_NUMBER and not is_strong(form, LONG_NUMBER):
            yield "short number", form
    for value in known.phones:
        digits = _phone(value)
        if len(digits) >= LOCAL_PHONE:
            local = digits[-LOCAL_PHONE:]
            yield from (("short phone", form) for form in ((local,), (local[:3], local[3:])))
    for value in known.zips:
        if len(value) >= 5 and value[:5].isdigit():
            yield "zip", (value[:5],)


def compact_day(value: str) -> str | None:
    """A date of a record as eight digits; the search reads a text's dates and compares days, whatever their writing.

    >>> compact_day("1934-04-17"), compact_day("19340417"), compact_day("1934")
    ('19340417', '19340417', None)
    """
    found = _DATE.match(value.strip())
    return "".join(found.groups()) if found else None


def is_strong(form: Words, shortest: int) -> bool:
    """Long enough, with digits enough, and no day of the calendar."""
    joined = "".join(form)
    return len(joined) >= shortest and sum(map(str.isdigit, joined)) >= _FEWEST_DIGITS and not _COMPACT_DATE.match(joined)


def is_rare(family: Words) -> bool:
    """Whether a family name is neither a word nor one of the frequent ones."""
    return not set(family) <= (everyday() | listed("surnames"))


def _phone(value: str) -> str:
    return _digits(re.split(r"(?i:x|ext)", value)[0])


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)
