"""What capitalised words are: one pass over them, and a closer look only at those that may be a person or a place.

In        a text in ASCII, and the same in lower case
Out       spans of people, places and hospitals; they may overlap
How       a word is looked up once. What is no name, place or cue stands; for the others the word before it and the one after decide.
"""

from __future__ import annotations

import re
from functools import lru_cache

from bedside.deidentify import people, places
from bedside.deidentify.cued_names import PERSON_CUES, before_verb, named_after
from bedside.deidentify.facilities import after_at, after_from, facility_at, home_at
from bedside.deidentify.hospital_names import joined_at, kind_at
from bedside.deidentify.lexicon import MONTHS, Word, is_eponym, listed, meanings
from bedside.deidentify.lexicon import places as all_places
from bedside.deidentify.spans import Span

_WORD = re.compile(r"[A-Z](?:[A-Za-z0-9_]+(?:['-][A-Za-z0-9_]+)*|'[A-Z][A-Za-z]+(?:-[A-Za-z]+)*|(?=\.[A-Z]))")
_SMALL, _PARTICLE_NEXT = frozenset("abcdefghijklmnopqrstuvwxyz"), frozenset(["van", "von", "de ", "del", "al-", "al ", "bin", "ibn", "el-", "da ", "di "])
_NOBODY = frozenset(["he", "she", "they", "patient", "pt", "the", "family", "this"])
_VERBS_BEGIN = frozenset(space + verb for verb in ("si", "ar", "to", "sa", "st", "pr", "de", "re", "fa", "FA", "SI", "AR", "TO", "SA", "ST", "PR", "DE", "RE") for space in " \n")
_AFTER_WORD, _STOPS = ",:;", frozenset(".,:;)\n/")
_MIDDLE = frozenset("abcdefghijklmnopqrstuvwxyz,;:")
_TITLE, _LABEL, _DEGREE, _HOSPITAL, _SAINT, _STATE, _STREET, _ADDRESS, _MONTH, _PLACE, _NAMELIKE, _GIVEN, _COMMON, _COUNTY, _CUE = (1 << at for at in range(12, 27))
_HOSPITAL_WORDS = ["hospital", "hospitals", "med", "medical", "clinic", "clinics", "health", "healthcare", "infirmary", "hospice", "nursing", "rehab", "rehabilitation", "cancer", "heart", "sanatorium", "surgery", "surgical", "care", "community", "memorial", "medicine", "general", "university", "presbyterian", "polyclinic", "dispensary", "manor", "hosp", "living", "senior", "assisted"]  # fmt: skip
_STREET_WORDS = ["street", "avenue", "road", "boulevard", "lane", "parkway"]
_MONTH_CUES = frozenset(["in", "since", "last", "until", "till", "of", "by", "during", "early", "late", "mid", "this", "next", "from", "through", "for", "before", "after", "every", "around"])
_AT, _FROM, _BY, _KIN, _THE = 1, 2, 3, 4, 5
CUES = (
    dict.fromkeys(people.KIN, _KIN)
    | dict.fromkeys(["by", "with", "to", "named", "called", "notified", "cc", "surname", "d/w", "alias", "aka", "nickname", "is", "name", "names", "i'm", "am", "as"], _BY)
    | {"at": _AT, "@": _AT, "the": _THE}
    | dict.fromkeys(["in", "from", "near", "outside", "of", "to", "lives", "living", "resides", "reside", "residing", "resident", "visiting", "moved", "relocated", "leaving", "around"], _FROM)
)


