"""The measurement report of a segmentation: one group a structure, that names its segment and the series it was seen in.

In        a SEG that `segmentation` wrote, its sizes, its source instances
Out       a data set of Comprehensive 3D SR Storage by TID 1500, volumetric ROI groups (TID 1411)
Source    PS3.16 TID 1500, 1411, 300, 4019 (algorithm identification); measured as `sizes` says
Empty     a structure that was not found has a group with a volume of 0, and no diameters
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bedside.core.lazy import need
from bedside.pillars.imaging.exchange.author import MAKER, Author, stamp, uids_of
from bedside.pillars.imaging.exchange.segmentation import tracking
from bedside.pillars.imaging.exchange.sizes import Size
from bedside.pillars.imaging.exchange.sources import completed, made_from_sources
from bedside.pillars.imaging.exchange.structures import Coded, Structure

if TYPE_CHECKING:
    from pydicom import Dataset

SERIES_NUMBER = 9002
_VOLUME = Coded("SCT", "118565006", "Volume")
_DIAMETERS = (
    ("diameter_mm", Coded("IBSI", "L0JK", "Maximum 3D Diameter of a Mesh")),
    ("long_axis_mm", Coded("SCT", "103339001", "Long axis")),
    ("short_axis_mm", Coded("SCT", "103340004", "Short axis")),
)
_FINDINGS = "Imaging procedure", "363679005"


def measurements(
    segmentation: Dataset, sizes: Sequence[Size | None], sources: Sequence[Dataset], *, structures: Sequence[Structure], author: Author,
    at: datetime | None = None,
) -> Dataset:  # fmt: skip
    """The SR of one segmentation.

    sizes     one a structure, None where it was not found
    sources   the instances that the segmentation was made from
    """
    need("highdicom", extra="imaging")
    from highdicom.sr import Comprehensive3DSR

    sources = completed(sources)
    groups = [_group(number, one, found, segmentation, sources, author)
              for number, (one, found) in enumerate(zip(structures, sizes, strict=True), 1)]  # fmt: skip
    series, instance = uids_of("SR", author, sources)
    with made_from_sources("report"):
        told = Comprehensive3DSR(
            evidence=[segmentation, *sources], content=_report(groups, author)[0], series_instance_uid=series, series_number=SERIES_NUMBER,
            sop_instance_uid=instance, instance_number=1, manufacturer=MAKER, is_complete=True,
        )  # fmt: skip
    stamp(told, at or datetime.now().astimezone(), series=author.series("measurements"))
    for name, value in zip(("ManufacturerModelName", "SoftwareVersions", "DeviceSerialNumber"), list(author.equipment().values())[1:], strict=True):
        setattr(told, name, value)
    return told


def _report(groups: list[Any], author: Author) -> Any:
    from highdicom import sr
    from highdicom.sr import DeviceObserverIdentifyingAttributes, MeasurementReport, ObservationContext, ObserverContext
    from pydicom.sr.codedict import codes

    device = DeviceObserverIdentifyingAttributes(uid=author.device_uid, name=author.name[:64], manufacturer_name=MAKER,
                                                 model_name=author.name[:64], serial_number=author.digest[:16])  # fmt: skip
    observer = ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=device)
    return MeasurementReport(
        observation_context=ObservationContext(observer_device_context=observer),
        procedure_reported=sr.CodedConcept(_FINDINGS[1], "SCT", _FINDINGS[0]), imaging_measurements=groups, title=codes.DCM.ImagingMeasurementReport,
        language_of_content_item_and_descendants=sr.LanguageOfContentItemAndDescendants(sr.CodedConcept("en", "RFC5646", "English")),
    )  # fmt: skip


def _group(number: int, structure: Structure, found: Size | None, segmentation: Dataset, sources: Sequence[Dataset], author: Author) -> Any:
    from highdicom import sr
    from pydicom.sr.codedict import codes

    identifier, uid = tracking(number, structure, str(segmentation.SOPInstanceUID))
    reference = sr.ReferencedSegment(
        str(segmentation.SOPClassUID), str(segmentation.SOPInstanceUID), number,
        source_series=sr.SourceSeriesForSegmentation(str(sources[0].SeriesInstanceUID)))  # fmt: skip
    algorithm = sr.AlgorithmIdentification(author.name, author.digest, family=codes.DCM.ArtificialIntelligence, manufacturer=MAKER)
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid, identifier), referenced_segment=reference, algorithm_id=algorithm,
        finding_category=structure.category.code(), finding_type=structure.type.code(), measurements=_measured(found),
    )  # fmt: skip


def _measured(found: Size | None) -> list[Any]:
    from highdicom import sr
    from pydicom.sr.codedict import codes

    volume = found.volume_mm3 if found else 0.0
    told = [sr.Measurement(_VOLUME.code(), _decimal(volume), codes.UCUM.CubicMillimeter)]
    if found:
        told += [sr.Measurement(code.code(), _decimal(getattr(found, name)), codes.UCUM.Millimeter) for name, code in _DIAMETERS]
    return told


def _decimal(value: float) -> float:
    """To a thousandth: DS has 16 characters, and no scanner measures finer."""
    return round(value, 3)
