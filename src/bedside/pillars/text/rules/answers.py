"""What is written directly at a fact as in a form: an answer after it, a sign, a box ticked or not.

In        a note, and the place of a fact
Out       True when the form says that it is so, False when it says that it is not, None when it says nothing
Answers   "Edema: no", "Diabetes - N", "Any chest pain? No.", "Rash | absent |", "Edema: no edema"; "no" with a noun behind it ("Chest: no rales") answers nothing
Signs     "chest pain (-)", "fever -ve, cough +ve", "fever -, cough +"; ", cough present,"
Boxes     "[ ] Diabetes [x] Hypertension", "Diabetes [x]", "Diabetes: [ ] yes [x] no". An empty box before a fact denies it, unless it stands before
          a thing to do ("[ ] follow up pneumonia"). A ticked one changes nothing that its own words say.
Time      linear: each pattern has a bounded reach from the fact, and boxes are found once a note.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bedside.pillars.text.rules.note import Note

_PLAIN, _QUESTION = frozenset((",", ".", ";", "\n", "")), 80
_NO = r"(?P<no>(?i:no|n|none|nil|never|negative|neg|denied|denies|absent|false|not present|-ve|0|[-−–]))"
_YES = r"(?P<yes>(?i:yes|y|positive|pos|present|true|\+ve|\+))"
_CLOSED = r"(?=[^\S\n]{0,20}(?:[.,;)\]|\n(\t]|\Z)|[^\S\n]{2,}|[^\S\n]+[A-Z][^.,;:?\n]{0,30}[:?])"
_ALSO = r"(?:[^\S\n]{0,20}\([^()\n]{0,30}\))?(?:[^\S\n]{0,20}(?:/|(?i:or|and)\b)[^.,;:?\n()]{1,40})?"
_LABEL = re.compile(rf"{_ALSO}[^\S\n]{{0,20}}(?:[:=|\t]|\.{{3,60}})[^\S\n]{{0,20}}(?:{_NO}|{_YES}){_CLOSED}")
_DASH = re.compile(r"[^\S\n]{1,20}[-–—][^\S\n]{1,20}(?:(?P<no>(?i:no|n|none|nil|negative|denied|denies|absent))|(?P<yes>(?i:yes|y|present)))(?=[^\S\n]{0,20}(?:[.,;)\n]|\Z))")
_AGAIN = re.compile(r"[^\S\n]?:[^\S\n]?(?:no|denies|without) ")
_ASKED = re.compile(rf"(?P<between>[^.?!;:\n]{{0,{_QUESTION}}})\?\s{{0,3}}(?:{_NO}|{_YES})(?=\s*(?:[.,;)\]]|\n|\Z))")
_ASKING = re.compile(r"(?:any|do|does|did|is|are|has|have|had|ever|history of|h/o)\b")
_SIGN = re.compile(
    r"[^\S\n]?\([^\S\n]?(?:(?P<no>[-−–]|-ve|neg|negative|no|none|absent|denies|denied)|(?P<yes>\+|\+ve|pos|positive|yes|present))[^\S\n]?\)"
    r"|[^\S\n]?(?:(?P<minus>-ve(?![^\W_])|[-−](?=[,;)]))|(?P<plus>\+ve(?![^\W_])|\+(?=[\s,;.)]|\Z)))",
    re.IGNORECASE,
)
_PRESENT, _ITEM_BEGINS = re.compile(r"[^\S\n]+present(?=[^\S\n]*(?:[,;.)\n]|\Z))"), re.compile(r"(?:\A|[,;.:\n])[^\S\n]{0,2}\Z")
_BOX = re.compile(r"(?=[\[(☐-☒□■])(?:\[[^\S\n]?(?P<tick>[x✓✔]?)_?[^\S\n]?\]|\((?:[^\S\n]|(?P<cross>x))\)|(?P<open>[☐□])|(?P<shut>[☑☒■]))")
_CHOICE = re.compile(r"[^\S\n]{0,2}(?:(?P<yes>yes|y)|(?P<no>no|n))(?![^\W_])")
_TO_DO = re.compile(
    r"[^\S\n]{0,3}(?:please |will |to )?(?:follow|f/u|check|start|stop|continue|call|repeat|consider|treat|order|schedule|obtain|discuss|monitor|refer|rule|r/o|evaluate|"
    r"assess|review|get|give|wean|hold|send|trend|consult|arrange|ensure|request|restart|complete|work ?up)\b"
)
_ENDED = re.compile(r"[.!?]\s")
_REACH, _GAP = 120, 40


class Box(NamedTuple):
    """A box: where it stands, whether it is ticked, and whether boxes of its line follow what they are about."""

    start: int
    end: int
    ticked: bool
    after: bool


def answered(note: Note, start: int, end: int) -> bool | None:
    """What a form says of the fact at [start, end)."""
    plain = note.low[end : end + 1] in _PLAIN and not note.low.startswith("...", end)
    found = None if plain else _LABEL.match(note.text, end) or _DASH.match(note.text, end)
    if found is None and note.low.find("?", end, end + _QUESTION + 1) >= 0:
        found = _asked(note, start, end)
    if found:
        return found["no"] is None
    if not plain and (again := _AGAIN.match(note.low, end)) and note.low.startswith(note.low[start:end], again.end()):
        return False
    if not plain and (sign := _SIGN.match(note.low, end)):
        return not (sign["no"] or sign["minus"])
    if _PRESENT.match(note.low, end) and _ITEM_BEGINS.search(note.low, max(start - 3, 0), start):
        return True
    return _boxed(note, start, end) if note.boxes else None


def boxes(low: str) -> list[Box]:
    """The boxes of a text in small letters, in order.

    >>> [(box.ticked, box.after) for box in boxes("[ ] diabetes [x] gout")]
    [(False, False), (True, False)]
    """
    found = list[Box]()
    for one in _BOX.finditer(low):
        if found and "\n" not in low[found[-1].end : one.start()]:
            after = found[-1].after
        else:
            line = low.rfind("\n", max(one.start() - _REACH, 0), one.start()) + 1
            after = any(char.isalpha() for char in low[max(line, one.start() - _REACH) : one.start()])
        found.append(Box(one.start(), one.end(), bool(one["tick"] or one["cross"] or one["shut"]), after))
    return found


def _asked(note: Note, start: int, end: int) -> re.Match[str] | None:
    """The answer to the question that a fact stands in; of a question that begins with another thing, only its last is asked."""
    found = _ASKED.match(note.text, end)
    whole = found is None or "," not in found["between"] or _ASKING.match(note.low, note.sentence_at(start)[0]) is not None
    return found if whole else None


def _boxed(note: Note, start: int, end: int) -> bool | None:
    """What the boxes of a fact's line say of it."""
    at = bisect_right(note.box_starts, start) - 1
    if at >= 0 and not note.boxes[at].after and start - note.boxes[at].end <= _REACH:
        between = note.low[note.boxes[at].end : start]
        if "\n" not in between and not _ENDED.search(between) and not _CHOICE.match(between):
            return None if note.boxes[at].ticked or _TO_DO.match(between) else False
    at = bisect_left(note.box_starts, end)
    if at == len(note.boxes) or not note.boxes[at].after or note.boxes[at].start - end > _GAP or "\n" in note.low[end : note.boxes[at].start]:
        return None
    for box in note.boxes[at : at + 2]:
        choice = _CHOICE.match(note.low, box.end)
        if choice is None:
            return box.ticked
        if box.ticked:
            return choice["yes"] is not None
    return None