@lru_cache(maxsize=1)
def _acts() -> dict[str, int]:
    """For each word of the lists its flags, and what it may be the sign of; 0 for a word that is nothing but a word."""
    acts: dict[str, int] = {}
    unlike = (Word.PLAIN | Word.ENGLISH | Word.CLINICAL | Word.LAND)
    for word, flags in meanings().items():
        names = flags & (Word.GIVEN | Word.GIVEN_WORLD | Word.FAMILY | Word.FAMILY_WORLD)
        given = flags & (Word.GIVEN)
        if given or (flags & (Word.GIVEN_WORLD) and not flags & unlike):
            acts[word] = flags | _GIVEN
        elif (names or flags & (Word.CITY)) and not flags & unlike:
            acts[word] = flags | _NAMELIKE
        else:
            acts[word] = flags | _COMMON if flags & (Word.FAMILY) else 0
    for sign, all_of in (
        (_TITLE, people.TITLE_WORDS), (_LABEL, people.LABEL_WORDS), (_DEGREE, people.DEGREE_WORDS), (_HOSPITAL, _HOSPITAL_WORDS), (_SAINT, ("st", "mt", "saint", "mount", "lake", "port", "fort", "camp", "san", "santa", "cape", "glen")),
        (_STATE, [*listed("states"), *listed("state_names")]), (_STREET, _STREET_WORDS), (_COUNTY, ("county", "parish", "township", "borough", "district")), (_ADDRESS, ("address", "addr", "residence")), (_CUE, PERSON_CUES), (_MONTH, [*MONTHS, *(m[:3] for m in MONTHS), "sept"]),
        (_PLACE, [place.split()[0].split("-")[0].lower() for place in all_places()] + [place.split()[0].lower() for place in all_places()]),
    ):  # fmt: skip
        for word in all_of:
            low = word.lower()
            acts[low] = (acts.get(low, 0) or meanings().get(low, 0)) | sign
    return acts


_UNKNOWN = (Word.UNKNOWN)


def capital_spans(text: str, lower: str, *, towns: bool) -> list[Span]:
    """People and places of a text.

    towns   towns go too
    """
    found: list[Span] = []
    cues: list[tuple[int, int]] = []
    done = 0
    get, middle, cue_of, unknown, person_cues = _acts().get, _MIDDLE, CUES.get, _UNKNOWN, PERSON_CUES
    for word in _WORD.finditer(text):
        start, end = word.span()
        flags = get(lower[start:end], unknown)
        cue = None
        if flags & _CUE and (text[end + 1 : end + 2] not in _SMALL or text[end] == "=" or lower[end + 1 : end + 4] in _PARTICLE_NEXT):
            cues.append((start, end))
        if text[start - 2] in middle and text[start - 1] == " " and start > 2:
            before = lower[lower.rfind(" ", 0, start - 1) + 1 : start - 1]
            cue = cue_of(before)
            if cue is None and (text[start - 2] in _AFTER_WORD or "\n" in before):
                before = before.rstrip(_AFTER_WORD).rpartition("\n")[2]
                cue = cue_of(before)
            if ">" in before:
                before = before.rpartition(">")[2]
            if before in person_cues:
                at = lower.rfind(before, 0, start)
                if text[at] in _SMALL:
                    cues.append((at, at + len(before)))
        elif text[start - 1] == "\n" and text[start - 2] in middle and (before := lower[max(lower.rfind(" ", 0, start - 1), lower.rfind("\n", 0, start - 1)) + 1 : start - 1]) in person_cues:
            cues.append((start - 1 - len(before), start - 1))
        if text[end : end + 3] in _VERBS_BEGIN and lower[start:end] not in _NOBODY:
            found += before_verb(text, lower, end + 1)
        if cue is None:
            if not flags or (flags & _NEEDS_SIGN and not flags & _OTHER_SIGNS and not _goes_on(text, lower, end)):
                continue
            if flags == unknown and text[end : end + 1] in _STOPS and "-" not in word.group() and text[end - 2] != "'":
                continue
        if start >= done and not (start and text[start - 1].isalnum()):
            count = len(found)
            _look(text, lower, start, end, flags, cue, towns, found)
            if len(found) > count and found[-1].kind == "CITY":
                done = found[-1].end
    if cues:
        _announced(text, lower, cues, found)
    return found


def _announced(text: str, lower: str, cues: list[tuple[int, int]], found: list[Span]) -> None:
    """Add the people whom words announce, where nobody was found in full behind them."""
    ends = {span.start: span.end for span in found}
    for start, end in cues:
        name = end
        while text[name : name + 1] in _BETWEEN_CUE:
            name += 1
        stop = ends.get(name)
        if stop is None or text[stop : stop + 1] == "-" or (text[stop : stop + 1] == " " and (text[stop + 1 : stop + 2].isupper() or text[stop + 1 : stop + 2] in ("0", "1", "5", "8") or lower[stop + 1 : stop + 4] in _PARTICLE_NEXT)):
            found += named_after(text, lower, start, end)


_BETWEEN_CUE = frozenset(" :=\t.")


