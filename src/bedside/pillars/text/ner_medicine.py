"""Whether a word with a capital is the name of a thing of medicine: what stands beside it tells.

In        a text and a stretch of it
Out       yes where a disease, sign, instrument or layer is named for it ("Scarpa's fascia"), a dose or gauge stands beside it, or it heads a line
"""

from __future__ import annotations

import re

from bedside.deidentify.lexicon import EPONYM_HEADS, Word, meanings
from bedside.pillars.text.ner_words import is_listed, is_plain

# What a surgeon, an anatomist or a laboratory names for somebody, beside the heads of the rules.
_THINGS = (
    "clamps?|scissors|sutures?|stitch(?:es)?|retractors?|forceps|fascia|ligaments?|drains?|sponges?|needles?|elevators?|dressings?|cautery|electrocautery|layers?|triangle|trocars?|"
    "cannulas?|catheters?|tubes?|tubing|bags?|balloons?|stents?|shunts?|valves?|rods?|screws?|plates?|pins?|wires?|rings?|clips?|staples?|staplers?|knife|blades?|curettes?|dilators?|"
    "speculum|scopes?|tips?|suction|tongs?|holders?|hooks?|loops?|bandages?|gauze|wraps?|packs?|packing|glue|gel|cream|ointment|spray|drops|solution|table|headrest|frame|"
    "approach|maneuvers?|flaps?|grafts?|anastomosis|incisions?|closure|space|line|fossa|membrane|pouch|cord|tendon|spine|roll|rolls|type|style|scores?|reflex(?:es)?|signs?|tests?|"
    "exam|examination|scale|questionnaire|inventory|assay|stains?|agar|medium|machine|monitor|device|system|pump|meter|implant|prosthesis|lens|cage|mesh|patch"
)
_HEADS = rf"(?:{EPONYM_HEADS}|{_THINGS})"
_EPONYM = re.compile(rf"(?:['’]s?)?(?:[\s-]+[a-z]+)?[\s-]+{_HEADS}\b", re.IGNORECASE)
_GAUGE = re.compile(r"(?:\d-0|\d0|#\s?\d+|\bsize \d+|\bgauge|\bFrench)[ \t]+\Z", re.IGNORECASE)
_DOSE = re.compile(r"\s*(?:XR|ER|SR|CR|XL|LA|HCT|DM|PM)?\s*\d+(?:[.,/-]\d+)*\s*(?:mg|mcg|ug|g|gram|grams|ml|units?|iu|meq|%|tabs?|tablets?|puffs?|mmol)\b", re.IGNORECASE)
_HEADING = re.compile(r"\s*:")
_LINE_START = re.compile(r"(?:\A|\n)[^\w\n]*\Z")
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")


def is_medicine(text: str, start: int, end: int) -> bool:
    """Whether a disease, sign or device is named for it, a dose follows, or it heads a line."""
    if _EPONYM.match(text, end) or _DOSE.match(text, end) or _GAUGE.search(text, max(0, start - 12), start):
        return True
    if _HEADING.match(text, end) and _LINE_START.search(text, max(0, start - 8), start):
        return True
    return all(meanings().get(word[0].lower(), 0) & int(Word.LAND) for word in _WORD.finditer(text, start, end))


def is_common(text: str, start: int, end: int) -> bool:
    """Whether no word of it is a name."""
    return all(is_plain(word[0]) and not is_listed(word[0]) for word in _WORD.finditer(text, start, end))
