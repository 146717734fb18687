"""What stands behind a drug's name: dose, route, frequency, duration, as needed.

In        the place of a drug, and how far its line reaches
Out       attributes with their places. dose is the strength ("40 mg"), else a number of units ("2 puffs") or a bare number ("ASA 324");
          frequency holds its "as needed" and "with meals", as they are said; prn stands by itself, too
Source    abbreviations: ISMP and The Joint Commission lists of what is written, unsafe ones included, since people write them.
"""

from __future__ import annotations

import re

from bedside.codes.units import spelling
from bedside.pillars.text.fact import Attribute
from bedside.pillars.text.rules.note import Note

_REACH = 110
_NUMBER = r"\d{1,3}(?:,\d{3})+|\d{1,6}(?:\.\d{1,4})?|\.\d{1,4}"
_SPAN = rf"(?:{_NUMBER})(?:\s?(?:-|to|/)\s?(?:{_NUMBER}))?"
_MASS = (
    r"(?:mcg|micrograms?|ug|µg|μg|mg|milligrams?|gm?|grams?|ng|kg|ml|millilit(?:er|re)s?|cc|l|units?|u|iu|international units|meq|mmol|mm|%)"
    r"(?:\s?(?:/|per)\s?(?:kg|hr?|hour|day|d|min|minute|ml|\d{1,3}\s?ml|dose|actuation|24\s?h(?:ours)?|m2))*"
)
_UNIT = (
    r"(?:tab(?:let)?s?|cap(?:sule)?s?|caplets?|pills?|puffs?|sprays?|drops?|gtts?|patch(?:es)?|inhalations?|amps?|ampules?|vials?|"
    r"teaspoons?|teaspoonfuls?|tsp|tablespoons?|tbsp|suppositor(?:y|ies)|applications?|doses?|squirts?|lozenges?|packets?|sachets?|nebs?)"
)
_COUNT = rf"(?:{_SPAN}|one|two|three|four|half|a half|1/2|½|one half|one-half|one to two|an?)"
_ROUTE = (
    r"p\.\s?o\.|po|by mouth|orally|oral|per os|(?:i\.\s?v\.|iv)(?:\s?(?:push|drip|piggyback|infusion|bolus))?|ivp|ivpb|intravenous(?:ly)?|i\.\s?m\.|im|intramuscular(?:ly)?|"
    r"s\.c\.|sc|sq|sub-?q|sub-?cut(?:aneous(?:ly)?)?|s\.l\.|sl|sublingual(?:ly)?|under the tongue|p\.r\.(?!n)|pr|per rectum|rectal(?:ly)?|topical(?:ly)?|to the skin|"
    r"inhaled|by inhalation|inhalation|inh|via nebulizer|nebulized|nebulised|by nebulizer|neb|transdermal(?:ly)?|intranasal(?:ly)?|in|nasal(?:ly)?|in each nostril|"
    r"per nostril|ophthalmic|otic|vaginal(?:ly)?|pv|per g-?tube|via peg|per peg|per ng(?:\s?tube)?|intrathecal(?:ly)?|o\.u\.|ou|o\.s\.|via spacer|both eyes|each eye|"
    r"(?:to|in|into) (?:the )?(?:each|both|left|right|affected) (?:eyes?|ears?)|buccal(?:ly)?|intraarticular|epidural"
)
_TIMES = r"(?:once|twice|thrice|(?:one|two|three|four|five|six|\d)(?: |-)?(?:times?|x)|\d\s?x|x\s?\d(?![\d/]))"
_FREQUENCY = (
    rf"{_TIMES}\s?(?:-\s?)?(?:a|per|/|each|every|in)?\s?(?:day|daily|night(?:ly)?|week(?:ly)?|month(?:ly)?|d)|{_TIMES}(?:\s(?:only|now|dose))?|"
    r"(?:q|every|each)\.?\s?\d{1,2}(?:\s?(?:-|to|/)\s?\d{1,2})?\s?-?(?:hours?|hourly|hrs?|h|min(?:ute)?s?|days?|d|weeks?|wks?|wk|months?)\.?|"
    r"(?:every|each) (?:other day|morning|evening|night|day|night at bedtime|bedtime|week|month|hour|am|pm|shift|mon\w*|tue\w*|wed\w*|thu\w*|fri\w*|sat\w*|sun\w*|two weeks|three weeks|four hours|six hours|eight hours|twelve hours)|"
    r"q\.?\s?a\.m\.|q\.?\s?p\.m\.|q\.?\s?am|q\.?\s?pm|q\.?\s?h\.s\.|q\.?\s?hs|q\.?\s?noon|q\.\s?o\.\s?d\.|qod|q\.?\s?day|q\.?\s?daily|q\.?\s?week(?:ly)?|q\.?\s?month|q\.d\.|qd|"
    r"b\.\s?i\.\s?d\.|bid|t\.\s?i\.\s?d\.|tid|q\.\s?i\.\s?d\.|qid|t\.d\.s\.|tds|q\.d\.s\.|qds|b\.d\.|bd|o\.d\.|od|h\.s\.|hs|mane|nocte|stat|mwf|"
    r"(?:once |twice )?daily|nightly|weekly|monthly|hourly|fortnightly|biweekly|(?:at|before|every|each|q) bedtime|at night(?:time)?|at noon|"
    r"in the (?:morning|evening|afternoon|am|pm)|(?:\d{1,2}\s?)?(?:per|a|each|/) ?day|with (?:meals|breakfast|dinner|food|lunch|supper)|before (?:meals|breakfast|dinner|lunch)|after meals|"
    r"a\.c\.(?: and h\.s\.)?|ac(?: and hs| & hs)?|p\.c\.|around the clock|continuous(?:ly)?|as directed|per (?:sliding scale|protocol)|on \w{3,9}days?(?:(?:,| and| &) \w{3,9}days?){0,3}"
)
_PRN = r"(?:p\.\s?r\.\s?n\.|prn|as needed|as required|when needed|if needed|when required)"
_DURATION = (
    r"(?:(?:for|x|times)\s?(?:the next |a total of |another |an additional |up to )?"
    r"(?:\d{1,3}(?:\s?(?:-|to)\s?\d{1,3})?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fourteen|a)\s?-?\s?(?:more )?"
    r"(?:days?|d|weeks?|wks?|wk|months?|mos?|doses?|hours?|hrs?|years?))|x\s?\d{1,3}/(?:7|52|12)|\d{1,2}[- ]day (?:course|taper|supply)"
)
_PART = re.compile(
    rf"(?<![^\W_])(?:(?P<duration>{_DURATION})|(?P<strength>(?:{_SPAN})\s?-?{_MASS})|(?P<quantity>{_COUNT}\s?{_UNIT})|(?P<prn>{_PRN})|"
    rf"(?P<frequency>{_FREQUENCY})|(?P<route>{_ROUTE}))(?![^\W_])"
)
_BARE = re.compile(rf"\s?(?:[a-z]{{2,12}}\s)?(?P<dose>{_SPAN})(?=\s(?:{_FREQUENCY}|{_ROUTE})(?![^\W_])|\s?(?:[,;.\n]|\Z)|\s(?:at|in|today|po)\b)")
_FIRST = re.compile(rf"(?<![^\W_])((?:{_SPAN})\s?{_MASS}|{_COUNT}\s?{_UNIT})\s(?:of\s)?\Z")
_GLUE = re.compile(r"[\s,]{0,3}(?:and |& |at )?\Z")
_STATUS = re.compile(
    r"\b(start(?:ed|ing)?|restart(?:ed)?|resum(?:e|ed)|initiat(?:e|ed)|begin|began|continu(?:e|ed|es)|cont|increas(?:e|ed)|decreas(?:e|ed)|reduc(?:e|ed)|"
    r"stop(?:ped)?|discontinu(?:e|ed)|d/?c'?d|held|hold(?:ing)?|switch(?:ed)?|chang(?:e|ed)|add(?:ed)?|refill(?:ed)?|taper(?:ed)?|gave|given|received|took|takes|taking|on)\b[^.;\n]{0,24}\Z"
)
_AFTER = re.compile(r"[^.;\n]{0,12}\b(?:was|were|has been|is|to be)\s(stopped|discontinued|held|started|increased|decreased|reduced|restarted|resumed|continued|given|changed)\b")
_STOPPED = ("stop", "disc", "dc", "d/c", "held", "hold")
_DIGITS = re.compile(r"\d[\d,.]*|\.\d+")
_FREQUENCIES = {
    "bid": "BID", "bd": "BID", "tid": "TID", "tds": "TID", "qid": "QID", "qds": "QID", "qd": "daily", "od": "daily", "daily": "daily", "qday": "daily",
    "qdaily": "daily", "oncedaily": "daily", "onceaday": "daily", "onceperday": "daily", "everyday": "daily", "twicedaily": "BID", "twiceaday": "BID",
    "twotimesaday": "BID", "twotimesdaily": "BID", "threetimesaday": "TID", "threetimesdaily": "TID", "fourtimesaday": "QID", "fourtimesdaily": "QID",
    "qhs": "QHS", "atbedtime": "QHS", "nightly": "QHS", "everynight": "QHS", "atnight": "QHS", "hs": "QHS", "nocte": "QHS", "qam": "QAM", "everymorning": "QAM",
    "inthemorning": "QAM", "mane": "QAM", "qpm": "QPM", "everyevening": "QPM", "intheevening": "QPM", "everyotherday": "QOD", "qod": "QOD",
    "weekly": "weekly", "onceaweek": "weekly", "onceweekly": "weekly", "monthly": "monthly", "stat": "once", "once": "once", "x1": "once",
}  # fmt: skip
_EVERY = re.compile(r"(?:q|every|each)\.?\s?(\d{1,2})(?:\s?(?:-|to|/)\s?(\d{1,2}))?\s?-?(hours?|hourly|hrs?|h)\b")
_ROUTES = {"po": "PO", "bymouth": "PO", "orally": "PO", "oral": "PO", "iv": "IV", "intravenous": "IV", "intravenously": "IV", "ivpb": "IV", "ivp": "IV", "im": "IM",
           "intramuscular": "IM", "intramuscularly": "IM", "sc": "SC", "sq": "SC", "subq": "SC", "subcut": "SC", "subcutaneous": "SC", "subcutaneously": "SC",
           "sl": "SL", "sublingual": "SL", "sublingually": "SL", "pr": "PR", "perrectum": "PR", "inhaled": "inhaled", "inh": "inhaled", "topical": "topical",
           "topically": "topical", "intranasal": "nasal", "in": "nasal"}  # fmt: skip
