"""The words that the rules look for, and what each stands for.

In        our tables beside this room (problems, procedures, labs, vitals, pathology), the drug table and ICD-10-CM of `codes`,
          and terms of terminologies that a person loads (`codes.terminology`)
Out       `lexicon`: phrases, each with its `Term`s in the order in which they are tried
Order     a person's terms come first, then ours, then the titles and included terms of ICD-10-CM as far as people write such words.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple, cast

from bedside.codes.drugs import drugs
from bedside.codes.icd10cm import DIGEST, Diagnosis, diagnoses
from bedside.pillars.text.fact import Kind
from bedside.pillars.text.tokens import Phrases, fold, plural

_SHORT = (
    "pe mi hf af as vt ms oa arf gib ich tb ha cp ama mds aids sah loc mvp pid si pt na k ca mg cl p r t er pr alk ret met ar erg pole "
    "all cml aml cll add ad dm ra ua ana lp cap map tee cea avr fna bka aka tha tka icd hg al am hb cr pnd gad ocd nph inh asa bun ild "
    "tm tc wt ht rr hr bp plts segs gist ear back arm leg us ct h gu acr fit peg"
)
_TABLES = ("cues", "labs", "pathology", "problems", "procedures", "sections", "vitals")
UPPER = frozenset(_SHORT.split())
"""Short words that are other words in small letters: these count in capitals, or before a number where a number must follow."""


class Term(NamedTuple):
    """What a phrase stands for. unit, low and high: of a measurement, the unit that goes without saying and what is plausible."""

    kind: Kind
    name: str
    code: str | None = None
    unit: str | None = None
    low: float = 0.0
    high: float = 0.0


def lexicon(loaded: Iterable[tuple[str, str, str, str]] = ()) -> Phrases[tuple[Term, ...]]:
    """Every phrase. `loaded`: phrase, kind, name and event code of each term that a person brings."""
    extra = [(fold(phrase), Term(cast(Kind, kind), name, code)) for phrase, kind, name, code in loaded]
    if not extra:
        return _shipped()
    return Phrases(_gathered([*extra, *_ours(), *_classified()]).items())


@lru_cache(maxsize=1)
def _shipped() -> Phrases[tuple[Term, ...]]:
    return Phrases(_gathered([*_ours(), *_classified()]).items())


def _gathered(told: Iterable[tuple[str, Term]]) -> dict[str, tuple[Term, ...]]:
    """Phrases to their terms, one of each kind."""
    found: dict[str, tuple[Term, ...]] = {}
    for phrase, term in told:
        before = found.get(phrase, ())
        if all(term.kind != other.kind for other in before):
            found[phrase] = (*before, term)
    return found


def rows(name: str) -> list[list[str]]:
    """The rows of one of our tables."""
    return list(csv.reader(files("bedside.pillars.text").joinpath(f"data/{name}.csv").read_text(encoding="utf-8").splitlines()))


def _ours() -> Iterator[tuple[str, Term]]:
    for code, names, unit, low, high in _measured():
        for phrase in names:
            yield phrase, Term("vital" if high else "lab", names[0], code, unit or None, low, high)
    for code, told in rows("problems"):
        names = told.split("|")
        for phrase in names:
            yield from _both(phrase, Term("problem", names[0] if code else phrase, f"ICD10CM//{code}" if code else None))
    for drug in drugs():
        for phrase in (drug.ingredient, *drug.names):
            yield phrase, Term("medication", drug.ingredient, drug.code)
    for (told,) in rows("procedures"):
        names = told.split("|")
        for phrase in names:
            yield from _both(phrase, Term("procedure", names[0]))
    yield from _pathology()


@lru_cache(maxsize=1)
def tables_digest() -> str:
    """SHA-256 of every shipped table that the rules read: what they say changes with these."""
    seen = sha256(DIGEST.encode())
    for room, name in (*(("bedside.pillars.text", f"data/{name}.csv") for name in _TABLES), ("bedside.codes", "drugs.csv")):
        seen.update(files(room).joinpath(name).read_bytes())
    return seen.hexdigest()


def _measured() -> Iterator[tuple[str | None, list[str], str, float, float]]:
    for code, unit, told in rows("labs"):
        yield code or None, told.split("|"), unit, 0.0, 0.0
    for code, unit, low, high, told in rows("vitals"):
        yield code or None, told.split("|"), unit, float(low), float(high)


def _pathology() -> Iterator[tuple[str, Term]]:
    for kind, told in rows("pathology"):
        names = told.split("|")
        for phrase in names:
            if kind == "histology":
                yield from _both(phrase, Term("histology", phrase))
            elif kind == "site":
                yield phrase, Term("tumour-site", phrase)
            else:
                yield phrase, Term("biomarker", kind.removeprefix("biomarker-"))


def _both(phrase: str, term: Term) -> Iterator[tuple[str, Term]]:
    """A phrase, and its plural where its last word is long enough to have one."""
    yield phrase, term
    head, space, last = phrase.rpartition(" ")
    if len(last) > 3 and last.isalpha():
        yield head + space + plural(last), term


# --- ICD-10-CM -------------------------------------------------------------------------------------

_CHAPTERS = frozenset("ABCDEFGHIJKLMNOPQR")
_LONGEST_TITLE = 6
_SHORTEST_WORD = 6
_TAIL = re.compile(r",? (?:NOS|unspecified(?: (?:organism|site|type|cause|eye|ear|side|knee|hip|foot|ankle|hand|shoulder|elbow|wrist|limb|lower extremity))?)\Z")
_HEAD = re.compile(r"\AUnspecified ")
_BRACKET = re.compile(r" ?\([^()]*\)| ?\[[^\[\]]*\]")
_UNSAYABLE = re.compile(
    r"(?i)\b(?:unspecified|other|specified|elsewhere|classified|encounter|without|NEC|NOS|due to|following|complicating|sequelae|status|"
    r"not|and/or|finding|findings|symptoms?|in|or|as|by|to|for|with|during|type|unilateral|bilateral)\b|[;:,\d]"
)
_GENERAL = (
    "disease disorder injury infection delivery labor pregnancy procedure examination screening counseling transplant monitoring wounds "
    "twins stillbirth normal abnormal positive negative chronic general history weakness exposure contact problems absence presence "
    "illness fistula malleus contracture ganglion nephropathy osteophyte arteritis falling hyperpyrexia"
)
_ANATOMY = frozenset(("fat pad", "aortic arch", "absence of muscle", "alcohol use", "opioid use"))
_COMMON = frozenset(_GENERAL.split())


def _classified() -> Iterator[tuple[str, Term]]:
    """Sayable titles and included terms; a code without others below it before the category above it."""
    for leaf in (True, False):
        for one in diagnoses():
            if one.is_leaf is leaf and one.code[0] in _CHAPTERS:
                for phrase in _sayable(one):
                    yield phrase, Term("problem", one.title, f"ICD10CM//{one.code}")


def _sayable(one: Diagnosis) -> Iterator[str]:
    for told in (one.title, *one.includes):
        bare = _HEAD.sub("", _TAIL.sub("", _BRACKET.sub("", told)))
        words = bare.split()
        if not words or len(words) > _LONGEST_TITLE or _UNSAYABLE.search(bare):
            continue
        phrase = fold(bare)
        if (len(words) > 1 and phrase not in _ANATOMY) or (len(words) == 1 and len(phrase) >= _SHORTEST_WORD and phrase not in _COMMON):
            yield phrase
