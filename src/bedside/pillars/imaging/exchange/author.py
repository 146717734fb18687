"""Who says so: the bundle by name and digest, in every object that leaves; and the UIDs of those objects.

A UID derives from the bundle's digest and the source instances, so that the same study asked twice of the same bundle gives the same
objects, and an archive that has them stores nothing twice. UIDs of the form 2.25: DICOM PS3.5 section B.2.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from pydicom import Dataset

MAKER = "Bedside"
_SHORT = 16


class Author(msgspec.Struct, frozen=True):
    """The sealed model that made an object: its name, and the digest of its manifest (64 hex characters). `made`: it learned from made data."""

    name: str
    digest: str
    made: bool = False

    def series(self, what: str) -> str:
        """What stands in the list of series that people choose from: never without its standing."""
        return f"{'Made model' if self.made else 'Research'}, not for care: {what} by {self.name}"[:64]

    @property
    def device_uid(self) -> str:
        return uid_of("device", self.digest)

    def equipment(self) -> dict[str, str]:
        """Enhanced general equipment (PS3.3 C.7.5.2): the serial number is the head of the digest."""
        return {"manufacturer": MAKER, "manufacturer_model_name": self.name[:64], "software_versions": version("bedside"),
                "device_serial_number": self.digest[:_SHORT]}  # fmt: skip

    def algorithm(self) -> Any:
        """Algorithm identification of a segment (PS3.3 Table 10-19)."""
        import highdicom
        from pydicom.sr.codedict import codes

        return highdicom.AlgorithmIdentificationSequence(self.name[:64], family=codes.DCM.ArtificialIntelligence, version=self.digest, source=MAKER)


def uid_of(*parts: str) -> str:
    """A UID under 2.25 that the parts alone decide.

    >>> uid_of("a", "b") == uid_of("a", "b") != uid_of("ab")
    True
    """
    mark = hashlib.sha256("\0".join(parts).encode()).digest()[:16]
    return f"2.25.{uuid.UUID(bytes=mark, version=4).int}"


def uids_of(kind: str, author: Author, sources: Sequence[Dataset]) -> tuple[str, str]:
    """Series and instance UID of an object of this kind about these instances."""
    seen = sorted(str(source.SOPInstanceUID) for source in sources)
    return uid_of("series", kind, author.digest, *seen), uid_of("instance", kind, author.digest, *seen)


def stamp(dataset: Dataset, at: datetime, *, series: str) -> None:
    """The times, words and UIDs that highdicom does not take as arguments."""
    from pydicom.valuerep import DA, DT, TM

    dataset.InstanceCreationDate, dataset.InstanceCreationTime = DA(at.date()), TM(at.time())
    dataset.ContentDate, dataset.ContentTime = DA(at.date()), TM(at.time())
    dataset.SeriesDate, dataset.SeriesTime = DA(at.date()), TM(at.time())
    dataset.SeriesDescription = series[:64]
    for equipment in dataset.get("ContributingEquipmentSequence") or []:
        if "ContributionDateTime" in equipment:
            equipment.ContributionDateTime = DT(at.replace(tzinfo=None))
    for name in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for dimension in dataset.get(name) or []:
            dimension.DimensionOrganizationUID = uid_of("dimensions", str(dataset.SOPInstanceUID))
