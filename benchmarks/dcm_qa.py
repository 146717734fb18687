"""Volumes from the dcm_qa series against the NIfTI volumes that were kept with them.

    .venv/bin/python benchmarks/dcm_qa.py [../shared/data/imaging/dcm_qa]

A volume matches when a signed permutation and whole-voxel shift of the axes lays our grid on the reference's within .01 mm at every
corner and every voxel is equal (within one part in 10^5 where values are rescaled). The references are dcm2niix output,
so that agreement says "as dcm2niix", not "right". Over these sets and more, others reached (research note, 66 series): dcm2niix 66,
dicom2nifti 47, SimpleITK, highdicom and MONAI 0, most of these being mosaics and 4-D series, which those do not claim to unpack.
"""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from bedside.pillars.imaging.series import nifti as nifti_file
from bedside.pillars.imaging.series.nifti import Nifti
from bedside.pillars.imaging.series.read import File, Series, read
from bedside.pillars.imaging.series.volume import Volume

HERE = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "imaging" / "dcm_qa"
PAIRS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("12bit/In/12bitUnsigned.dcm", ("12bit/Ref/2.nii.gz",)),
    ("12bit/In/12bitUnsigned_0x0F0F.dcm", ("12bit/Ref/3.nii.gz",)),
    ("12bit/In/12bitSigned_0x0F0F.dcm", ("12bit/Ref/4.nii.gz",)),
    ("nih_siemens/In/mr_0003", ("nih_siemens/Ref/EPI_PE=AP_3.nii.gz",)),
    ("nih_siemens/In/mr_0004", ("nih_siemens/Ref/EPI_PE=PA_4.nii.gz",)),
    ("nih_siemens/In/mr_0005", ("nih_siemens/Ref/EPI_PE=RL_5.nii.gz",)),
    ("nih_siemens/In/mr_0006", ("nih_siemens/Ref/EPI_PE=LR_6.nii.gz",)),
    ("orientation/In/ax/axasc35", ("orientation/Ref/ax_asc_35sl_6.nii.gz",)),
    ("orientation/In/ax/axint36", ("orientation/Ref/ax_int_36sl_12.nii.gz",)),
    ("orientation/In/cor/cordesc36", ("orientation/Ref/cor_desc_36sl_14.nii.gz",)),
    ("orientation/In/sag/sagasc35", ("orientation/Ref/sag_asc_35sl_22.nii.gz",)),
    ("orientation/In/axmb/AxInt36mb", ("orientation/Ref/fMRI_MB_int_26.nii.gz",)),
    ("enh/In/Philips/IM_0027_fMAP.dcm", ("enh/Ref/Philips_WIP_B0_NS_801_e1.nii.gz", "enh/Ref/Philips_WIP_B0_NS_801_e2_fieldmaphz.nii.gz")),
    ("enh/In/Siemens/XA10", ("enh/Ref/Siemens_REST1_w_SMS_PF7-8_6.nii.gz",)),
    ("ct_ge_tilt_gaps/GE_28.tar.xz", ("ct_ge_tilt_gaps/dcm2niix_ref/GE_000000_2.nii.gz",)),
)  # fmt: skip


def nifti(path: Path) -> Nifti:
    """A reference; a volume has time as its fourth axis."""
    told = nifti_file.read(path.read_bytes(), where=path.name)
    return told if told.voxels.ndim == 4 else Nifti(told.voxels[..., None], told.affine)


