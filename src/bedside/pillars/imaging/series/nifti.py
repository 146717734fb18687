"""NIfTI-1: volumes for other programs to look at, and their volumes to compare with. Axes (i, j, k), millimetres, RAS.

In/Out    a `Volume`'s axes are turned by `Volume.ras`; here arrays and affines are as in the file
Bytes     the same array and affine give the same bytes: gzip carries neither name nor time
Source    nifti1.h (NIfTI-1.1): sizeof_hdr at 0, dim 40, datatype 70, bitpix 72, pixdim 76, vox_offset 108, scl_slope 112,
          xyzt_units 123, sform_code 254, srow 280, magic 344
"""

from __future__ import annotations

import gzip
import struct
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bedside.core.errors import Malformed

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEADER, _DATA, _MM, _SCANNER = 348, 352, 2, 1
_KINDS = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4"}
_CODES = {kind: code for code, kind in _KINDS.items()}


class Nifti(NamedTuple):
    """Voxels (i, j, k) or (i, j, k, t), values rescaled, and the affine (4, 4) to mm in RAS."""

    voxels: NDArray[Any]
    affine: NDArray[np.float64]


def read(data: bytes, *, where: str) -> Nifti:
    """A .nii or .nii.gz file. Raises `Malformed`."""
    try:
        plain = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        order = "<" if struct.unpack_from("<i", plain)[0] == _HEADER else ">"
        dim = struct.unpack_from(f"{order}8h", plain, 40)
        (kind,) = struct.unpack_from(f"{order}h", plain, 70)
        offset, slope, intercept = struct.unpack_from(f"{order}3f", plain, 108)
        shape = [max(size, 1) for size in dim[1 : dim[0] + 1]]
        values = np.frombuffer(plain, order + _KINDS[kind], count=int(np.prod(shape)), offset=int(offset)).reshape(shape, order="F")
        affine = np.vstack([np.array(struct.unpack_from(f"{order}12f", plain, 280)).reshape(3, 4), [0, 0, 0, 1]])
    except (struct.error, ValueError, KeyError, EOFError, OSError, zlib.error) as error:
        raise Malformed(f"not a NIfTI-1 file ({type(error).__name__})", where=where, do="convert it again") from None
    return Nifti(values if slope == 0 or (slope == 1 and intercept == 0) else values * slope + intercept, affine)


def write(voxels: NDArray[Any], affine: NDArray[np.float64]) -> bytes:
    """A .nii.gz file of a volume (i, j, k) and its affine in RAS."""
    header = bytearray(_DATA)
    kind = voxels.dtype.newbyteorder("<")
    struct.pack_into("<i", header, 0, _HEADER)
    struct.pack_into("<8h", header, 40, 3, *voxels.shape, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, _CODES[kind.str[1:]], kind.itemsize * 8)
    struct.pack_into("<8f", header, 76, 1, *np.linalg.norm(affine[:3, :3], axis=0), 0, 0, 0, 0)
    struct.pack_into("<3f", header, 108, _DATA, 1, 0)
    header[123] = _MM
    struct.pack_into("<2h", header, 252, 0, _SCANNER)
    struct.pack_into("<12f", header, 280, *affine[:3].ravel())
    header[344:348] = b"n+1\0"
    return gzip.compress(bytes(header) + voxels.astype(kind).tobytes(order="F"), compresslevel=6, mtime=0)
