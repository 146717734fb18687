"""What dates look like in notes: shapes that show themselves, and short ones that only the words around them make a date.

Groups    year, month and day, or first and second where the order of day and month is not said; `whole` is the date without its context
Kept      fractions and scores (3/6, pain 3/10), doses (1/2 tab), pressures, versions (3.5.1), ranges, bare years and times of day
"""

from __future__ import annotations

import re

from bedside.deidentify.lexicon import listed

_MONTH = r"(?P<month>Jan(?:uary|u|\.)?|Feb(?:ruary|r|\.)?|Mar(?:ch|c|\.)?|Apr(?:il|i|\.)?|May|June?\.?|July?\.?|Aug(?:ust|u|\.)?|Sept?(?:ember|\.)?|Oct(?:ober|o|\.)?|Nov(?:ember|e|\.)?|Dec(?:ember|e|\.)?)"
_DAY = r"(?P<day>[12]\d|3[01]|0?[1-9])(?P<ordinal>(?i:st|nd|rd|th))?"
_YEAR = r"(?P<year>(?:19|20)\d\d|['’]\d\d)"
_LIKELY_YEAR = r"(?P<year>19[2-9]\d|20[0-3]\d)"
_TWO = r"(?P<year>\d\d)"
_PAST_DAYS = r"(?P<year>3[2-9]|[4-9]\d)"  # more than a month has days: a year whatever the order
_FIRST, _SECOND = r"(?P<first>0?[1-9]|[12]\d|3[01])", r"(?P<second>[12]\d|3[01]|0?[1-9])"
_NO_DOSE = (
    r"(?!(?i:\s*(?:mg|mcg|ug|g|kg|ml|l|units?|u|iu|meq|mmol|tabs?|tablets?|caps?|puffs?|drops?|cc|bpm|mmhg|cm|mm|h|hrs?|hours?|min(?:utes?)?|days?|weeks?|wks?|"
    r"months?|years?|yrs?|yo|patients?|times|x|lead)\b)|\s*[%:/]|[.,-]\d)"
)
_ENDS = r"(?=[ \t]*(?:[,.;)\]](?!\d)|\n|\Z)|\s+(?:at|he|she|they|pt|patient|by|with|and|to|for|when|after|in|was)\b)"
_NO_VERSION = "".join(
    rf"(?<!{word} )" for word in ("ersion", "ver", "v", "v\\.", "elease", "oftware", "ection", "able", "tep", "hapter")
)

