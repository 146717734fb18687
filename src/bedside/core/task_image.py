"""Contract 2 for images: which images are decided on, what is asked of them, and where the truth stands in the lake."""

from __future__ import annotations

from typing import Literal

import msgspec

from bedside.core.split import Split
from bedside.core.target import Target

Question = Literal["segment", "detect", "classify", "grade"]


class Structure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a target is, as "SCHEME//VALUE//Meaning"."""

    type: str | None = None
    category: str | None = None


class ImageTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="image"):
    """One task on images.

    unit        what one decision is about: a series (a volume), a study, one image, a slide, one tile of a slide
    asks        the targets: structures to segment, lesions to find, findings to say yes or no to, grades
    modalities  DICOM modalities that are taken; all others are left out and counted
    segments    segment: of each target, the segments of a DICOM SEG that are its truth, by label ("Anterior") or by
                code ("SCT:10200004"); a target that is not named here is looked for by its own name
    codes       classify, grade, detect: of each target, the code of the events that say what is true; such an event names its image
                in `encounter_id`: the accession number, or the UID of the instance, series or study. Its number is the answer
                (an event without one means yes); for detect its text holds "x,y" or "x,y,width,height" in pixels
    listed      code of an event that says that all findings of an image were written down: one that is not there is absent. With unit
                tile: that all regions of a slide were drawn; the tiles of other slides are not asked about
    at_least    yes-no from a grade or number: of each target, the smallest number that means yes
    uncertain   what a finding of -1 (uncertain) counts as; there is no default, since the choice moves every figure
    within_px   detect: how far outside a lesion's box, or from its point, a mark still counts as a hit, in pixels of the image
    tile_share  unit tile: share of a tile's tissue that must lie in drawn regions for a yes; with none it is a no, between it is left out
    regions_in  unit tile: what regions are measured in, pixels of level 0 or micrometres. A region is the text of an event of `codes`:
                "x,y,width,height", or "x,y x,y x,y ...", from the slide's top left corner
    views       classify, grade, detect: which projections are taken, by the header's ViewPosition
    structures  segment: of each target, what it is in codes ("SCT//10200004//Liver"), for the DICOM that is sent out: its type, and the
                category that the type belongs to; where nothing is said, the SNOMED CT concept of that name in DICOM PS3.16, if any
    irregular   what becomes of a series with a tilted gantry or uneven gaps: brought onto a regular grid, or left out
    """

    name: str
    question: Question
    asks: list[Target]
    unit: Literal["series", "study", "image", "slide", "tile"] = "series"
    modalities: list[str] = []
    segments: dict[str, list[str]] = {}
    codes: dict[str, str] = {}
    listed: str | None = None
    at_least: dict[str, float] = {}
    uncertain: Literal["ones", "zeros", "ignore"] | None = None
    within_px: float = 0.0
    tile_share: float = 0.5
    regions_in: Literal["px", "um"] = "px"
    views: Literal["any", "frontal", "lateral"] = "any"
    structures: dict[str, Structure] = {}
    irregular: Literal["resample", "refuse"] = "resample"
    split: Split = msgspec.field(default_factory=Split)

    @property
    def targets(self) -> list[Target]:
        return list(self.asks)
