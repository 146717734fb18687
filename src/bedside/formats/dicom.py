"""DICOM Part 10 files: bytes to a pydicom data set and back.

In        one instance: preamble, file meta information, data set; also files that lack the preamble
Out       `pydicom.Dataset`, its elements still undecoded, so that what is not touched is written as it came
Source    DICOM PS3.10 section 7 (file format), PS3.5 sections 7 and 10 (encoding, transfer syntaxes)
Privacy   pydicom's value warnings repeat the value: reading validation is switched off when this module loads
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING

import pydicom
from pydicom import config
from pydicom.dataelem import RawDataElement
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from bedside.core.errors import Malformed
from bedside.formats.piece import Piece

if TYPE_CHECKING:
    from pydicom import FileDataset

config.settings.reading_validation_mode = config.IGNORE
config.settings.writing_validation_mode = config.IGNORE
_DO = "fetch the instance again from the archive"
_PREAMBLE = 128
_UNDEFINED = 0xFFFFFFFF
_SHORTEST_ELEMENT = 8
_GROUP_LENGTH, _LONGEST_META = 12, 4096
_MOST_INFLATED, _PIECE = 1 << 29, 1 << 20
_SYNTAX = {(True, True): ImplicitVRLittleEndian, (False, True): ExplicitVRLittleEndian, (False, False): ExplicitVRBigEndian}
_DAMAGE = (InvalidDicomError, BytesLengthException, EOFError, OSError, ValueError, KeyError, AttributeError,
           NotImplementedError, TypeError, UserWarning, struct.error, zlib.error, RecursionError, OverflowError)  # fmt: skip


def pieces(data: bytes) -> Iterator[Piece]:
    """The one piece of a DICOM file: all of it."""
    yield Piece("instance", data)


def parse(data: bytes, *, where: str, stop_before_pixels: bool = False) -> FileDataset:
    """The data set. Raises `Malformed` for what is no DICOM, is cut off, or names no SOP class.

    stop_before_pixels   leave pixel data unread; such a data set must not be written back
    """
    if data[_PREAMBLE : _PREAMBLE + 4] != b"DICM" and data[:2] not in (b"\x02\x00", b"\x08\x00"):
        raise Malformed("neither the DICM mark nor a group 2 or 8 element at the start", where=where, do="send DICOM Part 10 files")
    if _inflates_beyond(data, _MOST_INFLATED):
        raise Malformed(f"the deflated data set inflates to more than {_MOST_INFLATED >> 20} MiB", where=where, do="send it in another transfer syntax")
    try:
        dataset = _read(data, stop_before_pixels)
        cut_off = not stop_before_pixels and _is_cut_off(dataset, len(data))
    except _DAMAGE as error:
        raise Malformed(f"DICOM data set is damaged or cut off ({type(error).__name__})", where=where, do=_DO) from None
    if cut_off:
        raise Malformed("DICOM file is cut off inside its last element", where=where, do=_DO)
    if "SOPClassUID" not in dataset or "SOPInstanceUID" not in dataset:
        raise Malformed("data set has no SOP Class or SOP Instance UID", where=where, do=_DO)
    return dataset


def _read(data: bytes, stop_before_pixels: bool) -> FileDataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message="End of file reached")
        return pydicom.dcmread(BytesIO(data), stop_before_pixels=stop_before_pixels, force=True)


def _inflates_beyond(data: bytes, most: int) -> bool:
    """Whether a deflated data set becomes larger than a limit; found out without keeping what it becomes."""
    meta = _PREAMBLE + len(b"DICM") + _GROUP_LENGTH
    if DeflatedExplicitVRLittleEndian.encode() not in data[: meta + _LONGEST_META] or len(data) < meta:
        return False
    unpacker, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    waiting = data[meta + struct.unpack_from("<I", data, meta - 4)[0] :]
    try:
        while waiting and size <= most:
            size += len(unpacker.decompress(waiting, _PIECE))
            waiting = unpacker.unconsumed_tail
    except zlib.error:
        return False  # told when it is read
    return size > most


def _is_cut_off(dataset: FileDataset, size: int) -> bool:
    """Whether the last element ends beyond the file, or is followed by a torso of another one.

    A deflated data set has offsets of its own, and breaks off with an error of zlib instead.
    """
    if dataset.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian or not len(dataset):
        return False
    last = dataset.get_item(max(dataset.keys()))
    if not isinstance(last, RawDataElement) or last.length == _UNDEFINED:
        return False
    return bool(last.value_tell + last.length > size or 0 < size - last.value_tell - last.length < _SHORTEST_ELEMENT)


def dump(dataset: FileDataset) -> bytes:
    """Part 10 bytes of a data set, in the transfer syntax that its file meta information names.

    Group lengths (retired) are left out and file meta information is completed, as PS3.10 section 7.1 wants; a file
    written by those rules comes back byte for byte.
    """
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        dataset.file_meta.TransferSyntaxUID = _SYNTAX[bool(implicit), bool(little)]
    buffer = BytesIO()
    try:
        pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    except _DAMAGE as error:
        raise Malformed(f"data set cannot be written ({type(error).__name__})", where="DICOM instance", do=_DO) from None
    return buffer.getvalue()
