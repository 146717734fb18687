"""The frames of an instance, decoded one at a time, and painted where they lie.

In        a pydicom data set with pixel data in any transfer syntax, photometric interpretation and planar configuration
Out       `Frames`: each frame as stored values, (rows, columns) or (rows, columns, 3); `paint` blackens the masked pixels of frames.
          What is not painted keeps its bits: native frames are changed in place, encapsulated ones that nobody paints keep their stream,
          and painted ones are written without loss.
Syntax    kept where it can hold pixels without loss and a writer is installed; else RLE Lossless, or Explicit VR Little Endian where
          that is smaller. Pixels that were decoded from a lossy stream stay as they were decoded.
Refuses   pixel data shorter than the header says, of an unknown layout, larger than any image, or that nothing installed decodes
Source    DICOM PS3.3 C.7.6.3 (image pixel), PS3.5 8.1, 8.2 and A.4 (native and encapsulated pixels)
Elsewhere uncompressed pixels: `pixels_native.py`; what black is: `pixels_black.py`.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.uid import (
    JPEG2000,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from bedside.core.errors import Malformed
from bedside.deidentify.pixels_black import darkest
from bedside.deidentify.pixels_native import FLOATS, Native

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[Any]
    Mask = NDArray[np.bool_]
    Masks = Callable[[int], "Mask | None"]

DAMAGE = (AttributeError, KeyError, TypeError, ValueError, NotImplementedError, RuntimeError, OverflowError, IndexError, OSError, EOFError,
          ZeroDivisionError, MemoryError, struct.error, Warning)  # fmt: skip
_MOST_PIXELS, _MOST_IN_ALL = 1 << 27, 1 << 34
"""Of a frame (a mammogram has 2**24, a large scan of film 2**26) and of all frames together."""
_DO = "fetch the instance again from the archive, or have its pixels cleaned by hand"
_OPEN = "install a decoder (pip install pylibjpeg-openjpeg python-gdcm), or have the instance decompressed"
_HOLDS_LOSSLESS = {RLELossless: RLELossless, JPEGLSLossless: JPEGLSLossless, JPEGLSNearLossless: JPEGLSLossless,
                   JPEG2000Lossless: JPEG2000Lossless, JPEG2000: JPEG2000Lossless}  # fmt: skip
_WRITTEN_BITS = (8, 16)
_ALWAYS_LOSSY = (JPEGBaseline8Bit, JPEGExtended12Bit)
_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT", "YBR_PARTIAL_422", "YBR_PARTIAL_420")


class Frames:
    """The frames of one instance. Raises `Malformed` where its pixels cannot be trusted."""

    def __init__(self, dataset: Any, *, where: str) -> None:
        self.dataset, self.where = dataset, where
        self.keyword = next((name for name in ("PixelData", *FLOATS) if name in dataset), "")
        self.rows, self.columns, self.samples = (self.number_of(name, 1) for name in ("Rows", "Columns", "SamplesPerPixel"))
        self.allocated = self.number_of("BitsAllocated", 8 * int(FLOATS.get(self.keyword, "f1")[1:]))
        self.stored = min(self.number_of("BitsStored", self.allocated), self.allocated)
        self.high, self.signed = self.number_of("HighBit", self.stored - 1), bool(self.number_of("PixelRepresentation", 0))
        self.number = max(1, self.number_of("NumberOfFrames", 1))
        self.kind = str(dataset.get("PhotometricInterpretation") or "MONOCHROME2").strip().upper()
        self.syntax = dataset.file_meta.get("TransferSyntaxUID") or self._unnamed()
        self._check()
        self._streams = self._fragments() if self.syntax.is_encapsulated else None
        self._native = None if self._streams is not None else Native(self)
        self.written: str | None = None  # the transfer syntax, where it had to change
        self.told = self.kind  # the interpretation of frames as they come out here

    def number_of(self, name: str, default: int) -> int:
        value = self.dataset.get(name)
        try:
            return default if value is None or value == "" else int(value)
        except (TypeError, ValueError):
            raise Malformed(f"{name} is no number", where=self.where, do=_DO) from None

    def _unnamed(self) -> Any:
        implicit, little = self.dataset.original_encoding
        return ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian

    def _check(self) -> None:
        if min(self.rows, self.columns) < 1:
            raise Malformed("pixels without rows or columns", where=self.where, do=_DO)
        if self.rows * self.columns > _MOST_PIXELS or self.rows * self.columns * self.number > _MOST_IN_ALL:
            raise Malformed("more pixels than are read for text", where=self.where, do="split the instance, or have its pixels cleaned by hand")
        if self.allocated not in (1, 8, 16, 32, 64) or self.samples not in (1, 3) or not 0 <= self.high < self.allocated or self.stored < 1:
            raise Malformed("pixels of an unknown layout", where=self.where, do=_DO)
        if (self.samples == 3) != (self.kind in _COLOURS) or (self.samples == 3 and self.allocated == 1):
            raise Malformed("photometric interpretation and samples do not agree, or are retired", where=self.where, do=_DO)

    # --- reading ---

    def __iter__(self) -> Iterator[Values]:
        return (self.frame(index) for index in range(self.number))

    def frame(self, index: int) -> Values:
        """Stored values of one frame; of an encapsulated one as decoded. Raises `Malformed`."""
        if self._native is not None:
            return self._native.frame(index)
        values, self.told = self._decoded(index)
        return values

    def _decoded(self, index: int) -> tuple[Values, str]:
        """One frame and its interpretation as the decoder left it."""
        from pydicom.pixels import get_decoder

        assert self._streams is not None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                values, told = get_decoder(self.syntax).as_array(self._alone(self._streams[index]), index=0, raw=True)
        except Exception as error:
            # Decoders raise what they like, Pillow even a class of its own for a picture that is a bomb; every one means the same here.
            if isinstance(error, Malformed):
                raise
            raise self._undecodable(error) from None
        if values.shape[:2] != (self.rows, self.columns):
            raise Malformed("pixels that are not as large as the header says", where=self.where, do=_DO)
        kind = str(told["photometric_interpretation"])
        return values, kind.removesuffix("_422") if kind == "YBR_FULL_422" else kind  # what is decoded has all its colour samples

    def _undecodable(self, error: Exception) -> Malformed:
        from pydicom.pixels import get_decoder

        try:
            known = get_decoder(self.syntax).is_available
        except NotImplementedError:
            return Malformed(f"pixels in {self.syntax.name}, which is no still picture that is read here", where=self.where, do="have the instance decompressed")
        if not known:
            return Malformed(f"pixels in {self.syntax.name}, which nothing installed decodes", where=self.where, do=_OPEN)
        if self.syntax == JPEGExtended12Bit and self.stored > 8:
            return Malformed("JPEG of 12 bits, which nothing installed decodes", where=self.where, do="have the instance decompressed, with dcmdjpeg of DCMTK for one")
        return Malformed(f"pixels that cannot be decoded ({type(error).__name__})", where=self.where, do=_DO)

    def _alone(self, stream: bytes) -> Any:
        """A data set of one frame: its module and its stream."""
        from pydicom import Dataset
        from pydicom.dataset import FileMetaDataset
        from pydicom.encaps import encapsulate

        alone = Dataset()
        alone.Rows, alone.Columns, alone.SamplesPerPixel, alone.BitsAllocated = self.rows, self.columns, self.samples, self.allocated
        alone.BitsStored, alone.HighBit, alone.PixelRepresentation = self.stored, self.high, int(self.signed)
        alone.PhotometricInterpretation, alone.NumberOfFrames = self.kind, 1
        if self.samples > 1:
            alone.PlanarConfiguration = self.number_of("PlanarConfiguration", 0)
        alone.PixelData = encapsulate([stream])
        alone["PixelData"].is_undefined_length, alone["PixelData"].VR = True, "OB"
        alone.file_meta = FileMetaDataset()
        alone.file_meta.TransferSyntaxUID = self.syntax
        return alone

    def _fragments(self) -> list[bytes]:
        from pydicom.encaps import generate_frames

        table = (self.dataset.get("ExtendedOffsetTable"), self.dataset.get("ExtendedOffsetTableLengths"))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                frames = list(generate_frames(self.dataset.PixelData, number_of_frames=self.number, extended_offsets=table if all(table) else None))
        except DAMAGE as error:
            raise Malformed(f"encapsulated pixels are damaged ({type(error).__name__})", where=self.where, do=_DO) from None
        if len(frames) < self.number:
            raise Malformed("fewer frames than the header says", where=self.where, do=_DO)
        return frames

    # --- painting ---

    def paint(self, masks: Masks) -> None:
        """Blacken the pixels that `masks` marks, frame by frame; None leaves a frame as it is. The data set holds the result."""
        if self._native is not None:
            self._native.paint(masks)
        else:
            self._repaint(masks)

    def _repaint(self, masks: Masks) -> None:
        assert self._streams is not None
        marked = [index for index in range(self.number) if _any(masks(index))]
        if not marked:
            return
        target = _HOLDS_LOSSLESS.get(self.syntax)
        # One instance has one interpretation: a reversible transform beside an irreversible one would need two.
        if target is not None and _writer(target) and self.allocated in _WRITTEN_BITS and not (self.samples == 3 and self.syntax in (JPEG2000, JPEGLSNearLossless)):
            for index in marked:
                values, kind = self._decoded(index)
                self._streams[index] = self._encoded(self._black(values, masks(index), kind), target, self.kind if target == JPEG2000Lossless else kind)
            self._put(self._streams)
        else:
            self._rewrite(masks)

    def _rewrite(self, masks: Masks) -> None:
        """All frames in a syntax without loss that everybody reads."""
        first, kind = self._decoded(0)
        small = self.allocated in _WRITTEN_BITS and len(self._encoded(first, RLELossless, kind)) < first.nbytes
        streams = []
        for index in range(self.number):
            values, kind = self._decoded(index)
            painted = self._black(values, masks(index), kind)
            streams.append(self._encoded(painted, RLELossless, kind) if small else painted.astype(painted.dtype.newbyteorder("<")).tobytes())
        dataset, was = self.dataset, self.syntax
        dataset.PhotometricInterpretation = kind
        if self.samples == 3:
            dataset.PlanarConfiguration = 1 if small else 0
        if was in _ALWAYS_LOSSY and not dataset.get("LossyImageCompression"):
            dataset.LossyImageCompression = "01"
        self.kind, self.told, self.syntax = kind, kind, RLELossless if small else ExplicitVRLittleEndian
        dataset.file_meta.TransferSyntaxUID, self.written = self.syntax, str(self.syntax.name)
        self._forget_offsets()
        if small:
            self._streams = streams
            self._put(streams)
        else:
            whole = b"".join(streams)
            dataset.PixelData = whole + b"\0" * (len(whole) % 2)
            dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OW" if self.allocated > 8 else "OB", False
            self._streams, self._native = None, Native(self)

    def _black(self, values: Values, mask: Mask | None, kind: str) -> Values:
        if mask is None:
            return values
        painted = np.array(values)
        painted[mask] = darkest(painted, kind, self.stored, self.dataset)
        return painted

    def _encoded(self, values: Values, target: Any, kind: str) -> bytes:
        from pydicom.pixels import get_encoder

        options = {"rows": self.rows, "columns": self.columns, "number_of_frames": 1, "samples_per_pixel": self.samples,
                   "bits_allocated": self.allocated, "bits_stored": self.stored, "pixel_representation": int(self.signed),
                   "photometric_interpretation": kind, "pixel_keyword": "PixelData"}  # fmt: skip
        options |= {"planar_configuration": 0} if self.samples == 3 else {}
        try:
            encoded: bytes = get_encoder(target).encode(values, **options)
        except DAMAGE as error:
            raise Malformed(f"painted pixels cannot be written ({type(error).__name__})", where=self.where, do=_DO) from None
        return encoded

    def _put(self, streams: list[bytes]) -> None:
        from pydicom.encaps import encapsulate

        self._forget_offsets()
        # The offsets of a basic table have 32 bits; the table may be left empty (PS3.5 A.4).
        self.dataset.PixelData = encapsulate(streams, has_bot=sum(map(len, streams)) < 1 << 31)
        self.dataset["PixelData"].is_undefined_length, self.dataset["PixelData"].VR = True, "OB"

    def _forget_offsets(self) -> None:
        for name in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
            if name in self.dataset:
                del self.dataset[name]

    def clear_unused_bits(self) -> bool:
        """Clear the bits beside the stored ones, where overlays were once kept (PS3.3 C.9.2.1.1, retired); whether there were any."""
        return self._native is not None and self._native.clear_unused_bits()


def _writer(syntax: Any) -> bool:
    from pydicom.pixels import get_encoder

    return bool(get_encoder(syntax).is_available)


def _any(mask: Mask | None) -> bool:
    return mask is not None and bool(mask.any())
