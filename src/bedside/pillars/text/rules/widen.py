"""Findings take the words before them that say which: "spiculated nodule", "marrow oedema", "palpable lesion".

In        a note and the first word of a phrase that is a bare finding
Out       the first word of the whole finding
Not       severity, size, time, side, doubt and "no": those are not part of a finding's name
"""

from __future__ import annotations

import re

from bedside.pillars.text.rules.note import Note

_NAMES = (
    "lesion nodule mass edema oedema effusion abscess cyst fracture stenosis ulcer infection drainage aneurysm perforation calcification hematoma "
    "haematoma tear polyp rupture stricture obstruction thrombus stone opacity collection lymphadenopathy adenopathy viremia deformity laceration "
    "hernia dislocation ulceration necrosis atrophy hypertrophy metastasis"
)
_PLACES = (
    "adnexal bladder bone bowel brain breast chest disc finger foot hand head heel hip jaw joint knee leg liver lung marrow mouth muscle nail neck "
    "node prostate rib root scalp shoulder sinus skin spine spleen throat thigh thumb thyroid toe tooth wound wrist kidney"
)
_NOT = (
    "normal abnormal new acute subacute chronic old recent several initial final total usual typical actual general local minimal partial mild moderate "
    "severe significant clinical previous prior additional residual possible probable likely negative positive active obvious serious distal proximal "
    "medial lateral superior inferior anterior posterior bilateral unilateral historical visual critical unusual medical surgical essential early "
    "considerable noticeable remarkable notable reliable visible available stable unstable suitable table unchanged noted associated related suspected "
    "treated evaluated dictated indicated repeated located stated complicated elevated estimated unrelated isolated completed resected untreated "
    "impressive extensive massive progressive conservative operative postoperative preoperative respective effective multiple particular regular similar "
    "large small further other another any some no the a an this that clear singular primary secondary"
)
_FINDINGS = frozenset(form for name in _NAMES.split() for form in (name, name + "s", name + "es", name[:-1] + "ies", name[:-2] + "es"))
_WHERE, _NEVER = frozenset(_PLACES.split()), frozenset(_NOT.split())
_KIND = re.compile(r"[a-z]{2,}(?:al|ic|ar|ary|ous|ated|able|ible|oid|eal|ian|ive|id|otic)\Z")
_MOST = 2


def first_word(note: Note, first: int, last: int, floor: int) -> int:
    """The word with which a finding of words [first, last) begins; none before word `floor`, which belongs to something else."""
    words = note.words
    if last - first != 1 or words.words[first] not in _FINDINGS:
        return first
    at = first
    while at > max(floor, first - _MOST) and _says_which(words.words[at - 1]) and _beside(note, at):
        at -= 1
    return at


def _says_which(word: str) -> bool:
    return word not in _NEVER and (word in _WHERE or _KIND.match(word) is not None)


def _beside(note: Note, at: int) -> bool:
    """Whether nothing but one blank or hyphen stands before word `at`."""
    gap = note.low[note.words.ends[at - 1] : note.words.starts[at]]
    return gap in (" ", "-")
