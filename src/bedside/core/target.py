"""What a task asks of each unit of decision, and of which kind the answer is: a part of contract 2.

kind       label in the decisions        what a prediction says               how it is judged
yes-no     label (true, false, null)     value: risk or score                 ranking, calibration, operating points
number     truth                         value, with low and high             error, correlation, coverage of the interval
grade      truth (0, 1, 2, ...)          value: the grade                     weighted kappa, agreement
found      answer: what is there         one row a thing found or missed      sensitivity, PPV, F1, FROC
region     answer: where the truth lies  artifact_digest; and Measures        each unit's Dice, HD95, ... and their mean
"""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["yes-no", "number", "grade", "found", "region"]


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question.

    unit    UCUM unit of a number
    label   in words, for people; the name by default
    """

    name: str
    kind: Kind
    unit: str | None = None
    label: str | None = None
