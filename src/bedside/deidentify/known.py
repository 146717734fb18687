"""What the structure knows of a person, searched for in text: names in any order and case, numbers with any separators.

In        `KnownIdentifiers` of the text's subject, and those of the hospital's staff
Out       spans. A name that is also a word is taken only where the text makes it one (in the middle of a sentence, or beside
          another part of the name), and never as the eponym of a disease.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from bedside.deidentify.lexicon import EPONYM_HEADS, everyday
from bedside.deidentify.patients import KnownIdentifiers, Name, words
from bedside.deidentify.spans import Span

_BETWEEN = r"[\s,.^_-]{1,3}"
_SEPARATED = r"[\s().\-/]{0,3}"
_SHORTEST_NUMBER, _SHORTEST_NAME = 4, 2
_NOT_EPONYM = rf"(?!(?:['’]s?)?(?:[\s-]+[a-z]+)?[\s-]+(?:{EPONYM_HEADS})\b)"
_WORD = re.compile(r"[^\W\d_]+")
_DIGIT = re.compile(r"\d")
_SENTENCE_START = re.compile(r"(?:\A|[.:;!?\n•*-])\s*\Z")


class Finder:
    """Finds one person's identifiers. Made once a person, since it compiles patterns."""

    def __init__(self, known: KnownIdentifiers, *, city: bool = False) -> None:
        self._names: dict[str, list[Name]] = {}
        for name in sorted(known.names):
            for token in sorted(set(words(f"{name.family} {' '.join(name.given)}"))):
                self._names.setdefault(token, []).append(name)
        literal = [("EMAIL", value) for value in known.emails] + [("ADDRESS", value) for value in known.streets]
        literal += [] if city else [("CITY", value) for value in known.cities]
        self._literal = [(frozenset(words(value)), kind, _phrase(value)) for kind, value in sorted(literal)]
        self._numbers = _numbers(known, city)

    def find(self, text: str) -> Iterator[Span]:
        """Every identifier of the person in the text."""
        if self._numbers is not None and _DIGIT.search(text):
            for found in self._numbers.finditer(text):
                yield Span(*found.span(), found.lastgroup or "ID")
        if not self._names and not self._literal:
            return
        said = frozenset(word.casefold() for word in _WORD.findall(text))
        for name in dict.fromkeys(name for token in sorted(self._names.keys() & said) for name in self._names[token]):
            yield from _name_spans(text, name)
        for tokens, kind, pattern in self._literal:
            if tokens <= said:
                yield from (Span(*found.span(), kind) for found in pattern.finditer(text))


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
    alone = [part for part in (name.family, *given) if len(part) >= _SHORTEST_NAME and not (len(part) == 2 and part.lower() in everyday())]
    single = [_capital(part) for part in alone]
    return (re.compile(rf"(?<!\w)(?:{'|'.join(whole)})(?!\w)", re.IGNORECASE) if whole else None,
            re.compile(rf"(?<!\w)(?:{'|'.join(single)})(?:['’]s)?(?!\w){_NOT_EPONYM}") if single else None)  # fmt: skip


def _loose(text: str) -> str:
    """A pattern of a name that does not care how its parts are joined."""
    return r"[\s'’.-]*".join(re.escape(part) for part in re.findall(r"\w+", text)) or r"(?!)"


def _capital(text: str) -> str:
    forms = {text.upper(), text.title(), text[:1].upper() + text[1:]}
    return "|".join(sorted((_loose(form) for form in forms), key=len, reverse=True))


def _phrase(text: str) -> re.Pattern[str]:
    parts = re.findall(r"\w+", text)
    return re.compile(r"(?<!\w)" + r"[\s,.@#_+-]+".join(map(re.escape, parts)) + r"(?!\w)", re.IGNORECASE)


def _numbers(known: KnownIdentifiers, city: bool) -> re.Pattern[str] | None:
    """All numbers of a person as one pattern with a group for each kind."""
    kinds: list[tuple[str, Iterable[str]]] = [("SSN", known.ssns), ("PHONE", known.phones), ("ID", known.records | known.numbers)]
    groups = []
    for kind, values in kinds:
        patterns = sorted({p for value in values if (p := _number(value, phone=kind == "PHONE"))}, key=lambda p: (-len(p), p))
        if patterns:
            groups.append(rf"(?P<{kind}>{'|'.join(patterns)})")
    zips = sorted({re.escape(value[:5]) for value in known.zips if len(value) >= 5}) if not city else []
    if zips:
        groups.append(rf"(?P<ZIP>(?:{'|'.join(zips)})(?:-\d{{4}})?)")
    return re.compile(rf"(?<![\w.])(?:{'|'.join(groups)})(?!\w|\.\d)", re.IGNORECASE) if groups else None


def _number(value: str, *, phone: bool) -> str | None:
    """A pattern of a number whatever stands between its characters; None for one too short to tell anything."""
    plain = re.sub(r"\W", "", value)
    digits = re.sub(r"\D", "", value)
    if phone:
        plain = digits[-10:] if len(digits) >= 10 else digits
    if len(plain) < _SHORTEST_NUMBER or not digits:
        return None
    body = _SEPARATED.join(map(re.escape, plain)) if len(plain) <= 20 else r"\W?".join(map(re.escape, re.findall(r"\w+", value)))
    return rf"(?:\+?1{_SEPARATED})?\(?{body}" if phone else body