def laid_on(volume: Volume, reference: np.ndarray[Any, Any], affine: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | str:
    """Our voxels in the axes of the reference, or why they do not fit."""
    ours, mine = volume.ras()
    way = np.linalg.inv(mine) @ affine
    whole = np.rint(way)
    if sorted(ours.shape) != sorted(reference.shape):
        return f"shape {ours.shape} is not {reference.shape}"
    corners = np.array([[i, j, k, 1] for i in (0, reference.shape[0] - 1) for j in (0, reference.shape[1] - 1) for k in (0, reference.shape[2] - 1)]).T
    off = np.abs((affine - mine @ whole) @ corners)[:3].max()
    if off > 0.01:
        return f"geometry differs by {off:.2f} mm"
    axes = [int(np.flatnonzero(whole[:3, axis])[0]) for axis in range(3)]
    turned = ours.transpose(axes)
    for axis in range(3):
        if whole[axes[axis], axis] < 0:
            turned = np.flip(turned, axis)
    return turned


def compare(series: Series, references: list[Nifti]) -> list[str]:
    """Why a series is not its references, empty when it is."""
    wanted = [(one.voxels[..., t], one.affine) for one in references for t in range(one.voxels.shape[3])]
    if len(series.volumes) != len(wanted):
        return [f"{len(series.volumes)} volumes ({series.verdict.decision}: {series.verdict.reason}), reference {len(wanted)}"]
    return [why for volume, (voxels, affine) in zip(series.volumes, wanted, strict=True) if (why := _difference(volume, voxels, affine))]


def _difference(volume: Volume, voxels: np.ndarray[Any, Any], affine: np.ndarray[Any, Any]) -> str | None:
    ours = laid_on(volume, voxels, affine)
    if isinstance(ours, str):
        return ours
    apart = np.abs(ours.astype(np.float64) - voxels)
    wrong = int((apart > 1e-5 * np.maximum(1, np.abs(voxels))).sum())
    return f"{wrong} of {voxels.size} voxels differ, by at most {apart.max():g}{_line(ours, voxels)}" if wrong else None


def _line(ours: np.ndarray[Any, Any], voxels: np.ndarray[Any, Any]) -> str:
    """How far a straight line explains the difference: another scale of the same stored values."""
    slope, offset = np.polyfit(voxels.ravel(), ours.ravel().astype(np.float64), 1)
    left = np.abs(ours - (voxels * slope + offset)).max() / np.ptp(ours)
    return f" (ours = {slope:.6g} x reference {offset:+.3g}, left over at most {left:.1e} of the range)" if left < 1e-4 else ""


def back(series: Series, told: list[File]) -> str:
    """How well a resampled volume gives back the pixels that it was made of, read at the places where these lie."""
    from scipy.ndimage import map_coordinates

    from bedside.formats.dicom import parse
    from bedside.pillars.imaging.series.pixels import stored

    volume, by_uid = series.volumes[0], {str((head := parse(one.data, where=one.name)).SOPInstanceUID): head for one in told}
    inverse, differ = np.linalg.inv(volume.affine), []
    for origin, source in zip(volume.acquired.origins, volume.acquired.sources, strict=True):
        head = by_uid[source.instance_uid]
        plane = stored(head, where="slice")[0] * float(head.get("RescaleSlope") or 1) + float(head.get("RescaleIntercept") or 0)
        rows, columns = np.meshgrid(*(np.arange(0, size, 4) for size in plane.shape), indexing="ij")
        points = origin + rows[..., None] * volume.acquired.down + columns[..., None] * volume.acquired.across
        at = points @ inverse[:3, :3].T + inverse[:3, 3]
        differ.append(np.abs(map_coordinates(volume.voxels, at.transpose(2, 0, 1), order=1, mode="nearest") - plane[rows, columns]))
    whole = np.concatenate([one.ravel() for one in differ])
    return f"read back at the acquired pixels: median difference {np.median(whole):.1f}, 90% below {np.quantile(whole, 0.9):.1f}"


def files(path: Path) -> list[File]:
    """The instances of one case: a file, a folder or an archive; NIfTI beside them is left out."""
    if path.name.endswith(".tar.xz"):
        with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as archive:
            return [File(one.name, archive.extractfile(one).read()) for one in archive.getmembers() if one.isfile()]  # type: ignore[union-attr]
    inside = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file() and not one.name.endswith(".gz"))
    return [File(one.name, one.read_bytes()) for one in inside]


def case(top: Path, name: str, references: tuple[str, ...]) -> tuple[Series, list[str]]:
    """One pair: the series, and why it is not its reference."""
    found = read(files(top / name))
    if len(found) != 1:
        return found[0], [f"{len(found)} series"]
    return found[0], compare(found[0], [nifti(top / one) for one in references])


def main(top: Path) -> None:
    matched = 0
    for name, references in PAIRS:
        series, why = case(top, name, references)
        matched += not why
        told = "matches" if not why else "differs: " + "; ".join(dict.fromkeys(why))
        told += f"; {back(series, files(top / name))}" if series.verdict.decision == "resample" else ""
        print(f"{name}: {series.verdict.decision} ({series.verdict.reason}), {len(series.volumes)} volumes; {told}")
    print(f"{matched} of {len(PAIRS)} series equal their reference, voxel for voxel and in space")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