# Gated by the sign that each needs, since most stretches of text hold none.
SEPARATED = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<![\w.-])(?P<year>(?:19|20)\d\d)(?P<sep>[-/.])(?P<month>0?[1-9]|1[0-2])(?P=sep)(?P<day>[12]\d|3[01]|0?[1-9])(?![\d]|[-/]\d)",
        r"(?<![\w./-])(?P<first>\d{1,2})(?P<sep>[/-]| / )(?P<second>\d{1,2})(?P=sep)(?P<year>(?:19|20)\d\d|\d\d)(?![\w]|[-/]\d)",
        rf"(?<![\w./-]){_PAST_DAYS}(?P<sep>[-/.])(?P<month>0[1-9]|1[0-2])(?P=sep)(?P<day>0[1-9]|[12]\d|3[01])(?![\w]|[-/.]\d)",
        r"(?<![\w./-])(?P<first>\d{1,2})(?P<sep>\.)(?P<second>\d{1,2})\.(?P<year>(?:19|20)\d\d)(?!\w)",
        rf"(?<![\w./-]){_NO_VERSION}{_FIRST}(?P<sep>\.){_SECOND}\.{_TWO}(?![\w%/-]|[.,]\d)",
        rf"(?<![\w./-])(?P<month>0?[1-9]|1[0-2])(?P<sep>/){_LIKELY_YEAR}(?!\w|[-/.]\d){_NO_DOSE}",
        rf"(?<![\w./-])(?P<month>0[1-9])(?P<sep>[-.]){_LIKELY_YEAR}(?!\w|[-/.]\d){_NO_DOSE}",
        rf"(?<![\w./-]){_LIKELY_YEAR}(?P<sep>-)(?P<month>0[1-9]|1[0-2])(?!\w|[-/.:]\d)",
    )
)
NAMED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<![\w-])(?i:{_MONTH})(?P<gap>[\s/-]+){_DAY}(?P<comma>,?[\s/-]*,?\s*){_YEAR}(?![\w])",
        rf"(?<![\w-])(?i:{_MONTH})(?P<gap>[\s/-]+){_DAY}(?P<comma>[/-]|,\s*){_TWO}(?!\w){_NO_DOSE}{_ENDS}",
        rf"(?<![\w.]){_DAY}(?P<gap>(?:\s+of)?[\s/.-]*)(?i:{_MONTH})(?P<comma>,?[\s/.-]*){_YEAR}(?![\w])",
        rf"(?<![\w.]){_DAY}(?P<gap>(?:\s+of)?[\s/.-]*)(?i:{_MONTH})(?P<comma>,?[\s/.-]*){_TWO}(?!\w){_NO_DOSE}",
        rf"(?<![\w-])(?i:{_MONTH})(?P<comma>,?\s+(?:of\s+)?|[-/]){_YEAR}(?![\w])",
        rf"(?<![\w-])(?i:{_MONTH})(?P<comma>[-/]){_TWO}(?![\w]|[-/.]\d)",
        rf"(?<![\w-]){_MONTH}(?P<comma>\s+){_PAST_DAYS}(?!\w){_NO_DOSE}",
        rf"(?<![\w-]){_MONTH}(?P<gap>\s+){_DAY}(?![\w%/]|[.-]\d|\s*(?:mg|mcg|ml|%))",
        rf"(?<![\w./]){_DAY}(?P<gap>(?:\s+of)?\s+){_MONTH}(?![\w-])",
    )
)
COMPACT = re.compile(r"(?<![\w.-])(?P<year>(?:19|20)\d\d)(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])(?!(?!T\d)\w|[.-]\d)")
RANGED = re.compile(r"(?<![\w./-])(?P<first>\d{1,2})(?P<sep>/)(?P<second>\d{1,2})(?P=sep)(?P<year>(?:19|20)\d\d|\d\d)(?=-\d{1,2}/\d)")
RANGE_END = re.compile(r"(?P<first>\d{1,2})(?P<sep>/)(?P<second>\d{1,2})(?P=sep)(?P<year>(?:19|20)\d\d|\d\d)(?![\w]|[-/]\d)")
BY_SIGN = {  # of SEPARATED, those that a run of digits with this sign in it may be
    "/": tuple(SEPARATED[at] for at in (0, 1, 2, 5)),
    "-": tuple(SEPARATED[at] for at in (0, 1, 2, 6, 7)),
    ".": tuple(SEPARATED[at] for at in (0, 2, 3, 4, 6)),
    " ": (SEPARATED[1],),
}
MONTH_FIRST = tuple(NAMED[at] for at in (0, 1, 4, 5, 6, 7))
DAY_FIRST = tuple(NAMED[at] for at in (2, 3, 8))
MONTH_AFTER = re.compile(r"(?:st|nd|rd|th)?(?:\s+of)?[\s/.-]*(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)", re.IGNORECASE)
MONTH_BEFORE = re.compile(
    r"(?<![\w])(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?(?:\s+of|\s+the)?(?:[\s/,-]{0,4}['’]?)\Z", re.IGNORECASE
)
# Dates that are found and never moved: months in other languages, the day of an unnamed month.
FOREIGN = re.compile(
    r"(?:er|o)?\.?\s+(?:de\s+)?(?:janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre|januar|jaenner|februar|maerz|marz|april|"
    r"juni|juli|august|september|oktober|november|dezember|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|gennaio|"
    r"febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre|januari|februari|maart|mei|augustus|december|janeiro|fevereiro|marco|maio|junho|julho|"
    r"setembro|outubro|novembro|dezembro|maj|kesakuuta|grudnia|stycznia|lutego|marca|kwietnia|maja|czerwca|lipca|sierpnia|wrzesnia|pazdziernika|listopada)\b"
    r"(?:\s+(?:de\s+)?(?:19|20)\d\d)?",
    re.IGNORECASE,
)
FOREIGN_STARTS = frozenset([*re.findall(r"[|:]([a-z]{3})", FOREIGN.pattern), "de "])
DAY_ALONE = re.compile(r"(?:st|nd|rd|th)(?=[.,;)]|\s*(?:\n|\Z)|\s+(?:at|and|for|with|he|she|they|to|of\s+(?:this|the|last|next)))")
ON_THE = re.compile(r"\b(?:on|until|since|by|from|through)\s+the\s+\Z", re.IGNORECASE)
# A month in capitals or small letters and a day: a date where the day is an ordinal, the month no other word, or a word before it says so.
MONTH_DAY = re.compile(rf"(?<![\w-])(?i:{_MONTH})(?P<gap>\s+){_DAY}(?![\w%/]|[.-]\d|\s*(?:mg|mcg|ml|%)){_NO_DOSE}")
DAY_MONTH = re.compile(rf"(?<![\w./]){_DAY}(?P<gap>(?:\s+(?i:of))?\s+)(?i:{_MONTH})(?![\w-])")
MONTH_ONLY = frozenset(["january", "february", "april", "june", "july", "august", "september", "october", "november", "december", "jan", "feb", "apr", "aug", "sept", "nov"])
# The day and the month of "am 5.11." and "seen 26.8.; next": a decimal number has no point behind it, unless the sentence ends.
DAY_DOT = re.compile(r"(?P<day>0?[1-9]|[12]\d|3[01])(?P<gap>\.)(?P<month>0?[1-9]|1[0-2])\.(?!\w)")
AFTER_DAY_DOT = re.compile(r"[,;.)|<:]|\s*(?:-|bis\b|to\b|und\b)\s*\d|\s*<br|\s+\d\d\d\d\b")
SURE_OF_DAY_DOT = frozenset(["on", "am", "vom", "bis", "seit", "zum", "since", "seen", "visit", "admitted", "discharged", "aufnahme", "entlassung", "entlassen", "received", "dated", "held", "collected", "ed", "er"])
WORD_BEFORE = re.compile(r"([a-z/-]+)[\s:(]{1,3}\Z")
SHAPED = (*SEPARATED, *NAMED, COMPACT, MONTH_DAY, DAY_MONTH)
YEAR_FIRST = re.compile(rf"{_TWO}(?P<sep>[-/.])(?P<month>0[1-9]|1[0-2])(?P=sep)(?P<day>0[1-9]|[12]\d|3[01])")

