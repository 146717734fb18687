"""A text asked for every known identifier at once.

In        a text of whole lines (or a piece of one long line), `Needles`
Out       `Sighting`s: kind, line, and whether strong; never content
Rules     a number that is part of a decimal or of a dotted code is none; six or seven digits that carry a unit or stand as the code
          of a code system measure or mean something, and are for review; a name of everyday words counts only in capitals
Method    words of the text against words looked for, by hash; runs are compared only where their rarest word stands
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import compress, count
from typing import NamedTuple

from bedside.deidentify.lexicon import MONTHS, everyday
from bedside.deidentify.residue_forms import LONG_OTHER_NUMBER, Words, plain
from bedside.deidentify.residue_needles import SHORT_YEAR, Needles, filed, grouped, without_zeros
from bedside.deidentify.residue_screen import DATE as _DATE
from bedside.deidentify.residue_screen import Loose, bare, loose_runs

_RUN = re.compile(r"\d(?<![\w.].)[\dOoIl]{0,9}(?:[-./ ()]{1,3}[\dOoIl]{2,10}){1,24}(?![\w])")
_MONTH = {name[:length]: f"{at:02d}" for at, name in enumerate(MONTHS, 1) for length in (3, 4, len(name))}
_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\Z")
_GROUP, _BETWEEN = re.compile(r"[\dOoIl]+"), re.compile(r"[^\dOoIl]+")
_READ = str.maketrans("OoIl", "0011")
_SHORTEST_RUN, _MOST_GROUPS, _REACH = 7, 5, 12
_UNIT = r"\s*(?:%|°|mg|mcg|µg|ug|g|kg|ng|pg|ml|mL|dl|dL|l|L|fl|/?[uµ]?L|mmol|mol|mEq|meq|units?|IU|U|cells?|copies|cfu|CFU|x10|mm|cm|bpm|kcal|cal|s|ms|Hz)(?![A-Za-z])"
_NAMES = frozenset({"name", "given name", "initial and name"})
_FEW_OWNERS, _MANY_OWNERS = 3, 200
_MOST_SEARCHED = 30


class Sighting(NamedTuple):
    """One identifier seen: in which line of the text (0 the first), of which kind."""

    line: int
    kind: str
    strong: bool
    form: Words


def sightings(text: str, needles: Needles) -> Iterator[Sighting]:
    """Everything known that stands in a text, strong and weak.

    First the words of the whole text are asked whether anything could stand there; only where it could, line by line.
    """
    text = plain(text)
    cut = bare(text)
    words = cut.split()
    unique = set(words)
    repaired = needles.repairs(unique)
    if repaired:
        words = [repaired.get(word, word) for word in words]
        unique.update(repaired.values())
    sought, months = _sought(unique, needles), _months(unique, needles)
    watched = sought | months
    places = list(compress(count(), map(watched.__contains__, words))) if watched else []
    standing, compact = _standing(words, places, sought, needles), needles.births & unique
    dated = bool(months) and _dated(words, places, months, needles)
    lines = _lines(cut, repaired) if standing or compact or dated else []
    if standing:
        yield from _runs(text, lines, standing, needles, set(repaired.values()))
    loose = loose_runs(text, unique)
    yield from _numbers(text, loose, needles)
    if needles.births:
        yield from _births(text, loose, needles)
        yield from _births_in_words(lines, compact, months if dated else set(), needles)


def _sought(unique: set[str], needles: Needles) -> set[str]:
    """Words of the text under which a run is filed that could stand there, going by the words beside it."""
    found = unique & needles.alone_words
    for index in (needles.runs, needles.weak):
        found |= {word for word in index.keys() & unique if any(near in unique for _, near in index[word])}
    return found


def _months(unique: set[str], needles: Needles) -> set[str]:
    return {word for word in _MONTH.keys() & unique if _MONTH[word] in needles.birth_months} if needles.births else set()


def _standing(words: list[str], places: list[int], sought: set[str], needles: Needles) -> set[str]:
    """Those of the words that stand beside what they must, whatever the lines."""
    alone, pairs = sought & needles.alone_words, needles.pairs
    around = ["", *words, ""]
    return alone | {
        words[at]
        for at in places
        if ((words[at], around[at + 2]) in pairs or (around[at], words[at]) in pairs) and words[at] in sought
    }


def _dated(words: list[str], places: list[int], months: set[str], needles: Needles) -> bool:
    """Whether a birth date with its month in letters could stand in the text."""
    for at in places:
        if words[at] in months and at + 1 < len(words) and words[at + 1][0].isdigit():
            near = [*words[max(0, at - 1) : at], _MONTH[words[at]], *words[at + 1 : at + 3]]
            if any(one[0] in needles.births for three in (near[:3], near[1:4]) for one in _days(three)):
                return True
    return False


def _lines(cut: str, repaired: dict[str, str]) -> list[list[str]]:
    lines = [one.split() for one in cut.split("\n")]
    if repaired:
        lines = [[repaired.get(word, word) for word in line] if not repaired.keys().isdisjoint(line) else line for line in lines]
    return lines


def _runs(text: str, lines: list[list[str]], sought: set[str], needles: Needles, repaired: set[str]) -> Iterator[Sighting]:
    whole: list[str] | None = None
    for at, line in enumerate(lines):
        if sought.isdisjoint(line):
            continue
        before, after = lines[at - 1][-_REACH:] if at else [], lines[at + 1][:_REACH] if at + 1 < len(lines) else []
        words, first = (before + line + after, len(before)) if before or after else (line, 0)
        judged = dict[object, list[Sighting]]()  # what repeats in a line is judged once: a note may be one line
        for place, word in enumerate(line, first):
            if word not in sought:
                continue
            strong = filed(needles.runs, words, place)
            lone = needles.digits.get(word)
            if strong or lone:
                whole = whole if whole is not None else text.split("\n")
            for _, form, kind in strong:
                if whole is not None and (kind, form) not in judged:
                    judged[kind, form] = list(_judged(whole, at, kind, form))
                yield from judged.get((kind, form), ())
            if lone and whole is not None:
                if word not in judged:
                    judged[word] = list(_counted(whole[at], at, lone, word, word in repaired))
                yield from judged[word]
            yield from (Sighting(at, kind, False, form) for _, form, kind in filed(needles.weak, words, place))


def _judged(lines: list[str], at: int, kind: str, form: Words) -> Iterator[Sighting]:
    """A strong run; a name of everyday words only where it is written with capitals."""
    strong = True
    if kind == "name" and everyday().issuperset(form):
        near = "\n".join(lines[max(0, at - 1) : at + 2])
        capital = r"[\W_]+".join(rf"(?:{word.capitalize()}|{word.upper()})" for word in form)
        labelled = r"(?i:\b(?:name|patient|mr|mrs|ms|dr|pt)\b[\W_]{0,4}" + r"[\W_]+".join(form) + ")"
        strong = re.search(rf"{capital}|{labelled}", near) is not None
    yield Sighting(at, kind if strong else "name of words", strong, form)


def _counted(line: str, at: int, kind: str, digits: str, repaired: bool) -> Iterator[Sighting]:
    """A number that stands alone, judged by what stands around it. One that was repaired is written otherwise, and is taken."""
    judged = [_meaning(line, found) for found in re.finditer(rf"(?<![^\W_])0*{digits}(?![^\W_])", line)]
    if (repaired and not judged) or any(one == "identifier" for one in judged):
        yield Sighting(at, kind, True, (digits,))
    elif any(one == "measured" for one in judged):
        yield Sighting(at, "measured number", False, (digits,))


def _meaning(line: str, found: re.Match[str]) -> str:
    before, after, size = line[max(0, found.start() - 160) : found.start()], line[found.end() : found.end() + 200], len(found[0])
    if re.search(r"\d\.\Z", before) or re.match(r"\.\d*[1-9]", after):
        return "fraction"
    coded = re.search(r'"code"\s*:\s*"\Z', before) and (
        re.search(r'"system"\s*:\s*"(?:http|urn:oid)[^"]*"[^{}]*\Z', before)
        or re.match(r'"[^{}]*"system"\s*:\s*"(?:http|urn:oid)', after)
    )
    if coded:
        return "measured"
    small = size < LONG_OTHER_NUMBER
    measured = re.match(_UNIT, after) or re.search(r'(?:[<>=≥≤$€£]\s*|"(?:value|low|high|count|valueInteger)"\s*:\s*)\Z', before)
    return "measured" if small and measured else "identifier"


def _numbers(text: str, loose: Loose, needles: Needles) -> Iterator[Sighting]:
    """Digits in groups that are a known number."""
    for at, run in _lines_of(_RUN, text, [run for run in loose.runs if _may_be_known(run, needles)]):
        if len(run) >= _SHORTEST_RUN:
            yield from (Sighting(at, kind, True, form) for kind, form in _known(run, needles))


def _may_be_known(run: str, needles: Needles) -> bool:
    """Whether any groups beside each other in a run are a known number, whatever stands between and around them."""
    groups = _GROUP.findall(run.translate(_READ))
    spans = ((first, last) for first in range(len(groups)) for last in range(first + 2, first + _MOST_GROUPS + 1))
    return any(without_zeros("".join(groups[first:last])) in needles.digits for first, last in spans if last <= len(groups))


def _lines_of(pattern: re.Pattern[str], text: str, near: Collection[str]) -> Iterator[tuple[int, str]]:
    """The matches of a pattern in the lines where any of some stretches stands, perhaps in others too: (line, match)."""
    line, counted = 0, 0
    for start, end in _stretches(text, near):
        for found in pattern.finditer(text[start:end]):
            line, counted = line + text.count("\n", counted, start + found.start()), start + found.start()
            yield line, found[0]


def _stretches(text: str, near: Collection[str]) -> list[tuple[int, int]]:
    """Start and end of those lines; of the whole text where the stretches are many."""
    if len(near) > _MOST_SEARCHED:
        return [(0, len(text))]
    found = set[tuple[int, int]]()
    for one in near:
        end = 0
        while (at := text.find(one, end)) >= 0:
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            found.add((text.rfind("\n", 0, at) + 1, end))
    return sorted(found)


def _known(run: str, needles: Needles) -> list[tuple[str, Words]]:
    groups, between = _GROUP.findall(run.translate(_READ)), _BETWEEN.findall(run)
    found = []
    for first in range(len(groups)):
        for last in range(first + 2, min(first + _MOST_GROUPS, len(groups)) + 1):
            dotted = "." in between[first : last - 1] and "." in (between[first - 1] if first else "", *between[last - 1 : last])
            joined = None if dotted else grouped(groups[first:last], between[first : last - 1])
            kind = needles.digits.get(without_zeros(joined)) if joined else None
            if kind is not None:
                found.append((kind, tuple(groups[first:last])))
    return found[:1]


def _births(text: str, loose: Loose, needles: Needles) -> Iterator[Sighting]:
    """Birth dates in three numbers of any order."""
    wanted = {run: form for run in loose.dates() if (form := _birth(re.split(r"[-/. ]", run), needles))}
    yield from (Sighting(at, "birth date", False, wanted[run]) for at, run in _lines_of(_DATE, text, wanted) if run in wanted)


def _births_in_words(lines: list[list[str]], compact: set[str], months: set[str], needles: Needles) -> Iterator[Sighting]:
    """Birth dates as eight digits and with the month in letters."""
    for at, line in enumerate(lines) if compact or months else ():
        yield from (Sighting(at, "birth date", False, (word,)) for word in compact.intersection(line))
        for place in (place for place, word in enumerate(line) if word in months) if not months.isdisjoint(line) else ():
            near = [*line[max(0, place - 1) : place], _MONTH[line[place]], *line[place + 1 : place + 3]]
            tried = (near[:3], near[1:4]) if place else (near[:3],)
            yield from (
                Sighting(at, "birth date", False, one) for three in tried for one in _days(three) if one[0] in needles.births
            )


def _birth(parts: list[str], needles: Needles) -> Words | None:
    """The first birth date that is looked for among the days that three numbers may mean."""
    return next((one for one in _days(parts) if one[0] in needles.births), None)


def _days(parts: list[str]) -> Iterator[Words]:
    """The days that three numbers may mean, as eight digits; of two figures a year is of either century."""
    if len(parts) != 3:
        return
    for y, m, d in ((0, 1, 2), (2, 0, 1), (2, 1, 0)):
        year, month, day = parts[y], parts[m], _DAY.match(parts[d])
        if day is None or not month.isdigit() or not year.isdigit() or len(month) > 2:
            continue
        told = f"{int(month):02d}{int(day[1]):02d}"
        if len(year) == 4:
            yield (year + told,)
        elif len(year) == 2 and y == 2:
            yield from ((century + year + told, SHORT_YEAR) for century in ("19", "20"))


def told(weak: Iterable[Sighting], persons: set[int] | None, needles: Needles) -> Iterator[Sighting]:
    """The weak sightings of one record that are worth a look.

    persons   whose record it is; None where that cannot be said: then two different ones of one person tell, or one that is rare
    """
    once = {(one.kind, one.form): one for one in weak}
    if persons is not None:
        yield from (one for key, one in once.items() if key not in needles.owners or not persons.isdisjoint(needles.owners[key]))
        return
    beside = _beside(list(once.values()), needles)
    yield from (one for key, one in once.items() if key not in needles.owners or needles.alone(*key) or key in beside)


def _beside(found: list[Sighting], needles: Needles) -> set[tuple[str, Words]]:
    """Which sightings have another kind of the same person beside them; of names alone both parts in one line, borne by few."""
    by_owner: dict[int, list[Sighting]] = defaultdict(list)
    sized = sorted(found, key=lambda one: len(needles.owners.get((one.kind, one.form), ())))
    for one in sized:
        owners = needles.owners.get((one.kind, one.form), set[int]())
        for owner in owners if len(owners) <= _MANY_OWNERS else owners & by_owner.keys():
            by_owner[owner].append(one)
    telling = set[tuple[str, Words]]()
    pairs: dict[tuple[tuple[str, Words], ...], int] = defaultdict(int)
    for one_owner in by_owner.values():
        kinds = {"name" if one.kind == "initial and name" else one.kind for one in one_owner}
        if len(kinds) > 1 and not kinds <= _NAMES:
            telling |= {(one.kind, one.form) for one in one_owner}
        elif len(kinds) > 1 and len({one.line for one in one_owner}) < len(one_owner):
            pairs[tuple((one.kind, one.form) for one in one_owner)] += 1
    for keys, many in pairs.items():
        if many <= _FEW_OWNERS:
            telling.update(keys)
    return telling
