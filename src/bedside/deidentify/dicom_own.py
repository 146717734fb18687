"""What is known of an instance's own patient, as words and as bytes: for what no text engine reads.

In        the patient map, the key of the patient
Out       `Own`: name words in any case, but for those that are everyday words; names and numbers as bytes, long enough that bulk data
          do not spell them by chance
"""

from __future__ import annotations

from typing import NamedTuple

from bedside.deidentify.dicom_stream import Element, Level
from bedside.deidentify.dicom_words import known as is_word
from bedside.deidentify.lexicon import everyday
from bedside.deidentify.patients import Key, KnownIdentifiers, PatientMap, words

_SHORTEST_WORD, _SHORTEST_NAME, _SHORTEST_NUMBER = 3, 5, 6


class Own(NamedTuple):
    """Words of the person's names, and byte strings that nothing of the instance may hold."""

    words: frozenset[str]
    needles: tuple[bytes, ...]

    def in_bytes(self, level: Level, element: Element) -> bool:
        """Whether the bytes of a value spell a name or a number of the person."""
        if element.new is not None:
            return any(needle in element.new for needle in self.needles)
        if element.stop - element.start < _SHORTEST_NAME:
            return False
        find = level.buffer.find
        return any(find(needle, element.start, element.stop) >= 0 for needle in self.needles)


def own_of(found: PatientMap, key: Key) -> Own:
    """What is known of the patient of a key, worked out once a map."""
    made = found.memo.get(("dicom", key))
    if not isinstance(made, Own):
        subject = found.find(key)
        made = found.memo["dicom", key] = _made(subject.known if subject is not None else KnownIdentifiers())
    return made


def _made(known: KnownIdentifiers) -> Own:
    parts = {part for name in known.names for part in (name.family, *name.given)}
    said = frozenset(word for part in parts for word in words(part) if len(word) >= _SHORTEST_WORD)
    long = {part for part in parts if len(part) >= _SHORTEST_NAME}
    spelt = {form for part in long for form in (part, part.upper(), part.title())}
    numbers = {number for number in known.records | known.numbers if len(number) >= _SHORTEST_NUMBER and any(map(str.isdigit, number))}
    return Own(
        frozenset(word for word in said if word not in everyday() and not is_word(word)),
        tuple(sorted({form.encode("utf-8") for form in spelt | numbers})),
    )
