"""People whose names are words, in small letters or in capitals: by what stands before them and what they do.

In        a text in ASCII, the same in lower case, and where a word stands in it that announces a person
Out       spans
Kept      a word of everyday, unless a person follows from what stands on both sides: "PCP HAND AWARE", but not "PT HAND SWELLING"
Elsewhere names that are nothing else: `people.py`; the same person again in the text: `same_person.py`
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from bedside.deidentify.lexicon import Word, is_eponym, listed, meanings
from bedside.deidentify.people import DEGREE_WORDS, KIN, LABEL_WORDS
from bedside.deidentify.spans import Runs, Span

_TOKEN = re.compile(r"(?:[A-Za-z]|[0158](?=[a-z]{2}))[A-Za-z0-9_|]*(?:['-][A-Za-z0-9_|]+)*\.?")
_BETWEEN = re.compile(r",?[ \t]*(?:\n[ \t]*)?(?=[A-Za-z0158])")
_AFTER_CUE = re.compile(r"(?:'s)?\.?(?:[ \t]+name\b)?[ \t]*([:=]?)(?:</?[a-z]{1,6}>|&nbsp;|[ \t])*(\n[ \t]*)?([(\"]?)")
_TITLED = re.compile(r"(?:drs?|doctor|mr|mrs|ms|miss|prof|rn)\b\.?[ \t]+")
_LABEL_SIGN = re.compile(r"(?:[ ][Nn][Aa][Mm][Ee])?[ \t]{0,3}[:=]")
_INITIALS = re.compile(r"[A-Za-z]\.[ ]?[A-Za-z]\.(?=[\s,])(?![ ](?:van|von|de|al|[A-Z][a-z]))")
PARTICLES = frozenset(["van", "von", "de", "del", "della", "la", "le", "der", "den", "ter", "bin", "ibn", "bint", "al", "el", "da", "dos", "di", "du", "af", "zu", "y", "e", "ni", "te", "st"])  # fmt: skip
_TWO, _MOST_WORDS = 2, 9
_LOOSE = ("y", "e", "te", "st")
_AUXILIARY = frozenset(["will", "may", "can", "might", "must"])
_NAME_FLAGS = Word.GIVEN | Word.GIVEN_WORLD | Word.FAMILY | Word.FAMILY_WORLD
_TYPED = Word.GIVEN | Word.FAMILY
_WORDLY = Word.PLAIN | Word.ENGLISH | Word.CLINICAL | Word.LAND
# How much a word says by itself that a person follows: what must follow the name besides.
STRONG, MIDDLE, WEAK, LABEL = 1, 2, 3, 4
PERSON_CUES: dict[str, int] = (
    dict.fromkeys(KIN, WEAK)
    | dict.fromkeys(["pt", "patient", "client", "pcp", "rn", "lpn", "nurse", "interpreter", "attending", "resident", "consultant", "surgeon", "midwife"], WEAK)
    | dict.fromkeys(["per", "w/", "with", "by", "from", "you", "sincerely", "regards", "respectfully", "is", "contact", "reviewed"], MIDDLE)
    | dict.fromkeys(["dr", "drs", "mr", "mrs", "ms", "miss", "dear", "labeled", "labelled"], STRONG)
    | dict.fromkeys(
        ["patientname", "name", "physician", "provider", "phys", "assistant", "anesthesia", "anesthesiologist", "cc", "re", "author", "technologist", "guarantor", "subscriber", "nok",
         "radiologist", "pathologist", "referring", "signed", "physicianname", "providername", "attendingname", "doctor", "spouse", "proxy", "guardian", "caregiver", "therapist",
         "pharmacist", "cardiologist", "insured", "member", "transcriptionist"], LABEL)
)  # fmt: skip
_NEEDS_BEFORE = {
    "with": frozenset(["discussed", "spoke", "reviewed", "consulted", "spoken", "met", "speaking", "up"]),
    "by": frozenset(["referred", "signed", "dictated", "seen", "accompanied", "reviewed", "performed", "interpreted", "transcribed", "verified", "authored", "attested", "witnessed"]),
    "from": frozenset(["obtained", "history", "report", "consent", "handoff"]),
    "you": frozenset(["thank"]),
    "is": frozenset(["this"]),
    "reviewed": frozenset(["i"]),
    "contact": frozenset(["please", "emergency"]),
    "w/": frozenset(["reviewed", "discussed", "spoke", "d", "met", "consulted"]),
    "regards": frozenset(["kind", "best", "warm"]),
}
_PER = frozenset(["day", "week", "month", "hour", "minute", "kg", "dose", "unit", "night", "shift", "field", "case", "se", "os", "rectum", "protocol"])
_ENDS_LETTER = ("you", "sincerely", "regards", "respectfully")
_QUOTED = ("labeled", "labelled")


@lru_cache(maxsize=1)
def doing() -> frozenset[str]:
    """What people do, as it stands behind a name."""
    return listed("person_verbs")


@lru_cache(maxsize=1)
def _stops() -> frozenset[str]:
    return doing() | listed("after_names") | KIN | LABEL_WORDS | DEGREE_WORDS - {"m", "d", "r", "do", "ph"}


def named_after(text: str, lower: str, begin: int, end: int) -> Iterator[Span]:
    """The person whom the word from `begin` to `end` announces."""
    cue = lower[begin:end]
    force = PERSON_CUES[cue]
    if force == LABEL and _LABEL_SIGN.match(text, end) is None:
        return
    wanted = _NEEDS_BEFORE.get(cue)
    if wanted is not None and _word_before(lower, begin) not in wanted:
        return
    sign = _AFTER_CUE.match(lower, end)
    assert sign is not None
    at = sign.end()
    if cue in _ENDS_LETTER:
        at = _skipped(text, end + 1 if text[end : end + 1] == "," else end)
    if lower.startswith("'s", end) and "name" not in sign[0]:
        return
    if at == end or (cue in _QUOTED and sign[3] != '"') or (sign[2] and sign[1]):
        return
    if cue in ("pt", "patient", "mr", "mrs", "ms", "miss", "client") and (short := _INITIALS.match(text, at)) and not (short[0].islower() and not text[begin:end].islower()):
        yield Span(*short.span(), "NAME")
        return
    if cue == "with" and _word_before(lower, begin) == "up":
        force = WEAK
    if sign[1] or sign[3]:
        force = STRONG if sign[1] and force != LABEL else MIDDLE
    if titled := _TITLED.match(lower, at):
        at, force = titled.end(), STRONG
    if cue in _ENDS_LETTER and ((text[at : at + 1].isupper() and text[at + 1 : at + 2].islower()) or is_sure(_bare(_word_at(lower, at)))):
        force = STRONG
    name = _name_at(text, lower, at, force, text[begin:end])
    if name is not None and not (cue == "per" and _bare(_word_at(lower, name.start)) in _PER) and not (text[begin:end] in ("mr", "ms") and text[end] != "." and _is_unlisted(lower, name)):
        yield name


def _is_unlisted(lower: str, name: Span) -> bool:
    return not any(_flags(word) & _NAME_FLAGS for word in lower[name.start : name.end].split())


def _skipped(text: str, at: int) -> int:
    while text[at : at + 1] in ("\n", "\t", " "):
        at += 1
    return at


def _word_before(lower: str, at: int) -> str:
    stop = at
    while stop > 0 and lower[stop - 1] in " \t\n,":
        stop -= 1
    start = stop
    while start > 0 and lower[start - 1].isalpha():
        start -= 1
    return lower[start:stop]


def _name_at(text: str, lower: str, at: int, force: int, cue: str) -> Span | None:
    """The name that begins here, if what follows it agrees."""
    first = _TOKEN.match(text, at)
    if first is None or first[0] in ("I", "A", "a"):
        return None
    said = first[0].rstrip(".")
    cased = (said[0].isdigit() or not said.islower()) and not (said.isupper() and len(said) > 1 and _goes_on_in_capitals(text, first.end()))
    if not cased and first[0].islower() and (not cue.islower() or _is_cased(text, at)) and not (text[at - 1] == "=" and force in (MIDDLE, LABEL) and _flags(said) & (Word.GIVEN | Word.GIVEN_WORLD)):
        if _bare(first[0]) not in PARTICLES:
            return None
        cased = True
    tokens = _tokens(text, lower, at, cased, force in (STRONG, MIDDLE))
    if not tokens:
        return None
    begin, end = tokens[0][0], tokens[-1][1]
    words = [_bare(lower[a:b]) for a, b in tokens]
    if len(words) == 1 and (len(words[0]) == 1 or is_disease(lower, end)):
        return Span(begin, end, "NAME") if force == STRONG and cue.lower() not in ("dear", "re", "cc") and "," in text[end : end + 1] and text[begin].isupper() else None
    if is_disease(lower, end):
        return None
    if end - begin > 2 and text[end - 1] == "." and len(words[-1]) > 1:
        end -= 1
    return Span(begin, end, "NAME") if _agrees(lower, words, end, force, cased) else None


CAPITALISED = re.compile(r"[A-Z][a-z]")


def _is_cased(text: str, at: int) -> bool:
    return CAPITALISED.search(text, max(0, at - 400), at + 400) is not None


def is_disease(lower: str, end: int) -> bool:
    """Whether what follows a name makes it that of a disease: not in "Dmitri denies fever"."""
    if not is_eponym(lower, end):
        return False
    after = _NEXT_WORD.match(lower, end)
    return after is None or after[1] not in doing()


_NEXT_CAPITALS = re.compile(r"[,.;:)\s]*([A-Za-z]{2,})?")


def _goes_on_in_capitals(text: str, at: int) -> bool:
    after = _NEXT_CAPITALS.match(text, at)
    return after is None or after[1] is None or after[1].isupper()


def _tokens(text: str, lower: str, at: int, cased: bool, lenient: bool) -> list[tuple[int, int]]:
    """The words of a name, five at the most: particles only before another."""
    kept: list[tuple[int, int]] = []
    pending: list[tuple[int, int]] = []
    commas = 0
    while len(kept) + len(pending) < _MOST_WORDS:
        token = _TOKEN.match(text, at)
        if token is None:
            break
        word = _bare(lower[at : token.end()])
        if word in PARTICLES and token[0][-1] != ".":
            pending.append(token.span())
        elif (pending and not cased and word not in listed("after_names") and lower[slice(*pending[-1])] not in _LOOSE) or (len(word) == 1 and (token[0][-1] == "." or (word != "a" and token[0].isupper()) or (kept and token[0].isupper() and text[token.end() : token.end() + 1] in ("", "\n", "|")))) or (
            len(word) > 1 and ((pending and not token[0].islower() and (cased or (lower[slice(*pending[-1])] not in _LOOSE and word not in listed("after_names")))) or _may_be(word, token[0], cased) or (lenient and cased and not kept and _is_unusual(text, token)))
        ):
            kept += [*pending, token.span()]
            pending = []
        else:
            break
        between = _BETWEEN.match(text, token.end())
        if between is None or (token[0][-1] == "." and len(word) > 1) or between.end() == token.end():
            break
        if "," in between[0]:
            commas += 1
            if commas > 1 or len(kept) > 2 or "\n" in between[0] or not _follows_comma(_flags(_bare(_word_at(lower, between.end()))), lenient):
                break
        at = between.end()
    if not kept and len(pending) > 1 and cased:
        return []
    if pending and kept and len(pending) == 1 and lower[slice(*pending[0])] == "te":
        kept += pending
    return kept


def _follows_comma(flags: int, lenient: bool) -> bool:
    return bool(flags & _NAME_FLAGS) or (lenient and flags == Word.UNKNOWN)


def _word_at(lower: str, at: int) -> str:
    token = _TOKEN.match(lower, at)
    return token[0] if token else ""


def _flags(word: str) -> int:
    return meanings().get(word, int(Word.UNKNOWN))


def _bare(word: str) -> str:
    word = word.lower().rstrip(".")
    return word[:-2] if word.endswith("'s") else word


def _may_be(word: str, written: str, cased: bool) -> bool:
    """Whether a word may be part of a name at all."""
    if word in _stops() or (cased and written.islower() and not written[0].isdigit()):
        return False
    if "-" in word:
        return not any(_is_no_part(_flags(part)) for part in word.split("-")) or (cased and (word.startswith(("al-", "el-", "abd-")) or bool(_flags(word.partition("-")[0]) & (Word.GIVEN | Word.GIVEN_WORLD))))
    return not _is_no_part(_flags(word))


def is_no_part(word: str) -> bool:
    """Whether a word is no part of any name."""
    return word in _stops() or _is_no_part(_flags(word))


def _is_no_part(flags: int) -> bool:
    """Whether a word is one of everyday and no name besides."""
    if flags & Word.NOT_NAME and not flags & (_TYPED | Word.AMBIGUOUS):
        return True
    return bool(flags & _WORDLY) and not flags & _NAME_FLAGS


def _is_unusual(text: str, token: re.Match[str]) -> bool:
    """Whether a word of English stands before one of no list as a given name does: "Temperance Oakheart"."""
    after = _NEXT_CAPITALISED.match(text, token.end())
    word = token[0].lower()
    return bool(after and token[0][1:].islower() and word not in _stops() and not _flags(word) & (Word.NOT_NAME | Word.CLINICAL) and _is_only_name(after[1].lower()))


def _is_only_name(word: str) -> bool:
    flags = _flags(word)
    return bool(flags & (_NAME_FLAGS | Word.UNKNOWN)) and not flags & _WORDLY


_NEXT_CAPITALISED = re.compile(r"[ \n]([A-Z][a-z]{2,})(?![\w-])")
_PUNCTUATION = re.compile(r"[ ]?(?:[,.;:)(\"|<]|\n|\Z|&)")
_NEXT_WORD = re.compile(r"(?:'s)?,?[ \t]*\n?[ \t]*([a-z']+)")
_NUMBER_NEXT = re.compile(r"[ ]?\d")


def _agrees(lower: str, words: list[str], end: int, force: int, cased: bool) -> bool:
    """Whether the words of a name and what follows them make a person of it."""
    sure = [word for word in words if is_sure(word)]
    after = _NEXT_WORD.match(lower, end)
    verb = bool(after and after[1] in doing())
    if all(len(word) == 1 or (_flags(word) & Word.CLINICAL and not _flags(word) & _TYPED) for word in words) and not (cased and (verb or len(words) > 1)):
        return False
    if words[0] in _AUXILIARY and len(words) == 1 and not cased:
        return bool(verb and after and after[1] not in ("present", "hold", "report", "deny", "found"))
    if force == STRONG or verb or (cased and sure):
        return True
    degree = bool(after and after[1] in DEGREE_WORDS and after[1] not in ("do", "m", "d", "r"))
    given = len(words) > 1 and bool(_flags(words[0]) & Word.GIVEN)
    where = bool(after and after[1] in ("at", "in"))
    if where and (len(words) > 1 or force == MIDDLE) and (given or bool(_flags(words[0]) & (Word.GIVEN | Word.GIVEN_WORLD))):
        return True
    if force in (MIDDLE, LABEL):
        return degree or given or len(sure) > 1 or (len(words) > 1 and (cased or bool(sure) or len(words[0]) == 1)) or (bool(_PUNCTUATION.match(lower, end)) and (force == MIDDLE or bool(sure) or cased))
    return degree or (len(words) > 1 and bool(sure) and (cased or len(sure) == len(words))) or (cased and len(words) > 1 and bool(_PUNCTUATION.match(lower, end)))


def is_sure(word: str) -> bool:
    """Whether a word is a name and no other."""
    flags = _flags(word)
    return len(word) > 1 and ((bool(flags & _NAME_FLAGS) and not flags & (_WORDLY | Word.AMBIGUOUS)) or "-" in word)


_CUE_WORD = re.compile(r"[a-z]+(?:-in-law)?")


def without_capitals(text: str, lower: str) -> Iterator[Span]:
    """People of a text that is all in small letters."""
    if CAPITALISED.search(text):
        return
    for word in _CUE_WORD.finditer(lower):
        if word[0] in PERSON_CUES and text[word.start()].islower():
            yield from named_after(text, lower, *word.span())


def with_signs(text: str, lower: str) -> Iterator[Span]:
    """ "Reviewed w/ A. Foot", and the label of a specimen: labeled "Foot"."""
    for cue, length in (("w/ ", 2), ('labeled "', 7), ('labelled "', 8)):
        at = lower.find(cue)
        while at >= 0:
            if at == 0 or not lower[at - 1].isalnum():
                yield from named_after(text, lower, at, at + length)
            at = lower.find(cue, at + length)


_SEX = re.compile(r"[ -]?(?:[mf]\b|y/?o\b|yr|year)")
_AGE_NEXT, _SEXES = frozenset([" m", " f", " y", "-y"]), frozenset("mfy")
_BEFORE_AGE = re.compile(r"(?:^|[\n>|]|[0-9][ ]|\b(?:for|patient|pt|re:|on)[ ])((?:[a-z][a-z0-9'-]*\.?[ ]){1,4}?[a-z][a-z0-9'-]*),?[ ]\Z")


def before_ages(text: str, lower: str, runs: Runs) -> Iterator[Span]:
    """ "May Brown, 27F": two words before an age and a sex, at least one of them a name."""
    for start, end, said in runs:
        if end - start > 3 or (lower[end : end + 2] not in _AGE_NEXT and lower[end : end + 1] not in _SEXES) or not _SEX.match(lower, end) or "-" in said:
            continue
        word = lower[lower.rfind(" ", 0, start - 1) + 1 : start - 1].rstrip(",")
        if word in ("", "a") or lower[start - 1] != " " or is_no_part(word):
            continue
        before = _BEFORE_AGE.search(lower, max(0, start - 70), start)
        if before is None:
            continue
        words = [_bare(word) for word in before[1].split()]
        begin, stop = before.span(1)
        cased = text[begin].isupper() and not text[begin:stop].isupper()
        names = [word for word in words if word not in PARTICLES]
        if (all(_may_be(word, "A", cased) for word in names) and (any(_flags(word) & _TYPED or is_sure(word) for word in names) or all(_flags(word) & _NAME_FLAGS for word in names))) or (cased and len(names) == _TWO and (first := _TOKEN.match(text, begin)) and _is_unusual(text, first)):
            yield Span(begin, stop, "NAME")


_CARETS = re.compile(
    r"(?:(?<=[|\n:=])[A-Za-z][A-Za-z' .-]{0,40}|[A-Za-z][A-Za-z'.-]{0,40})(?:\^(?:[A-Za-z'.-]{0,40}(?:[ ][A-Za-z'.-]{1,40}){1,4}(?=[\^|\n]|\Z)|[A-Za-z'.-]{0,40})){1,5}"
)
_FIELD = re.compile(r"\|[ ]?([A-Za-z][a-z]+)((?:[ ][A-Za-z][A-Za-z'.-]*){1,3})[ ]?(?=\|)")
_FEWEST_FIELDS = 4


def in_records(text: str) -> Iterator[Span]:
    """Names as fields of a record hold them: "Boyd^Samuel^T", "|Samuel Boyd|"."""
    for found in _CARETS.finditer(text) if "^" in text else ():
        words = re.findall(r"[A-Za-z]+", found[0].lower())
        parts = [part for part in found[0].split("^") if part.strip()]  # one part and a caret is no name: "fever ^"
        if len(parts) > 1 and " ^" not in found[0] and "^ " not in found[0] and any(_flags(word) & _NAME_FLAGS and not _flags(word) & Word.CLINICAL for word in words) and not any(_flags(word) & Word.CLINICAL and not _flags(word) & _NAME_FLAGS for word in words):
            yield Span(*found.span(), "NAME")
    for found in _FIELD.finditer(text) if text.count("|") >= _FEWEST_FIELDS else ():
        words = [_bare(word) for word in found[2].split()]
        if _flags(found[1].lower()) & (Word.GIVEN | Word.GIVEN_WORLD) and all(len(word) == 1 or _may_be(word, "A", True) for word in words) and any(_flags(word) & (_NAME_FLAGS | Word.UNKNOWN) for word in words):
            yield Span(found.start(1), found.end(2), "NAME")


_DOING = ("signed ", "arrived ", "tolerated ", "says ", "states ", "presented ", "denies ", "resting ")
_MEETING = ("family meeting", "family conference")
_SAYING = ("signed", "says", "states", "denies")
_BEFORE_VERB = re.compile(
    r"(?:\A|[.:;>|\n\"]|\bpt|\bpatient)[ \n]*((?:[A-Za-z]\.[ ]?|(?:van|von|de|del|la|der|bin|ibn|al|el|ni|te|y)[ ]){0,4}[A-Za-z0158][A-Za-z0-9'-]*"
    r"(?:,?[ ](?:(?:van|von|de|del|la|der|bin|ibn|al|el|ni|te|y)[ ]){0,3}[A-Za-z][A-Za-z0-9'-]*){0,3})[ \n]\Z", re.IGNORECASE
)


def before_verbs(text: str, lower: str) -> Iterator[Span]:
    """ "r. williams signed": a person at the beginning of a sentence of a text in small letters, before what a person does."""
    if CAPITALISED.search(text):
        return
    for verb in _DOING:
        at = lower.find(verb)
        while at >= 0:
            yield from before_verb(text, lower, at)
            at = lower.find(verb, at + 1)


def before_verb(text: str, lower: str, at: int) -> Iterator[Span]:
    """ "R. Williams signed", "Self, Pat arrived": a person at the beginning of a sentence, before the verb at `at`."""
    verb = lower[at : at + 12].split()[0]
    if (verb + " " in _DOING or lower.startswith(_MEETING, at)) and (before := _BEFORE_VERB.search(text, max(0, at - 60), at)) and _is_person(before[1], verb):
        yield Span(*before.span(1), "NAME")


def _is_person(said: str, verb: str) -> bool:
    """Whether words that begin a sentence are a name."""
    written = [word for word in re.findall(r"[A-Za-z0-9'-]+", said) if word.lower() not in PARTICLES]
    words = [word.lower() for word in written]
    whole = [word for word in words if len(word) > 1]
    cased = not said.islower() and not said.isupper()
    if not whole or not all(_may_be(word.lower(), word, cased) or len(word) == 1 for word in written):
        return False
    if len(words) > 1:
        return len(words) > len(whole) or "," in said or any(_flags(word) & _TYPED or is_sure(word) for word in whole)
    flags = _flags(words[0])
    if flags == Word.UNKNOWN:
        return cased and (verb in _SAYING or verb == "family") and len(words[0]) > 2
    return bool(flags & (_TYPED | Word.GIVEN_WORLD)) and not (flags & Word.CLINICAL and not flags & _TYPED) and words[0] not in _AUXILIARY - {"may"}
