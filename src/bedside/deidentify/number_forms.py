r"""What identifying numbers look like, and the words before them that say so.

Kept      doses and measures (MEASURED), trial and terminology codes (ID_SHAPE leaves them out), compact dates
Source    NANP and ITU-T E.164 phones; NHS number: modulus 11; Canadian SIN and cards: Luhn; ISO 13616 IBAN; ISO 3779 VIN; RFC 4291 IPv6
Every pattern is anchored where a run of digits begins, or bounded, so that no text costs the square of its length.
"""

from __future__ import annotations

import re
from string import ascii_letters, digits

from bedside.deidentify.lexicon import listed

_TAIL = r"(?:\s?,?\s?(?:x|ext\.?|extension)\s?\d{1,6})?(?![\w]|-\d)"
PHONE = re.compile(
    rf"(?:\+?1[\s.-]{{0,2}})?(?:\(\d{{3}}\)[\s./-]{{0,2}}|\d{{3}}\s?[\s.-]\s?|\d{{3}}/)\d{{3}}\s?[\s.-]\s?\d{{4}}{_TAIL}"
    r"|\+\d{1,3}[\s.-]?(?:\(?\d{1,4}\)?[\s.-]?){2,5}\d{2,4}(?!\w)"
    r"|00\d{2}[\s.-](?:\(?\d{1,4}\)?[\s.-]?){2,5}\d{2,4}(?!\w)"
    r"|\(0\d{1,4}\)\s?\d{2,4}[\s.-]?\d{3,4}(?:[\s.-]?\d{2,4})?(?![\w]|-\d)"  # (02) 9876 5432
    # With the trunk zero: 07911 555731, 0121 496 0000, 020 7946 0018, 02 9876 5432, 06 12 34 56 78; not times of day (0800 1400 2000).
    r"|0(?:\d{4}[\s-]\d{3}[\s-]?\d{3}|\d{3}[\s-]\d{3}[\s-]\d{4}|\d{1,2}[\s-]\d{4}[\s-]\d{4}|\d(?:[\s.-]\d{2}){4}|\d{2}[\s-]\d{3}[\s-]\d{2}[\s-]\d{2}"
    r"|\d{3}[\s/-]\d{6,8}|\d{2}[\s/-]\d{7,8}|\d{4}[\s/-]\d{5,6}|\d{9,10})(?![\w]|[.,-]\d)",
    re.IGNORECASE,
)
SHORT_PHONE = re.compile(rf"\d{{3}}[-.]\d{{4}}{_TAIL}", re.IGNORECASE)
LABELLED_PHONE = re.compile(
    r"(?=(?:[\s().+/-]{0,2}\d){7,15}(?![\w]|[-/.]\d))[+(]{0,2}\d{1,5}\)?(?:[\s./-]{0,2}\(?\d{2,6}\)?){1,6}|(?:\d{3}[\s.-])?\d{3}[-\s.]\d{4}|\d{10}|\d{4,7}"
)
SSN = re.compile(r"\d{3}([- .])\d{2}\1\d{4}(?![\w]|-\d)")
IP = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w]|\.\d)(?:/\d{1,2}|:\d{1,5})?")
TWO_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")
TWO_DASHES = re.compile(r"-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-")
COLONS = re.compile(
    r"(?<![\w:.-])(?:(?:[0-9A-F]{2}([:-]))(?:[0-9A-F]{2}\1){4}[0-9A-F]{2}|(?:[0-9A-F]{1,4}:){7}[0-9A-F]{1,4}|(?:[0-9A-F]{1,4}:){1,6}(?::[0-9A-F]{1,4}){1,6}"
    r"|::(?:[0-9A-F]{1,4}:){1,6}[0-9A-F]{1,4})(?![\w:-])",
    re.IGNORECASE,
)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
EMAIL = re.compile(r"[\w.+%'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
IN_EMAIL = frozenset(ascii_letters + digits + "_.+%'-")
IN_HOST = frozenset(ascii_letters + digits + "_.~-")
EMAIL_DOMAIN = re.compile(r"[ ]?@[ ]?[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
URL = re.compile(r"(?:(?:https?|s?ftp)://|www\.)[^\s<>\"')\]]+", re.IGNORECASE)
HOST = re.compile(r"(?<![\w@.-])(?:[\w-]{1,63}\.){1,4}(?:com|org|net|edu|gov|info|biz|co\.uk|io|health|example|de|fr|it|es|nl)\b(?:/[^\s<>\"')\]]*)?", re.IGNORECASE)
PHOTO = re.compile(r"[\w.~-]{1,80}\.(?:jpe?g|png|tiff?|bmp|gif|heic|dcm|dicom|mp4|mov|avi)\b", re.IGNORECASE)
HIDDEN_SSN = re.compile(r"(?:[Xx]{3}|\*{3})-?(?:[Xx]{2}|\*{2})-?(\d{4})(?!\w)")
CARD = re.compile(r"\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}(?!\w)|\d{4}([ -])\d{6}\2\d{5}(?!\w)")
IBAN = re.compile(r"[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,4})?(?!\w)")
VIN = re.compile(r"(?=[A-Z]*\d)(?=\d*[A-Z])[A-HJ-NPR-Z0-9]{17}(?!\w)")
POSTCODE = re.compile(r"(?:GIR ?0AA|[A-Z]{1,2}\d[A-Z\d]?\s?\d[ABD-HJLNP-UW-Z]{2}|[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z]\s?\d[ABCEGHJ-NPRSTV-Z]\d)(?![\w-])")
# In small letters only behind a town: "leeds ls1 4ap".
SMALL_POSTCODE = re.compile(r"(?:[a-z]{1,2}\d[a-z\d]?\s\d(?!st|nd|rd|th|hr)[abd-hjlnp-uw-z]{2}|[abceghj-nprstvxy]\d[abceghj-nprstv-z]\s?\d[abceghj-nprstv-z]\d)(?![\w-])")
GROUPED = re.compile(r"\d{3}([ -])\d{3}\1\d{3,4}(?![\w]|[-.,]\d)")
ID_SHAPE = re.compile(
    r"#\s?[A-Z]{0,6}-?\d[\dA-Z-]{3,}\b"
    r"|(?!NCT|PMID|PMC|ISRCTN|EUDRACT|COVID|SARS|CYP|HLA|GLP|ICD|CPT|LOINC|RXN|SNOMED|ATC|DSM|ISO)[A-Z]{1,6}-\d[\d-]{3,}\b"
    r"|(?!NCT|PMID|PMC|ISRCTN)[A-Z]{1,6}\d{5,}\b(?!\.\d)"
    r"|(?!NCT|PMID|PMC|ISRCTN|COVID|SARS)[A-Z]{2,6}-(?:[A-Z]{1,6}-)?\d{3,}(?:-[\dA-Z]+)*\b(?!\.\d)"
    r"|(?:19|20)\d\d-[A-Z]{1,4}-\d{4,}(?!\w)|[A-Z]{1,2}\d{2}-\d{4,6}(?![\w-])|[1-9][A-Z][A-Z\d]\d-[A-Z][A-Z\d]\d-[A-Z]{2}\d{2}(?!\w)"  # a case, a specimen, a Medicare number
    r"|\d{3}-\d{3}-\d{3}(?![\w-])|\d{5}-\d{3,}(?:-\d+)*\b|\d{3}-\d{2}-\d{3}(?![\w-])|\d{7,}-\d{1,3}(?![\w-])|\d{7,}(?![\w]|[.,]\d)|\d{8}-?[A-Z](?!\w)"
)
CODE = re.compile(r"#?[A-Za-z0-9]+(?:[-/_.][A-Za-z0-9]+){0,8}")
MEASURED = re.compile(
    r"\s*(?:mg|mcg|ug|g|kg|ml|l|dl|mmol|meq|units?|iu|u|%|mm|cm|m|bpm|beats|cells|copies|x10|k/|/|hours?|hrs?|h|days?|weeks?|years?|steps|calories|kcal|cfu|patients|"
    r"participants|people|cases|dollars|miles|feet|ft|lbs?|pounds|rpm|psi|hz|mhz|kpa|mmhg|ng|pg|nmol|pmol|per)\b",
    re.IGNORECASE,
)
# What goes on after a labelled code: W1430 04439.
MORE_GROUPS = re.compile(r"(?:[ ]\d{4,6}){1,2}(?![\w]|[-/.,]\d)")
PLATE = re.compile(
    r"(?:(?<=vehicle )|(?<=license )|(?<=licence )|(?<=number )|(?<=car )|(?<=registration )|(?<=truck )|(?<=tag ))plates?(?:\s*(?:no\.?|number|#))?(?:\s+(?:is|was|of))?[\s:=#]{1,3}"
    r"(?P<plate>[a-z]{1,3}[ -]?(?:[a-z]{1,2}[ -]?)?\d{2,4}(?:[ -]?[a-z]{1,3}(?!\w))?|\d{1,4}[ -]?[a-z]{1,3}(?:[ -]?\d{1,4})?)(?!\w)|kennzeichen[\s:=#]{1,3}"
    r"(?P<abroad>[a-z\d]{1,3}[ -]?[a-z\d]{1,4}[ -]?[a-z\d]{1,4})(?!\w)"
)
PLATE_WORDS = ("plate", "kennzeichen")
SPACED_CODE = re.compile(r"\d{2,4}(?:[ -]\d{2,6}){1,5}(?![\w]|[-/.,]\d)")
NOT_AFTER_PHONE = re.compile(r"[\w]|[-/.]\d")
MARKED = re.compile(r"[:#=]\s*\Z|\b(?:id|no\.?|number|num)\s+(?:is\s+)?\Z")
NO_CODE = re.compile(r"[pcyr]{0,2}T(?:[0-4X][a-d]?|is)N[0-3X]|(?:NCT|PMID|PMC|ISRCTN|COVID|SARS|CYP|HLA|GLP|ICD|CPT|LOINC|RXN|SNOMED)", re.IGNORECASE)
AMOUNT = re.compile(r"[\d.,]+(?:[a-z]{1,5}(?:[/-][a-z0-9]+)*|st|nd|rd|th|s|[MFK]|yo|YO|X|x)\Z")
IN_THEIR = re.compile(r"\b(?:in|into)\s+(?:his|her|their|the|my)\s+(?:early\s+|mid[\s-]+|late\s+)?\Z", re.IGNORECASE)
POINT_LETTERS = re.compile(r"\.(?=[A-Za-z])(?:com|org|net|edu|gov|info|biz|co\.uk|io|health|example|de|fr|it|es|nl|jpe?g|png|tiff?|bmp|gif|heic|dcm|dicom|mp4|mov|avi)\b", re.IGNORECASE)
COMPACT_DATE = re.compile(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\Z")
PHONES = listed("phone_labels")
# What is surely followed by an identifier; the others of LABELS need more digits.
STRONG_LABELS = listed("number_labels")
LABELS = STRONG_LABELS | listed("weak_number_labels")
_FILLERS = listed("number_fillers")
_MOST_WORDS, _REACH = 7, 72
_MARKUP = re.compile(r"<[^<>]{0,40}>|&[a-z]{2,6};")
_NUMBERED = re.compile(r"(?<!total )\b(?:no\.?|nr\.?|num|number|nummer|numero)\s?[:#=]\s{0,3}\Z")
_NUMBER_SIGNS = frozenset(":#=")
_WORD = re.compile(r"[a-z][a-z'./]*[#]?|[^\sa-z:#.,(=\"'\[-]")


def label_before(lower: str, start: int) -> str | None:
    """The word that says what the number beginning at `start` is: the nearest label, with nothing but fillers between; None without one."""
    weak: str | None = None
    near = (lower, max(0, start - _REACH), start)
    if lower[start - 1 : start] in (">", ";"):  # "MRN:</b>&nbsp;40012345"
        said = _MARKUP.sub(" ", lower[near[1] : start])
        near = (said, 0, len(said))
    words: list[str] = _WORD.findall(*near)
    for word in words[: -_MOST_WORDS - 1 : -1]:
        bare = word.rstrip(".#'/")
        bare = bare[:-2] if bare.endswith("'s") else bare
        if bare in PHONES or (bare in LABELS and (bare in STRONG_LABELS or bare not in _FILLERS)):
            return bare
        if bare in LABELS:  # "code 12345", "insurance number 12345": a filler that is a label when nothing stronger stands before it
            weak = weak or bare
        elif bare not in _FILLERS and word not in _FILLERS:
            break
    if weak is None and not _NUMBER_SIGNS.isdisjoint(lower[max(0, start - 4) : start]) and _NUMBERED.search(lower, max(0, start - 12), start):
        return "number"
    return weak


def is_luhn(number: str) -> bool:
    """Whether the last digit is Luhn's check digit of those before it.

    >>> is_luhn("046454286"), is_luhn("046454287")
    (True, False)
    """
    total = 0
    for at, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + at % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def is_nhs(number: str) -> bool:
    """Whether ten digits are an NHS number: the eleventh modulus.

    >>> is_nhs("9434765919"), is_nhs("9434765918")
    (True, False)
    """
    check = 11 - sum(int(digit) * weight for digit, weight in zip(number, range(10, 1, -1), strict=False)) % 11
    return len(number) == 10 and check % 11 == int(number[9]) and check != 10