_NOT_LETTERS = re.compile(r"[^a-z0-9]+")


def attributes(note: Note, start: int, end: int, stop: int) -> dict[str, Attribute]:
    """The parts of a drug's line: its name stands at [start, end), the next drug or the sentence's end at `stop`."""
    reach = min(stop, end + _REACH)
    found = _behind(note, end, reach)
    if "dose" not in found:
        bare = _BARE.match(note.low, end, reach)
        if bare:
            found["dose"] = note.attribute(*bare.span("dose"), number=_number(bare["dose"]))
    begin = max(note.sentence_at(start)[0], start - 60)
    before = note.low[begin:start]
    if "dose" not in found and (first := _FIRST.search(before)):
        found["dose"] = _dose(note, begin + first.start(1), begin + first.end(1))
    status = _status(note, before, begin, end, reach)
    return {**found, "status": status} if status else found


def _behind(note: Note, end: int, reach: int) -> dict[str, Attribute]:
    """Dose, route, frequency, duration and as needed, in the order in which they stand."""
    found: dict[str, Attribute] = {}
    last = ("", 0)
    for part in _PART.finditer(note.low, end, reach):
        kind, (begin, stop) = str(part.lastgroup), part.span()
        if kind == "route" and part[0] == "in" and note.text[begin:stop] != "IN":
            continue
        if kind in ("strength", "quantity"):
            kind = "dose" if kind == "strength" or "dose" not in found else "quantity"
            found.setdefault(kind, _dose(note, begin, stop))
        elif kind in ("frequency", "prn"):
            if kind == "prn":
                found.setdefault("prn", note.attribute(begin, stop, normal="PRN"))
            before = found.get("frequency")
            if before is None:
                found["frequency"] = _often(note, begin, stop)
            elif last[0] == "often" and part[0][0] != "x" and _GLUE.match(note.low[last[1] : begin]):
                found["frequency"] = _often(note, before.start, stop)
            last = ("often", stop)
        elif kind == "route":
            found.setdefault("route", note.attribute(begin, stop, normal=_ROUTES.get(_NOT_LETTERS.sub("", part[0]), part[0])))
        else:
            found.setdefault(kind, note.attribute(begin, stop))
    if "quantity" in found and "dose" not in found:
        found["dose"] = found.pop("quantity")
    return found


