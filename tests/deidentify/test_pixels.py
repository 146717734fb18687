"""Text burned into pixels is painted out, wherever and however it stands; what it reads is told to nobody."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import RLELossless

from bedside.core.errors import Malformed
from bedside.core.ids import pseudonym
from bedside.deidentify import pixels
from bedside.deidentify.clock import Clock
from bedside.deidentify.desk import Desk, Person
from bedside.deidentify.keyring import Keyring
from bedside.deidentify.known import Finder
from bedside.deidentify.patients import KnownIdentifiers, Name, Subject
from bedside.deidentify.pixels_regions import Rule, regions, shipped, ultrasound_regions
from bedside.deidentify.pixels_text import kind_of, like
from bedside.deidentify.policy import policy

from .conftest import dicom_bytes
from .test_pixels_frames import image

cv2 = pytest.importorskip("cv2")
KNOWN = KnownIdentifiers(names={Name(("Zebulon",), "Quillfeather")}, records={"70707071"}, phones={"212-555-0147"})


@pytest.fixture
def desk(tmp_path) -> Desk:
    keyring = Keyring.create(tmp_path / "k.keyring", seed=b"pixels", made=True)
    keyring.map.subjects.append(Subject(number=1, code=77, known=KNOWN))
    return Desk(keyring, policy("expert-determination"))


@pytest.fixture
def person() -> Person:
    return Person(pseudonym(77), Clock(), Finder(KNOWN), 2026)


def scene(side: int = 192, seed: int = 3) -> np.ndarray:
    """Soft shapes, as anatomy has them."""
    noise = np.random.default_rng(seed).normal(0, 1, (side, side)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 14)
    return 80 + 40 * soft / np.abs(soft).max()


def write(picture: np.ndarray, text: str, x: int, y: int, ink: Any = 255, size: float = 0.5) -> tuple[slice, slice]:
    """Text with its left end on the line at (x, y), and the box of its ink."""
    drawn = np.zeros(picture.shape[:2], np.uint8)
    cv2.putText(drawn, text, (x, y), 0, size, 255, 1, cv2.LINE_AA)
    share = drawn / 255 if picture.ndim == 2 else drawn[..., None] / 255
    picture[...] = picture * (1 - share) + np.asarray(ink) * share
    rows, columns = np.nonzero(drawn)
    return slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)


def cleaned(dataset: Dataset, person: Person, desk: Desk, **more: Any) -> pixels.Cleaned:
    done = pixels.clean(dataset, person=person, desk=desk, reason="ultrasound often shows text", where="us.dcm", **more)
    assert done is not None
    return done


def test_a_name_is_painted_and_its_surroundings_keep_every_bit(person, desk):
    picture = scene()
    box = write(picture, "QUILLFEATHER", 20, 60)
    stored = np.round(picture * 12).astype(np.int16)
    dataset = image(stored[None], BitsStored=16)
    done = cleaned(dataset, person, desk)
    shown = dataset.pixel_array
    assert len(np.unique(shown[box])) == 1
    changed = shown != stored
    assert changed.mean() < 0.12
    assert np.array_equal(shown[100:], stored[100:])
    assert (done.boxes, done.frames, done.by, done.written) == (1, 1, {"NAME": 1}, None)
    assert shown.min() == stored.min()
    assert "QUILL" not in repr(done) + repr(desk.actions)


def test_a_side_stays_and_a_number_beside_it_goes(person, desk):
    picture = scene()
    side = write(picture, "R", 150, 170, size=0.7)
    number = write(picture, "70707071", 15, 40)
    stored = np.round(picture).astype(np.uint8)
    dataset = image(stored[None])
    done = cleaned(dataset, person, desk)
    assert np.array_equal(dataset.pixel_array[side], stored[side])
    assert len(np.unique(dataset.pixel_array[number])) == 1
    assert done.by == {"ID": 1}


def test_text_in_one_frame_of_many_is_found_and_the_other_frames_stay(person, desk):
    frames = np.stack([np.round(scene()) + (at % 3) for at in range(20)]).astype(np.uint8)
    *_, always = (write(frame, "12 MAY 2026", 20, 170) for frame in frames)
    alone = write(frames[13], "ZEBULON", 90, 50)
    before = frames.copy()
    dataset = image(frames)
    dataset.compress(RLELossless, generate_instance_uid=False)
    done = cleaned(dataset, person, desk)
    shown = dataset.pixel_array
    assert len(np.unique(shown[13][alone])) == 1
    assert all(np.array_equal(shown[at][alone], before[at][alone]) for at in range(20) if at != 13)
    assert all((shown[at][always] == shown[at].min()).all() for at in range(20))
    assert (done.frames, done.by) == (20, {"DATE": 1, "NAME": 1})


def test_colour_on_colour_in_a_lossy_syntax_is_written_without_loss(person, desk):
    from io import BytesIO

    from PIL import Image
    from pydicom.encaps import encapsulate

    picture = np.repeat(scene()[..., None], 3, axis=2).astype(np.uint8)
    picture[100:140, 10:180] = (30, 60, 150)
    box = write(picture, "DOB 12/03/1931", 20, 125, (220, 60, 60))
    stream = BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=85)
    dataset = image(picture[None], "YBR_FULL_422")
    dataset.PixelData = encapsulate([stream.getvalue()])
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEGBaseline8Bit
    done = cleaned(dataset, person, desk)
    assert (done.written, dataset.LossyImageCompression) == ("RLE Lossless", "01")
    assert dataset.PhotometricInterpretation == "YBR_FULL"
    assert not dataset.pixel_array[box].any()
    assert done.boxes == 1


def test_an_overlay_plane_that_is_still_there_is_searched_too(person, desk):
    plane = np.zeros((120, 200), np.uint8)
    box = write(plane, "QUILLFEATHER", 30, 60)
    plane[100:110, 5:15] = 255
    dataset = image(np.full((1, 120, 200), 7, np.uint8))
    dataset.add_new((0x6000, 0x0010), "US", 120)
    dataset.add_new((0x6000, 0x0011), "US", 200)
    dataset.add_new((0x6000, 0x3000), "OW", np.packbits(plane > 90, bitorder="little").tobytes())
    done = cleaned(dataset, person, desk)
    left = np.unpackbits(np.frombuffer(dataset[0x6000, 0x3000].value, np.uint8), bitorder="little").reshape(120, 200)
    assert not left[box].any()
    assert left[100:110, 5:15].all()
    assert done.by == {"overlay: NAME": 1}


def test_an_empty_image_is_left_as_it_is(person, desk):
    dataset = image(np.full((1, 40, 50), 9, np.uint8))
    before = bytes(dataset.PixelData)
    assert cleaned(dataset, person, desk) == pixels.Cleaned(0, 0, 0.0, {})
    assert bytes(dataset.PixelData) == before
    assert pixels.clean(Dataset(), person=person, desk=desk, reason="r", where="w") is None


def test_pixels_that_cannot_be_decoded_are_told_without_the_patient(person, desk):
    dataset = image(np.zeros((1, 40, 50), np.uint8))
    dataset.PixelData = b"QUILLFEATHER"
    with pytest.raises(Malformed) as caught:
        cleaned(dataset, person, desk)
    assert (caught.value.where, "QUILL" in str(caught.value)) == ("us.dcm", False)


def test_text_that_is_still_found_after_painting_is_refused(person, desk, monkeypatch):
    picture = scene()
    write(picture, "QUILLFEATHER", 20, 60)
    monkeypatch.setattr("bedside.deidentify.pixels_native.Native.paint", lambda *_: None)
    with pytest.raises(Malformed, match="still found"):
        cleaned(image(np.round(picture).astype(np.uint8)[None]), person, desk)


def test_without_the_extra_the_line_to_type_is_told(person, desk, monkeypatch):
    from bedside.deidentify import pixels_ocr

    pixels_ocr.networks.cache_clear()
    monkeypatch.setattr(pixels_ocr, "find_spec", lambda _: None)
    with pytest.raises(Malformed) as caught:
        cleaned(image(np.zeros((1, 40, 50), np.uint8)), person, desk)
    pixels_ocr.networks.cache_clear()
    assert caught.value.do == "pip install 'bedside[ocr]'"
    assert "ultrasound often shows text" in caught.value.what


def test_without_opencv_or_its_libraries_the_line_to_type_is_told(person, desk, monkeypatch):
    from bedside.deidentify import pixels_ocr

    pixels_ocr.networks.cache_clear()
    pixels_ocr.vision.cache_clear()
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(Malformed) as caught:
        cleaned(image(np.zeros((1, 40, 50), np.uint8)), person, desk)
    pixels_ocr.networks.cache_clear()
    pixels_ocr.vision.cache_clear()
    assert caught.value.do == "pip install 'bedside[ocr]'"


@pytest.mark.parametrize(
    ("said", "kind"),
    [("QUILLFEATHER", "NAME"), ("0UILLFEATHFR, Z", "NAME"), ("7O7O7O71", "ID"), ("2125550I47", "PHONE"), ("QUILL FEATHER", "NAME")],
)
def test_a_known_identifier_misread_by_a_letter_is_still_it(said, kind):
    assert like(said, KNOWN) == kind


@pytest.mark.parametrize("said", ["R", "L", "A", "12 cm", "120 kV", "3.5 MHz", "LEFT"])
def test_plain_marks_may_stay(said, person, desk):
    assert kind_of(said, 0.99, person, desk) is None
    assert kind_of(said, 0.5, person, desk) is not None


@pytest.mark.parametrize("said", ["RX", "MERCY GENERAL", "1234", "45", "Q^Z", "12/03/1931", "LI", "120", "Okonkwo", "SUPINE"])
def test_what_is_not_known_to_be_harmless_may_not_stay(said, person, desk):
    assert kind_of(said, 0.99, person, desk) is not None


def us_region(*edges: int) -> Dataset:
    item = Dataset()
    item.RegionLocationMinX0, item.RegionLocationMinY0, item.RegionLocationMaxX1, item.RegionLocationMaxY1 = edges
    return item


def test_what_lies_outside_the_ultrasound_regions_is_painted_unread(person, desk):
    dataset = image(np.full((2, 60, 80), 200, np.uint8), Modality="US", SequenceOfUltrasoundRegions=[us_region(10, 20, 69, 49)])
    dataset.PixelData = bytes(np.tile(np.arange(80, dtype=np.uint8) + 100, (2, 60, 1)).tobytes())
    done = cleaned(dataset, person, desk)
    shown = dataset.pixel_array
    assert (shown[:, 20:50, 10:70] == np.arange(80)[10:70] + 100).all()
    assert (shown[:, :20] == 100).all()
    assert (shown[:, :, 70:] == 100).all()
    assert done.by == {"region: outside the declared ultrasound regions": 1}
    assert done.area == pytest.approx(1 - 30 * 60 / 4800)


@pytest.mark.parametrize("edges", [(10, 10, 5, 20), (0, 0, 1, 1), (70, 5, 60, 50)])
def test_regions_that_are_none_paint_nothing(edges):
    dataset = Dataset()
    dataset.SequenceOfUltrasoundRegions = [us_region(*edges)]
    assert ultrasound_regions(dataset, (60, 80)) is None


def test_a_rule_holds_where_all_of_its_conditions_do():
    rule = Rule("banner", manufacturer="ACME", image_type=("DERIVED",), size=(60, 80), boxes=((0, 0, 80, 10),))
    dataset = Dataset()
    dataset.Manufacturer, dataset.ImageType, dataset.Rows, dataset.Columns = "Acme Corp", ["DERIVED", "PRIMARY"], 60, 80
    (found,) = regions(dataset, (60, 80), [rule])
    assert (found.mask[:10].all(), found.mask[10:].any()) == (True, False)
    dataset.Rows = 61
    assert regions(dataset, (61, 80), [rule]) == []
    assert not Rule("nothing said", whole=True).holds(dataset)
    assert all(rule.modality or rule.manufacturer for rule in shipped())


def test_the_same_image_gives_the_same_bytes(person, desk):
    picture = scene()
    write(picture, "ZEBULON 12/03", 20, 60)
    made = [image(np.round(picture).astype(np.uint8)[None]) for _ in range(2)]
    told = [cleaned(one, person, desk) for one in made]
    assert told[0] == told[1]
    assert made[0].PixelData == made[1].PixelData


def test_an_ultrasound_with_a_name_in_its_pixels_comes_out_without_it(hospital):
    from bedside.formats import dicom as format

    picture = scene()
    box = write(picture, "QUILLFEATHER", 20, 60)
    stored = np.round(picture).astype(np.uint16)
    raw = dicom_bytes(Modality="US", BurnedInAnnotation="YES", Rows=192, Columns=192, PixelData=stored.tobytes())
    done = hospital.transform(hospital.put("dicom", "us.dcm", raw))
    assert done.data is not None, done.rejects
    out = format.parse(done.data, where="out")
    assert len(np.unique(out.pixel_array[box])) == 1
    assert np.array_equal(out.pixel_array[100:], stored[100:])
    assert (out.BurnedInAnnotation, out.PatientIdentityRemoved) == ("NO", "YES")
    assert "113101" in [item.CodeValue for item in out.DeidentificationMethodCodeSequence]
