"""Contract 2 for images: which images are decided on, what is asked of them, and where the truth stands in the lake."""

from __future__ import annotations

from typing import Literal

import msgspec

from bedside.core.split import Split
from bedside.core.target import Target

Question = Literal["segment", "detect", "classify", "grade"]


class ImageTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="image"):
    """One task on images.

    unit        what one decision is about: a series (a volume), a study, one image, a slide
    asks        the targets: structures to segment, lesions to find, findings to say yes or no to, grades
    modalities  DICOM modalities that are taken; all others are left out and counted
    segments    segment, detect: of each target, the segments of a DICOM SEG that are its truth, by label ("Anterior") or by
                code ("SCT:10200004"); a target that is not named here is looked for by its own name
    codes       classify, grade: of each target, the event code that says what is true of the unit
    irregular   what becomes of a series with a tilted gantry or uneven gaps: brought onto a regular grid, or left out
    """

    name: str
    question: Question
    asks: list[Target]
    unit: Literal["series", "study", "image", "slide"] = "series"
    modalities: list[str] = []
    segments: dict[str, list[str]] = {}
    codes: dict[str, str] = {}
    irregular: Literal["resample", "refuse"] = "resample"
    split: Split = msgspec.field(default_factory=Split)

    @property
    def targets(self) -> list[Target]:
        return list(self.asks)
