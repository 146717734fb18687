"""Everything that a residue proof looks for, filed so that a text is asked once for all of it.

In        people: (names under which their records go, what is known of them)
Out       `Needles`: runs of words under their rarest word, digit strings, weak forms with their owners, and how a word that was
          misread or padded would have been written
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from itertools import filterfalse

from bedside.deidentify.lexicon import everyday
from bedside.deidentify.patients import KnownIdentifiers
from bedside.deidentify.residue_forms import (
    LONG_NUMBER,
    LONG_SSN,
    Words,
    is_rare,
    plain,
    said,
    strong_digits,
    strong_forms,
    weak_forms,
)

Filed = tuple[int, Words, str]
Index = dict[str, dict[tuple[int, str], list[Filed]]]
_LETTERS = str.maketrans("015826", "olsbzg")
_DIGITS = str.maketrans("oilsbzg", "0115826")
_FROM_I = str.maketrans("ij", "ll")
_SHORTEST_MISREAD = 4
_LABELLED = re.compile(r"(?:mrn?|id|pt|pat|pid|patient|patientid|no|nr|acct?|ssn|tel|ph|phone|fax|t)(\d{6,})\Z")
_EXTENDED = re.compile(r"(\d{10,12})(?:x|ext)\d{1,6}\Z")
_PADDED = re.compile(r"\n((?:[a-z]{1,9}\d{6,}|\d{10,12}(?:x|ext)\d{1,6}))(?=\n)")
# Births are weak without a person beside them, unless the dates of so few people are looked for that a chance hit is rare:
# of the 36,525 days of a century 500 are 1.4 %.
FEW_BIRTHS = 500
SHORT_YEAR = "short year"


class Needles:
    """What is looked for.

    runs     anchor word -> (where a neighbour stands, the neighbour) -> [(the anchor's place in the run, the run, kind)], strong
    digits   digit string, zeros before it off -> kind, strong
    weak     the same of weak runs; `owners` says whose each is
    births   birth dates as eight digits
    people   name under which a person's records go -> number of the person
    """

    def __init__(self, people: Iterable[tuple[Sequence[str], KnownIdentifiers]], keeps: Collection[str] = ()) -> None:
        self.runs: Index = {}
        self.digits: dict[str, str] = {}
        self.weak: Index = {}
        self.owners: dict[tuple[str, Words], set[int]] = {}
        self.people: dict[str, int] = {}
        self._filed: set[tuple[str, Words]] = set()
        self.births: set[str] = set()
        self.subjects = 0
        for called, known in people:
            self._strong(known)
            self._weak(known, keeps)
            self.people.update(dict.fromkeys(called, self.subjects))
            self.subjects += 1
        self.count = len(self._filed) + len(self.digits) + len(self.owners)

    def _strong(self, known: KnownIdentifiers) -> None:
        for kind, form in strong_forms(known):
            if (kind, form) not in self._filed:
                self._filed.add((kind, form))
                _file(self.runs, form, kind)
        for kind, digits in strong_digits(known):
            if bare := without_zeros(digits):
                self.digits.setdefault(bare, kind)

    def _weak(self, known: KnownIdentifiers, keeps: Collection[str]) -> None:
        for kind, form in weak_forms(known):
            if kind not in keeps:
                owners = self.owners.get((kind, form))
                if owners is None:
                    owners = self.owners[kind, form] = set()
                    if kind == "birth date":
                        self.owners[kind, (*form, SHORT_YEAR)] = owners
                        self.births.add(form[0])
                    else:
                        _file(self.weak, form, kind)
                owners.add(self.subjects)

    def alone(self, kind: str, form: Words) -> bool:
        """Whether a weak run is worth a look without anything else of its person beside it."""
        if kind == "birth date":
            return len(self.births) <= FEW_BIRTHS and SHORT_YEAR not in form
        return kind == "initial and name" and is_rare(tuple(part for part in form if len(part) > 1))

    def touches(self, text: str) -> bool:
        """Whether a text holds any word that is looked for, whatever stands beside it."""
        return any(word in self.runs or without_zeros(word) in self.digits or self.repaired(word) for word in said(plain(text)))

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word of every strong run."""
        return frozenset(word for _, form in self._filed for word in form)

    @cached_property
    def known(self) -> frozenset[str]:
        """Every word of every strong run, and every number: no such word is misread."""
        return self.words | self.digits.keys()

    @cached_property
    def alone_words(self) -> frozenset[str]:
        """Words that are all of what is looked for."""
        runs = (word for index in (self.runs, self.weak) for word, under in index.items() if (0, word) in under)
        return frozenset((*self.digits, *runs))

    @cached_property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """The rarest word of every longer run and the one beside it, as they stand."""
        beside = ((word, *one) for index in (self.runs, self.weak) for word, under in index.items() for one in under)
        return frozenset((word, near) if way > 0 else (near, word) for word, way, near in beside if way)

    @cached_property
    def birth_months(self) -> frozenset[str]:
        """The months of the birth dates, as two digits."""
        return frozenset(day[4:6] for day in self.births)

    @cached_property
    def _misread(self) -> dict[str, str]:
        return {misread(word): word for word in sorted(self.words) if len(word) >= _SHORTEST_MISREAD and word.isalpha()}

    @cached_property
    def _misread_numbers(self) -> dict[str, str]:
        numbers = (word for word in self.runs if not word.isalpha() and not word.isdigit())
        return {word.translate(_DIGITS): word for word in sorted(numbers) if len(word) >= LONG_NUMBER}

    def repaired(self, word: str) -> str | None:
        """The looked-for word that a word of the text may be: padded with zeros, behind a label, misread by a scanner. Else None."""
        if word.isdigit():
            bare = word.lstrip("0")
            return bare if bare != word and bare in self.digits else None
        if word.isalpha():
            return self._misread.get(misread(word)) if "rn" in word or "vv" in word else None
        found = _LABELLED.match(word) or _EXTENDED.match(word)
        if found and without_zeros(found[1]) in self.digits:
            return without_zeros(found[1])
        return self._misread.get(misread(word)) or self._number(word)

    def repairs(self, words: Collection[str]) -> dict[str, str]:
        """Which of the words of a text are others, misread or padded: as `repaired`, for all of them at once."""
        tried = [word for word in words if word < "1" and len(word) > LONG_NUMBER]  # words that begin with a zero
        lettered = list(filterfalse(str.isdigit, words))
        tried += (word for word in lettered if "rn" in word or "vv" in word)
        mixed = [word for word in lettered if not word.isalpha()]
        if mixed:
            joined = "\n".join(mixed)
            read, numbers = misread(joined).split("\n"), joined.translate(_DIGITS).split("\n")
            tried += (word for word, one in zip(mixed, read, strict=True) if one in self._misread)
            tried += (
                word
                for word, one in zip(mixed, numbers, strict=True)
                if one in self._misread_numbers or one.lstrip("0") in self.digits
            )
            tried += _PADDED.findall(f"\n{joined}\n")
        return {word: right for word in tried if word not in self.known and (right := self.repaired(word)) is not None}

    def _number(self, word: str) -> str | None:
        read = word.translate(_DIGITS)
        if not read.isdigit() or 2 * sum(map(str.isdigit, word)) < len(word):
            return self._misread_numbers.get(read)
        bare = read.lstrip("0")
        return bare if len(bare) >= LONG_NUMBER and bare in self.digits else None


def without_zeros(digits: str) -> str:
    """A number without the zeros before it, as long as what stays is no short one; nothing for zeros alone.

    >>> without_zeros("0040012345"), without_zeros("0000000001"), without_zeros("000000000")
    ('40012345', '0000000001', '')
    """
    bare = digits.lstrip("0")
    return bare if len(bare) >= LONG_NUMBER else digits if bare else ""


def misread(word: str) -> str:
    """What stays of a word when signs that a scanner takes for each other are one: 0 o, 1 i l, 5 s, 8 b, rn m, vv w.

    >>> misread("qui11feather") == misread("quillfeather"), misread("marnie") == misread("mamie")
    (True, True)
    """
    return word.translate(_LETTERS).translate(_FROM_I).replace("rn", "m").replace("vv", "w")


def grouped(groups: Sequence[str], between: Sequence[str]) -> str | None:
    """Digit groups as one number, None where what stands between them makes them several.

    Long numbers (nine digits and more) are written in any way; shorter ones only with one sign all over, in groups that no
    decimal, date or list makes.
    """
    joined = "".join(groups)
    if "." in between and (set(between) != {"."} or len(groups) < 3):
        return None
    if len(joined) >= LONG_SSN:
        return joined
    same = len(set(between)) == 1 and between[0] in ("-", " ", ".")
    apart = min(map(len, groups)) >= (3 if between[0] == " " else 2)
    return joined if same and apart and len(joined) >= LONG_NUMBER else None


def _file(index: Index, form: Words, kind: str) -> None:
    """File a run under its longest word that is no everyday one, and under the word beside it."""
    anchor = max(range(len(form)), key=lambda at: (form[at] not in everyday(), not form[at].isdigit(), len(form[at]), -at))
    beside = 0 if len(form) == 1 else 1 if anchor + 1 < len(form) else -1
    index.setdefault(form[anchor], {}).setdefault((beside, form[anchor + beside]), []).append((anchor, form, kind))


def filed(index: Index, words: Sequence[str], place: int) -> list[Filed]:
    """The runs of an index that stand in a text with their anchor at `place`."""
    under = index.get(words[place])
    if under is None:
        return []
    found = under.get((0, words[place]), [])
    for beside in (-1, 1):
        if 0 <= place + beside < len(words) and (near := under.get((beside, words[place + beside]))):
            found = found + [one for one in near if tuple(words[max(0, place - one[0]) : place - one[0] + len(one[1])]) == one[1]]
    return found
