"""Back from pseudonyms to people, for somebody who may: what the map can tell, and what only the raw files can.

In        pseudonyms: subjects (P...), numbers (N...), UIDs (2.25....); the keyring; raw files for what the map does not hold
Out       for each what it was, or that it was not found
Subjects  from the map: names, dates of birth, record numbers; also under codes that they no longer bear, and under a secret that was replaced
Numbers   are HMACs: nothing turns them round. Every number that the map knows is tried, then every word of the raw files that are given. So a number is
          found only where its raw value is still at hand.
Source    45 CFR 164.514(c) re-identification; 164.502(d)(2)(ii): what was re-identified is protected health information again.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from bedside.core.errors import Misconfigured, Refused
from bedside.core.ids import is_pseudonym, keyed, pseudonym
from bedside.deidentify.desk import number_of
from bedside.deidentify.keyring import Keyring
from bedside.deidentify.patients import PatientMap, Subject, words

_NUMBER = re.compile(r"N[0-9A-HJKMNP-TV-Z]{12}\Z")
_UID = re.compile(r"2\.25\.\d{1,39}\Z")
_FIELD = re.compile(rb'[\r\n\t\x00|^~&,;"\\<>{}\[\]]+')
_WORD = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LONGEST, _BLOCK = 128, 1 << 20
_NAMES = "subjects by name"
_TELLING, _SHORTEST_NUMBER = 5, 7
_DIALLED = re.compile(r"\+?\(?\d[\d ().-]{5,}\d")


class Identity(msgspec.Struct, frozen=True):
    """What stands behind one pseudonym. Protected health information.

    kind    subject, number, uid
    found   False: not of this keyring, or a number whose raw value is not at hand
    now     the subject's name today, where another was asked for; `keyring`: the replaced keyring that the name is of
    """

    pseudonym: str
    kind: str
    found: bool
    now: str = ""
    keyring: str = ""
    names: list[str] = []
    births: list[str] = []
    records: list[str] = []
    keys: list[str] = []
    value: str = ""


def kind_of(name: str) -> str:
    """Which kind of pseudonym a text is; `Misconfigured` for one that is none (it is not shown: it may be a patient's number)."""
    if is_pseudonym(name):
        return "subject"
    if _NUMBER.match(name):
        return "number"
    if _UID.match(name):
        return "uid"
    raise Misconfigured("not a pseudonym", where="an argument", do="give subjects (P and 12 characters), numbers (N and 12) or UIDs (2.25....)")


def identities(ring: Keyring, asked: Iterable[str], *, raw: Iterable[Path] = ()) -> list[Identity]:
    """What stands behind each pseudonym, in the order of asking."""
    names = list(dict.fromkeys(asked))
    kinds = {name: kind_of(name) for name in names}
    values = _values(ring, {name for name, kind in kinds.items() if kind != "subject"}, raw)
    return [_subject(ring, name) if kinds[name] == "subject" else Identity(name, kinds[name], name in values, value=values.get(name, "")) for name in names]


def resolve(ring: Keyring, name: str) -> tuple[Subject | None, str]:
    """The subject of a pseudonym, and the replaced keyring that the name is of ("" for today's)."""
    by_name, under = _by_name(ring.map), ""
    if name not in by_name:
        for rotation in ring.map.state.rotations:
            if name in rotation.names:
                name, under = rotation.names[name], under or rotation.keyring
    return by_name.get(name), under


def refuse_identities(found: PatientMap, said: dict[str, str]) -> None:
    """`Refused` when a text meant for the ledger names somebody in the map: a full name, or a number, address or mail that is known of them."""
    for what, text in said.items():
        if text and _tells(found, text):
            raise Refused("it names a patient, and what is written there stays for years", where=what, do="say it without names and numbers: use the pseudonym")


def _tells(found: PatientMap, text: str) -> bool:
    said, plain = set(words(text)), {part.strip(".,;:()[]").casefold() for part in text.split()}
    dialled = {re.sub(r"\D", "", run) for run in _DIALLED.findall(text)}
    for subject in found:
        known = subject.known
        numbers = {key.partition("|")[2] for key in subject.keys} | known.records | known.numbers | known.emails
        if any(len(value) >= _TELLING and value.casefold() in plain for value in numbers):
            return True
        if dialled and any(_same_number(re.sub(r"\D", "", value), run) for value in known.phones | known.ssns for run in dialled):
            return True
        for name in known.names:
            given, family = {part for one in name.given for part in words(one)}, set(words(name.family))
            if given and family and family <= said and given & said:
                return True
    return False


def _same_number(known: str, run: str) -> bool:
    """Whether two runs of digits are one telephone number or one social security number: with or without what is dialled before."""
    return min(len(known), len(run)) >= _SHORTEST_NUMBER and (known.endswith(run) or run.endswith(known))


def _by_name(found: PatientMap) -> dict[str, Subject]:
    """Subjects by every name that they bear or bore; worked out once for a map."""
    known = found.memo.get(_NAMES)
    if not isinstance(known, dict):
        known = {pseudonym(code): subject for subject in found for code in subject.former}
        known |= {pseudonym(subject.code): subject for subject in found}
        found.memo[_NAMES] = known
    return known


def _subject(ring: Keyring, name: str) -> Identity:
    subject, under = resolve(ring, name)
    if subject is None:
        return Identity(name, "subject", False)
    known, today = subject.known, pseudonym(subject.code)
    names = sorted(" ".join((*one.given, one.family)).strip() for one in known.names)
    return Identity(name, "subject", True, "" if today == name else today, under, names, sorted(known.births), sorted(known.records), sorted(subject.keys))


def _values(ring: Keyring, wanted: set[str], raw: Iterable[Path]) -> dict[str, str]:
    """Raw value of each number and UID that was found."""
    found: dict[str, str] = {}
    for value in _candidates(ring, raw) if wanted else ():
        for name in (number_of(ring, value), _uid_of(ring, value)):
            if name in wanted:
                found[name] = value
        if len(found) == len(wanted):
            break
    return found


def _uid_of(ring: Keyring, raw: str) -> str:
    return "2.25." + str(int.from_bytes(keyed(ring.number_key, "uid", raw.strip())[:16], "big")) if raw.count(".") else ""


def _candidates(ring: Keyring, raw: Iterable[Path]) -> Iterator[str]:
    for subject in ring.map:
        yield from sorted(key.partition("|")[2] for key in subject.keys)
        yield from sorted(subject.known.records | subject.known.numbers)
    yield from sorted(ring.map.clinicians.numbers | ring.map.clinicians.records)
    for top in raw:
        for path in sorted(one for one in top.rglob("*") if one.is_file()) if top.is_dir() else [top]:
            yield from _texts(path)


def _texts(path: Path) -> Iterator[str]:
    """Every field and word of a file, as far as its bytes are text: each once a block."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
        left = b""
        while block := stream.read(_BLOCK):
            whole = left + block
            left = whole[-_LONGEST:]
            said = {part.strip() for part in _FIELD.split(whole) if 0 < len(part) <= _LONGEST} | set(_WORD.findall(whole))
            yield from (one.decode("utf-8", "replace") for one in sorted(said))
