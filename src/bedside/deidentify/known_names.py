"""One person's names in a text: whole, in parts, reordered, shortened, misread.

In        `Name`s, and a text without marks (`folding.folded`)
Out       spans. A part that is also a word is taken only where the text makes it a name: with a capital in the middle of a
          sentence, or beside another part of the name; and never as the eponym of a disease.
How       each part is looked for as it stands (`str.find`); what stands beside it decides. No pattern is compiled for a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from importlib.resources import files

from bedside.deidentify.lexicon import Word, everyday, is_eponym, meanings
from bedside.deidentify.patients import Name
from bedside.deidentify.spans import Span

_SHORTEST, _SHORTEST_MISREAD, _SHORTEST_LOWER, _LONGEST, _FEW = 2, 5, 4, 40, 64
_SENTENCE_START = re.compile(r"(?:\A|[.:;!?\n*-])\s*\Z")
_TITLE_BEFORE = re.compile(r"\b(?:[Mm]rs?|[Mm]s|[Dd]r|[Mm]iss|[Pp]rof)\.?\s+\Z")
_GAP = re.compile(r"(?:[ \t,.^_-]{1,3}|,?[ \t]?\r?\n[ \t]?)(?:[A-Za-z]\b\.?[ \t,.^_-]{1,3}){0,2}\Z")
_INITIAL_BEFORE = re.compile(r"(?<![\w'])([A-Za-z])\b\.?[ \t]?(?:([A-Za-z])\b\.?[ \t]?)?\Z")
_INITIAL_AFTER = re.compile(r"(?:,[ \t]?|[ \t]|\^)([A-Za-z])(?![\w'])\.?(?:[ \t]?([A-Za-z])(?![\w'])\.?)?")
_WORDS = re.compile(r"[^\W_]+")
_MISREAD = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l", "5": "s", "8": "b", "!": "l"})
_SIGN_INSIDE = re.compile(  # one class of letters first: the search skips to the next of them
    r"[0158|!I](?:(?<=[a-z]I)(?=[a-z])|(?<=[A-Za-z][0158|!])(?:(?=[A-Za-z0158|!])|(?<=[A-Za-z]{4}.))|(?<![\w.][0158|!])(?<!I)(?=[A-Za-z]{3}))"
)
_PAIRS = (("m", "rn"), ("rn", "m"), ("w", "vv"), ("d", "cl"), ("cl", "d"))
_NO_PART = frozenset(["mr", "mrs", "ms", "miss", "dr", "md", "phd", "jr", "sr", "ii", "iii", "iv", "do", "rn", "dds", "esq", "prof", "rev"])


class NameFinder:
    """Finds the names of one person, or those of many.

    many   the family names of many people (a hospital's staff): a given name alone is of none of them in particular
    """

    def __init__(self, names: Iterable[Name], *, many: bool = False) -> None:
        self.parts: dict[str, set[str]] = {}  # how a part is written, in small letters -> the roles it has
        self._initials: dict[str, set[str]] = {}
        self._alone: set[str] = set()
        self._signed: set[str] = set()
        for name in sorted(set().union(*(one.writings() for one in names))):
            self._add(name, many)
        self._first = {part.split(" ")[0].split("'")[0].split("-")[0] for part in self.parts} if len(self.parts) > _FEW else set()
        self._long = [] if many else [part for part in self.parts if len(part) >= _SHORTEST_MISREAD and part.isalpha()]
        self._alike = {form: part for part in self._long for form in _alike(part)}
        self._many = len(self.parts) > _FEW

    @cached_property
    def _misread(self) -> dict[str, str]:
        """What is left of each long part, as it is and with letters like its own, when signs that a scanner takes for each other are one."""
        return {form.translate(_MISREAD): part for part in self._long for form in (part, *_alike(part))}

    def _add(self, name: Name, many: bool) -> None:
        given = [part for said in name.given for part in said.split()]
        initials = {part[0].lower() for part in given if part[0].isalpha()}
        for part in given:
            for form in _writings(part, "given"):
                self._note(form, "given", initials | {name.family[:1].lower()}, alone=not many)
            if not many:
                for nick in nicknames().get(part.lower(), ()):
                    self._note(nick, "given", initials | {name.family[:1].lower()}, alone=True)
        for form in _writings(name.family, "family"):
            self._note(form, "family", initials, alone=True)
        letters = [part[0].upper() for part in (*given, *name.family.split()[:1]) if part and part[0].isalpha()]
        if not many and len(letters) > 1 and name.family:
            self._signed |= {".".join(letters) + ".", ". ".join(letters) + ".", f"{letters[0]}.{letters[-1]}.", f"{letters[0]}. {letters[-1]}."}

    def _note(self, form: str, role: str, initials: set[str], *, alone: bool) -> None:
        if (len(form) if form.isalpha() else len(re.sub(r"\W", "", form))) < _SHORTEST:
            return
        self.parts.setdefault(form, set()).add(role)
        self._initials.setdefault(form, set()).update(initials - {""})
        if alone and not form.isdigit() and form not in _NO_PART:
            self._alone.add(form)

    def find(self, text: str, lower: str) -> Iterator[Span]:
        """Every name in a text without marks; `lower` is the text in small letters."""
        hits = sorted(self._hits(text, lower))
        at = 0
        while at < len(hits):
            start, end, part = hits[at]
            last, roles, count = at, set(self.parts[part]), 1
            while last + 1 < len(hits) and (hits[last + 1][0] < end or _GAP.match(text, end, hits[last + 1][0]) is not None):
                follower = hits[last + 1]
                if follower[0] >= end:
                    count += 1
                    roles |= self.parts[follower[2]]
                elif follower[1] > end:
                    part = follower[2]
                end, last = max(end, follower[1]), last + 1
            if count > 1 and len(roles) > 1:
                yield Span(*self._with_initials(text, start, end, part), "NAME")
            else:
                for begin, stop, one in hits[at : last + 1]:
                    yield from self._single(text, lower, begin, stop, one)
            at = last + 1
        for signed in sorted(self._signed):
            yield from (Span(begin, begin + len(signed), "NAME") for begin in _places(text, signed) if not text[begin - 1 : begin].isalnum())

    def _hits(self, text: str, lower: str) -> Iterator[tuple[int, int, str]]:
        parts: Iterable[str] = self.parts
        if self._many:
            said = set(_WORDS.findall(lower))
            parts = [part for part in self.parts if (part if part.isalnum() else _WORDS.findall(part)[0]) in said] if not said.isdisjoint(self._first) else ()
        for part in parts:
            start = lower.find(part)
            while start >= 0:
                end = start + len(part)
                if not (lower[start - 1 : start].isalnum() and start) and not lower[end : end + 1].isalnum():
                    yield start, end, part
                start = lower.find(part, start + 1)
        yield from self._misread_in(lower, lower, self._alike)
        for sign in _SIGN_INSIDE.finditer(text) if self._long else ():
            start, end = sign.span()
            least, most = start - _LONGEST, end + _LONGEST
            while start > max(0, least) and (lower[start - 1].isalnum() or lower[start - 1] in "|!"):
                start -= 1
            while end < most and (lower[end : end + 1].isalnum() or lower[end : end + 1] in ("|", "!")):
                end += 1
            part = self._misread.get(lower[start:end].translate(_MISREAD), "")
            if part:
                yield start, end, part

    def _misread_in(self, plain: str, lower: str, forms: dict[str, str]) -> Iterator[tuple[int, int, str]]:
        """Parts read wrongly: Quil1feather, Morgan as Morgarn."""
        for form, part in forms.items():
            for start in _places(plain, form):
                end = start + len(form)
                if lower[start:end] != part and not (start and lower[start - 1].isalnum()) and not lower[end : end + 1].isalnum() and _is_misread(lower[start:end]):
                    yield start, end, part

    def _single(self, text: str, lower: str, start: int, end: int, part: str) -> Iterator[Span]:
        """One part alone, or beside an initial."""
        if part in _NO_PART:
            return
        begin, stop = self._with_initials(text, start, end, part)
        if (begin, stop) != (start, end):
            yield Span(begin, stop, "NAME")
        elif part in self._alone and self._stands(text, lower, start, end, part):
            yield Span(start, end, "NAME")

    def _stands(self, text: str, lower: str, start: int, end: int, part: str) -> bool:
        """Whether a part alone is a name here."""
        bare = part.replace("'", "").replace("-", "").replace(" ", "")
        if is_eponym(lower, end + 2 if lower.startswith("'s", end) else end) and not _TITLE_BEFORE.search(text, max(0, start - 8), start):
            return False
        flags = meanings().get(part, int(Word.UNKNOWN))
        if not text[start].isupper():
            return len(bare) >= _SHORTEST_LOWER and not flags & (Word.PLAIN | Word.ENGLISH | Word.CLINICAL | Word.LAND)
        if len(bare) == _SHORTEST and (part in everyday() or flags & (Word.CLINICAL | Word.ENGLISH)):
            return False
        if not (part in everyday() or (flags & (Word.ENGLISH | Word.CLINICAL) and not flags & (Word.GIVEN | Word.FAMILY))):
            return True
        return not (text[start:end].isupper() or _SENTENCE_START.search(text, max(0, start - 6), start) is not None)

    def _with_initials(self, text: str, start: int, end: int, part: str) -> tuple[int, int]:
        """The stretch with the initials of the other names before or after it: "A. O'Neil", "O'Neil, A."."""
        initials = self._initials.get(part, set())
        before = _INITIAL_BEFORE.search(text, max(0, start - 6), start)
        if before and before[1].isupper() and before[1].lower() in initials and "family" in self.parts[part]:
            start = before.start()
        after = _INITIAL_AFTER.match(text, end)
        if after and after[1].isupper() and after[1].lower() in initials and not (after[1] == "I" and "," not in after[0]):
            end = after.end()
        return start, end


def _places(text: str, said: str) -> Iterator[int]:
    at = text.find(said)
    while at >= 0:
        yield at
        at = text.find(said, at + 1)


def _writings(part: str, role: str) -> set[str]:
    """How a part of a name is written: O'Neil, ONeil, O Neil; Smith-Jones, Smith, Jones."""
    low = part.lower().strip(" .,")
    if low.isalpha():
        return {low}
    pieces = _WORDS.findall(low)
    forms = {low.replace("’", "'")} | ({sign.join(pieces) for sign in ("", " ", "-", "'", "' ", " -", "- ", ".", "\n", "-\n")} if len(pieces) > 1 else set(pieces))
    return forms | {piece for piece in pieces if len(piece) > _SHORTEST and len(pieces) > 1 and ("-" in low or role == "family" or " " in low)} - {
        "van", "von", "der", "den", "del", "las", "los", "bin", "ibn", "dos", "san", "ter", "zur"
    }  # fmt: skip


def _alike(part: str) -> set[str]:
    """A part with one of its letters, or pairs of letters, as another that looks like it."""
    forms = {"l" + part[1:]} if part[0] == "i" else set()
    for one, other in _PAIRS:
        at = part.find(one)
        while at >= 0:
            forms.add(part[:at] + other + part[at + len(one) :])
            at = part.find(one, at + 1)
    return forms


def _is_misread(said: str) -> bool:
    """Whether what was read is no word of its own: "modem" is none for Modern."""
    return not meanings().get(said, 0)


@lru_cache(maxsize=1)
def nicknames() -> dict[str, frozenset[str]]:
    """For each given name, and each short form, the others of its families."""
    found: dict[str, set[str]] = {}
    for line in files("bedside.deidentify").joinpath("words", "nicknames.txt").read_text("utf-8").splitlines():
        family = [] if line.startswith("#") else line.split()
        for name in family[:1]:
            found.setdefault(name, set()).update(family[1:])
        for nick in family[1:]:
            found.setdefault(nick, set()).add(family[0])
    return {name: frozenset(others) for name, others in found.items()}
