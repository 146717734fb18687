"""What is sent to a real archive comes back from it over DICOMweb as it was, and still lies where it lay."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, RLELossless
from tests.pillars.imaging.exchange_made import ORIENTATIONS, affine_of, labels, multiframe, series
from tests.pillars.imaging.orthanc import UNCLOSED, Orthanc, free_port, missing, running, swept, turned_away
from tests.pillars.imaging.test_exchange_measurements import groups
from tests.pillars.imaging.test_exchange_segmentation import AT, AUTHOR, TWO, points, same_points

from bedside.core.errors import Misconfigured
from bedside.pillars.imaging.exchange.measurements import measurements
from bedside.pillars.imaging.exchange.segmentation import read, segmentation
from bedside.pillars.imaging.exchange.send import Peer, send, title
from bedside.pillars.imaging.exchange.sizes import size

pytest.importorskip("pynetdicom", reason="extra [imaging] is not installed")
client = pytest.importorskip("dicomweb_client.api", reason="dicomweb-client is not installed")
pytestmark = [
    pytest.mark.skipif(missing() is not None and not os.environ.get("CI"), reason=str(missing())),
    pytest.mark.filterwarnings(UNCLOSED),
]


@pytest.fixture(scope="module", autouse=True)
def clean() -> Iterator[None]:
    yield from swept()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running(tmp_path_factory.mktemp("orthanc")) as told:
        yield told


@pytest.fixture(scope="module")
def web(archive):
    return client.DICOMwebClient(archive.dicomweb)


def fetched(web, dataset):
    return web.retrieve_instance(dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)


def send_all(objects, archive):
    send(objects, Peer.parse(archive.address), ae_title="BEDSIDE")


@pytest.mark.parametrize("kind", ["LABELMAP", "BINARY"])
@pytest.mark.parametrize("way", ["axial", "oblique", "sagittal"])
def test_a_segmentation_comes_back_from_the_archive_voxel_for_voxel(archive, web, way, kind):
    name, affine = f"{way} {kind}", affine_of(ORIENTATIONS[way], flipped=True)
    sources = series(ORIENTATIONS[way], name=name, flipped=True)
    told = segmentation(labels(), affine, sources, structures=TWO, author=AUTHOR, kind=kind, at=AT)
    send_all([*sources, told], archive)
    back, seen = fetched(web, told), [fetched(web, source) for source in sources]
    assert (read(back, seen) == labels()).all()
    same_points(points(back), labels(), affine)
    assert back.PixelData == told.PixelData


def test_a_segmentation_of_a_multi_frame_instance_comes_back_too(archive, web):
    source, affine = multiframe(ORIENTATIONS["oblique"], name="enhanced"), affine_of(ORIENTATIONS["oblique"])
    told = segmentation(labels(), affine, [source], structures=TWO, author=AUTHOR, at=AT)
    send_all([source, told], archive)
    assert (read(fetched(web, told), [fetched(web, source)]) == labels()).all()


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, JPEGLSLossless])
def test_source_pixels_in_other_syntaxes_are_the_same_frame_for_frame(archive, web, syntax):
    pixels = np.random.default_rng(3).integers(0, 4096, (3, 10, 12), np.uint16)
    sources = series(ORIENTATIONS["axial"], name=f"pixels {syntax}", voxels=pixels)
    if syntax != ExplicitVRLittleEndian:
        pytest.importorskip("jpeg_ls", reason="pyjpegls is not installed") if syntax == JPEGLSLossless else None
        for source in sources:
            source.compress(syntax, generate_instance_uid=False)
    send_all(sources, archive)
    for source, plane in zip(sources, pixels, strict=True):
        back = fetched(web, source)
        assert (back.pixel_array == plane).all()


def test_frames_are_fetched_one_by_one(archive, web):
    source, affine = multiframe(ORIENTATIONS["axial"], name="frames"), affine_of(ORIENTATIONS["axial"])
    told = segmentation(labels(), affine, [source], structures=TWO, author=AUTHOR, kind="LABELMAP", at=AT)
    told.decompress(generate_instance_uid=False)
    send_all([told], archive)
    asked = web.retrieve_instance_frames(told.StudyInstanceUID, told.SeriesInstanceUID, told.SOPInstanceUID, [1, 2, 3],
                                         media_types=("application/octet-stream",))  # fmt: skip
    wanted = np.stack([np.frombuffer(frame, np.uint8).reshape(10, 12) for frame in asked])
    assert (wanted == told.pixel_array).all()


def test_the_report_comes_back_and_still_names_the_segmentation(archive, web):
    sources, affine = series(ORIENTATIONS["axial"], name="report"), affine_of(ORIENTATIONS["axial"])
    told = segmentation(labels(), affine, sources, structures=TWO, author=AUTHOR, at=AT)
    report = measurements(told, [size(labels() == n, affine) for n in (1, 2)], sources, structures=TWO, author=AUTHOR, at=AT)
    send_all([told, report], archive)
    back = fetched(web, report)
    assert [group.tracking_uid for group in groups(back)] == [one.TrackingUID for one in told.SegmentSequence]
    found = web.search_for_instances(search_filters={"StudyInstanceUID": str(told.StudyInstanceUID), "Modality": "SR"})
    assert len(found) == 1


def test_sent_twice_it_is_there_once(archive, web):
    sources, affine = series(ORIENTATIONS["axial"], name="twice"), affine_of(ORIENTATIONS["axial"])
    for _ in range(2):
        send_all([segmentation(labels(), affine, sources, structures=TWO, author=AUTHOR)], archive)
    assert len(web.search_for_instances(search_filters={"StudyInstanceUID": str(sources[0].StudyInstanceUID)})) == 1


def test_an_archive_that_is_not_there_or_does_not_know_the_title_is_told(archive):
    [source] = series(ORIENTATIONS["axial"], name="lost", shape=(1, 10, 12))
    for address in (f"127.0.0.1:{free_port()}:ARCHIVE", f"127.0.0.1:{archive.dicom}:OTHER"):
        assert turned_away([source], Peer.parse(address), ae_title="BEDSIDE") == "the archive does not take our association"


@pytest.mark.parametrize("text", ["", "host", "host:104", "host:x:AET", "host:0:AET", "host:70000:AET", "host:104:" + "A" * 17, "host:104:A\\B", "host:104:é"])
def test_an_address_that_is_none_is_refused(text):
    with pytest.raises(Misconfigured):
        Peer.parse(text)


def test_an_address_may_be_of_the_sixth_version():
    assert Peer.parse("[::1]:104:A B").host == "::1"
    assert title(" A ", where="x") == "A"