def _dose(note: Note, begin: int, end: int) -> Attribute:
    low = note.low[begin:end]
    digits = _DIGITS.match(low)
    unit = low[digits.end() :].strip(" -") if digits else ""
    single = digits is not None and not unit.startswith(("to ", "/")) and not unit[:1].isdigit()
    return note.attribute(begin, end, number=_number(low) if single else None, unit=spelling(unit) if single and unit else None)


def _often(note: Note, begin: int, end: int) -> Attribute:
    low = note.low[begin:end]
    every = _EVERY.match(low)
    if every:
        normal = f"Q{every[1]}-{every[2]}H" if every[2] else f"Q{every[1]}H"
    else:
        bare = re.split(rf"\s*,?\s*{_PRN}", low)[0]
        normal = _FREQUENCIES.get(_NOT_LETTERS.sub("", bare), "PRN" if not bare else low)
    return note.attribute(begin, end, normal=normal)


def _status(note: Note, before: str, begin: int, end: int, reach: int) -> Attribute | None:
    """What was done with the drug, where a verb says so: started, stopped, held, ..."""
    after = _AFTER.match(note.low, end, reach)
    found, shift = (after, 0) if after else (_STATUS.search(before), begin)
    if found is None or found[1] == "on":
        return None
    stopped = found[1].startswith(_STOPPED)
    return note.attribute(found.start(1) + shift, found.end(1) + shift, normal="stopped" if stopped else None)


def _number(text: str) -> float | None:
    digits = _DIGITS.search(text)
    try:
        return float(digits[0].replace(",", "").rstrip(".")) if digits else None
    except ValueError:
        return None
