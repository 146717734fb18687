"""Streets, zip codes, towns and hospitals: by their form, by lists, and by the words before them.

In        a text in ASCII, and where a capitalised word or a run of digits stands in it
Out       spans
Kept      states and countries, departments and specialities, eponyms
Elsewhere offices, home towns and letters that stand for a hospital: `facilities.py`
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedside.deidentify.addresses import after_code, before_code, state_before
from bedside.deidentify.lexicon import Word, is_eponym, listed, meanings, places, towns
from bedside.deidentify.spans import Span

NOT_NAMES, STATE_NAMES = listed("not_names"), listed("state_names")
STATES = frozenset(state.upper() for state in listed("states"))
_STREET_WORD = (
    "Street|St|Avenue|Ave|Av|Road|Rd|Boulevard|Blvd|Drive|Dr|Lane|Ln|Courts?|Ct|Place|Pl|Way|Ways|Terrace|Ter|Circles?|Cir|Parkways?|Pkwy|Squares?|Sq|Highway|Hwy|"
    "Trail|Trl|Mews|Trace|Ridges?|Springs?|Crossing|Crossroad|Expressway|Freeway|Turnpike|Loop|Path|Pike|Plaza|Plains?|Point|Points|Row|Run|Walk|Walks|Alley|Bend|"
    "Branch|Bridge|Brook|Brooks|Burg|Bypass|Canyon|Cape|Causeway|Center|Centers|Cliffs?|Close|Club|Common|Corners?|Course|Coves?|Creek|Crescent|Crest|Curve|Dale|Dam|"
    "Divide|Estates?|Extension|Extensions|Falls?|Ferry|Fields?|Flats?|Fords?|Forest|Forges?|Forks?|Fort|Gardens?|Gateway|Glens?|Greens?|Groves?|Harbors?|Haven|"
    "Heights|Hills?|Hollow|Inlet|Islands?|Isle|Junctions?|Keys?|Knolls?|Lakes?|Land|Landing|Lights?|Loaf|Locks?|Lodge|Mall|Manors?|Meadows?|Mills?|Mission|Motorway|"
    "Mount|Mountains?|Neck|Orchard|Oval|Overpass|Parks?|Pass|Passage|Pines?|Ports?|Prairie|Radial|Ramp|Ranch|Rapids?|Rest|River|Route|Rue|Shoals?|Shores?|Skyway|"
    "Spurs?|Station|Stravenue|Stream|Streets|Summit|Throughway|Track|Trafficway|Tunnel|Underpass|Unions?|Valleys?|Via|Viaduct|Views?|Villages?|Ville|Vista|Wall|Well|Wells"
)
_UNIT = r"(?:,?\s+(?:Apt|Apartment|Suite|Ste|Unit|Floor|Fl|Flat|Room|Rm|Bldg|Building|#)\.?\s*#?\w+)?"
_STREET = re.compile(
    r"\d{1,6}[A-Za-z]?,?\s+(?:(?:[A-Z][A-Za-z]+\s+)?(?:Highway|Hwy|Route|Rte|Road|County\s+Road|State\s+R(?:oute|oad)|FM|Interstate)\s+\d{1,4}[A-Z]?\b(?:\s+(?:[NSEW]{1,2}|North|South|East|West)\b)?"
    rf"|(?:Parkway|Pkwy|Highway|Hwy|Broadway|Boulevard|Blvd)\b(?:\s+(?:[NSEW]{{1,2}}|North|South|East|West)\b)?{_UNIT}"
    r"|(?:Avenue|Street|Way|Court|Lane|Road|Boulevard|Place)\s+of\s+(?:the\s+)?[A-Z][A-Za-z]+)|"
    rf"\d{{1,6}}[A-Za-z]?(?:[-/](?:\d{{1,4}}[A-Z]?|[A-Z]))?,?\s+(?:[NSEW]{{1,2}}\.?\s+|North\s+|South\s+|East\s+|West\s+)?(?:(?:\d{{1,3}}(?:st|nd|rd|th)|[A-Z][A-Za-z0-9_'.-]{{0,40}})\s+){{1,4}}?"
    rf"(?:{_STREET_WORD})\b\.?(?:\s+(?:{_STREET_WORD})\b\.?){{0,2}}(?:\s+[NSEW]{{1,2}}\b\.?|\s+(?:North|South|East|West)\b)?{_UNIT}"
)
# Streets in capitals and small letters: only words that are hardly anything else.
_SURE_STREET = re.compile(
    r"\d{1,6}(?:-?[a-z](?!\w))?\s+(?:(?:[nsew]{1,2}|north|south|east|west)\s+)?(?:(?!(?:hours?|hrs?|mile|miles|min|minutes?|days?|weeks?|months?|years?|blocks?|of|the|a|an|to|in|on|x|for|and|or|with|per|h|cm|mm|mg|ml|pt|was|is)\b)[a-z0-9][a-z0-9'-]*\s+){1,3}?"
    r"(?:street|avenue|road|rd|boulevard|blvd|ln|lane|parkway|pkwy|highway|hwy|mews|terrace|turnpike|crescent|cul-de-sac)\b\.?(?:\s+(?:north|south|east|west|[nsew])\b)?(?:,?\s+(?:apt|apartment|suite|ste|unit)\.?\s*#?\w{1,6})?"
)
# Streets whose word is written into the name or before it: 14 Hauptstrasse, Hauptstrasse 14, 28 rue de Rivoli, Via Roma 12, ul. Dluga 28.
_STREET_ABROAD = re.compile(
    r"\d{1,5}[a-z]?,?\s+(?:(?:rue|avenue|boulevard|place|chemin|allee|quai|impasse|via|viale|piazza|corso|calle|avenida|plaza|paseo|rua|ulica)\s+(?:d[eu]\s+|de la\s+|des\s+|della\s+)?"
    r"[A-Z][A-Za-z0-9_'-]{1,40}(?:\s+[A-Z][A-Za-z0-9_'-]{1,40}){0,3}|[A-Z][a-z]{2,40}(?:strasse|str\.|straat|laan|weg|gasse|platz|plein|gade|gatan|vagen|vej|veien|gata|kade|katu|tie|utca)\b)"
)
_STREETS_ABROAD = frozenset(["rue", "ave", "bou", "pla", "che", "all", "qua", "imp", "via", "via", "pia", "cor", "cal", "pas", "rua", "uli"])
_NUMBER_AFTER = re.compile(
    r"(?:\b(?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Cc]hemin|[Vv]ia|[Vv]iale|[Pp]iazza|[Cc]orso|[Cc]alle|[Aa]venida|[Pp]laza|[Pp]aseo|[Rr]ua|[Uu]l\.?|[Uu]lica|[Cc]/)\s+(?:d[eu]\s+|de la\s+|des\s+|della\s+|dos?\s+)?"
    r"[A-Z][A-Za-z0-9_.'-]{0,40}(?:\s+[A-Z][A-Za-z0-9_.'-]{0,40}){0,3}|\b[A-Z][a-z]{2,40}(?:strasse|str\.|straat|laan|weg|gasse|platz|plein|gade|gatan|vagen|vej|veien|gata|kade|katu|tie|utca)|"
    r"\b[A-Z][a-z]{2,40}\s+(?:utca|u\.|katu|ut|ter)),?\s+\Z"
)
_POST_BOX = re.compile(r"\b(?:P\.?\s?O\.?\s?Box|PO Box|Postfach|Box|PSC|Apt\.?|Suite|Apartment|Locked Bag)\s+#?\Z", re.IGNORECASE)
_ZIP_LABEL = re.compile(r"\b(?:zip|postal|post)(?:\s*code)?\b\s*(?:is|of)?[\s:#]*\Z")
_TOWN_AFTER = re.compile(r"[ ]([A-Z][a-z]{2,})(?!\w)")
_LONGEST_POSTAL = 5
_ZIP = re.compile(r"\d{5}(?:-\d{4})?(?![A-Za-z0-9_]|[.,]\d)")
_CITY_BACK = re.compile(r"(?<![A-Za-z0-9_'])((?:[A-Z][a-z.][A-Za-z0-9_'.-]{0,40}|[A-Z]{3,20})(?:[ \t][A-Z][A-Za-z0-9_'.-]{1,40}){0,3}),\s*\Z")
_ADDRESS = re.compile(r"(?:[Aa]ddress|ADDRESS|[Aa]ddr|[Rr]esidence)\s*:[ \t]*((?:\d{1,6}[A-Za-z]?[ \t]*\n)?[^\n;]{4,120})")
_HOSPITAL_WORD = (
    r"Hospitals?|Med(?:ical|\.)?\s+C(?:enter|entre|tr|\.)(?:\.)?|Medical\s+Group|Clinics?|Health\s*[Cc]are(?:\s+(?:System|Center))?|Health(?:\s+(?:System|Center|Clinic|Network|"
    r"Services|Partners|Trust))?|Infirmary|Hospice|Nursing\s+(?:Home|Facility)|Rehab(?:ilitation)?\s+Center|Cancer\s+(?:Center|Institute)|Heart\s+(?:Institute|Center)|"
    r"Sanatorium|(?:Senior\s+|Assisted\s+)?Living(?:\s+(?:Center|Facility|Community))?|Surgery\s+Center|Surgical\s+Center|Care\s+Center|Community\s+Center|Memorial|Medicine|General|University|Presbyterian|Polyclinic|Dispensary|Manor|Hospital\s+Center"
)
HOSPITAL_HEAD = re.compile(rf"(?:{_HOSPITAL_WORD})(?!\w)(?:\s+(?:{_HOSPITAL_WORD})(?![A-Za-z0-9_]))*")
_HOSPITAL_BEFORE = re.compile(r"(?<![A-Za-z0-9_'.-])((?:(?:St|Mt|Ft|Saint|Mount)\.?\s+)?[A-Z][A-Za-z0-9_'.&-]{0,40}(?:\s+(?:(?:of|and|for|the|de|&)\s+)?[A-Z][A-Za-z0-9_'.&-]{0,40}){0,4}?\s+)\Z")
_HOSPITAL_PLAIN = re.compile(
    r"(?:The|This|Our|Pain|Wound|Diabetes|Cardiology|Heart|Primary|Urgent|Specialty|Memory|Eye|Dental|Sleep|Anticoagulation|Coumadin|Outpatient|Home|Mental|"
    r"Behavioral|Public|Women'?s|Men'?s|Global|Past|Family|Internal|Emergency|Sports|Nuclear|Occupational|Palliative|Critical|Physical|In|At|To|Electronic|Travel|"
    r"General|Integrative|Precision|Regenerative|Preventive|Geriatric|Community|Bone|Oral|Social|Child|Rehab|Regional|World|Current|Chronic|Acute|Overall|Day)"
    rf"(?:\s+(?:Care|Health|Medicine|Failure|Medical))*\s+(?:{_HOSPITAL_WORD})\Z"
)
_SAINT = re.compile(
    r"(?:St|Mt)\.?\s+(?!Jude\b(?!'?s?\s+Hosp))[A-Z]\w+(?:['’]s)?(?:\s+(?:Hospital|Clinic|Medical Center))?|(?:Saint|Mount)\s+[A-Z]\w+(?:['’]s)?"
)
_NATURE = re.compile(r"(?:Lake|Port|Fort|Camp|San|Santa|Cape|Glen)[ ]([A-Z][a-z]{2,})(?!\w)")
_HOSPITAL_REACH, _CITY_REACH = 120, 80


def street_at(text: str, lower: str, start: int, end: int) -> Iterator[Span]:
    """The street whose house number this run of digits is, or the box or flat of that number."""
    if text[start - 1 : start] in (".", "/", "-", ",") or text[start - 1 : start].isalnum():
        return
    if text[end : end + 1].isupper() and not text[end + 1 : end + 2].isspace():
        return
    if (text[end + 1 : end + 2].islower() or text[end + 2 : end + 3].isupper()) and (sure := _SURE_STREET.match(lower, start)):
        yield Span(*sure.span(), "ADDRESS")
        return
    if text[end + 1 : end + 2].islower():
        found = _STREET_ABROAD.match(text, start) if text[end + 1 : end + 4] in _STREETS_ABROAD else None
    else:
        found = _STREET.match(text, start) or _STREET_ABROAD.match(text, start)
    if found:
        yield Span(*found.span(), "ADDRESS")


def number_of_street(text: str, start: int, end: int) -> Iterator[Span]:
    """A house number after its street, and the number of a box or flat."""
    if not text[text.rfind(" ", 0, start - 1) + 1].isupper() and text[start - 2] != ".":
        return
    if lower_before(text, start) not in _BEFORE_NUMBER and not _STREET_ENDS.search(text, max(0, start - 8), start):
        return
    before = _NUMBER_AFTER.search(text, max(0, start - 60), start) or _POST_BOX.search(text, max(0, start - 20), start)
    if before:
        yield Span(before.start(), end, "ADDRESS")


def lower_before(text: str, start: int) -> str:
    """The last two letters of the word before."""
    return text[max(0, start - 4) : start].rstrip(" #,.").lower()[-2:]


_BEFORE_NUMBER = frozenset(["ox", "sc", "it", "pt", "te", "nt", "at", "ch", "ag"])
_STREET_ENDS = re.compile(r"(?:se|r\.?|at|an|eg|ue|de|an|en|ej|ta|tu|ie|ca|tz|in)\b,?\s+\Z")


def zip_at(text: str, lower: str, start: int, end: int) -> Iterator[Span]:
    """The zip code that this run of digits is: behind a state or a label, or before a town ("10115 Berlin"); with the street and the town beside it."""
    after = _TOWN_AFTER.match(text, end) if end - start <= _LONGEST_POSTAL and text[start - 2 : start - 1] in (",", "", ">") else None
    if after and meanings().get(after[1].lower(), int(Word.UNKNOWN)) & (Word.CITY | Word.UNKNOWN):
        yield Span(start, after.end(), "ZIP")
        if end - start == _LONGEST_POSTAL:
            yield from after_code(text, lower, start, end)
        return
    if text[start : start + 5].isdigit() and (found := _ZIP.match(text, start)):
        if text[start - 2 : start - 1] in (",", "", "\n", "-", "|") and text[found.end() : found.end() + 1].isspace():
            yield from after_code(text, lower, start, found.end())
        state = state_before(lower, start)
        if state and (len(state[1]) > 2 or text[state.start()].isupper() or lower[max(0, start - 8) : start].find(",") >= 0):
            yield Span(*found.span(), "ZIP")
            yield from before_code(lower, state.start())
        elif _ZIP_LABEL.search(lower, max(0, start - 20), start):
            yield Span(*found.span(), "ZIP")


def address_after(text: str, start: int) -> Iterator[Span]:
    """What stands behind the label "Address:"."""
    if found := _ADDRESS.match(text, start):
        yield Span(*found.span(1), "ADDRESS")


def city_before(text: str, start: int) -> Iterator[Span]:
    """The town before the state that begins at `start`: "Fakeville, OH"."""
    least = begin = max(0, start - _CITY_REACH)
    if text[start - 2 : start - 1] == ",":  # no more than four words, a blank or tab between them
        begin = start - 2
        for _ in range(4):
            begin = max(text.rfind(" ", least, begin), text.rfind("\t", least, begin), least)
    if text[start - 1 : start].isspace() and (found := _CITY_BACK.search(text, begin, start)):
        words = found[1].split()
        while words and (words[0].strip(".").lower() in NOT_NAMES or (words[0].isupper() and len(words[0]) > 3 and len(words) > 1 and not words[-1].isupper())):
            words.pop(0)
        if words:
            yield Span(found.end(1) - len(" ".join(words)), found.end(1), "CITY")


def hospital_at(text: str, start: int) -> Iterator[Span]:
    """The hospital whose last words begin at `start`: "Cedar Falls Medical Center"."""
    line = text.rfind("\n", max(0, start - _HOSPITAL_REACH), start) + 1 or max(0, start - _HOSPITAL_REACH)
    last = text[line:start].rsplit(None, 1)[-1:]
    if not last or last[0] == last[0].lower():
        return
    head = HOSPITAL_HEAD.match(text, start)
    if head is None:
        return
    before = _HOSPITAL_BEFORE.search(text, line, start)
    if before is None:
        return
    first = HOSPITAL_WORD.match(text, start)
    said = text[before.start() : first.end() if first else head.end()]
    if not _HOSPITAL_PLAIN.match(said) and not all(word.strip(".'’").lower() in NOT_NAMES for word in said.split()[:-1]):
        yield Span(before.start(), head.end(), "HOSPITAL")


HOSPITAL_WORD = re.compile(rf"(?:{_HOSPITAL_WORD})(?!\w)")


def saint_at(text: str, lower: str, start: int) -> Iterator[Span]:
    """ "St. Vincent's", "Mount Carmel"."""
    if found := _SAINT.match(text, start):
        if not is_eponym(lower, found.end()):
            yield Span(*found.span(), "HOSPITAL")
    elif (found := _NATURE.match(text, start)) and not meanings().get(found[1].lower(), 0) & (Word.ENGLISH | Word.PLAIN | Word.CLINICAL | Word.LAND):
        yield Span(*found.span(), "CITY")


def county_before(text: str, start: int) -> Iterator[Span]:
    """ "Cook County": a county, parish or township with the name before it."""
    found = _COUNTY.search(text, max(0, start - 50), start)
    if found and found[1].split()[0].lower() not in NOT_NAMES and text[start : start + 1].isupper():
        yield Span(found.start(1), start + len(_LETTERS.match(text, start)[0]), "CITY")  # type: ignore[index]


_COUNTY = re.compile(r"(?<![A-Za-z0-9_'-])([A-Z][a-z]{2,}(?:[ -][A-Z][a-z]{2,})?)[ ]\Z")
_LETTERS = re.compile(r"[A-Za-z]+")


def listed_place(text: str, lower: str, start: int, places_of: dict[str, tuple[str, ...]]) -> Span | None:
    """The longest place of the list that begins at `start`."""
    for place in places_of.get(text[start : start + _FIRST_LETTERS], ()):
        if text.startswith(place, start) and not text[start + len(place) : start + len(place) + 1].isalnum():
            return None if text[start + len(place) : start + len(place) + 1] == ":" or is_eponym(lower, start + len(place)) else Span(start, start + len(place), "CITY")
    return None


_FIRST_LETTERS = 3


def by_first_letters() -> dict[str, tuple[str, ...]]:
    """The typed places by their first three letters, longest first."""
    found: dict[str, list[str]] = {}
    for place in places():
        found.setdefault(place[:_FIRST_LETTERS], []).append(place)
    return {letters: tuple(all_of) for letters, all_of in found.items()}


_WORDS = re.compile(r"[a-z.'-]+(?: [a-z.'-]+){1,3}")


def town_at(text: str, lower: str, start: int, end: int) -> int | None:
    """Where the town of the large list that begins with this word ends; None when there is none."""
    if lower[start:end] in towns() and (found := _WORDS.match(lower, start)):
        words = found.group().split(" ")
        for count in range(len(words), 1, -1):
            town = " ".join(words[:count]).rstrip(".'")
            stop = start + len(town)
            if town in towns()[lower[start:end]] and text[text.rfind(" ", 0, stop) + 1].isupper() and not is_eponym(lower, stop):
                return stop
    flags = meanings().get(lower[start:end], 0)
    if flags & Word.CITY and not flags & (Word.PLAIN | Word.LAND | Word.CLINICAL) and text[start + 1 : end].islower() and not is_eponym(lower, end):
        return end
    return None


_PLACES = frozenset(["HOSPITAL", "CITY"])
_LINKS = frozenset([" in ", ", ", " ", " of ", " at "])
_LONGEST_LINK = 4
_KIND_OF_PLACE = re.compile(r"(?:'s)?\s+(?:clinic|hospital|med(?:ical)?\.? (?:center|centre|ctr)|campus|infirmary|hospice|ER|ED)\b")
_LAND_AFTER = re.compile(rf"(?:,|\s+in)\s+(?:{'|'.join(sorted(STATES))})\b|,?\s+(?:in\s+)?(?:(?:{'|'.join(sorted(name.title() for name in STATE_NAMES if len(name) > 3))})\b)")


def whole_places(text: str, spans: list[Span]) -> list[Span]:
    """Spans in which a place with the town, the state and the word for what it is are one: "UCSF Hospital in San Francisco", "Chicago, IL"."""
    if not any(span.kind in ("HOSPITAL", "CITY") for span in spans):
        return spans
    whole: list[Span] = []
    for span in spans:
        if span.kind in ("HOSPITAL", "CITY"):
            span = _lengthened(text, span)
            last = whole[-1] if whole else None
            if last is not None and last.kind in _PLACES and span.start - last.end <= _LONGEST_LINK and text[last.end : span.start] in _LINKS:
                whole[-1] = Span(last.start, span.end, last.kind)
                continue
        whole.append(span)
    return whole


def _lengthened(text: str, span: Span) -> Span:
    kind, end = span.kind, span.end
    if text[end : end + 1] in (" ", "'") and (named := _KIND_OF_PLACE.match(text, end)):
        kind, end = "HOSPITAL", named.end()
    if text[end : end + 1] in (",", " ") and (land := _LAND_AFTER.match(text, end)):
        end = land.end()
    return Span(span.start, end, kind)