_SLASHED = rf"{_FIRST}(?P<sep>/){_SECOND}"
_MONTH_OF = r"(?P<month>0?[1-9]|1[0-2])(?P<sep>[/.-])"
_SIX = r"(?P<first>\d\d)(?P<second>\d\d)(?P<year>\d\d)"
_SPACED = rf"{_FIRST} {_SECOND} (?P<year>(?:19|20)\d\d|\d\d)"
BARE = tuple(map(re.compile, (_SLASHED, rf"{_MONTH_OF}{_TWO}", _SIX, _SPACED, DAY_DOT.pattern)))  # as `IN_CONTEXT` finds them, read without it

_WORDS = (
    r"on|since|from|until|till|through|thru|dated?|seen|by|before|after|admit(?:ted)?|admission|discharged?|started|stopped|began|ended|scheduled|due|performed|"
    r"labs?|received|implanted|comparison|compared\s+(?:to|with)|colonoscopy|egd|endoscopy|mammogram|bronchoscopy|angiogram|ct|mri|x-?ray|cxr|echo|ekg|ecg|cath|pod\s?#?\s?\d+,?|done|drawn|collected|obtained|appointment|appt|visit|follow-?up|f/u|dos|surgery|extubated|intubated|transferred|placed|removed|effective|expires?|"
    r"(?:as|week|morning|evening|night|afternoon)\s+of|(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?"
)
_BORN = r"\b(?:d\.?o\.?b\b\.?|born|birth\s?da(?:te|y)|date\s+of\s+birth)[\s:=.-]*(?:(?:in|on|is|was)\s+)?"
_NO_SCORE = r"(?![\w%/]|\.\d|-\d(?!\d?/\d)|\s*(?:mg|strength|murmur|pain|severity|intensity|power|motor|tabs?|tablets?|cups?|systolic|diastolic|out\s+of|n\.?s|normal\s+saline|saline|dextrose|ppm|ppd|packs?|doses?|bottles?|sets?|positive|negative|completed)\b)"
IN_CONTEXT = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        rf"\b(?:{_WORDS})[\s:(]+(?P<whole>{_SLASHED}){_NO_SCORE}",
        rf"(?<![\w./-])(?P<whole>{_SLASHED})(?=\s*(?:,|at|@)?\s*(?:[01]?\d|2[0-3]):[0-5]\d|\s*(?:at|@)?\s+(?:[01]\d|2[0-3])[0-5]\d\b|\s?[ap]m\b)",
        rf"^[ \t]*(?:[-*•][ \t]*)?(?P<whole>{_SLASHED})(?=:\s|\s[-–]\s)",
        rf"\b(?:{_WORDS})[\s:]+(?P<whole>(?P<month>0?[1-9]|1[0-2])(?P<sep>/){_PAST_DAYS})(?!\w|[-/.]\d){_NO_DOSE}",
    )
)
CONTEXT_ENDS = listed("before_dates")
TIME_AFTER = re.compile(r"\s*(?:,|at|@)?\s*[0-2]?\d|\s?[ap]m\b", re.IGNORECASE)
OF_BIRTH = tuple(
    re.compile(rf"{_BORN}(?P<whole>{form})(?!\w|[-/.]\d)", re.IGNORECASE) for form in (rf"{_MONTH_OF}{_TWO}", _SIX, _SPACED)
)
BIRTH = re.compile(r"birth|born|d\.?o\.?b", re.IGNORECASE)
NEXT = re.compile(rf"\s*(?:-|–|&|,|to|and|or|through|thru|until)\s*(?P<whole>{_SLASHED}){_NO_SCORE}", re.IGNORECASE)
SCORED = re.compile(
    r"\b(?:pain|severity|strength|scores?d?|rated?|intensity|murmur|grade|reflex(?:es)?|pulses?|NRS|VAS)\b[^.;]*\b(?:from|by|to|until)[\s:]+\d\d?/(?:4|5|6|10)\Z"
    r"|\b(?:reduc|decreas|increas|cut|dos|taper)\w*\b[^.;]*\bby[\s:]+[123]/[234]\Z",
    re.IGNORECASE,
)
