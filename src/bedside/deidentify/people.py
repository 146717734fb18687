"""People: beside a title, a role, a relation or a degree; by given and family names that are nothing else.

In        a text in ASCII, and where a capitalised word stands in it
Out       spans
Kept      eponyms (Parkinson disease), drugs, words that are names only elsewhere (May, Brown, Long)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedside.deidentify.lexicon import Word, everyday, is_eponym, listed, meanings, people
from bedside.deidentify.spans import Span

_NOT_NAMES = listed("not_names")
_STOP_AFTER_TITLE = _NOT_NAMES - listed("surnames")
# Words are bounded everywhere: a chain without end ("Ab-Ab-Ab-...") would cost the square of its length.
CAP = r"[A-Z][A-Za-z0-9_']{1,40}(?:-[A-Z][A-Za-z0-9_']{1,40}){0,3}"
_NAME = rf"(?:{CAP}|[A-Z]\.?)"
_PARTICLE = r"(?:(?=[a-z])(?:van|von|de|del|della|la|le|der|den|ter|bin|ibn|al|el|da|dos|di|du|af|zu)[ \t]+){0,3}"
NAMES = re.compile(rf"(?:(?:Mr|Mrs|Ms|Miss)\b\.?[ \t]+)?{CAP}(?:,?[ \t]+{_PARTICLE}{_NAME}){{0,3}}")
_TITLE = re.compile(
    rf"(?:Drs?|DRS?|Doctor|DOCTOR|Mr|MR|Mrs|MRS|Ms|MS|Miss|MISS|Mx|Prof|Professor|Rev|Nurse|Sister|Mme|Herr|Frau|Sr|Sra|Capt|Captain|Officer|Judge|Attorney|Father|Pastor|Rabbi)\b\.?"
    rf"[ \t]*\n?[ \t]*(?<=[\s.])({_PARTICLE}{_NAME}(?:[ \t]+{_PARTICLE}{_NAME}){{0,2}})"
)
_DEGREE = (
    r"(?:M\.?D\.?|D\.?O\.?|R\.?N\.?|PA-?C|F?NP(?:-C)?|Ph\.?D\.?|CRNA|LPN|MBBS|DNP|Pharm\.?D|RPh|DDS|LCSW|MSW|DPM|PsyD|BSN|MSN|CNM|OTR|FACS|FACC|FACP|FRCP|Esq)(?![A-Za-z0-9_])"
)
_NAMES_BEFORE = re.compile(rf"(?<![A-Za-z0-9_'-])({CAP}(?:,?[ \t]+{_NAME}){{0,3}}),?[ \t]+\Z")
DEGREE = re.compile(_DEGREE)
_BY_OR_WITH = frozenset(
    ["dictated", "signed", "performed", "read", "interpreted", "transcribed", "verified", "ordered", "reported", "seen", "authored", "reviewed", "collected", "attested", "prepared", "written", "assisted", "discussed", "entered", "given", "accompanied", "referred", "scheduled", "met", "speaking", "consulted", "appointment", "visit", "spoke"]
)
_BY_ONLY = frozenset(["evaluated", "examined", "treated", "managed", "followed", "admitted", "prescribed", "operated", "interviewed", "supervised", "completed", "for", "monitored", "delivered", "survived"])
_TO = frozenset(["called", "reported", "spoke", "married"])
_ALONE = frozenset(["named", "notified", "cc", "surname", "d/w", "called", "alias", "aka", "nickname", "name", "names", "i'm"])
_IS = frozenset(["name", "this", "i"])
_LABELS = (
    r"(?:[Pp]atient(?:'s)?(?:[ \t]+[Nn]ame)?|PATIENT(?:[ \t]+NAME)?|[Nn]ame|NAME|[Aa]uthor|AUTHOR|[Aa]ttending|ATTENDING|[Rr]eferring(?:[ \t]+[Pp]hysician|[ \t]+[Pp]rovider)?|"
    r"[Pp]hysician|PHYSICIAN|[Pp]rovider|PROVIDER|PCP|[Ss]urgeon|SURGEON|[Cc]onsultant|[Ee]mergency[ \t]+[Cc]ontact|[Nn]ext[ \t]+[Oo]f[ \t]+[Kk]in|NOK|[Cc]ontact(?:[ \t]+[Pp]erson)?|"
    r"[Gg]uarantor|[Ss]pouse|[Nn]urse|[Tt]echnician|[Tt]echnologist|[Rr]esident|[Ss]igned|[Ss]ignature|[Dd]octor|[Cc]linician|[Cc]aregiver|[Pp]roxy|[Rr]adiologist|"
    r"[Pp]athologist|[Cc]ardiologist|[Aa]nesthesiologist|[Tt]herapist|[Pp]harmacist|[Ss]ubscriber|[Ii]nsured|[Mm]other|[Ff]ather|[Dd]aughter|[Ss]on|[Ww]ife|[Hh]usband|"
    r"[Dd]ictated|[Tt]ranscriptionist|[Ii]nterpreter|[Gg]uardian|[Mm]aiden|[Aa]lias|AKA|[Ss]urname|[Ll]ast|[Ff]irst|[Cc]c|CC|RE|Re|Pt|PT|Sent to|[Cc]lient|[Ee]mployee|[Mm]ember)"
)
_LABEL = re.compile(rf"{_LABELS}(?:[ \t]+[Nn]ame)?[ \t]*[:=][ \t]*((?:[Dd][Rr]\.?\s+)?{CAP}(?:,?[ \t]+{_PARTICLE}{_NAME}){{0,3}})")
LABEL_WORDS = listed("role_labels")
TITLE_WORDS = frozenset(["dr", "drs", "doctor", "mr", "mrs", "ms", "miss", "mx", "prof", "professor", "rev", "nurse", "sister", "mme", "herr", "frau", "sr", "sra", "capt", "captain", "officer", "judge", "attorney", "father", "pastor", "rabbi"])
DEGREE_WORDS = frozenset(["md", "m", "d", "do", "r", "rn", "pa", "pa-c", "np", "fnp", "np-c", "fnp-c", "ph", "phd", "crna", "lpn", "mbbs", "dnp", "pharm", "pharmd", "rph", "dds", "lcsw", "msw", "dpm", "psyd", "bsn", "msn", "cnm", "otr", "facs", "facc", "facp", "frcp", "esq"])
KIN = listed("kin")
_NAMED = re.compile(rf"{CAP}(?:[ \t]+{_PARTICLE}{_NAME}){{0,2}}")
_LINE = re.compile(
    r"([^\W\d_][A-Za-z0-9_'.-]*(?:,?[ \t]+[^\W\d_][A-Za-z0-9_'.-]*){1,3}?)[ \t]*(?=\n|\Z|[;|(]|[ \t]{2}|,?[ \t]*(?:dob|mrn|age|sex|date)\b)", re.IGNORECASE
)
_LINE_LABEL = re.compile(r"(?:patient(?:'s)?(?: name)?|name|author|attending|physician|provider|surgeon|nurse|doctor|pt|spouse|kin|contact|by)[ \t]*:[ \t]*", re.IGNORECASE)
_INITIAL_AFTER = re.compile(r"[ \t]+[A-Z]\.?(?![A-Za-z0-9_'])")
_FOLLOW = re.compile(rf"((?:[ \t]+[A-Z]\.?(?![A-Za-z0-9_']))?(?:(?:[ \t]+|[ \t]*\n[ \t]*)(?:(?:van|von|de|del|la|der|bin|al|el|di|da)[ \t]+){{0,3}}({CAP}))?)")
_PRECEDED = re.compile(rf"({CAP}),[ \t]*\Z")
_BEFORE_A_LETTER = frozenset(["vitamin", "hepatitis", "influenza", "protein", "factor", "immunoglobulin", "botulinum", "strep", "streptococcus", "haemophilus",
                              "schedule", "appendix", "figure", "table", "arm", "cohort", "lane", "rh", "titer", "antigen", "peptide", "type", "group", "class", "stage",
                              "grade", "level", "part", "option", "plan", "unit", "room", "ward", "bed", "case", "study", "trial", "child-pugh", "medicare"])  # fmt: skip
_INITIAL = 2
_AFTER_TITLE = frozenset(["practitioner", "name", "md", "rn", "and", "or", "is", "was", "the", "in", "on", "at", "practitioners", "nurse", "doctor", "manager", "educator", "contin", "station", "staff", "line", "note", "care"])
_UNLIKE_NAME = Word.PLAIN | Word.ENGLISH | Word.CLINICAL | Word.LAND


def after_title(text: str, start: int) -> Iterator[Span]:
    """The name behind a title."""
    if (found := _TITLE.match(text, start)) and not (text.startswith(_WEAK_TITLES, start) and _is_no_name(found[1])):
        yield from trimmed(text, *found.span(1), bare=True)


def after_label(text: str, start: int) -> Iterator[Span]:
    """The name behind "Attending:" and the like."""
    if (found := _LABEL.match(text, start)) and not (" " not in found[1] and _is_clinical(found[1])):
        yield from trimmed(text, *found.span(1))


# Words that are a title before a name, and something else before another word: "Father died", "Sr Creatinine", "MS Contin".
_WEAK_TITLES = ("Father", "Sister", "Judge", "Officer", "Captain", "Capt", "Sr", "MS ", "Nurse")


def _is_no_name(said: str) -> bool:
    """Whether a capitalised word is a word of everyday or of medicine and no common name besides."""
    flags = meanings().get(said.split()[0].rstrip(".,").lower(), 0)
    return bool(flags & (Word.ENGLISH | Word.CLINICAL | Word.NOT_NAME)) and not flags & (Word.GIVEN | Word.FAMILY)


def _is_clinical(said: str) -> bool:
    flags = meanings().get(said.rstrip(".,").lower(), 0)
    return bool(flags & Word.CLINICAL) and not flags & (Word.GIVEN | Word.FAMILY | Word.GIVEN_WORLD)


def before_degree(text: str, start: int) -> Iterator[Span]:
    """The name before "MD"."""
    if DEGREE.match(text, start) and (found := _NAMES_BEFORE.search(text, max(0, start - 80), start)):
        yield from trimmed(text, *found.span(1))


def after_cue(text: str, lower: str, start: int, cue: str) -> Iterator[Span]:
    """The name behind a relation ("her daughter Quilla") or a verb ("seen by Catherine Zamora")."""
    if cue in KIN:
        if (found := _NAMED.match(text, start)) and not _is_clinical(found[0].split()[0]):
            yield from trimmed(text, *found.span())
    elif _is_by(lower[max(0, start - 32) : start].split()[-3:]) and (found := NAMES.match(text, start)):
        whole = list(trimmed(text, *found.span()))
        if whole and found[0].startswith(_COURTESY):
            whole = [Span(start, whole[-1].end, "NAME")]
        yield from whole


_COURTESY = ("Mr", "Mrs", "Ms", "Miss")


def _is_by(before: list[str]) -> bool:
    """Whether the words before a name say that a person comes: "seen by", "spoke with", "her name is"."""
    words = [word.strip(".,:;(") for word in before]
    if words and words[-1] == "dr":
        words.pop()
    last, verb = words[-1] if words else "", words[-2] if len(words) > 1 else ""
    return (
        last in _ALONE
        or (last == "by" and (verb in _BY_OR_WITH or verb in _BY_ONLY or verb == "goes"))
        or (last == "with" and verb in _BY_OR_WITH)
        or (last == "to" and verb in _TO)
        or (last == "as" and verb == "known")
        or (last in ("is", "am", "was") and verb in _IS)
    )


def label_lines(text: str, lower: str) -> Iterator[Span]:
    """Names in small letters behind a label, as they are dictated: "patient name: john smith"."""
    known = people()
    at = lower.find(":")
    while at >= 0:
        if lower[at - 1 : at] not in _LINE_LABEL_LAST:
            at = lower.find(":", at + 1)
            continue
        line = max(lower.rfind("\n", 0, at), at - 40) + 1
        begins = _skip(text, at + 1)
        last = max(lower.rfind(" ", line, at), lower.rfind("\t", line, at)) + 1 or line
        label = _LINE_LABEL.search(lower, line, at + 1) if lower[last:at] in _LINE_LABEL_ENDS else None
        if label is not None and (found := _LINE.match(text, begins)) and not known.isdisjoint(re.findall(r"[a-z]+", found[1].lower())):
            yield Span(*found.span(1), "NAME")
        elif label is not None and (found := _TWO_SMALL.match(text, begins)) and _are_name(found):
            yield Span(*found.span(), "NAME")
        at = lower.find(":", at + 1)


_TWO_SMALL = re.compile(r"([a-z][a-z'-]+),?[ \t]+([a-z][a-z'-]+)")


def _are_name(found: re.Match[str]) -> bool:
    """Whether two words in small letters are a given and a family name, in either order."""
    flags = [meanings().get(word, 0) for word in found.groups()]
    family = Word.FAMILY | Word.FAMILY_WORLD
    return any(one & Word.GIVEN and other & family and not other & Word.NOT_NAME for one, other in (flags, flags[::-1]))


_LINE_LABEL_ENDS = frozenset(["patient", "name", "author", "attending", "physician", "provider", "surgeon", "nurse", "doctor", "pt", "spouse", "kin", "contact", "by"])
_LINE_LABEL_LAST = frozenset(word[-1] for word in _LINE_LABEL_ENDS)


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t"):
        at += 1
    return at


def with_initial(text: str, start: int, end: int, flags: int) -> Iterator[Span]:
    """ "Brandt J.," : a word that is no everyday one, an initial, and a sign that ends it."""
    word = text[start:end].lower()
    if text[start + 1 : end].islower() and (
        (flags & Word.FAMILY) or not (flags & (Word.PLAIN | Word.ENGLISH | Word.CLINICAL) or word in _BEFORE_A_LETTER)
    ):
        yield Span(start, end + 3, "NAME")


def given_at(text: str, lower: str, start: int, end: int, flags: int) -> Iterator[Span]:
    """The person whose given name stands here, with the family name beside it."""
    sole, after = _is_sole(text[start:end], flags), _FOLLOW.match(text, end)
    family = after[2] if after else None
    if family and after and "\n" in after[0] and not (sole and _is_listed_family(family)):
        after, family = _INITIAL_AFTER.match(text, end), None
    if family and family.lower() in _NOT_NAMES and not (sole and family.lower() in listed("surnames")):
        after, family = _INITIAL_AFTER.match(text, end), None
    named = bool(after and after[0].strip()) and (sole or (family is not None and _is_family(family)) or _is_initial(after))
    if (sole or named) and not is_eponym(lower, end) and not (family and after and is_eponym(lower, after.end())):
        yield Span(_with_family_before(text, start), after.end() if named and after else end, "NAME")


def _is_sole(word: str, flags: int) -> bool:
    """Whether a given name is nothing else."""
    if flags & Word.GIVEN:
        return not flags & Word.AMBIGUOUS
    return bool(flags & Word.GIVEN_WORLD) and not flags & (_UNLIKE_NAME | Word.CITY) and len(word) > 3 and word[1:].islower()


def family_at(text: str, lower: str, start: int, end: int) -> Iterator[Span]:
    """A family name that is no other word, in the middle of a sentence."""
    if is_eponym(lower, end):
        return
    after = _FOLLOW.match(text, end)
    family = after[2] if after else None
    if family and "\n" not in after[0] and not meanings().get(family.lower(), 0) & _UNLIKE_NAME:  # type: ignore[index]
        yield Span(start, after.end(), "NAME")  # type: ignore[union-attr]
    else:
        yield Span(start, end, "NAME")


def trimmed(text: str, start: int, end: int, *, bare: bool = False) -> Iterator[Span]:
    """The name without words at its ends that are none.

    bare   after a title anything capitalised is a name, an everyday word included
    """
    stop = _STOP_AFTER_TITLE if bare else _NOT_NAMES
    said = [word.strip(".,'’").lower() for word in text[start:end].split()]
    if stop.isdisjoint(said) and not (bare and said[0] in _AFTER_TITLE):
        yield Span(start, end - 1 if text[end - 1] == "." and len(said[-1]) > 1 else end, "NAME")
        return
    words = [(found.start() + start, found.end() + start) for found in re.finditer(r"[A-Za-z0-9_'.-]+", text[start:end])]
    while words and _plain(text, words[-1]) in stop:
        words.pop()
    while words and not bare and _plain(text, words[0]) in stop:
        words.pop(0)
    if not words or (bare and _plain(text, words[0]) in _AFTER_TITLE):
        return
    kept = next((at for at, word in enumerate(words) if _plain(text, word) in stop and at), len(words))
    start, end = words[0][0], words[kept - 1][1]
    yield Span(start, end - 1 if text[end - 1] == "." and end - words[kept - 1][0] > _INITIAL else end, "NAME")


def _plain(text: str, word: tuple[int, int]) -> str:
    return text[word[0] : word[1]].strip(".'’").lower()


def _is_initial(after: re.Match[str] | None) -> bool:
    """Whether a given name is followed by nothing but an initial with its point: "Grace P." """
    return after is not None and re.match(r"[ \t]+[A-Z]\.\Z", after[0]) is not None


def _is_listed_family(word: str) -> bool:
    return bool(meanings().get(word.lower(), 0) & (Word.FAMILY | Word.FAMILY_WORLD)) and word.lower() not in everyday()


def _is_family(word: str) -> bool:
    flags = meanings().get(word.lower(), (Word.UNKNOWN))
    return bool(flags & Word.FAMILY) or (flags & (Word.GIVEN | Word.AMBIGUOUS)) == Word.GIVEN or (not flags & (Word.PLAIN | Word.ENGLISH | Word.CLINICAL) and word[1:].islower())


def _with_family_before(text: str, start: int) -> int:
    """Where "Perez, " begins, if that stands before a given name."""
    before = _PRECEDED.search(text, max(0, start - 44), start) if "," in text[max(0, start - 2) : start] else None
    if before is None:
        return start
    word = before[1].lower()
    flags = meanings().get(word, (Word.UNKNOWN))
    is_family = flags & Word.FAMILY or (flags & Word.FAMILY_WORLD and not flags & (Word.NOT_NAME | Word.CLINICAL))
    return before.start() if is_family else start


_NAME_LINKS = frozenset([",", ", ", " ", "  ", "-", "\t"])
_INITIAL_BEFORE = re.compile(r"(?<![\w'.-])(?:[A-Z]\.[ ]?){1,2}\Z")


def whole_names(text: str, spans: list[Span]) -> list[Span]:
    """Spans in which the parts of a name are one, with the initials before it: "DOE,JANE Q", "A. Patel"."""
    whole: list[Span] = []
    for span in spans:
        start, last = span.start, whole[-1] if whole else None
        if span.kind == "NAME":
            if text[start - 2 : start - 1] == "." or text[start - 1 : start] == ".":
                before = _INITIAL_BEFORE.search(text, max(0, start - 6, last.end if last else 0), start)
                start = before.start() if before else start
            if last is not None and last.kind == "NAME" and text[last.end : start] in _NAME_LINKS:
                whole[-1] = Span(last.start, span.end, "NAME")
                continue
        whole.append(span if start == span.start else Span(start, span.end, "NAME"))
    return whole
