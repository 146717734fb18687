"""What every transform of one policy shares: people by their keys, pseudonyms of numbers and UIDs, and scrubbed text.

In        a keyring with a frozen map, and a policy
Out       `Person`: pseudonym, clock and finder of a subject; the same raw number gives the same pseudonym in every format
Counts    what was done, by kind, never to whom
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from bedside.core.errors import Malformed
from bedside.core.ids import Keyed, keyed, keyed_hex, letters, pseudonym, subject_number
from bedside.core.time import wall_time
from bedside.deidentify.clock import Clock
from bedside.deidentify.known import Finder, has_number
from bedside.deidentify.patients import Key, KnownIdentifiers, Subject, words
from bedside.deidentify.policy import Policy
from bedside.deidentify.replace import ByKind, Scrubbed
from bedside.deidentify.spans import Detector, joined
from bedside.deidentify.surrogates import Surrogates, plain_numbers
from bedside.deidentify.text import scrub, spans_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bedside.deidentify.keyring import Keyring

_UID_ROOT = "2.25."
_MOST_KEPT, _MOST_TEXTS, _MOST_HELD, _SHORT = 200_000, 20_000, 32_000_000, 400
_MOST_SUBJECTS = 1_000
_WORDED = frozenset({"NAME", "ADDRESS", "EMAIL"})
_LONG_NUMBER, _NUMBERED, _DECIMAL = 6, frozenset({"ID", "PHONE", "SSN", "ZIP"}), re.compile(r"[-+<>= ]*\d*\.\d+(?:[eE][-+]?\d+)?\Z")


Watch = Callable[[str, Scrubbed], None]
"""Is told every text that was scrubbed, and what came of it: for a sample that a person reads."""


class Person(NamedTuple):
    """One subject as the transforms see them."""

    name: str
    clock: Clock
    finder: Finder
    year: int


class Leave(Exception):
    """A sound record that has no place among the de-identified ones, with the reason that is counted. Stays in this room."""

    def __init__(self, reason: str, *, merged: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.merged = reason, merged


class Desk:
    """People, pseudonyms and text under one policy. Get one with `desk`; it keeps what it works out."""

    def __init__(self, keyring: Keyring, policy: Policy, detectors: Sequence[Detector] = ()) -> None:
        self.keyring, self.policy, self.map, self.detectors = keyring, policy, keyring.map, tuple(detectors)
        # Phones and numbers of the staff show themselves; a pattern of all of them would make every text slow.
        self.staff = Finder(KnownIdentifiers(names=self.map.clinicians.names), city=policy.city, many=True)
        self.nobody = Clock() if policy.dates == "keep" else None
        self.actions: Counter[str] = Counter()
        self._people: dict[int, Person] = {}
        self._numbers: dict[str, str] = {}
        self._clean: dict[str, bool] = {}
        self._silent: dict[str, bool] = {}
        self.watch: Watch | None = None
        self._held = 0
        self._surrogates: dict[str, Surrogates] = {}
        self._scrubbed: dict[tuple[str, str], Scrubbed] = {}  # the same note comes as a file and as an attachment

    @cached_property
    def strangers(self) -> tuple[Detector, ...]:
        """Finds whoever of the map by what is strong: a text may name other patients than its own."""
        from bedside.deidentify.residue_needles import Needles
        from bedside.deidentify.strangers import Strangers

        if "strangers" not in self.map.memo:
            self.map.memo["strangers"] = Strangers(Needles(([], subject.known) for subject in self.map.subjects))
        found = self.map.memo["strangers"]
        assert isinstance(found, Strangers)
        return (found,) if self.map.subjects else ()

    @cached_property
    def anybody(self) -> Finder:
        """Finds anyone of the map: for a text of whom nobody knows whose it is."""
        whole = KnownIdentifiers()
        for subject in self.map.subjects:
            whole.add(subject.known)
        return Finder(whole, city=self.policy.city, many=True)

    def find(self, key: Key) -> Person | None:
        """The person of an identifier, None when the survey has not met it."""
        subject = self.map.find(key)
        return None if subject is None else self.person(subject)

    def the(self, key: Key, *, where: str) -> Person:
        """The person of an identifier; `Malformed` when the survey has not met it."""
        found = self.find(key)
        if found is None:
            raise Malformed("its subject is not in the patient map", where=where, do="survey the files again: this one has changed")
        return found

    def person(self, subject: Subject) -> Person:
        known = self._people.get(subject.code)
        if known is None:
            first = subject.encounter_us if subject.encounter_us is not None else subject.first_us
            known = Person(
                pseudonym(subject.code),
                Clock.of(subject, self.policy, self.keyring),
                Finder(subject.known, city=self.policy.city),
                wall_time(first or 0).year,
            )
            self._people[subject.code] = known
        return known

    def number(self, raw: str) -> str:
        """Pseudonym of any number that is not a subject's: `N` and twelve characters, the same in every format."""
        known = self._numbers.get(raw)
        if known is None:
            if len(self._numbers) > _MOST_KEPT:
                self._numbers.clear()
            known = self._numbers[raw] = "N" + letters(self._keyed.drawn(raw.strip()))
        return known

    @cached_property
    def _keyed(self) -> Keyed:
        return Keyed(self.keyring.number_key, "number")

    def uid(self, raw: str) -> str:
        """A UID of ours for one of theirs (DICOM PS3.5 B.2: 2.25 and a 128-bit number); those of the standard itself stay."""
        if not raw or raw.startswith("1.2.840.10008."):
            return raw
        return _UID_ROOT + str(int.from_bytes(keyed(self.keyring.number_key, "uid", raw.strip())[:16], "big"))

    def text(self, text: str, person: Person | None) -> str:
        """A text without identifiers; what was found is counted."""
        return text if self.watch is None and self.clean(text) else self.scrubbed(text, person).text

    def scrubbed(self, text: str, person: Person | None) -> Scrubbed:
        """A text without identifiers, and where they stood."""
        if self.clean(text):
            done = Scrubbed(text, {})
            if self.watch is not None:
                self.watch(text, done)
            return done
        key = (person.name if person else "", text)
        known = self._scrubbed.get(key)
        done = known if known is not None else self._scrub(text, person)
        if known is None and len(self._scrubbed) < _MOST_TEXTS and self._held < _MOST_HELD:
            self._scrubbed[key] = done
            self._held += len(text)
        if self.watch is not None:
            self.watch(text, done)
        for kind, count in done.counts.items():
            self.actions[f"text: {kind}"] += count
        return done

    def _scrub(self, text: str, person: Person | None) -> Scrubbed:
        policy = self.policy
        return scrub(
            text,
            known=person.finder if person else self.anybody if self.map.subjects else None,
            staff=self.staff,
            clock=person.clock if person else self.nobody,
            age_cap=policy.age_cap,
            keep_dates=policy.dates == "keep",
            keep_places=policy.city,
            year=person.year if person else 2000,
            detectors=(*self.strangers, *self.detectors),
            instead=self._instead(text, person),
        )

    def _instead(self, text: str, person: Person | None) -> ByKind | None:
        """Who gives surrogates, and the policy's word on some kinds. A text of nobody known is a subject of its own."""
        rules = self.policy.text
        if rules.replace == "tags" and not rules.kinds:
            return None
        if rules.replace == "tags" and "surrogate" not in rules.kinds.values():
            return ByKind(rules.kinds)
        own = "" if person else "text " + keyed_hex(self.keyring.number_key, "text", text, length=16)
        return ByKind(rules.kinds, self.surrogates(person) if person else self._surrogates_of(own, None), rules.replace == "surrogates")

    def surrogates(self, person: Person) -> Surrogates:
        """The surrogates of a person, the same in every format."""
        made = self._surrogates.get(person.name)
        if made is None:
            if len(self._surrogates) >= _MOST_SUBJECTS:
                self._surrogates.clear()
            made = self._surrogates[person.name] = self._surrogates_of(person.name, self.map.known(subject_number(person.name)))
        return made

    def _surrogates_of(self, name: str, known: KnownIdentifiers | None) -> Surrogates:
        return Surrogates(self.keyring, name, self.avoid, known=known, zip_digits=self.policy.zip_digits, zip3=self.policy.zip3)

    @cached_property
    def avoid(self) -> frozenset[str]:
        """What no surrogate may be: every word and number of the map."""
        people = [subject.known for subject in self.map.subjects]
        return self.map.tokens | plain_numbers([*people, self.map.clinicians])

    def clean(self, text: str) -> bool:
        """Whether a text holds nothing that could identify anybody of the whole map: no name, hardly a digit, no pattern.

        Most texts are such (codes, words of codes, units), and repeat.
        """
        known = self._clean.get(text)
        if known is None:
            known = not (has_number(text) or self.detectors or not self.map.tokens.isdisjoint(words(text)) or spans_of(text))
            if len(text) <= _SHORT and len(self._clean) < _MOST_KEPT:
                self._clean[text] = known
        return known

    def silent(self, text: str) -> bool:
        """Whether a value that a rule lets stand is no word of anybody in the map and no long number: quick, since they repeat."""
        known = self._silent.get(text)
        if known is None:
            long = sum(map(text.count, "0123456789")) >= _LONG_NUMBER and not _DECIMAL.match(text)
            known = not long and self.map.tokens.isdisjoint(words(text))
            if len(text) <= _SHORT and len(self._silent) < _MOST_KEPT:
                self._silent[text] = known
        return known

    def kept(self, text: str, person: Person | None) -> str:
        """A value that a rule lets stand, without what is known of its own person, and without anybody's full name, street or mail address.

        Patterns are not asked, so that codes and numbers stay; nor is a short number taken, which a result may be.
        """
        if self.silent(text):
            return text
        left, at, said = [], 0, text.replace("_", " ")
        found = [span for one in self.strangers for span in one.find(said) if span.kind in _WORDED]
        for span in joined([*found, *(person.finder.find(said) if person is not None else ())]):
            said = text[span.start : span.end]
            if span.kind == "DATE" and self.policy.dates == "keep":
                continue
            if span.kind in _NUMBERED and sum(map(str.isdigit, said)) < _LONG_NUMBER:
                continue
            left += [text[at : span.start], f"[{span.kind}]"]
            at = span.end
            self.actions[f"value that stays: {span.kind} of a person"] += 1
        return "".join([*left, text[at:]])

    def plain(self, text: str, person: Person | None) -> bool:
        """Whether a short coded text holds nothing that identifies: a local code, a ward, a unit.

        Seven digits alone may be a code; they may not be a number that is known of the person or the staff.
        """
        if self.clean(text):
            return True
        if self.staff.touches(text) or (person is not None and person.finder.touches(text)):
            return False
        return text.isdigit() or not [span for span in spans_of(text) if span.kind not in ("HOSPITAL", "CITY")]


def desk(keyring: Keyring, policy: Policy, detectors: Sequence[Detector] = ()) -> Desk:
    """The desk of a keyring's present map and a policy, made once."""
    if detectors:
        return Desk(keyring, policy, detectors)
    known = keyring.map.memo.get(("desk", policy.name))
    if not isinstance(known, Desk) or known.policy != policy:
        known = Desk(keyring, policy)
        keyring.map.memo["desk", policy.name] = known
    return known


def number_of(keyring: Keyring, raw: str) -> str:
    """The pseudonym of a number, without a desk."""
    return "N" + letters(Keyed(keyring.number_key, "number").drawn(raw.strip()))
