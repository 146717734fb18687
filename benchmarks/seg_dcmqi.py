"""Segmentations as another program reads them: dcmqi's segimage2itkimage against the labels that were written.

Run       python -m venv DCMQI && DCMQI/bin/pip install dcmqi && python benchmarks/seg_dcmqi.py DCMQI/bin/segimage2itkimage
In        made stacks: axial, sagittal, coronal, oblique, turned; slices in both orders; BINARY and LABELMAP
Out       for each, how many voxels dcmqi finds of each structure, and how far from its place in the patient any of them lies
Peer      Herz et al., Cancer Res 2017;77:e87 (dcmqi), built on DCMTK: shares no code with highdicom
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pydicom

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.pillars.imaging.exchange_made import ORIENTATIONS, affine_of, labels, series

from bedside.core.target import Target
from bedside.pillars.imaging.exchange.author import Author
from bedside.pillars.imaging.exchange.segmentation import segmentation
from bedside.pillars.imaging.exchange.structures import structures
from bedside.pillars.imaging.series import nifti

KINDS = ("BINARY", "LABELMAP")


def main(program: str) -> None:
    two = structures([Target("liver", "region"), Target("lump", "region")])
    for way, cosines in ORIENTATIONS.items():
        for flipped in (False, True):
            sources, affine = series(cosines, flipped=flipped), affine_of(cosines, flipped=flipped)
            for kind in KINDS:
                told = segmentation(labels(), affine, sources, structures=two, author=Author("made", "ab" * 32), kind=kind)
                found = seen(program, told, kind)
                print(f"{way:<18} {'backwards' if flipped else 'forwards':<10} {kind:<9} " + "; ".join(_against(found, n, affine) for n in (1, 2)))


def seen(program: str, told: pydicom.Dataset, kind: str) -> dict[int, np.ndarray]:
    """Points in mm LPS of each segment, as dcmqi writes them: a file a segment, or all labels in one."""
    with tempfile.TemporaryDirectory() as folder:
        stream = io.BytesIO()
        pydicom.dcmwrite(stream, told, enforce_file_format=True)
        (Path(folder) / "seg.dcm").write_bytes(stream.getvalue())
        command = [program, "--inputDICOM", f"{folder}/seg.dcm", "--outputDirectory", folder, "-t", "nifti"]
        subprocess.run(command, check=True, capture_output=True)
        files = {n: nifti.read((Path(folder) / f"{n if kind == 'BINARY' else 1}.nii.gz").read_bytes(), where="dcmqi") for n in (1, 2)}
    return {n: _points(file, n) for n, file in files.items()}


def _points(file: nifti.Nifti, value: int) -> np.ndarray:
    return (np.argwhere(file.voxels == value) @ file.affine[:3, :3].T + file.affine[:3, 3]) * [-1, -1, 1]


def _against(found: dict[int, np.ndarray], number: int, affine: np.ndarray) -> str:
    wanted = np.argwhere(labels() == number) @ affine[:3, :3].T + affine[:3, 3]
    away = np.linalg.norm(found[number][:, None] - wanted[None], axis=2).min(axis=1).max()
    return f"{len(found[number])} of {len(wanted)} voxels, at most {away:.5f} mm off"


if __name__ == "__main__":
    main(sys.argv[1])
