r"""One person's numbers in a text: with any separators, in any grouping, misread, in part.

In        the numbers, phones, zip codes and births of a person, and a text without marks
Out       spans. The last four digits alone are taken only behind words such as "ending in".
How       the digits of the text in one string, in which each number is looked for; where it is, the text between them is judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from bedside.deidentify.dates import parsed
from bedside.deidentify.patients import KnownIdentifiers
from bedside.deidentify.spans import Runs, Span

_DECIMAL = re.compile(r"\d")
_SHORTEST, _FEWEST_DIGITS, _SHORTEST_PHONE, _SURE_PHONE, _LONGEST_PHONE, _SHORTEST_MISREAD = 4, 3, 7, 9, 15, 6
_SHORTEST_BARE = 5  # a record number without its leading zeros
_JOINED = re.compile(r"\d(?:[\s().\-/#^+_]{0,3}\d)*\Z")
_LIKE_DIGITS = frozenset("OoIlSBZs|")
_CHUNK = re.compile(r"[\w|]{1,32}(?:[-. ]?(?=[\w|]{0,32}\d)[\w|]{1,32}){0,4}")
_AS_DIGITS = str.maketrans({"O": "0", "o": "0", "I": "1", "l": "1", "|": "1", "S": "5", "B": "8", "Z": "2", "s": "5"})
_LAST_FOUR = re.compile(r"(?:ending|ends|last\s+(?:four|4)|final\s+(?:four|4))[^\d\n]{0,28}(\d{4})(?!\d)", re.IGNORECASE)
_FOUR_CUES = ("nding in", "nding with", "nds in", "nds with", "ast four", "ast 4", "inal four", "inal 4")
_EXTENSION = re.compile(r"[xX]|[eE][xX][tT]")
_THIS_YEAR = 2100


class NumberFinder:
    """Finds the numbers of one person.

    city   zip codes may stand
    """

    def __init__(self, known: KnownIdentifiers, *, city: bool) -> None:
        self.kinds = _numbers(known, city)
        self._phones = sorted({_digits(_EXTENSION.split(value, 1)[0]).lstrip("0") for value in known.phones})
        self._phones = [phone for phone in self._phones if len(phone) >= _SHORTEST_PHONE]
        self._cores = {_core(number): number for number in self.kinds if _DECIMAL.search(number)}  # superscripts are digits, and no number
        for number, kind in sorted(self.kinds.items()):
            bare = number.lstrip("0")
            if number.isdigit() and kind == "ID" and bare != number and len(bare) >= _SHORTEST_BARE:
                self._cores.setdefault(bare, number)
        self._births = _births(known.births)
        self._ends = {number[-4:]: kind for number, kind in self.kinds.items() if number[-4:].isdigit() and len(number) > _SHORTEST_MISREAD}
        self._any = bool(self.kinds or self._births)

    def find(self, text: str, runs: Runs) -> Iterator[Span]:
        """Every number of the person in a text without marks."""
        if not self._any:
            return
        digits = "".join([said for _, _, said in runs]).replace("-", "").replace("/", "").replace(".", "")
        if len(digits) < _FEWEST_DIGITS:
            return
        wanted, phones = self._wanted(digits)
        if wanted or phones:
            at = _of_digits(text, runs)
            for core in wanted:
                yield from self._at(text, digits, at, core)
            for phone in phones:
                yield from _phone(text, digits, at, phone)
        if self._ends and self._may_end(runs) and any(cue in text for cue in _FOUR_CUES):
            for found in _LAST_FOUR.finditer(text):
                if found[1] in self._ends:
                    yield Span(*found.span(1), self._ends[found[1]])
        if self.kinds:
            yield from self._misread(text, runs)

    def _wanted(self, digits: str) -> tuple[list[str], list[str]]:
        """The numbers and births, and the phones, whose digits stand in those of the text: asked one by one where they are few, else by each stretch of digits."""
        if len(self._cores) + len(self._births) + len(self._phones) <= len(digits) * len(self._sizes):
            cores = [core for core in (*self._cores, *self._births) if core in digits]
            return cores, [phone for phone in self._phones if phone[-_SHORTEST_PHONE:] in digits]
        stretches = {digits[at : at + size] for size in self._sizes for at in range(len(digits) - size + 1)}
        cores = [one for one in stretches if one in self._cores or one in self._births]
        return cores, [phone for one in stretches for phone in self._by_end.get(one, ())]

    @cached_property
    def _sizes(self) -> frozenset[int]:
        """How many digits are looked for at once."""
        return frozenset(map(len, (*self._cores, *self._births))) | {_SHORTEST_PHONE}

    @cached_property
    def _by_end(self) -> dict[str, list[str]]:
        """The phones by their last seven digits."""
        found: dict[str, list[str]] = {}
        for phone in self._phones:
            found.setdefault(phone[-_SHORTEST_PHONE:], []).append(phone)
        return found

    def _may_end(self, runs: Runs) -> bool:
        """Whether a group of four digits is the end of one of the numbers, alone or behind "last 4-"."""
        return any(len(said) >= _SHORTEST and (said[:4] in self._ends or said[2:6] in self._ends) for _, _, said in runs)

    def _at(self, text: str, digits: str, at: list[int], core: str) -> Iterator[Span]:
        number = self._cores.get(core)
        place = digits.find(core)
        while place >= 0:
            start, end = at[place], at[place + len(core) - 1] + 1
            if number is None:
                if _is_joined(text, start, end, points=True):
                    yield Span(start, end, "DATE")
            elif number.isdigit():
                zeros = start
                while text[zeros - 1 : zeros] == "0" and zeros and self.kinds[number] == "ID":
                    zeros -= 1
                if _is_joined(text, zeros, end, points=self.kinds[number] != "ID"):
                    yield Span(_with_sign(text, zeros) if self.kinds[number] == "PHONE" else zeros, end, self.kinds[number])
            else:
                yield from _lettered(text, start, end, number, self.kinds[number])
            place = digits.find(core, place + 1)

    def _misread(self, text: str, runs: Runs) -> Iterator[Span]:
        """Numbers in which a letter stands for a digit: 4OO12345."""
        done = 0
        for start, end, _ in runs:
            if start < done or not (text[end : end + 1] in _LIKE_DIGITS or text[start - 1 : start] in _LIKE_DIGITS):
                continue
            least = start - _LONGEST_PHONE
            while start > max(0, least) and (text[start - 1].isalnum() or text[start - 1] == "|"):
                start -= 1
            chunk = _CHUNK.match(text, start)
            done = chunk.end() if chunk else end
            plain = re.sub(r"\D", "", chunk.group().translate(_AS_DIGITS)) if chunk else ""
            if chunk and len(plain) >= _SHORTEST_MISREAD and (kind := self.kinds.get(plain)) and not re.search(r"[^\W\d_]", chunk.group().translate(_AS_DIGITS)):
                yield Span(*chunk.span(), kind)


def _of_digits(text: str, runs: Runs) -> list[int]:
    """Where each digit of the runs stands."""
    at: list[int] = []
    for start, end, said in runs:
        at += range(start, end) if said.isdigit() else [place for place in range(start, end) if text[place].isdigit()]
    return at


def _phone(text: str, digits: str, at: list[int], phone: str) -> Iterator[Span]:
    """A phone from its last seven digits on, with as much of area, trunk zero and country as stands before."""
    place = digits.find(phone[-_SHORTEST_PHONE:])
    while place >= 0:
        first, own = place, len(phone) - _SHORTEST_PHONE
        while first and own and digits[first - 1] == phone[own - 1] and at[first] - at[first - 1] <= 4 and _is_linked(text, at[first - 1], at[first]):
            first, own = first - 1, own - 1
        matched = place + _SHORTEST_PHONE - first
        more = first
        while more and place + _SHORTEST_PHONE - more < _LONGEST_PHONE and matched >= _SURE_PHONE and first - more < 4 and at[more] - at[more - 1] <= 4:
            if not _is_linked(text, at[more - 1], at[more]):
                break
            more -= 1
        if (more < first and text[at[more] - 1 : at[more]].isalnum()) or (more < first and at[first] - at[first - 1] == 1 and digits[more:first].strip("0") and matched < _SURE_PHONE):
            more = first
        first = more if digits[more] == "0" or text[at[more] - 1 : at[more]] == "+" or digits[more] == "1" else first
        end = at[place + _SHORTEST_PHONE - 1] + 1
        if not text[end : end + 1].isalnum() and not (at[first] and text[at[first] - 1].isalnum()) and _JOINED.match(text, at[first], end):
            yield Span(_with_sign(text, at[first]), end, "PHONE")
        place = digits.find(phone[-_SHORTEST_PHONE:], place + 1)


def _is_linked(text: str, one: int, other: int) -> bool:
    return not any(letter.isalpha() or letter in ",;:" for letter in text[one + 1 : other])


def _is_joined(text: str, start: int, end: int, *, points: bool) -> bool:
    """Whether the digits from `start` to `end` are one number: nothing but joints between them, no digit beside them.

    points   a single point may be a joint; else it makes a decimal of the number
    """
    said = text[start:end]
    if text[end : end + 1].isdigit() or (start and text[start - 1].isdigit()) or text[end : end + 1].isalpha():
        return False
    if end - start <= _SHORTEST_BARE and start and (text[start - 1].isalpha() or text[start - 1] in ".,"):
        return False
    if said.isdigit():
        return not (text[end : end + 1] in (".", ",") and text[end + 1 : end + 2].isdigit())
    lone_point = said.count(".") == 1 and said.replace(".", "").isdigit()
    return _JOINED.match(said) is not None and (points or not lone_point)


def _lettered(text: str, start: int, end: int, number: str, kind: str) -> Iterator[Span]:
    """A number with letters in it, whatever separates its parts."""
    first, letters = max(0, start - 32), []
    for place in range(first, min(len(text), end + 32)):
        if text[place].isalnum():
            letters.append(place)
    said = "".join(text[place] for place in letters).lower()
    at = said.find(number)
    while at >= 0:
        begin, stop = letters[at], letters[at + len(number) - 1] + 1
        if not (begin and text[begin - 1].isalnum()) and not text[stop : stop + 1].isalnum() and stop - begin <= len(number) + 8:
            yield Span(begin, stop, kind)
        at = said.find(number, at + 1)


def _with_sign(text: str, start: int) -> int:
    """Where the "+" or "(" before a number begins."""
    while start and text[start - 1] in "+(":
        start -= 1
    return start


def _digits(value: str) -> str:
    return "".join(filter(str.isdecimal, value))


def _core(number: str) -> str:
    """The longest run of digits of a number without separators."""
    if number.isdecimal():
        return number
    runs: list[str] = re.findall(r"\d+", number)
    return max(runs, key=len)


def _numbers(known: KnownIdentifiers, city: bool) -> dict[str, str]:
    """All numbers of a person without their separators, and of which kind they are."""
    found: dict[str, str] = {}
    for kind, values in (("ZIP", () if city else known.zips), ("ID", known.records | known.numbers), ("PHONE", known.phones), ("SSN", known.ssns)):
        for value in values:
            plain = "".join(filter(str.isalnum, value)).lower()
            if len(plain) >= _SHORTEST and sum(map(str.isdigit, plain)) >= _FEWEST_DIGITS:
                found[plain] = kind
            digits = _digits(value)
            if kind == "ZIP" and len(digits) > _SHORTEST_BARE:
                found[digits[:_SHORTEST_BARE]] = kind
    return found


def _births(values: Iterable[str]) -> frozenset[str]:
    """The digits of the dates of birth in every order, with and without zeros and century."""
    found: set[str] = set()
    for value in values:
        read = parsed(value.strip()[:10] if re.match(r"\d{4}-\d\d-\d\dT", value.strip()) else value.strip(), _THIS_YEAR, _THIS_YEAR)
        if read is None:
            continue
        true = read[1]
        years, months, days = {f"{true.year}", f"{true.year % 100:02d}"}, {f"{true.month}", f"{true.month:02d}"}, {f"{true.day}", f"{true.day:02d}"}
        for year in years:
            for month in months:
                for day in days:
                    found |= {one for one in (year + month + day, month + day + year, day + month + year) if len(one) >= _SHORTEST_MISREAD}
    return frozenset(found)
