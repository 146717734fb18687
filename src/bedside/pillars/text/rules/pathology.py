"""Stage, grade, margins, lymph nodes, size and biomarkers of a tumour, as pathologists write them.

In        a note
Out       drafts with their places and parts
Source    AJCC Cancer Staging Manual, 8th edition (prefixes c, p, y, r, a; T, N, M and their suffixes); Nottingham, Gleason, ISUP, FIGO
          and WHO grades; CAP protocols for the words of margins and nodes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedside.pillars.text.fact import Attribute
from bedside.pillars.text.rules.note import Draft, Note

_PREFIX = r"(?:y?[pcra]|[Yy])?"
_T = rf"{_PREFIX}T(?:is(?:\((?:DCIS|LCIS|Paget)\))?|[0-4Xx](?:mi|[a-d])?[1-3]?)(?:\((?:m|s|\d{{1,2}})\))?"
_N = rf"{_PREFIX}N[0-3Xx](?:mi|[a-c])?(?:\((?:sn|f|i[+-]|mol[+-])\)){{0,2}}"
_M = rf"{_PREFIX}M[01Xx](?:[a-d])?(?:\(i\+\))?"
_TNM = re.compile(
    rf"(?<![^\W_])(?:(?P<t>{_T})(?:[\s,;]{{0,3}}(?P<n>{_N}))?(?:[\s,;]{{0,3}}(?P<m>{_M}))?|(?P<n2>{_N})(?:[\s,;]{{0,3}}(?P<m2>{_M}))?|(?P<m3>{_M}))(?![^\W_]|[-/]\w)",
    re.IGNORECASE,
)
_STAGE = re.compile(r"(?<![^\W_])(?:(?:pathologic(?:al)?|clinical|overall|anatomic|ajcc|figo|tnm|prognostic) )?stage(?: group(?:ing)?)?[:\s]{1,2}(?P<group>0|i{1,3}|iv|[1-4])(?P<sub>[a-c][1-3]?)?(?![^\W_])")
_NOT_CANCER = re.compile(r"ckd|kidney|renal|pressure|decubitus|ulcer|hypertension|copd|gold|tanner|parkinson|labor|sleep|heart|nyha|fibrosis|osteo")
_GRADE = re.compile(
    r"(?<![^\W_])(?:gleason(?: score| grade| sum| pattern)?s?[:\s]{0,2}(?P<gleason>[1-5]\s?\+\s?[1-5](?:\s?=\s?\d{1,2})?|(?:6|7|8|9|10)(?:/10)?)|"
    r"(?:overall |combined )?(?:(?:nottingham|bloom-richardson|sbr|histologic(?:al)?|nuclear|who|fuhrman|isup|who/isup|figo|tumou?r|combined) )*grade(?: group)?[:\s]{1,2}(?P<grade>[1-5](?!\s?/\s?6)|i{1,3}|iv)(?:\s?(?:/|of)\s?(?:[3-5]|iii|iv))?|"
    r"(?P<g>g[1-4])(?=[\s,;.)]|\Z)|(?P<words>(?:well|moderately|poorly)(?:[ -]to[ -](?:moderately|poorly))?[ -]differentiated|undifferentiated)|"
    r"(?P<high>(?:high|low|intermediate)[ -]grade)(?= (?:\w+ )?(?:dysplasia|carcinoma|dcis|ductal|urothelial|serous|adenocarcinoma|sarcoma|glioma|tumou?r|neoplasm|lymphoma)))(?![^\W_])"
)
_CLEAR = r"negative|free|clear|uninvolved|not involved|no tumou?r|no evidence of|unremarkable|benign"
_MARGIN = re.compile(
    r"(?<![^\W_])(?P<name>(?:(?:all|the|surgical|resection|excision|inked|deep|lateral|medial|peripheral|proximal|distal|radial|circumferential|superior|inferior|anterior|posterior|bronchial|vascular|ureteral|urethral|closest|final|mesenteric|soft tissue) ){0,3}margins?)"
    rf"(?:\s?[:,-]\s?|\s)(?:status\s?:?\s?)?(?:[a-z]{{2,12}}\s){{0,4}}?(?P<value>{_CLEAR}|positive|involved|close|cannot be assessed|not assessable|cannot be evaluated|not evaluable|indeterminate)(?![^\W_])"
    r"(?P<distance>,? (?:at |by |\()?\d{1,2}(?:\.\d{1,2})? ?(?:mm|cm)(?![^\W_]))?"
)
_MARGIN_FIRST = re.compile(rf"(?<![^\W_])(?P<clear>clear of|free of|does not (?:involve|reach)) (?:the |all )?(?:[a-z]{{2,12}} ){{0,2}}margins?(?![^\W_])|(?<![^\W_])(?P<value>{_CLEAR}|positive|involved|close) (?P<name>(?:(?:surgical|resection|deep|lateral|radial|proximal|distal|inked) ){{0,2}}margins?)(?![^\W_])")
_AT_MARGIN = re.compile(r"(?<![^\W_])(?:tumou?r|carcinoma|melanoma|adenoma|dysplasia) (?:is |cells )?(?:extends? to|present at|at|involves?|reaches|focally involves|on) (?:the )?(?:inked |deep |lateral |radial |surgical |resection |peripheral |circumferential ){0,2}margins?(?![^\W_])")
_COUNTS = {"no": 0, "none": 0, "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
           "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "twenty": 20}  # fmt: skip
_COUNT = r"(?:\d{1,3}|" + "|".join(_COUNTS) + ")"
_KIND = r"(?:(?:\w{3,14}[ -]){0,3}lymph ?nodes?|(?:\w{3,14}[ -]){0,2}nodes?|lns?)"
_NODES = re.compile(
    rf"(?<![^\W_/.])(?P<positive>{_COUNT})(?:\s?/\s?| of (?:the )?| out of )\(?(?P<examined>{_COUNT})\)?(?: {_KIND}(?: (?:are |were |is )?(?:positive|involved|negative))?)(?![^\W_])|"
    rf"(?<![^\W_])(?P<name>{_KIND})(?:\s?[:(-]\s?|\s)(?:(?:positive|negative|involved|status|with|metastasis|metastases|in|for|carcinoma|tumou?r|are|were|examined)[\s,:(]{{1,2}}){{0,4}}(?P<positive2>{_COUNT})(?:\s?/\s?| of | out of )(?P<examined2>{_COUNT})(?![^\W_/])"
)
_NODES_NEAR = re.compile(rf"(?<![^\W_]){_KIND}(?![^\W_])[^.;\n/]{{0,60}}?(?<![\d/.])(?P<positive>\d{{1,2}})\s?/\s?(?P<examined>\d{{1,3}})(?![\d/.])")
_NODES_CLEAR = re.compile(
    rf"(?<![^\W_])no (?:metasta\w{{1,5}}|metastatic \w{{4,12}}|tumou?r|malignan\w{{2,3}}|carcinoma)(?: is| are)?(?: identified| seen| present| found)? in (?:the |any of (?:the )?|all )?(?P<examined>{_COUNT}) {_KIND}(?![^\W_])|"
    rf"(?<![^\W_])(?:all )?(?P<all>{_COUNT}) {_KIND},? (?:(?:all|are|were|is|examined|sampled|identified)[ ,]{{1,2}}){{0,3}}(?:negative|free|benign|uninvolved|clear)(?![^\W_])"
)
_NODES_LISTED = re.compile(
    rf"{_KIND} (?:examined|sampled|retrieved)\s?[:=]?\s?(?P<examined>{_COUNT})[\s,;.-]{{1,4}}(?:number (?:of )?)?(?:(?:{_KIND} )?(?:positive|involved|with (?:metastasis|metastases|tumou?r))\s?[:=]?\s?(?P<positive>{_COUNT})|(?P<first>{_COUNT}) (?:positive|involved))(?![^\W_])"
)
_SIZE = re.compile(
    r"(?<![^\W_])(?:tumou?r size|size of (?:the )?(?:invasive )?(?:tumou?r|carcinoma|component|lesion)|greatest (?:tumou?r )?dimension|tumou?r measures|(?:tumou?r|carcinoma|lesion)(?: is|,)? measuring|(?:invasive )?component measures|maximum (?:tumou?r )?(?:dimension|diameter)|tumou?r(?: diameter)?)"
    r"[\s:,]{1,2}(?:is |of |approximately |up to |at least |in greatest dimension |measuring |measures |\(invasive component\):? ?){0,2}"
    r"(?P<size>(?P<number>\d{1,3}(?:\.\d{1,2})?)(?:\s?(?:cm|mm)?\s?x\s?\d{1,3}(?:\.\d{1,2})?){0,2}\s?(?P<unit>cm|mm))(?![^\W_])"
)
_BIOMARKER = re.compile(
    r"(?:\s?\((?:[a-z0-9/ -]{1,24})\))?(?:[\s:=,-]|(?:is|was|are|status|combined|ihc|by ihc|by fish|fish|immunostain|immunohistochemistry|expression|staining|stain|index|protein|proliferation|gene|score|receptors?|testing|test|result|cps|tps|tumou?r proportion score|combined positive score|mutation|mutations|rearrangement|amplification|fusion|exon \d{1,2}|g12[a-z]|v600e|for|shows?|/ ?(?:pr|er|her-?2)|and (?:pr|er)|of|nuclear|of cells|cells|about|approximately|in|on|the|so|status:)(?![^\W_])){0,7}"
    r"(?P<value>not detected|not amplified|non-amplified|not mutated|not rearranged|no (?:pathogenic )?(?:mutation|variant|rearrangement|amplification|fusion|loss)(?: (?:detected|identified|found|seen))?|wild[- ]type(?: pattern)?|wt|positive|negative|pos|neg|equivocal|indeterminate|"
    r"intact|retained|preserved|lost|loss|mutated|mutant(?: pattern)?|mutation detected|detected|amplified|overexpressed|proficient|deficient|msi-h(?:igh)?|msi-l(?:ow)?|mss|stable|high|low|present|absent|diffuse|unmethylated|methylated|codeleted|codeletion|"
    r"[0-3]\+|[<>]?\s?\d{1,3}(?:\.\d)?(?:\s?-\s?\d{1,3})?\s?%|\d{1,3}(?![\d/%+x]|\.\d)|\+\+?\+?|[-+](?![\w]))(?![^\W_])"
)
_PERCENT = re.compile(r"(?:,\s?|[^.,;\n]{0,30}?)(?P<percent>[<>]?(?<!\d)\d{1,3}(?:\s?-\s?\d{1,3})?\s?%)")


def drafts(note: Note, *, tissue: bool) -> Iterator[Draft]:
    """Stage, grade, margins, nodes and size, wherever they stand. `tissue`: the note reads like a report of a tissue."""
    if tissue or "stage" in note.low or "cancer" in note.low or "carcinoma" in note.low or "tumo" in note.low:
        yield from _stages(note)
    if "margin" in note.low:
        yield from _margins(note)
    if "grade" in note.low or "gleason" in note.low or "differentiated" in note.low or tissue:
        yield from _grades(note, tissue)
    if "node" in note.low or (tissue and "ln" in note.low):
        yield from _nodes(note)
    if tissue or "tumor" in note.low or "tumour" in note.low:
        for found in _SIZE.finditer(note.low):
            yield Draft("tumour-size", *found.span("size"), "tumour size", None, {"value": _size(note, found)})


def biomarker(note: Note, start: int, end: int, stop: int) -> dict[str, Attribute] | None:
    """The result of the marker whose name stands at [start, end), None when none is said."""
    found = _BIOMARKER.match(note.low, end, min(stop, end + 90))
    if found is None:
        return None
    value = found["value"]
    numbers = re.search(r"\d{1,3}(?:\.\d)?", value)
    told = {"value": note.attribute(*found.span("value"), number=float(numbers[0]) if numbers and not value.endswith("+") else None,
                                    unit="%" if value.endswith("%") else None, normal=_marker(value))}  # fmt: skip
    percent = _PERCENT.match(note.low, found.end(), stop)
    if percent and not value.endswith("%"):
        told["percent"] = note.attribute(*percent.span("percent"), number=float(re.findall(r"\d{1,3}", percent["percent"])[0]), unit="%")
    return told


def _marker(value: str) -> str:
    if value in ("pos", "+", "++", "+++"):
        return "positive"
    return "negative" if value in ("neg", "-") else value


def _stages(note: Note) -> Iterator[Draft]:
    for found in _TNM.finditer(note.text):
        parts = _parts(found)
        prefixed = any(note.text[begin : begin + 2].rstrip()[:1].lower() in "pcyra" for begin, _ in parts.values())
        if prefixed or ("t" in parts and ("n" in parts or "m" in parts)):
            told = {name: note.attribute(*span) for name, span in parts.items()}
            yield Draft("stage", found.start(), found.end(), "TNM", None, told)
    for found in _STAGE.finditer(note.low):
        near = note.low[max(found.start() - 30, 0) : found.end() + 30]
        if not _NOT_CANCER.search(near):
            group = note.text[found.start("group") : found.end("sub") if found["sub"] else found.end("group")].upper()
            place = (found.start("group"), found.start("group") + len(group))
            yield Draft("stage", found.start(), found.end(), "stage group", None, {"group": note.attribute(*place, normal=group)})


def _parts(found: re.Match[str]) -> dict[str, tuple[int, int]]:
    return {name[0]: found.span(name) for name in ("t", "n", "m", "n2", "m2", "m3") if found[name]}


def _grades(note: Note, tissue: bool) -> Iterator[Draft]:
    for found in _GRADE.finditer(note.low):
        kind = str(found.lastgroup)
        if kind == "g" and not tissue:
            continue
        if not tissue and kind == "grade" and "murmur" in note.low[found.end() : found.end() + 30]:
            continue
        if kind == "grade" and "gleason" in note.low[max(found.start() - 40, 0) : found.start()]:
            continue  # the grade group says the Gleason score again
        value = found[kind]
        yield Draft("grade", found.start(), found.end(), "grade", None, {"value": note.attribute(*found.span(kind), normal=_grade(value, kind))})


def _grade(value: str, kind: str) -> str:
    if kind == "gleason":
        return value.replace(" ", "").split("=")[0]
    return {"i": "1", "ii": "2", "iii": "3", "iv": "4"}.get(value, value.upper() if kind == "g" else value)


def _margins(note: Note) -> Iterator[Draft]:
    for pattern in (_MARGIN, _MARGIN_FIRST):
        for found in pattern.finditer(note.low):
            value, end = found["value"] or "clear", found.end()
            if value != "close" and pattern is _MARGIN and found["distance"]:
                end = found.start("distance")
            normal = ("negative" if re.fullmatch(_CLEAR, value) else "positive" if value in ("positive", "involved") else
                      "close" if value == "close" else "not assessable")  # fmt: skip
            yield Draft("margin", found.start(), end, "margin", None, {"value": note.attribute(*found.span("value" if found["value"] else "clear"), normal=normal)})
    for found in _AT_MARGIN.finditer(note.low):
        yield Draft("margin", *found.span(), "margin", None, {"value": note.attribute(*found.span(), normal="positive")})


def _nodes(note: Note) -> Iterator[Draft]:
    told: set[int] = set()
    for pattern in (_NODES, _NODES_NEAR, _NODES_CLEAR, _NODES_LISTED):
        for found in pattern.finditer(note.low):
            parts = {name: span for name, span in found.groupdict().items() if span is not None and name != "name"}
            examined = next((name for name in ("examined", "examined2", "all") if name in parts), "")
            positive = next((name for name in ("positive", "positive2", "first") if name in parts), "")
            if found.start(examined) in told or not 0 <= (_count(parts[positive]) if positive else 0) <= _count(parts[examined]) > 0:
                continue
            told.add(found.start(examined))
            start = found.start(positive) if pattern in (_NODES, _NODES_NEAR) else found.start()
            yield _counted(note, found, positive, examined, start)


def _counted(note: Note, found: re.Match[str], positive: str, examined: str, start: int) -> Draft:
    """How many of how many; where nobody says a number of positive ones, the words say that there is none."""
    many = note.attribute(*found.span(positive), number=float(_count(found[positive]))) if positive else note.attribute(found.start(), found.end(), number=0.0)
    return Draft("lymph-nodes", start, found.end(), "lymph nodes", None, {
        "positive": many, "examined": note.attribute(*found.span(examined), number=float(_count(found[examined])))})  # fmt: skip


def _count(text: str) -> int:
    return _COUNTS[text] if text in _COUNTS else int(text)


def _size(note: Note, found: re.Match[str]) -> Attribute:
    return note.attribute(*found.span("size"), number=float(found["number"]), unit=found["unit"])
