"""The word lists of the text scrubber, and what each word may be.

In        `words/*.txt`, typed for this project, and `words/*.txt.xz`, made of public lists by scripts/make_name_lists.py
Out       `meanings`: word to the flags of all that it may be; loaded once, at the first text (0.2 CPU-seconds)
Source    words/README.md says where each list comes from and under which licence
"""

from __future__ import annotations

import lzma
import re
from functools import lru_cache
from importlib.resources import files

MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
# Words after a capitalised name that make it the name of a disease, sign or device, and not of a person in the room.
EPONYM_HEADS = (
    "disease|syndrome|sign|signs|test|tests|catheter|fracture|palsy|maneuver|manoeuvre|reflex|chorea|lymphoma|sarcoma|tumor|tumour|thyroiditis|score|scale|"
    "criteria|index|classification|formula|equation|phenomenon|contracture|tremor|respirations?|breathing|tetralogy|anomaly|hernia|gait|stain|tube|drain|"
    "clamp|retractor|position|procedure|operation|repair|line|port|valve|esophagus|oesophagus|nodes?|law|triad|pouch|lesion|ulcer|arthropathy|ataxia|"
    "esophagitis|nodules?|rash|gangrene|point|incision|effect|block|bodies|granulomatosis|purpura|cyst|duct|gland|ganglion|canal|cell|cells|dementia|"
    "encephalopathy|neuropathy|osteotomy|protocol|trial|study|ratio|stage|stages|grade|type|anemia|anaemia|arthritis|body|brace|bandage|cast|crisis|"
    "deficiency|deformity|disorder|dystrophy|enzyme|equina|factor|forceps|hepatitis|loop|mask|method|paralysis|pessary|prosthesis|psychosis|rod|rods|"
    "scan|sinus|splint|spots?|stent|struts?|suture|technique|tubules?|vaccine|virus|viral|warts?|wave|waves|web|phase|space|muscle|nerve|ligament|tendon|"
    "staging|angina|heart study|resection|biopsy|stoma|flap|graft|hydrocele|aphasia|angle|attacks?|cirrhosis|carcinoma|polyposis|regimen|rule|rules|pump|wort|fever|scissors|elevators?|rongeurs?|stands?|fascia|needles?|dissector|catheters|clamps|retractors|sutures|speculum|blade|curettes?|knife|pins?|"
    "wires?|nails?|plates?|screws?|cautery|electrocautery|dressings?|gauze|rolls?|wrap|loupes?|mesh|sponges?|lancet|frame|trocars?|cannulas?|clips?|snare|punch|chisel|osteotomes?|"
    "probe|hooks?|introducer|approach|incisions|folds?|membrane|triangle|foramen|fossa|artery|vein|hemostats?|graspers?|drains|tubes|bag|boot|collar|valves?"
)


class Word:
    """What a word may be, as flags; a word of no list is UNKNOWN."""

    GIVEN = 1
    GIVEN_WORLD = 2
    FAMILY = 4
    FAMILY_WORLD = 8
    CITY = 16
    PLAIN = 32
    ENGLISH = 64
    CLINICAL = 128
    LAND = 256
    AMBIGUOUS = 512
    NOT_NAME = 1024
    UNKNOWN = 2048


_TYPED = {
    "first_names": Word.GIVEN,
    "surnames": Word.FAMILY,
    "ambiguous": Word.PLAIN | Word.AMBIGUOUS,
    "not_names": Word.PLAIN | Word.NOT_NAME,
    "state_names": Word.LAND,
    "countries": Word.LAND,
    "clinical_words": Word.CLINICAL,
    "eponyms": Word.CLINICAL,
}
_PACKED = {
    "faker_given_names": Word.GIVEN_WORLD,
    "faker_family_names": Word.FAMILY_WORLD,
    "census_surnames": Word.FAMILY_WORLD,
    "geonames_cities": Word.CITY,
    "scowl_english": Word.ENGLISH,
    "clinical_terms": Word.CLINICAL,
}


_HEAD_ENDS = frozenset(form for head in EPONYM_HEADS.split("|") for form in ((head[:-1], head[:-2]) if head.endswith("?") else (head,)))
_NEXT_TWO = re.compile(r"(?:'s?)?[\s-]{1,3}([a-z]+)(?:[\s-]{1,3}([a-z]+))?")


def is_eponym(lower: str, end: int) -> bool:
    """Whether what follows a name that ends at `end`, in small letters, makes it the name of a disease, sign or device.

    >>> is_eponym("parkinson's disease", 9), is_eponym("foley urinary catheter", 5), is_eponym("parkinson came", 9)
    (True, True, False)
    """
    after = _NEXT_TWO.match(lower, end)
    return after is not None and (after[1] in _HEAD_ENDS or after[2] in _HEAD_ENDS)


@lru_cache(maxsize=32)
def listed(name: str) -> frozenset[str]:
    """The words of `words/<name>.txt`, lower case."""
    lines = files("bedside.deidentify").joinpath("words", f"{name}.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@lru_cache(maxsize=32)
def packed(name: str) -> tuple[str, ...]:
    """The lines of `words/<name>.txt.xz`."""
    return tuple(lzma.decompress(files("bedside.deidentify").joinpath("words", f"{name}.txt.xz").read_bytes()).decode().split("\n"))


@lru_cache(maxsize=1)
def meanings() -> dict[str, int]:
    """Every word of every list, lower case without marks, and the flags of all that it may be."""
    flags: dict[str, int] = {}
    for name, flag in _PACKED.items():
        for word in packed(name):
            flags[word] = flags.get(word, 0) | flag
    for name, flag in _TYPED.items():
        for word in listed(name):
            flags[word] = flags.get(word, 0) | flag
    return flags


@lru_cache(maxsize=1)
def places() -> tuple[str, ...]:
    """Cities and hospitals by name, longest first."""
    lines = files("bedside.deidentify").joinpath("words", "places.txt").read_text("utf-8").splitlines()
    named = (place for line in lines if not line.startswith("#") for place in line.split(";"))
    return tuple(sorted(named, key=lambda place: (-len(place), place)))


@lru_cache(maxsize=1)
def towns() -> dict[str, set[str]]:
    """Towns of more than one word, lower case, by their first word."""
    by_first: dict[str, set[str]] = {}
    for town in packed("geonames_cities"):
        first, _, rest = town.partition(" ")
        if rest:
            by_first.setdefault(first, set()).add(town)
    return by_first


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