def _look(text: str, lower: str, start: int, end: int, flags: int, cue: int | None, towns: bool, found: list[Span]) -> None:
    said, count = lower[start:end], len(found)
    if flags == _UNKNOWN and said.endswith("'s"):
        flags, end, said = _acts().get(said[:-2], _UNKNOWN), end - 2, said[:-2]
    if flags & _SIGNS:
        _signs(text, lower, start, end, flags, towns, found)
    if flags & _MONTH and _is_month(text, lower, start, end, cue):
        found.append(Span(start, end, "DATE"))
        return
    if towns and (flags & _PLACE or cue in (_FROM, _AT) or flags == _UNKNOWN) and _towns(text, lower, start, end, flags, cue, found):
        return
    if flags & _GIVEN:
        found += people.given_at(text, lower, start, end, flags)
    if text[end + 2 : end + 3] == "." and text[end : end + 1] == " " and text[end + 1 : end + 2].isupper() and text[end + 3 : end + 4] in (",", ")", ";", "'"):
        found += people.with_initial(text, start, end, flags or meanings().get(said, 0))
    if said[-4:] in _KIND_ENDS:
        found += joined_at(text, lower, start)
    if "-" in said or said[-4:] in ("care", "alth") or said[-3:] == "med":
        found += facility_at(text, start)
        if flags == _UNKNOWN and "-" in said:
            _hyphenated(text, lower, said, start, end, found)
    if cue is not None:
        _after_cue(text, lower, start, end, flags, cue, towns, found)
    if (flags == _UNKNOWN or flags & _NAME_SIGNS) and _may_stand_alone(text, lower, start, end, flags) and not any(span.start <= start < span.end for span in found[count:]):
        if flags & (Word.FAMILY | Word.FAMILY_WORLD | Word.GIVEN_WORLD | Word.UNKNOWN):
            found += people.family_at(text, lower, start, end)
        elif towns and not is_eponym(lower, end):
            found.append(Span(start, end, "CITY"))


_KIND_ENDS = frozenset(["ikum", "ital", "haus", "ique", "dale"])
_NEEDS_SIGN, _ALL_SIGNS, _NAME_SIGNS = _LABEL | _ADDRESS, (1 << 26) - (1 << 12) | Word.GIVEN | Word.FAMILY, _NAMELIKE | _GIVEN
_OTHER_SIGNS = ~_NEEDS_SIGN & _ALL_SIGNS
_SIGN_AFTER, _LABEL_GOES_ON = frozenset(":=\t'"), frozenset(["na", "ph", "pr", "co", "of", "pe", "to", ": ", "= "])


def _goes_on(text: str, lower: str, end: int) -> bool:
    """Whether a label is followed by its sign, or by the second word of it."""
    after = text[end : end + 1]
    return after in _SIGN_AFTER or (after == " " and lower[end + 1 : end + 3] in _LABEL_GOES_ON)


def _is_month(text: str, lower: str, start: int, end: int, cue: int | None) -> bool:
    """Whether a month stands alone: "since last March". What is more than the year goes."""
    if cue != _FROM and lower[lower.rfind(" ", 0, start - 1) + 1 : start - 1] not in _MONTH_CUES:
        return False
    return text[start - 1 : start] == " " and (lower[start:end] != "may" or cue == _FROM) and not text[end : end + 1].isalnum()


_SIGNS = _TITLE | _LABEL | _DEGREE | _HOSPITAL | _SAINT | _STATE | _STREET | _ADDRESS | _COUNTY


def _signs(text: str, lower: str, start: int, end: int, flags: int, towns: bool, found: list[Span]) -> None:
    """What a word is the sign of: the name behind a title, the hospital that ends with it."""
    if flags & _TITLE:
        found += people.after_title(text, start)
    if flags & _LABEL:
        found += people.after_label(text, start)
    if flags & _DEGREE and text[start - 1 : start] in (" ", "\n"):
        found += people.before_degree(text, start)
    if flags & _HOSPITAL:
        count = len(found)
        found += places.hospital_at(text, start)
        if len(found) == count or text[found[-1].start - 1 : found[-1].start] == "\n":
            found += kind_at(text, lower, start)
        if not text[start + 1 : end].islower() or text.startswith(("Hosp", "Med"), start):
            found += facility_at(text, start)
    if flags & _SAINT:
        found += places.saint_at(text, lower, start)
    if flags & _STREET:
        found += home_at(text, start)
    if flags & _COUNTY and towns:
        found += places.county_before(text, start)
    if flags & _ADDRESS:
        found += places.address_after(text, start)
    if towns and flags & _STATE and text[start - 2 : start - 1] == "," and (end - start > 2 or text[start:end].isupper()):
        found += places.city_before(text, start)


