"""Made numbers and addresses of the net in the form of real ones, from ranges that belong to nobody.

In        a phone, social security number, record number, zip code, e-mail, web or network address as a text says it
Out       the same grouping, letters as letters, digits as digits
Source    phones: NANP 555-0100 to 555-0199 (ATIS-0300115), elsewhere a subscriber number with a leading 0, which no plan gives (ITU-T E.164);
          SSN: area 9xx (20 CFR 422.103, POMS RM 10201.035) with a group of 01 to 49, which is no taxpayer number either (IRS, ITIN 50 and above);
          RFC 2606 (example.org), RFC 5737 and RFC 3849 (addresses of the net for documentation)
"""

from __future__ import annotations

import re

from bedside.deidentify.surrogate_names import Draw
from bedside.deidentify.zip_codes import Zip3, zip_code

_EXTENSION = re.compile(r"\s*,?\s*(?:x|ext\.?|extension|#)\s*\d{1,6}\Z", re.IGNORECASE)
_COUNTRY = re.compile(r"\s*\+?\s*\(?\s*(\d{1,3})(?=[\s.()-])|\s*\+\s*(\d{2})")
_LABEL = re.compile(
    r"(?:(?:mrn|id|no|nr|number|num|patient|pt|site|case|acct|account|record|medical|med|rec|policy|plan|member|subscriber|group|insurance|medicare|medicaid|license|serial|device|"
    r"visit|encounter|claim|order|accession|specimen|chart|file|health|hospital|ref|reference|identifier|is|of|dea|npi|ssn|lot|model|vin|rx|study)\b['’.]*[\s:#.=-]*)+(?=[\w#-]*\d)",
    re.IGNORECASE,
)
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}", re.IGNORECASE)
_URL = re.compile(r"((?:https?|ftp)://)?(www\.)?[^/?#\s]*(.*)\Z", re.IGNORECASE | re.DOTALL)
_NETS = ("192.0.2", "198.51.100", "203.0.113")
_TEN, _SEVEN, _NINE = 10, 7, 9
_CONSONANTS = "BCDFGHJKLMNPQRSTVWXZ"


def phone(said: str, draw: Draw) -> str:
    """A phone number that cannot be called, in the same grouping.

    >>> phone("(617) 555-2368 x12", Draw(b"k", "a"))[5:12]
    ' 555-01'
    """
    extension = _EXTENSION.search(said)
    main = said[: extension.start()] if extension else said
    digits = re.sub(r"\D", "", main)
    tail = draw.digits(sum(map(str.isdigit, extension[0]))) if extension else ""
    return _filled(said, _dialled(main, digits, draw) + tail)


def _dialled(main: str, digits: str, draw: Draw) -> str:
    count, abroad = len(digits), "+" in main and not re.sub(r"\D", "", main.split("+", 1)[1]).startswith("1")
    if not abroad and digits[:1] != "0" and (count == _TEN or (count == _TEN + 1 and digits[0] == "1")):
        return digits[: count - _TEN] + str(2 + draw.below(8)) + draw.digits(2) + "55501" + draw.digits(2)
    if count == _SEVEN:
        return "55501" + draw.digits(2)
    if count < _SEVEN:
        return draw.digits(count)
    country = _COUNTRY.match(main) if abroad else None
    kept = (country[1] or country[2]) if country else "0" if digits[0] == "0" else ""
    return kept + "0" + draw.digits(count - len(kept) - 1)


def social_security(said: str, draw: Draw) -> str:
    """A number of an area that was never issued; of a part of one, other digits."""
    count = sum(map(str.isdigit, said))
    if count != _NINE:
        return _filled(said, draw.digits(count))
    return _filled(said, "9" + draw.digits(2) + f"{1 + draw.below(49):02d}" + draw.digits(4))


def number(said: str, draw: Draw) -> str:
    """A number of as many letters and digits; the words that say what it is stay."""
    start = len(said) - len(unlabelled(said))
    letters = "ABCDEF" if _UUID.search(said) else _CONSONANTS
    return said[:start] + "".join(_sign(sign, letters, draw) for sign in said[start:])


def unlabelled(said: str) -> str:
    """A number without the words before it that say what it is."""
    label = _LABEL.match(said)
    return said[label.end() :] if label else said


def _sign(sign: str, letters: str, draw: Draw) -> str:
    if sign.isdecimal():
        return draw.digits(1) if sign == "0" else str(1 + draw.below(9))
    if sign.isalnum():
        made = draw.one(letters)
        return made.lower() if sign.islower() else made
    return sign


def zip_of(said: str, draw: Draw, digits: int, table: Zip3 | None = None) -> str:
    """A zip code of which no more is true than the policy lets stand: three digits where enough people live, else 000."""
    if sum(map(str.isdigit, said)) < 5 or not said.strip()[:5].isdigit():
        return number(said, draw)
    true = zip_code(said, 3, table) if digits == 3 else "000"
    return _filled(said, true + draw.digits(sum(map(str.isdigit, said)) - 3))


def web(said: str, draw: Draw) -> str:
    """An address of the web at example.org, with a path where there was one."""
    found = _URL.match(said)
    scheme, www, path = (found[1] or "", found[2] or "", found[3]) if found else ("", "", "")
    made = "".join(draw.one("bcdfghjkmnpqrstvwxz") for _ in range(8))
    return f"{scheme}{www}example.org" + (f"/{made}" if len(path) > 1 else path)


def network(said: str, draw: Draw) -> str:
    """An address of the net for documentation."""
    if ":" in said:
        return f"2001:db8::{1 + draw.below(65535):x}:{1 + draw.below(65535):x}"
    return f"{draw.one(_NETS)}.{1 + draw.below(254)}"


def _filled(said: str, digits: str) -> str:
    """The text with other digits, everything else as it stands."""
    left = iter(digits)
    return "".join(next(left) if sign.isdecimal() else sign for sign in said)
