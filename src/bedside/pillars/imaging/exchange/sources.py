"""Source instances as they must be for other objects to be made from them: nothing invented, what may be empty there and empty.

In        instances as they came; scanners and de-identification leave out what the standard wants to be present, if only empty
Out       copies with those elements; `Unusable` in place of whatever highdicom raises on the rest, since its words may hold the patient's
Source    DICOM PS3.3 C.7.1.1 (patient), C.7.2.1 (general study): elements of type 2
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bedside.core.errors import BedsideError, Unusable

if TYPE_CHECKING:
    from pydicom import Dataset

_MAY_BE_EMPTY = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID", "AccessionNumber",
                 "ReferringPhysicianName")  # fmt: skip
_MUST_BE_THERE = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Rows", "Columns", "Modality")


def completed(sources: Sequence[Dataset]) -> list[Dataset]:
    """Copies of the instances; values are shared, and the ones given stay as they are. `Unusable` without what identifies an image."""
    missing = sorted({name for source in sources for name in _MUST_BE_THERE if not source.get(name)})
    if missing:
        raise Unusable(f"an instance without {', '.join(missing)}", where="source series", do="send the series again from the archive")
    return [_completed(source) for source in sources]


def _completed(source: Dataset) -> Dataset:
    made = _copy(source)
    made.file_meta = source.file_meta
    for name in _MAY_BE_EMPTY:
        if name not in made:
            setattr(made, name, None)
    if "PerFrameFunctionalGroupsSequence" in made:
        made.SharedFunctionalGroupsSequence = [_shared(made)]
    return made


def _shared(source: Dataset) -> Dataset:
    """What all frames share, spacing and orientation among it: scanners may write these frame by frame, and `frames` has seen that they agree."""
    shared = next(iter(source.get("SharedFunctionalGroupsSequence") or []), None)
    made = _copy(shared)
    for name in ("PixelMeasuresSequence", "PlaneOrientationSequence"):
        if name not in made and name in source.PerFrameFunctionalGroupsSequence[0]:
            setattr(made, name, source.PerFrameFunctionalGroupsSequence[0][name].value)
    return made


def _copy(dataset: Dataset | None) -> Dataset:
    """Another data set with the same elements: `Dataset(dataset)` would be the same one."""
    from pydicom import Dataset

    made = Dataset()
    if dataset is not None:
        made.update(dataset)
    return made


@contextmanager
def made_from_sources(what: str) -> Iterator[None]:
    """What breaks inside is `Unusable`, told by its kind alone; warnings, which repeat values, are kept quiet."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except BedsideError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RuntimeError, ArithmeticError, NotImplementedError) as error:
        raise Unusable(f"no {what} can be made of these instances ({type(error).__name__})", where="source series",
                       do="look at the header of the series with dciodvfy") from None  # fmt: skip
