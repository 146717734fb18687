"""Images come in by C-STORE, the bundle answers, SEG and SR lie in the archive; nobody is named on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.pillars.imaging.exchange_bundle import network, pixels, study
from tests.pillars.imaging.exchange_made import ORIENTATIONS, labels, series
from tests.pillars.imaging.orthanc import UNCLOSED, Orthanc, missing, running, swept
from tests.pillars.imaging.test_exchange_measurements import groups

from bedside.core.errors import BedsideError, Misconfigured, Unusable
from bedside.pillars.imaging.exchange.segmentation import read
from bedside.pillars.imaging.exchange.send import Peer, send

pytest.importorskip("pynetdicom", reason="extra [imaging] is not installed")
client = pytest.importorskip("dicomweb_client.api", reason="dicomweb-client is not installed")
pytestmark = [
    pytest.mark.skipif(missing() is not None and not os.environ.get("CI"), reason=str(missing())),
    pytest.mark.filterwarnings(UNCLOSED),
]
PATIENT = ("Müller", "Zw", "4711", "19500512", "1950")


@pytest.fixture(scope="module", autouse=True)
def clean() -> Iterator[None]:
    yield from swept()


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Iterator[Orthanc]:
    with running(tmp_path_factory.mktemp("orthanc")) as told:
        yield told


class Bedside:
    """`bedside receive` as a process."""

    def __init__(self, root: Path, archive: Orthanc, *more: str) -> None:
        self.root, self.log = root, root.with_name("stderr.txt")
        command = [sys.executable, "-m", "bedside", "receive", str(root), "--send-to", archive.address, "--port", "0", "--quiet-s", "0.1", "--json", *more]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        self.port = json.loads(self.process.stdout.readline())["port"]

    def end(self, how: int = signal.SIGINT) -> tuple[str, list[dict]]:
        """Its log, and its entries in the ledger."""
        self.process.send_signal(how)
        self.process.communicate(timeout=60)
        entries = [json.loads(line)["receipt"] for line in (self.root / "ledger/entries.jsonl").read_text().splitlines()]
        return self.log.read_text(), [one for one in entries if one["step"] == "receive"]


@contextmanager
def running_bedside(root, archive, *more):
    bedside = Bedside(root, archive, *more)
    try:
        yield bedside
    finally:
        bedside.process.kill()
        bedside.process.communicate()


def until(condition, seconds: float = 60.0):
    last = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < last, "it did not happen in time"
        time.sleep(0.1)
    return found


@pytest.fixture(scope="module")
def answered(archive, tmp_path_factory):
    """Two studies sent, one of which lacks a slice; what lies in the archive, the log, the ledger and the folder afterwards."""
    root = study(tmp_path_factory.mktemp("receive") / "study")
    with running_bedside(root, archive) as bedside:
        yield told(archive, root, bedside)


def told(archive, root, bedside):
    good, holed = series(ORIENTATIONS["axial"], name="good", flipped=True, voxels=pixels()), series(ORIENTATIONS["axial"], name="holed", voxels=pixels())
    own = Peer("127.0.0.1", bedside.port, "BEDSIDE")
    send(good, Peer.parse(archive.address), ae_title="SCANNER")
    del holed[3]
    for one in (good, holed):
        send(one[::-1], own, ae_title="SCANNER")
    web = client.DICOMwebClient(archive.dicomweb)
    uid = str(good[0].StudyInstanceUID)
    until(lambda: len(web.search_for_series(search_filters={"StudyInstanceUID": uid})) == 3)
    until(lambda: bedside.log.read_text().count("study ") == 2)
    log, entries = bedside.end()
    return {"web": web, "good": good, "holed": holed, "log": log, "entries": entries, "root": root, "uid": uid}


def of(answered, modality):
    [found] = answered["web"].search_for_instances(search_filters={"StudyInstanceUID": answered["uid"], "Modality": modality})
    return answered["web"].retrieve_instance(answered["uid"], found["0020000E"]["Value"][0], found["00080018"]["Value"][0])


def test_the_segmentation_in_the_archive_is_what_the_bundle_sees_in_the_images(answered):
    told = of(answered, "SEG")
    assert (read(told, answered["good"]) == labels()).all()
    assert [one.SegmentedPropertyTypeCodeSequence[0].CodeMeaning for one in told.SegmentSequence] == ["Liver", "Mass"]
    assert told.SeriesDescription == "Made model, not for care: segmentation by two-lumps"
    assert str(told.PatientName) == "Müller^Zwölf"  # the archive must know whose it is


def test_the_report_in_the_archive_belongs_to_that_segmentation(answered):
    seg, report = of(answered, "SEG"), of(answered, "SR")
    told = groups(report)
    assert [one.tracking_uid for one in told] == [one.TrackingUID for one in seg.SegmentSequence]
    volume = next(one.value for one in told[0].get_measurements() if one.name.meaning == "Volume")
    assert volume == pytest.approx(int((labels() == 1).sum()) * 2.5 * 0.75 * 1.25, abs=1e-3)


def test_a_series_that_lacks_a_slice_is_refused_with_the_reason(answered):
    web, uid = answered["web"], str(answered["holed"][0].StudyInstanceUID)
    assert web.search_for_series(search_filters={"StudyInstanceUID": uid}) == []
    assert "refused: 1 slices are missing between others" in answered["log"]


def test_the_ledger_counts_both_studies_and_names_nobody(answered):
    good, holed = answered["entries"]
    assert good["counts"]["series"] == {"answered: accept": 1}
    assert (good["counts"]["instances"], good["counts"]["objects_sent"], holed["counts"]["objects_sent"]) == (7, 2, 0)
    assert holed["counts"]["series"] == {"refused: 1 slices are missing between others": 1}
    assert good["parameters"]["study"] != holed["parameters"]["study"]


def test_nothing_of_the_patient_is_in_log_ledger_or_folder(answered):
    uids = [str(one.SOPInstanceUID) for one in answered["good"]] + [answered["uid"], str(answered["good"][0].SeriesInstanceUID)]
    files = [path for path in answered["root"].parent.rglob("*") if path.is_file() and "keyring" not in path.name]
    assert {path.suffix for path in files} <= {".toml", ".json", ".onnx", ".jsonl", ".txt", ".pub"}
    for path in files:
        for secret in (*PATIENT[:4], *uids):
            assert secret.encode() not in path.read_bytes(), path.name
            assert secret not in path.name


def test_the_study_folder_is_still_what_its_ledger_says(answered):
    from bedside.study.study import Study

    added = {one.name for one in Study(answered["root"]).verify().findings}
    assert added <= {"study.toml"} | {f"bundles/model/{name}" for name in ("manifest.json", "card.json", "model.onnx", "preprocess.json")}


def test_label_maps_for_listed_callers_and_an_archive_that_is_away(archive, tmp_path):
    """SIGTERM ends it in order; what could not be sent is in the ledger as not sent."""
    from tests.pillars.imaging.orthanc import free_port

    root = study(tmp_path / "study")
    away = archive._replace(dicom=free_port())
    with running_bedside(root, away, "--kind", "LABELMAP", "--from", "SCANNER") as bedside:
        own, sources = Peer("127.0.0.1", bedside.port, "BEDSIDE"), series(ORIENTATIONS["axial"], name="away", voxels=pixels())
        with pytest.raises(Unusable):
            send(sources, own, ae_title="STRANGER")
        send(sources, own, ae_title="SCANNER")
        until(lambda: "not sent" in bedside.log.read_text())
        log, [entry] = bedside.end(signal.SIGTERM)
    assert entry["counts"]["sent"] == "not sent: the archive does not take our association"
    assert entry["counts"]["objects_sent"] == 0
    assert "Traceback" not in log


def test_a_study_without_a_model_or_with_one_that_does_not_segment_is_told_so(tmp_path):
    from bedside.bundle.sealed import seal_files
    from bedside.core.task_image import ImageTask
    from bedside.study.receive import reception

    root = study(tmp_path / "study")
    (root / "bundles" / "model").rename(tmp_path / "elsewhere")
    with pytest.raises(BedsideError, match="has not been run"):
        reception(root, ae_title="BEDSIDE", send_to="127.0.0.1:1:X")
    seal_files(root / "bundles" / "model", name="x", runner="onnx-planes", runner_version="1", task=ImageTask("x", "classify", []),
               thresholds={}, training={}, files={}, card={})  # fmt: skip
    with pytest.raises(Misconfigured, match="does not segment volumes"):
        reception(root, ae_title="BEDSIDE", send_to="127.0.0.1:1:X")


def test_while_a_run_is_at_work_entries_wait_and_none_is_lost(tmp_path, capsys):
    from bedside.formats.dicom import dump
    from bedside.pillars.imaging.exchange.inbox import Received
    from bedside.study import folder
    from bedside.study.receive import reception

    root = study(tmp_path / "study")
    made = reception(root, ae_title="BEDSIDE", send_to="127.0.0.1:1:X")
    [slice_, *_] = series(ORIENTATIONS["axial"], name="waits", voxels=pixels())
    slice_.Modality = "CT"  # of another modality: nothing to send
    one = Received("1.2.3", {str(slice_.SOPInstanceUID): dump(slice_)})
    with folder.locked(root):
        made.handle(one)
        made.handle(one)
        assert (len(made.pending), made.kept_by) == (2, "another run is at work in this study")
        assert not (root / "ledger").exists()
    made.handle(one)
    assert [entry.receipt.step for entry in made.study.ledger()] == ["receive"] * 3
    assert made.pending == []
    assert "waits" not in capsys.readouterr().err


def test_a_study_on_which_everything_fails_is_written_down_by_the_kind_of_failure_alone(tmp_path, capsys, monkeypatch):
    from bedside.pillars.imaging.exchange.inbox import Received
    from bedside.study.receive import reception

    def breaks(received, thinker):
        raise OverflowError("Müller^Zwölf")

    monkeypatch.setattr("bedside.pillars.imaging.exchange.answer.answer", breaks)
    made = reception(study(tmp_path / "study"), ae_title="BEDSIDE", send_to="127.0.0.1:1:X")
    made.handle(Received("1.2.3", {"1.2.3.4": b"slice"}))
    [entry] = made.study.ledger()
    assert (entry.receipt.counts["instances"], entry.receipt.counts["sent"]) == (1, "failed with OverflowError")
    assert "Müller" not in capsys.readouterr().err


def test_the_library_that_runs_the_model_is_kept_from_reporting_its_use(tmp_path):
    """onnxruntime's wheels write a device identifier and events for Microsoft beside the user's caches, and send them, unless told not to."""
    (tmp_path / "model").write_bytes(network())
    script = (
        "import sys, time; from bedside.core.lazy import need; ort = need('onnxruntime', extra='imaging');"
        "ort.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider']); time.sleep(1)"
    )
    (tmp_path / "home").mkdir()
    quiet = os.environ | {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "home"), "ORT_DISABLE_TELEMETRY": "0"}
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "model")], env=quiet, check=True, timeout=120)
    assert [path.name for path in (tmp_path / "home").rglob("*") if path.is_file()] == []