def _may_stand_alone(text: str, lower: str, start: int, end: int, flags: int) -> bool:
    """Whether a word that is a name or a town and nothing else, or one of no list before a name, is one here."""
    if end - start <= _INITIALS or not (text[start + 1 : end].islower() or _MAC.match(text, start)):
        return False
    if flags & _NAMELIKE or (flags & _GIVEN and flags & Word.GIVEN_WORLD and not flags & (Word.PLAIN | Word.ENGLISH | Word.CLINICAL | Word.LAND)):
        return _is_mid(text, start) or _begins_name(text, lower, end)
    return flags == _UNKNOWN and _begins_name(text, lower, end)


_MAC = re.compile(r"(?:Mc|Mac|De|Di|Van|O'|Fitz|La|Le)[A-Z][a-z]+\b")
_INITIALS = 3


def _is_mid(text: str, start: int) -> bool:
    before = text[max(0, start - 4) : start]
    if before[-1:] == "(":
        return True
    if before[-1:] != " " or len(before) < 3:
        return False
    return (before[-2] in _MIDDLE and before[-2] != ":") or (before[-2] == "." and before[-3].isupper() and not before[:-3].isalnum())


def _begins_name(text: str, lower: str, end: int) -> bool:
    """Whether a second word that may be a name and is nothing else follows."""
    after = _SECOND.match(text, end)
    if after is None:
        return False
    flags = _acts().get(after[1].lower(), _UNKNOWN)
    return bool(flags & (_NAMELIKE | _GIVEN) and flags & _ANY_NAME) and not is_eponym(lower, after.end())


_ANY_NAME = Word.GIVEN | Word.GIVEN_WORLD | Word.FAMILY | Word.FAMILY_WORLD
_SECOND = re.compile(r"[ ]([A-Z][a-z]{2,40})(?![\w])")


def _hyphenated(text: str, lower: str, said: str, start: int, end: int, found: list[Span]) -> None:
    """Anne-Marie, Smith-Jones: every part a name."""
    parts = [meanings().get(part, 0) for part in said.split("-")]
    names = (Word.GIVEN | Word.GIVEN_WORLD | Word.FAMILY | Word.FAMILY_WORLD)
    unlike = (Word.NOT_NAME | Word.CLINICAL)
    if all(part & names and not part & unlike for part in parts) and not all(part & (Word.ENGLISH) for part in parts):
        if parts[0] & (Word.GIVEN):
            found += people.given_at(text, lower, start, end, parts[0])
        elif not is_eponym(lower, end) and _is_mid(text, start):
            found.append(Span(start, end, "NAME"))


@lru_cache(maxsize=1)
def _letters() -> dict[str, tuple[str, ...]]:
    return places.by_first_letters()


def _towns(text: str, lower: str, start: int, end: int, flags: int, cue: int | None, found: list[Span]) -> bool:
    """Whether a town of more than one word was found, which is no person besides."""
    if flags & _PLACE or (flags == _UNKNOWN and "-" in text[start:end]):
        place = places.listed_place(text, lower, start, _letters())
        if place is not None:
            found.append(place)
            return place.end > end
    if cue in (_FROM, _AT) and (stop := places.town_at(text, lower, start, end)) is not None:
        found.append(Span(start, stop, "CITY"))
        return stop > end
    return False


def _after_cue(text: str, lower: str, start: int, end: int, flags: int, cue: int, towns: bool, found: list[Span]) -> None:
    if cue in (_AT, _THE):
        found += after_at(text, lower, start)
    elif cue == _FROM:
        found += after_from(text, lower, start, towns=towns)
    else:
        before = lower[lower.rfind(" ", 0, start - 1) + 1 : start - 1].rstrip(",:;").rpartition("\n")[2]
        found += people.after_cue(text, lower, start, before)
    if cue in (_BY, _FROM):
        found += after_at(text, lower, start, letters=True)
