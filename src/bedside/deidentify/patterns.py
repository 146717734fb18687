
r"""Identifiers that show themselves: numbers with a label or a shape, addresses, names beside a title, places.

In        any text
Out       spans; dates are found in `dates.py`, what the structure knows in `known.py`
Kept      eponyms (Parkinson disease), drugs, doses, vital signs, bare years, ages that the policy lets stand, states
Source    45 CFR 164.514(b)(2)(i), (A) to (R).
Each group of patterns runs only on text that holds the sign it needs (a digit, an @, a capital), since most text holds none.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from bedside.deidentify.lexicon import EPONYM_HEADS, everyday, listed, people, places, sole_first_names
from bedside.deidentify.spans import Span, around_digits

NOT_NAMES, STATE_NAMES = listed("not_names"), listed("state_names")
STATES = sorted(state.upper() for state in listed("states"))
_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_URL = re.compile(r"\b(?:(?:https?|ftp)://|www\.)[^\s<>\"')\]]+", re.IGNORECASE)
_IP = re.compile(r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w]|\.\d)")
_SSN = re.compile(r"(?<![\w-])\d{3}([- ])\d{2}\1\d{4}(?![\w]|-\d)")
_PHONE = re.compile(
    r"(?<![\w.-])(?:\+?1[\s.-]?)?(?:\(\d{3}\)\s?|\d{3}[\s.-])\d{3}[\s.-]\d{4}(?:\s?,?\s?(?:x|ext\.?|extension)\s?\d{1,6})?(?![\w]|-\d)"
    r"|(?<!\w)\+\d{1,3}[\s.-]?(?:\(?\d{1,4}\)?[\s.-]?){2,5}\d{2,4}(?!\w)"
    r"|(?<![\w.-])\(0\d{1,4}\)\s?\d{2,4}[\s.-]?\d{3,4}(?:[\s.-]?\d{2,4})?(?![\w]|-\d)"  # (02) 9876 5432
    # With the trunk zero: 07911 555731, 0121 496 0000, 020 7946 0018, 02 9876 5432, 06 12 34 56 78; not times of day (0800 1400 2000).
    r"|(?<![\w.,/-])0(?:\d{4}[\s-]\d{3}[\s-]?\d{3}|\d{3}[\s-]\d{3}[\s-]\d{4}|\d{1,2}[\s-]\d{4}[\s-]\d{4}|\d(?:[\s.]\d{2}){4})(?![\w]|[.,-]\d)",
    re.IGNORECASE,
)
_PHONE_LABEL = re.compile(
    r"\b(?:phone|telephone|tel|cell|mobile|fax|pager|beeper|ext|extension|call(?:ed)?(?: (?:back )?(?:at|on))?|contact)\b\.?"
    r"(?:\s*(?:no|number|num|is|at|#))?[\s:.#]*((?=(?:[\s().+-]{0,2}\d){7,15}(?![\w]|[-/.]\d))[+(]{0,2}\d{1,5}\)?(?:[\s.-]{0,2}\(?\d{2,6}\)?){1,5}"
    r"|(?:\d{3}[\s.-])?\d{3}[-\s.]\d{4}|\d{10}|\d{4,7})(?![\w]|[-/.]\d)",
    re.IGNORECASE,
)
_LABEL = (
    r"mrn|m\.r\.n\.?|med(?:ical)?\.?\s*rec(?:ord)?s?\.?|medical\s+id|patient\s*id|pt\.?\s*id|hosp(?:ital)?\s*(?:id|no|number)|account|acct|policy|plan|"
    r"insurance|insur|ins|member|subscriber|beneficiary|group|hmo|ppo|medicare|medicaid|licen[cs]e|lic|certificate|cert|dea|npi|serial|s/n|device|udi|vin|"
    r"passport|plate|ssn?|social\s+security|case|ref(?:erence)?|accession|visit|encounter|csn|har|order|claim|specimen|study|site|record|chart|health|id|"
    r"identifi(?:er|ed)|number|code|authorization|prescription|rx|registration|file|folio|ticket|badge|employee|lot|model"
)
_ID_LABEL = re.compile(
    rf"\b(?:{_LABEL})\b['’s]{{0,3}}\.?(?:[\s:#.,(=-]{{0,12}}\b(?:{_LABEL}|no|num|nr|is|was|as|of|under|card|with|includes)\b\.?){{0,6}}[\s:#.(=]{{0,12}}"
    r"(#?\s?(?:[A-Z]{1,6}[-#]?)*\d[\dA-Z]*(?:[-/][\dA-Z]+)*|#[A-Z]+-?[\dA-Z-]*\d[\dA-Z]*)(?![\w]|[.,]\d|/\d)",
    re.IGNORECASE,
)
_ID_BEFORE = re.compile(r"\bid\b[\s:#.]*\Z", re.IGNORECASE)
_MEASURED = re.compile(r"\s*(?:mg|mcg|ug|g|kg|ml|l|dl|mmol|meq|units?|iu|u|%|mm|cm|m|bpm|beats|cells|copies|x10|k/|/|hours?|hrs?|h|days?|weeks?|years?)\b",
                       re.IGNORECASE)  # fmt: skip
_ID_SHAPE = re.compile(
    r"#\s?[A-Z]{0,6}-?\d[\dA-Z-]{3,}\b|\b(?!NCT|PMID|PMC|ISRCTN|EUDRACT|COVID|SARS|CYP|HLA|GLP|ICD|CPT|LOINC|RXN)[A-Z]{1,6}-\d[\d-]{3,}\b"
    r"|\b(?!NCT|PMID|PMC|ISRCTN)[A-Z]{1,6}\d{5,}\b(?!\.\d)|(?<![\w.,-])\d{3}-\d{3}-\d{3}(?![\w-])|(?<![\w.,-])\d{5}-\d{3,}(?:-\d+)*\b|(?<![\w.,])\d{7,}(?![\w]|[.,]\d)"
)
_COMPACT_DATE = re.compile(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\Z")
# Words are bounded everywhere: a chain without end ("Ab-Ab-Ab-...") would cost the square of its length.
_CAP = r"[A-Z][\w'’]{1,40}(?:-[A-Z][\w'’]{1,40}){0,3}"
_NAME = rf"(?:{_CAP}|[A-Z]\.?)"
_NAMES = rf"{_CAP}(?:,?\s+{_NAME}){{0,3}}"
_TITLE = re.compile(
    rf"\b(?:Drs?|DRS?|Doctor|DOCTOR|Mr|MR|Mrs|MRS|Ms|Miss|MISS|Mx|Prof|Professor|Rev|Nurse|Sister)\b\.?\s+({_NAME}\.?(?:\s+{_NAME}){{0,2}})"
)
_SUFFIX = re.compile(
    rf"\b({_CAP}(?:,?\s+{_NAME}){{0,3}}),?\s+(?:M\.?D\.?|D\.?O\.?|R\.?N\.?|PA-?C|F?NP(?:-C)?|Ph\.?D\.?|CRNA|LPN|MBBS|DNP|Pharm\.?D|RPh|DDS|LCSW|MSW)(?![\w])"
)
_BY = re.compile(
    rf"\b(?:(?:[Dd]ictated|[Ss]igned|[Pp]erformed|[Rr]ead|[Ii]nterpreted|[Tt]ranscribed|[Vv]erified|[Oo]rdered|[Rr]eported|[Ss]een|[Aa]uthored|[Rr]eviewed|"
    rf"[Cc]ollected|[Aa]ttested|[Pp]repared|[Ww]ritten|[Aa]ssisted|[Dd]iscussed|[Ee]ntered|[Gg]iven|[Aa]ccompanied|[Rr]eferred)\s+(?:by|with)|"
    rf"[Cc]alled to|[Nn]otified|[Rr]eported to|[Ss]poke (?:to|with)|[Nn]amed|[Cc]c:?|[Ss]urname)\s*:?\s*(?:[Dd]r\.?\s+)?({_NAMES})"
)
_NAME_LABEL = re.compile(
    r"\b(?:[Pp]atient(?:'s)?(?: [Nn]ame)?|PATIENT(?: NAME)?|[Nn]ame|NAME|[Aa]uthor|AUTHOR|[Aa]ttending|ATTENDING|[Rr]eferring(?: [Pp]hysician| [Pp]rovider)?|"
    r"[Pp]hysician|PHYSICIAN|[Pp]rovider|PROVIDER|PCP|[Ss]urgeon|SURGEON|[Cc]onsultant|[Ee]mergency [Cc]ontact|[Nn]ext [Oo]f [Kk]in|NOK|[Cc]ontact|"
    r"[Gg]uarantor|[Ss]pouse|[Nn]urse|[Tt]echnician|[Tt]echnologist|[Rr]esident|[Ss]igned|[Ss]ignature|[Dd]octor|[Cc]linician|"
    rf"[Cc]aregiver|[Pp]roxy)\s*[:=][ \t]*((?:[Dd][Rr]\.?\s+)?{_CAP}(?:,?[ \t]+{_NAME}){{0,3}})"
)
_NAME_LINE = re.compile(
    r"^[ \t]*(?:patient(?:'s)?(?: name)?|name|author|attending|physician|provider)[ \t]*:[ \t]*([^\W\d_][\w'’.-]*(?:,?[ \t]+[^\W\d_][\w'’.-]*){1,3}?)"
    r"[ \t]*(?=$|[;|]|[ \t]{2}|,?[ \t]*(?:dob|mrn|age|sex)\b)",
    re.IGNORECASE | re.MULTILINE,
)
_KIN = re.compile(
    r"\b(?:daughter|son|wife|husband|mother|father|sister|brother|friend|partner|caregiver|niece|nephew|grandson|granddaughter|spouse|fianc[eé]e?|aunt|uncle|"
    rf"cousin|roommate|neighbou?r|Daughter|Son|Wife|Husband|Mother|Father|Sister|Brother|Spouse)\s*,?\s+(?:named\s+|is\s+|called\s+)?({_CAP}(?:\s+{_NAME}){{0,2}})"
)
_CAPITALISED = re.compile(rf"(?<![\w'’-])({_CAP})")
_FOLLOW = re.compile(rf"((?:[ \t]+[A-Z]\.?(?![\w'’]))?(?:[ \t]+(?:(?:van|von|de|del|la|der|bin|al|el)[ \t]+)*({_CAP}))?)")
_PRECEDED = re.compile(rf"({_CAP}),?[ \t]+\Z")
_WITH_INITIAL = re.compile(r"(?<![\w'’-])([A-Z][a-z]+) [A-Z]\.(?=,)")
_BEFORE_A_LETTER = frozenset(["vitamin", "hepatitis", "influenza", "protein", "factor", "immunoglobulin", "botulinum", "strep", "streptococcus", "haemophilus",
                              "schedule", "appendix", "figure", "table", "arm", "cohort", "lane", "rh", "titer", "antigen", "peptide"])  # fmt: skip
_EPONYM = re.compile(rf"(?:['’]s?)?(?:[\s-]+[a-z]+)?[\s-]+(?:{EPONYM_HEADS})\b", re.IGNORECASE)
_STREET_WORD = (
    "Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Drive|Dr|Lane|Ln|Courts?|Ct|Place|Pl|Way|Ways|Terrace|Ter|Circles?|Cir|Parkways?|Pkwy|Squares?|Sq|Highway|Hwy|"
    "Trail|Trl|Mews|Trace|Ridges?|Springs?|Crossing|Crossroad|Expressway|Freeway|Turnpike|Loop|Path|Pike|Plaza|Plains?|Point|Points|Row|Run|Walk|Walks|Alley|Bend|"
    "Branch|Bridge|Brook|Brooks|Burg|Bypass|Canyon|Cape|Causeway|Center|Centers|Cliffs?|Club|Common|Corners?|Course|Coves?|Creek|Crescent|Crest|Curve|Dale|Dam|"
    "Divide|Estates?|Extension|Extensions|Falls?|Ferry|Fields?|Flats?|Fords?|Forest|Forges?|Forks?|Fort|Gardens?|Gateway|Glens?|Greens?|Groves?|Harbors?|Haven|"
    "Heights|Hills?|Hollow|Inlet|Islands?|Isle|Junctions?|Keys?|Knolls?|Lakes?|Land|Landing|Lights?|Loaf|Locks?|Lodge|Mall|Manors?|Meadows?|Mills?|Mission|Motorway|"
    "Mount|Mountains?|Neck|Orchard|Oval|Overpass|Parks?|Pass|Passage|Pines?|Ports?|Prairie|Radial|Ramp|Ranch|Rapids?|Rest|River|Route|Rue|Shoals?|Shores?|Skyway|"
    "Spurs?|Station|Stravenue|Stream|Streets|Summit|Throughway|Track|Trafficway|Tunnel|Underpass|Unions?|Valleys?|Via|Viaduct|Views?|Villages?|Ville|Vista|Wall|Well|Wells"
)
_STREET = re.compile(
    rf"(?<![\w.,/-])\d{{1,6}}[A-Z]?\s+(?:[NSEW]\.?\s+|North\s+|South\s+|East\s+|West\s+)?(?:(?:\d{{1,3}}(?:st|nd|rd|th)|[A-Z][\w'’.-]{{0,40}})\s+){{1,4}}?"
    rf"(?:{_STREET_WORD})\b\.?(?:,?\s+(?:Apt|Apartment|Suite|Ste|Unit|Floor|Fl|#)\.?\s*#?\w+)?|\bP\.?\s?O\.?\s?Box\s+\d+"
)
_ADDRESS_LABEL = re.compile(r"\b(?:[Aa]ddress|ADDRESS|[Aa]ddr|[Rr]esidence)\s*:[ \t]*([^\n;]{4,120})")
_CITY_STATE = re.compile(
    rf"\b([A-Z][a-z.][\w'’.-]{{0,40}}(?:[ \t][A-Z][\w'’.-]{{1,40}}){{0,2}}),\s*(?:{'|'.join(STATES)})\b(?:\s+(\d{{5}}(?:-\d{{4}})?)\b)?"
)
_ZIP = re.compile(rf"\b(?:zip(?:\s*code)?|postal\s*code)\b\s*(?:is|of)?[\s:#]*(\d{{5}}(?:-\d{{4}})?)\b|(?<![A-Za-z])(?:{'|'.join(STATES)})\s+(\d{{5}}(?:-\d{{4}})?)\b",
                  re.IGNORECASE)  # fmt: skip
_HOSPITAL_WORD = (
    r"Hospitals?|Med(?:ical|\.)?\s+C(?:enter|entre|tr|\.)(?:\.)?|Medical\s+Group|Clinics?|Health\s*[Cc]are(?:\s+(?:System|Center))?|Health(?:\s+(?:System|Center|Clinic|Network|"
    r"Services|Partners))?|Infirmary|Hospice|Nursing\s+(?:Home|Facility)|Rehab(?:ilitation)?\s+Center|Cancer\s+(?:Center|Institute)|Heart\s+Institute|"
    r"Sanatorium|Surgery\s+Center|Surgical\s+Center|Care\s+Center|Community\s+Center|Memorial|Medicine|General|University|Presbyterian"
)
_HOSPITAL = re.compile(rf"\b((?:(?:St|Mt|Ft|Saint|Mount)\.?\s+)?[A-Z][\w'’.&-]{{0,40}}(?:\s+(?:(?:of|and|for|the|de|&)\s+)?[A-Z][\w'’.&-]{{0,40}}){{0,4}}?\s+(?:{_HOSPITAL_WORD}))(?![\w])"
                       rf"(?:\s+(?:{_HOSPITAL_WORD})(?![\w]))*")  # fmt: skip
_SAINT = re.compile(
    r"\b(?:St|Mt)\.?\s+(?!Jude\b(?!'?s?\s+Hosp))[A-Z]\w+(?:['’]s)?(?:\s+(?:Hospital|Clinic|Medical Center))?|\b(?:Saint|Mount)\s+[A-Z]\w+(?:['’]s)?"
)
_AT = re.compile(r"\b(?:at|At|@)\s+(?:the\s+)?([A-Z][a-z][\w'’-]{0,40}(?:[ \t]+(?:(?:of|and|&)[ \t]+)?[A-Z][\w'’-]{1,40}){0,4})")
_LIVES = re.compile(
    r"\b(?:lives?|living|resid(?:es|ing|ent)|born|from|moved|relocated|travell?ed|flew|home|in|near|outside)\s+(?:in|at|of|to|from|near|outside)?\s*"
    r"([A-Z][a-z][\w'’.-]{0,40}(?:\s+[A-Z][a-z][\w'’-]{1,40}){0,2})"
)
_HOSPITAL_PLAIN = re.compile(
    r"(?:The|This|Our|Pain|Wound|Diabetes|Cardiology|Heart|Primary|Urgent|Specialty|Memory|Eye|Dental|Sleep|Anticoagulation|Coumadin|Outpatient|Home|Mental|"
    r"Behavioral|Public|Women'?s|Men'?s|Global|Past|Family|Internal|Emergency|Sports|Nuclear|Occupational|Palliative|Critical|Physical|In|At|To|Electronic|Travel|"
    r"General|Integrative|Precision|Regenerative|Preventive|Geriatric|Community|Bone|Oral|Social|Child|Rehab|Regional|World|Current|Chronic|Acute|Overall|Day)"
    rf"(?:\s+(?:Care|Health|Medicine|Failure|Medical))*\s+(?:{_HOSPITAL_WORD})\Z"
)
_CAPITAL = re.compile(r"[A-Z]")


def numbers(text: str) -> Iterator[Span]:
    """E-mail, web and network addresses, phones, social security numbers, and numbers that identify."""
    if "@" in text:
        yield from _all(_EMAIL, text, "EMAIL")
    if "://" in text or "www." in text or "WWW." in text:
        yield from _all(_URL, text, "URL")
    for start, end in around_digits(text):
        yield from _all(_SSN, text, "SSN", start, end)
        yield from _all(_PHONE, text, "PHONE", start, end)
        yield from _all(_PHONE_LABEL, text, "PHONE", start, end, group=1)
        yield from _all(_IP, text, "IP", start, end)
        yield from _labelled(text, start, end)
        for found in _ID_SHAPE.finditer(text, start, end):
            if not (_MEASURED.match(text, found.end()) or _COMPACT_DATE.match(found[0])):
                yield Span(found.start(), found.end(), "ID")


def addresses(text: str, *, city: bool) -> Iterator[Span]:
    """Streets, zip codes, and cities unless the policy lets them stand (`city`)."""
    near, capital = around_digits(text), _CAPITAL.search(text) is not None
    for start, end in near if capital else ():
        yield from _all(_STREET, text, "ADDRESS", start, end)
    if near and capital and ("ddr" in text or "DDR" in text or "esidence" in text):
        yield from _all(_ADDRESS_LABEL, text, "ADDRESS", group=1)
    if city:
        return
    for start, end in near:
        yield from (Span(*found.span(1 if found[1] else 2), "ZIP") for found in _ZIP.finditer(text, start, end))
    if capital:
        yield from _cities(text)


def names(text: str) -> Iterator[Span]:
    """People beside a title, a role or a relation, and given names that are nothing else."""
    if not _CAPITAL.search(text):
        return
    for pattern in (_TITLE, _SUFFIX, _BY, _NAME_LABEL, _KIN):
        for found in pattern.finditer(text):
            span = _trimmed(text, *found.span(1), bare=pattern is _TITLE)
            if span is not None:
                yield span
    for found in _NAME_LINE.finditer(text):
        if not people().isdisjoint(re.findall(r"[a-z]+", found[1].lower())):
            yield Span(*found.span(1), "NAME")
    for found in _WITH_INITIAL.finditer(text):
        word = found[1].lower()
        if word in listed("surnames") or not (word in everyday() or word in _BEFORE_A_LETTER):
            yield Span(*found.span(), "NAME")
    yield from _given_names(text)


def hospitals(text: str) -> Iterator[Span]:
    """Hospitals, clinics and what stands after "at"; specialities and departments stay."""
    if not _CAPITAL.search(text):
        return
    for found in _HOSPITAL.finditer(text):
        if not _HOSPITAL_PLAIN.match(found[1]) and not _department(found[1]):
            yield Span(*found.span(), "HOSPITAL")
    if "St" in text or "Mt" in text or "Saint" in text or "Mount" in text:
        yield from _all(_SAINT, text, "HOSPITAL")
    for found in _AT.finditer(text):
        words = found[1].lower().split()
        plain = NOT_NAMES if len(words) > 1 else everyday()
        if words[0].strip(".'’") not in plain and words[0] not in STATE_NAMES and not _EPONYM.match(text, found.end()):
            yield Span(*found.span(1), "HOSPITAL")


def old_ages(text: str, cap: int) -> Iterator[Span]:
    """Numbers that are an age above the cap."""
    for start, end in around_digits(text):
        for found in _AGE.finditer(text, start, end):
            group = 1 if found[1] else 2
            if int(found[group]) > cap:
                yield Span(*found.span(group), "AGE")


_AGE = re.compile(
    r"\b(\d{2,3})(?=[\s-]*(?:years?|yrs?|y\.?/?o\.?|yo|y)\b[\s-]*(?:old|of age|\bm\b|\bf\b|male|female|man|woman|y/?o)?)|\b(?:age|aged|ages)\b\s*:?\s*(?:of\s+|is\s+)?(\d{2,3})\b(?!\s*(?:%|mm|mg))",
    re.IGNORECASE,
)


def _all(
    pattern: re.Pattern[str], text: str, kind: str, start: int = 0, end: int = sys.maxsize, *, group: int = 0
) -> Iterator[Span]:
    return (Span(*found.span(group), kind) for found in pattern.finditer(text, start, end))


def _labelled(text: str, start: int, end: int) -> Iterator[Span]:
    for found in _ID_LABEL.finditer(text, start, end):
        value = found[1]
        digits = sum(map(str.isdigit, value))
        marked = "-" in value or value.startswith("#") or _ID_BEFORE.search(text, max(0, found.start(1) - 8), found.start(1))
        lettered = digits >= 3 and any(map(str.isalpha, value)) and bool(marked)
        if (digits >= 4 or lettered) and not (_MEASURED.match(text, found.end()) or _is_year(value)):
            yield Span(*found.span(1), "ID")


def _is_year(value: str) -> bool:
    return len(value) == 4 and value.isdigit() and value[:2] in ("19", "20")


def _cities(text: str) -> Iterator[Span]:
    for found in _CITY_STATE.finditer(text):
        yield Span(*found.span(1), "CITY")
        if found[2]:
            yield Span(*found.span(2), "ZIP")
    pattern, firsts = _place_pattern()
    if not firsts.isdisjoint(_CAPITALS.findall(text)):
        yield from (Span(*found.span(), "CITY") for found in pattern.finditer(text) if not _EPONYM.match(text, found.end()))
    for found in _LIVES.finditer(text):
        first = found[1].split()[0].lower()
        if first not in everyday() and first not in STATE_NAMES and found[0].split()[0].lower() not in ("in", "from", "home"):
            yield Span(*found.span(1), "CITY")


_CAPITALS = re.compile(r"[A-Z][\w.]*")
_PLACES: list[tuple[re.Pattern[str], frozenset[str]]] = []


def _place_pattern() -> tuple[re.Pattern[str], frozenset[str]]:
    """All listed places as one pattern, and the first words that make it worth running."""
    if not _PLACES:
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, places()))})(?!\w)")
        _PLACES.append((pattern, frozenset(word for place in places() for word in _CAPITALS.findall(place))))
    return _PLACES[0]


def _department(text: str) -> bool:
    """Whether "Cardiology Clinic" or the like: every word before the last is one that names no place."""
    return all(word.strip(".'’").lower() in NOT_NAMES for word in text.split()[:-1])


def _trimmed(text: str, start: int, end: int, *, bare: bool = False) -> Span | None:
    """The name without words at its ends that are none.

    bare   after a title anything capitalised is a name, an everyday word included
    """
    words = [(found.start() + start, found.end() + start) for found in re.finditer(r"[\w'’.-]+", text[start:end])]
    stop = NOT_NAMES - listed("surnames") if bare else NOT_NAMES
    while words and _plain(text, words[-1]) in stop:
        words.pop()
    while words and not bare and _plain(text, words[0]) in stop:
        words.pop(0)
    if not words or (bare and _plain(text, words[0]) in _AFTER_TITLE):
        return None
    kept = next((at for at, word in enumerate(words) if _plain(text, word) in stop and at), len(words))
    start, end = words[0][0], words[kept - 1][1]
    return Span(start, end - 1 if text[end - 1] == "." and end - words[kept - 1][0] > _INITIAL else end, "NAME")


_INITIAL = 2
_AFTER_TITLE = frozenset(
    [
        "practitioner",
        "name",
        "md",
        "rn",
        "and",
        "or",
        "is",
        "was",
        "the",
        "in",
        "on",
        "at",
        "practitioners",
        "nurse",
        "doctor",
        "manager",
        "educator",
        "contin",
    ]
)


def _plain(text: str, word: tuple[int, int]) -> str:
    return text[word[0] : word[1]].strip(".'’").lower()


def _given_names(text: str) -> Iterator[Span]:
    first_names, sole = listed("first_names"), sole_first_names()
    for found in _CAPITALISED.finditer(text):
        word = found[1].lower().removesuffix("'s").removesuffix("’s")
        if "-" in word and first_names.issuperset(word.split("-")):  # Anne-Marie
            word = word.split("-")[0]
        if word not in first_names:
            continue
        after = _FOLLOW.match(text, found.end())
        family = after[2] if after else None
        if family and family.lower() in NOT_NAMES and not (word in sole and family.lower() in listed("surnames")):
            after, family = re.compile(r"[ \t]+[A-Z]\.?(?![\w'’])").match(text, found.end()), None
        named = bool(after and after[0].strip()) and (
            word in sole or (family is not None and _is_family(family)) or _initial(after)
        )
        if (word in sole or named) and not _EPONYM.match(text, found.end()):
            yield Span(_with_family_before(text, found.start()), after.end() if named and after else found.end(), "NAME")


def _initial(after: re.Match[str] | None) -> bool:
    """Whether a given name is followed by nothing but an initial with its point: "Grace P." """
    return after is not None and re.match(r"[ \t]+[A-Z]\.\Z", after[0]) is not None


def _is_family(word: str) -> bool:
    return word.lower() in listed("surnames") or (word.lower() not in everyday() and word[1:].islower())


def _with_family_before(text: str, start: int) -> int:
    """Where "Perez, " begins, if that stands before a given name."""
    before = _PRECEDED.search(text, max(0, start - 40), start)
    if before is None or "," not in before[0]:
        return start
    word = before[1].lower()
    return before.start() if word in listed("surnames") and word not in NOT_NAMES else start
