"""What the structure knows of a person, searched for in text: names in any order and case, with or without their marks, numbers
with any separators, phones in any grouping.

In        `KnownIdentifiers` of the text's subject, and those of the hospital's staff
Out       spans. A name that is also a word is taken only where the text makes it one (in the middle of a sentence, or beside
          another part of the name), and never as the eponym of a disease.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from bedside.deidentify.folding import fold, folded
from bedside.deidentify.lexicon import EPONYM_HEADS, everyday
from bedside.deidentify.patients import KnownIdentifiers, Name, words
from bedside.deidentify.spans import Span, around_digits

_BETWEEN = r"(?:[ \t,.^_-]{1,3}|,?[ \t]?\r?\n[ \t]?)"
_JOINTS = re.compile(r"[\s().\-/#^]{0,3}\Z")
_SHORTEST_NUMBER, _SHORTEST_JOINED, _SHORTEST_NAME, _FEWEST_DIGITS, _MOST_CHUNKS = 4, 6, 2, 3, 5
_SHORTEST_PHONE, _SURE_PHONE, _LONGEST_PHONE, _MOST_GROUPS = 7, 9, 15, 8  # ITU-T E.164: at most 15 digits
_NOT_EPONYM = rf"(?!(?:['’]s?)?(?:[\s-]+[a-z]+)?[\s-]+(?:{EPONYM_HEADS})\b)"
_WORD = re.compile(r"[^\W\d_]+")
_CHUNK = re.compile(r"[^\W_]+")
_SENTENCE_START = re.compile(r"(?:\A|[.:;!?\n•*-])\s*\Z")


class Finder:
    """Finds one person's identifiers. Made once a person.

    city     cities and zip codes may stand
    many     the identifiers are of many people (a hospital's staff): a given name alone is of none of them in particular
    """

    def __init__(self, known: KnownIdentifiers, *, city: bool = False, many: bool = False) -> None:
        self._names: dict[str, list[Name]] = {}
        for name in sorted(set().union(*(one.writings() for one in known.names))):
            said = name.family if many else f"{name.family} {' '.join(name.given)}"
            for token in sorted({word for word in words(said) if len(word) >= _SHORTEST_NAME}):
                self._names.setdefault(token, []).append(name)
        literal = [("EMAIL", value) for value in known.emails] + [("ADDRESS", value) for value in known.streets]
        literal += [] if city else [("CITY", value) for value in known.cities]
        self._literal = [(frozenset(words(value)), kind, fold(value)) for kind, value in sorted(literal)]
        self._numbers, self._phones = _numbers(known, city), _phone_ends(known)

    def find(self, text: str, found: Sequence[Span] = ()) -> Iterator[Span]:
        """Every identifier of the person in the text, whatever else was found."""
        plain = folded(text)
        for start, end, kind in self.spans(plain.text):
            yield Span(*plain.span(start, end), kind)

    def spans(self, text: str) -> Iterator[Span]:
        """Every identifier of the person in a text without marks (`folding.folded`)."""
        if self._numbers and has_number(text):
            yield from self._number_spans(text)
        if not self._names and not self._literal:
            return
        said = frozenset(word.casefold() for word in _WORD.findall(text))
        for name in dict.fromkeys(name for token in sorted(self._names.keys() & said) for name in self._names[token]):
            yield from _name_spans(text, name)
        for tokens, kind, value in self._literal:
            if tokens <= said:
                yield from (Span(*found.span(), kind) for found in _phrase(value).finditer(text))

    def touches(self, text: str) -> bool:
        """Whether a short coded text holds a word or number of the person: quicker than `find`, and stricter."""
        chunks = _CHUNK.findall(fold(text).casefold())
        if any(chunk in self._numbers or chunk in self._names for chunk in chunks) or "".join(chunks) in self._numbers:
            return True
        return bool(self._literal) and any(tokens and tokens <= set(chunks) for tokens, _, _ in self._literal)

    def _number_spans(self, text: str) -> Iterator[Span]:
        """Runs of letters and digits, joined over hyphens, brackets and spaces, that are a known number."""
        for start, end in around_digits(text):
            chunks = [found.span() for found in _CHUNK.finditer(text, start, end)]
            for first, (begin, _) in enumerate(chunks):
                joined = ""
                for at in range(first, min(first + _MOST_GROUPS, len(chunks))):
                    if at > first and not _JOINTS.match(text[chunks[at - 1][1] : chunks[at][0]]):
                        break
                    joined += text[slice(*chunks[at])].lower()
                    if len(joined) > _LONGEST_PHONE and at - first >= _MOST_CHUNKS:
                        break
                    kind = self._kind(joined, at - first)
                    if kind is not None:
                        yield Span(_with_sign(text, begin) if kind == "PHONE" else begin, chunks[at][1], kind)

    def _kind(self, joined: str, joints: int) -> str | None:
        if joints < _MOST_CHUNKS and (joints == 0 or len(joined) >= _SHORTEST_JOINED) and joined in self._numbers:
            return self._numbers[joined]
        long = _SHORTEST_PHONE <= len(joined) <= _LONGEST_PHONE and joined.isdigit()
        return "PHONE" if self._phones and long and self._is_phone(joined) else None

    def _is_phone(self, digits: str) -> bool:
        """Whether digits are a known phone, with or without area, trunk zero and country."""
        return digits.lstrip("0") in self._phones or (len(digits) > _SURE_PHONE and digits[-_SURE_PHONE:] in self._phones)


def has_number(text: str) -> bool:
    """Whether a text holds digits enough for a number that is looked for."""
    return sum(map(text.count, "0123456789")) >= _FEWEST_DIGITS


def _name_spans(text: str, name: Name) -> Iterator[Span]:
    whole, single = _name_patterns(name)
    if whole is not None:
        yield from (Span(*found.span(), "NAME") for found in whole.finditer(text))
    if single is not None:
        for found in single.finditer(text):
            if not _is_only_a_word(text, found):
                yield Span(*found.span(), "NAME")


def _is_only_a_word(text: str, found: re.Match[str]) -> bool:
    """Whether a name that is also a word is only that here: it begins a sentence, or stands in capitals in a heading."""
    word = found.group().lower().removesuffix("'s").removesuffix("’s")
    if word not in everyday():
        return False
    return found.group().isupper() or _SENTENCE_START.search(text, max(0, found.start() - 6), found.start()) is not None


@lru_cache(maxsize=65536)
def _name_patterns(name: Name) -> tuple[re.Pattern[str] | None, re.Pattern[str] | None]:
    """The name in full, in both orders, with middle names and initials; and its single parts with a capital."""
    given = [part for text in name.given for part in text.split()]
    family, firsts = _loose(name.family), [_loose(part) for part in given if len(part.rstrip(".")) > 1]
    whole = []
    if name.family and given:
        initials = "|".join(sorted({re.escape(part[0]) for part in given}))
        middle = rf"(?:{_BETWEEN}(?:{'|'.join(sorted({*firsts, *(f'{re.escape(p[0])}{chr(92)}.?' for p in given)}))}))*"
        first = "|".join(sorted([*firsts, rf"(?:{initials})\b\.?"], key=len, reverse=True))
        whole = [rf"(?:{first}){middle}{_BETWEEN}{family}", rf"{family}{_BETWEEN}(?:{first}){middle}"]
    parts = {part: re.sub(r"[\W_]", "", part) for part in (name.family, *given)}
    alone = [
        part for part, bare in parts.items() if len(bare) > _SHORTEST_NAME or (len(bare) == 2 and bare.lower() not in everyday())
    ]
    single = [_capital(part) for part in alone]
    return (
        re.compile(rf"(?<!\w)(?:{'|'.join(whole)})(?!\w)", re.IGNORECASE) if whole else None,
        re.compile(rf"(?<!\w)(?:{'|'.join(single)})(?:['’]s)?(?!\w){_NOT_EPONYM}") if single else None,
    )


def _loose(text: str) -> str:
    """A pattern of a name that does not care how its parts are joined."""
    return r"[\s'’.-]*".join(re.escape(part) for part in re.findall(r"\w+", text)) or r"(?!)"


def _capital(text: str) -> str:
    forms = {text.upper(), text.title(), text[:1].upper() + text[1:]}
    return "|".join(sorted((_loose(form) for form in forms), key=len, reverse=True))


@lru_cache(maxsize=16384)
def _phrase(text: str) -> re.Pattern[str]:
    parts = re.findall(r"\w+", text)
    return re.compile(r"(?<!\w)" + r"[\s,.@#_+-]+".join(map(re.escape, parts)) + r"(?!\w)", re.IGNORECASE)


def _numbers(known: KnownIdentifiers, city: bool) -> dict[str, str]:
    """All numbers of a person without their separators, and of which kind they are."""
    found: dict[str, str] = {}
    for kind, values in (
        ("ZIP", () if city else known.zips),
        ("ID", known.records | known.numbers),
        ("PHONE", known.phones),
        ("SSN", known.ssns),
    ):
        for value in values:
            plain = re.sub(r"[\W_]", "", value).lower()
            if len(plain) >= _SHORTEST_NUMBER and sum(map(str.isdigit, plain)) >= _FEWEST_DIGITS:
                found[plain] = kind
            digits = re.sub(r"\D", "", value)
            if kind == "ZIP" and len(digits) > 5:
                found[digits[:5]] = kind
    return found


def _phone_ends(known: KnownIdentifiers) -> frozenset[str]:
    """The last seven digits and more of every phone: a number without its area, trunk zero or country is still that number."""
    phones = (re.sub(r"\D", "", re.split(r"(?i:x|ext)", value)[0]).lstrip("0") for value in known.phones)
    return frozenset(digits[at:] for digits in phones for at in range(len(digits) - _SHORTEST_PHONE + 1))


def _with_sign(text: str, start: int) -> int:
    """Where the "+" or "(" before a number begins."""
    while start and text[start - 1] in "+(":
        start -= 1
    return start
