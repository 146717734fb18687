"""The word lists of the text scrubber, and which words are never taken for a name.

Source    typed for this project (`words/*.txt`); no list of a third party is copied.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
# Words after a capitalised name that make it the name of a disease, sign or device, and not of a person in the room.
EPONYM_HEADS = (
    "disease|syndrome|sign|signs|test|tests|catheter|fracture|palsy|maneuver|manoeuvre|reflex|chorea|lymphoma|sarcoma|tumor|tumour|thyroiditis|score|scale|"
    "criteria|index|classification|formula|equation|phenomenon|contracture|tremor|respirations?|breathing|tetralogy|anomaly|hernia|gait|stain|tube|drain|"
    "clamp|retractor|position|procedure|operation|repair|line|port|valve|esophagus|oesophagus|nodes?|law|triad|pouch|lesion|ulcer|arthropathy|ataxia|"
    "esophagitis|nodules?|rash|gangrene|point|incision|effect|block|bodies|granulomatosis|purpura|cyst|duct|gland|ganglion|canal|cell|cells|dementia|"
    "encephalopathy|neuropathy|osteotomy|protocol|trial|study|ratio|stage|stages|grade|type"
)


@lru_cache(maxsize=16)
def listed(name: str) -> frozenset[str]:
    """The words of `words/<name>.txt`, lower case."""
    lines = files("bedside.deidentify").joinpath("words", f"{name}.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@lru_cache(maxsize=1)
def places() -> tuple[str, ...]:
    """Cities and hospitals by name, longest first."""
    lines = files("bedside.deidentify").joinpath("words", "places.txt").read_text("utf-8").splitlines()
    named = (place for line in lines if not line.startswith("#") for place in line.split(";"))
    return tuple(sorted(named, key=lambda place: (-len(place), place)))


@lru_cache(maxsize=1)
def sole_first_names() -> frozenset[str]:
    """Given names that are nothing else."""
    return listed("first_names") - listed("ambiguous")


@lru_cache(maxsize=1)
def people() -> frozenset[str]:
    """Given and family names, the everyday words among them included."""
    return listed("first_names") | listed("surnames")


@lru_cache(maxsize=1)
def everyday() -> frozenset[str]:
    """Words that are a name only where the text says so."""
    return listed("ambiguous") | listed("not_names")
