"""The listener takes what it may, says no to the rest in the words of the standard, and is still there afterwards."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from tests.pillars.imaging.exchange_bundle import bundle, pixels
from tests.pillars.imaging.exchange_made import ORIENTATIONS, multiframe, series
from tests.pillars.imaging.orthanc import UNCLOSED, swept, turned_away

from bedside.core.errors import Misconfigured, Refused, Unusable
from bedside.formats.dicom import dump
from bedside.pillars.imaging.exchange.answer import Thinker, answer
from bedside.pillars.imaging.exchange.author import Author
from bedside.pillars.imaging.exchange.inbox import MISMATCH, NOT_UNDERSTOOD, OUT_OF_RESOURCES, SUCCESS, Inbox, Limits, Received
from bedside.pillars.imaging.exchange.listener import Listener
from bedside.pillars.imaging.exchange.send import Peer, send
from bedside.pillars.imaging.exchange.structures import structures

pynetdicom = pytest.importorskip("pynetdicom", reason="extra [imaging] is not installed")
ECHO, MR = "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.1.4"
pytestmark = pytest.mark.filterwarnings(UNCLOSED)
QUICK = Limits(quiet_s=0.05, idle_s=5.0)


@pytest.fixture(scope="module", autouse=True)
def clean() -> Iterator[None]:
    yield from swept()


@contextmanager
def listening(*, callers=(), limits=QUICK, handle=None):
    """A listener and what it was handed."""
    handed: list[Received] = []
    listener = Listener(ae_title="BEDSIDE", callers=callers, limits=limits, handle=handle or handed.append)
    port = listener.start("127.0.0.1", 0)
    try:
        yield listener, Peer("127.0.0.1", port, "BEDSIDE"), handed
    finally:
        listener.stop()


def until(condition, seconds=30.0):
    last = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < last, "it did not happen in time"
        time.sleep(0.02)


def store(peer, datasets, *, calling="SCANNER", keep_open=False, called=None):
    """Statuses, as a sender sees them, and the association when it is kept open."""
    entity = pynetdicom.AE(ae_title=calling)
    entity.add_requested_context(MR, "1.2.840.10008.1.2.1")
    entity.add_requested_context(ECHO)
    association = entity.associate(peer.host, peer.port, ae_title=called or peer.ae_title)
    if not association.is_established:
        return None
    told = [association.send_c_store(one).get("Status") for one in datasets]
    if keep_open:
        return told, association
    association.release()
    return told


def made(name="s", **more):
    return series(ORIENTATIONS["axial"], name=name, voxels=pixels(), **more)


def test_a_study_is_whole_when_nobody_sends_of_it_any_more():
    sources = made()
    with listening() as (_, peer, handed):
        told, first = store(peer, sources[:3], keep_open=True)
        store(peer, sources[3:])
        time.sleep(0.3)
        assert (told, handed) == ([0, 0, 0], [])
        first.release()
        until(lambda: handed)
    assert len(handed) == 1
    assert set(handed[0].instances) == {str(one.SOPInstanceUID) for one in sources}


def test_what_is_handed_on_are_the_bytes_that_were_sent():
    sources = made()
    with listening() as (_, peer, handed):
        send(sources, peer, ae_title="SCANNER")
        until(lambda: handed)
    from bedside.formats.dicom import parse

    for source in sources:
        back = parse(handed[0].instances[str(source.SOPInstanceUID)], where="x")
        assert (back.pixel_array == source.pixel_array).all()
        assert str(back.PatientName) == str(source.PatientName)


def test_two_studies_over_one_association_are_two():
    with listening() as (_, peer, handed):
        store(peer, [*made("one")[:2], *made("two")[:3]])
        until(lambda: len(handed) == 2)
    assert sorted(len(one.instances) for one in handed) == [2, 3]


def test_an_instance_sent_twice_counts_once():
    with listening() as (_, peer, handed):
        store(peer, [made()[0], made()[0]])
        until(lambda: handed)
    assert (len(handed[0].instances), handed[0].repeated) == (1, 1)


def test_only_callers_on_the_list_are_let_in_and_only_under_our_name():
    with listening(callers=("SCANNER",)) as (_, peer, _handed):
        assert store(peer, made()[:1], calling="OTHER") is None
        assert store(peer, made()[:1], called="ELSE") is None
        assert store(peer, made()[:1]) == [SUCCESS]


def test_beyond_loopback_a_list_of_callers_is_asked_for():
    with pytest.raises(Refused, match="anyone who reaches this port"):
        Listener(ae_title="BEDSIDE", handle=print).start("0.0.0.0", 0)


def test_a_port_that_is_taken_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(Misconfigured, match="cannot listen there"):
        Listener(ae_title="BEDSIDE", handle=print).start("127.0.0.1", taken.getsockname()[1])


def test_it_answers_an_echo():
    with listening() as (_, peer, _handed):
        entity = pynetdicom.AE(ae_title="SCANNER")
        entity.add_requested_context(ECHO)
        association = entity.associate(peer.host, peer.port, ae_title=peer.ae_title)
        assert association.send_c_echo().Status == SUCCESS
        association.release()


def test_after_garbage_a_broken_sender_and_one_that_falls_silent_it_still_listens():
    with listening(limits=Limits(quiet_s=0.05, idle_s=0.5)) as (_, peer, handed):
        for rubbish in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x01\x00\xff\xff\xff\xff" + bytes(90), os.urandom(4000)):
            with socket.create_connection((peer.host, peer.port)) as raw:
                raw.sendall(rubbish)
        _, silent = store(peer, made("silent")[:2], keep_open=True)
        _, broken = store(peer, made("broken")[:2], keep_open=True)
        broken.abort()
        store(peer, made("good"))
        until(lambda: len(handed) == 3)
        silent.abort()
    assert sorted(len(one.instances) for one in handed) == [2, 2, 7]


def test_an_instance_that_is_too_large_is_not_waited_for():
    small = Limits(quiet_s=0.05, idle_s=5.0, instance_bytes=200_000)
    huge = made("huge")[0]
    huge.Rows = huge.Columns = 1024
    huge.PixelData = bytes(2 * 1024 * 1024)
    with listening(limits=small) as (_, peer, handed):
        with pytest.raises(Unusable):
            send([huge], peer, ae_title="SCANNER", timeout_s=5)
        assert store(peer, made("good")) == [SUCCESS] * 7
        until(lambda: handed)
    assert [len(one.instances) for one in handed] == [7]


def test_a_study_that_breaks_its_handler_is_counted_without_the_patient_and_the_next_is_handled(capsys):
    handed = []

    def breaks(study):
        handed.append(study)
        if len(handed) == 1:
            raise OverflowError("Müller^Zwölf 4711")

    with listening(handle=breaks) as (listener, peer, _):
        store(peer, made("one")[:1])
        until(lambda: listener.failures)
        store(peer, made("two"))
        until(lambda: len(handed) == 2)
    assert (listener.failures, listener.failed) == ({"OverflowError": 1}, None)
    said = capsys.readouterr().err
    assert "a study of 1 instances failed with OverflowError" in said
    assert not any(secret in said for secret in ("Müller", "4711"))


def test_a_handler_that_ends_the_process_ends_the_wait_and_is_told():
    def ends(study):
        raise SystemExit(3)

    with listening(handle=ends) as (listener, peer, _handed):
        store(peer, made()[:1])
        listener.wait()
        assert isinstance(listener.failed, SystemExit)


def test_a_study_that_had_not_arrived_when_it_stops_is_counted():
    listener = Listener(ae_title="BEDSIDE", limits=Limits(quiet_s=60.0), handle=print)
    peer = Peer("127.0.0.1", listener.start("127.0.0.1", 0), "BEDSIDE")
    store(peer, made()[:2])
    assert [len(one.instances) for one in listener.stop()] == [2]


# The inbox, without a network.


def whole(inbox):
    return list(iter(inbox.next_whole, None))


def put(inbox, dataset, sender=1):
    return inbox.put(sender, str(dataset.SOPClassUID), dump(dataset))


def test_what_cannot_be_read_or_is_not_what_it_says_gets_a_status_that_says_so():
    inbox, [good] = Inbox(QUICK), made(shape=(1, 10, 12))[:1]
    assert inbox.put(1, MR, b"no dicom") == NOT_UNDERSTOOD
    assert inbox.put(1, MR, dump(good)[:200]) == NOT_UNDERSTOOD
    assert inbox.put(1, "1.2.840.10008.5.1.4.1.1.2", dump(good)) == MISMATCH
    del good.StudyInstanceUID
    assert put(inbox, good) == MISMATCH
    assert sum(inbox.unread.values()) == 4


def test_a_study_over_its_limits_is_told_and_never_passes_for_whole():
    inbox = Inbox(Limits(study_instances=3, quiet_s=0.0))
    assert [put(inbox, one) for one in made()] == [SUCCESS] * 3 + [OUT_OF_RESOURCES] * 4
    inbox.ended(1)
    [study] = whole(inbox)
    assert study.cut
    assert answer(study, thinker(None)).series == [("refused", "instances of the study did not fit within the limits")]


def test_an_instance_counts_with_its_pixels_unpacked():
    """A kilobyte that promises gigabytes is told that there is no room for it."""
    bomb, inbox = made()[0], Inbox(Limits(study_bytes=1 << 30, quiet_s=0.0))
    bomb.Rows = bomb.Columns = 40_000
    assert put(inbox, bomb) == OUT_OF_RESOURCES
    bomb.Rows = 1
    assert put(inbox, bomb) == SUCCESS


def test_the_study_that_waits_for_longest_comes_first():
    now = iter(range(100))
    inbox = Inbox(Limits(quiet_s=0.0), clock=lambda: float(next(now)))
    for name in ("first", "second", "third"):
        put(inbox, made(name)[0], sender=7)
    put(inbox, made("first")[1], sender=7)
    inbox.ended(7)
    assert [one.uid for one in whole(inbox)] == [str(made(name)[0].StudyInstanceUID) for name in ("second", "third", "first")]


def test_what_was_handed_on_makes_room():
    one = len(dump(made()[0]))
    inbox = Inbox(Limits(total_bytes=3 * one + 100, quiet_s=0.0))
    assert [put(inbox, made("a")[k]) for k in range(3)] == [SUCCESS] * 3
    assert put(inbox, made("b")[0]) == OUT_OF_RESOURCES
    inbox.ended(1)
    assert len(whole(inbox)) == 2
    assert put(inbox, made("c")[0]) == SUCCESS


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_break_the_inbox(data):
    assert Inbox(QUICK).put(1, MR, data) in (NOT_UNDERSTOOD, MISMATCH, OUT_OF_RESOURCES, SUCCESS)


def test_many_senders_at_once_lose_nothing():
    inbox, sources = Inbox(Limits(quiet_s=0.0)), [dump(one) for one in made()]
    threads = [threading.Thread(target=lambda n=n: [inbox.put(n, MR, data) for data in sources]) for n in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    for n in range(6):
        inbox.ended(n)
    [study] = whole(inbox)
    assert (len(study.instances), study.repeated) == (7, 35)


# What is said of a study.


class Lumps:
    """Two structures by brightness."""

    def labels(self, voxels, affine):
        return np.digitize(voxels, [250, 750]).astype(np.uint8)


class Broken:
    def labels(self, voxels, affine):
        raise ZeroDivisionError("Müller^Zwölf")


def thinker(model, **more):
    from bedside.core.target import Target

    return Thinker(model, Author("made", "cd" * 32), structures([Target("liver", "region"), Target("lump", "region")]), ["MR"], **more)


def received(*datasets):
    return Received("1.2.3", {str(one.SOPInstanceUID): dump(one) for one in datasets})


def test_each_series_of_a_study_is_answered_or_refused_by_itself():
    second = made("two")
    for one in second:
        one.StudyInstanceUID = made("one")[0].StudyInstanceUID
    report = made("three")[0]
    report.Modality = "CT"
    said = answer(received(*made("one"), *second[:3], *second[4:], report), thinker(Lumps()))
    assert said.counts() == {
        "answered: accept": 1, "left out: another modality than the task's": 1, "refused: 1 slices are missing between others": 1,
    }  # fmt: skip
    assert [one.Modality for one in said.objects] == ["SEG", "SR"]


def test_our_own_answer_that_comes_back_is_left_alone():
    first = answer(received(*made()), thinker(Lumps()))
    again = answer(received(*first.objects), thinker(Lumps()))
    assert (again.objects, again.counts()) == ([], {"left out: no images, or our own": 2})


def test_a_model_that_breaks_on_a_series_is_told_by_its_kind_alone():
    said = answer(received(*made()), thinker(Broken()))
    assert said.series == [("refused", "failed with ZeroDivisionError")]


def test_a_study_that_breaks_the_reader_itself_is_told_by_the_kind_alone(monkeypatch):
    def breaks(files, *, resample):
        raise RecursionError("Müller^Zwölf")

    monkeypatch.setattr("bedside.pillars.imaging.exchange.answer.read", breaks)
    assert answer(received(*made()), thinker(Lumps())).series == [("refused", "failed with RecursionError")]


@pytest.mark.parametrize(("keyword", "raw"), [("RescaleIntercept", b"99999999999 "), ("RescaleSlope", b"1e300 "), ("RescaleSlope", b"1e30"),
                                              ("PixelSpacing", b"1e300\\1e300"), ("ImagePositionPatient", b"1e200\\0\\0 "),
                                              ("NumberOfFrames", b"3000000000"), ("RescaleSlope", b"inf ")])  # fmt: skip
def test_one_slice_with_an_absurd_number_refuses_its_series_alone(keyword, raw):
    first, second = made("one"), made("two")
    for one in second:
        one.StudyInstanceUID = first[0].StudyInstanceUID
    first[3][keyword] = RawDataElement(Tag(keyword), "DS", len(raw), raw, 0, False, True)
    said = answer(received(*first, *second), thinker(Lumps()))
    assert sorted(fate for fate, _ in said.series) == ["answered", "refused"]


def two_orientations():
    return [*made()[:3], *series(ORIENTATIONS["sagittal"], voxels=pixels())[3:]]


def no_geometry():
    sources = made()
    for one in sources:
        del one.ImagePositionPatient
    return sources


def torn_pixels():
    sources = made()
    sources[2].PixelData = sources[2].PixelData[:50]
    return sources


def uneven():
    sources = made()
    x, y, z = sources[6].ImagePositionPatient
    sources[6].ImagePositionPatient = [x, y, z + 1.1]
    return sources


@pytest.mark.parametrize("build", [two_orientations, no_geometry, torn_pixels, uneven])
def test_a_series_that_the_verdict_refuses_gets_no_answer_and_a_reason_without_the_patient(build):
    said = answer(received(*build()), thinker(Lumps(), irregular="refuse"))
    assert said.objects == []
    [(fate, why)] = said.series
    assert fate == "refused"
    assert why
    assert not any(secret in why for secret in ("Müller", "4711", "2.25.", "1950"))


def test_uneven_slices_are_answered_on_the_slices_that_were_sent():
    from bedside.pillars.imaging.exchange.segmentation import read

    said = answer(received(*uneven()), thinker(Lumps()))
    assert said.counts() == {"answered: resample": 1}
    found = read(said.objects[0], uneven())
    assert (found[2:5] == np.digitize(pixels()[2:5], [250, 750])).mean() > 0.98


def test_a_multi_frame_instance_is_answered_too():
    source = multiframe(ORIENTATIONS["oblique"])
    source.PixelData = pixels().astype(np.uint16).tobytes()
    said = answer(received(source), thinker(Lumps()))
    from bedside.pillars.imaging.exchange.segmentation import read

    assert said.counts() == {"answered: accept": 1}
    assert (read(said.objects[0], [source]) == np.digitize(pixels(), [250, 750])).all()


def test_the_made_bundle_opens(tmp_path):
    from bedside.bundle.runners.onnx_image import OnnxImage
    from bedside.bundle.sealed import Sealed

    bundle(tmp_path / "model")
    assert OnnxImage(Sealed.open(tmp_path / "model")).preprocess.labels == ["liver", "lump"]


# Over TLS.


def certificates(folder, name, authority=None):
    """A certificate for 127.0.0.1 under an authority of its own or another's; (Certificates, what signs)."""
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    from bedside.pillars.imaging.exchange.secure import Certificates

    def pem(path, data):
        path.write_bytes(data)
        return path

    def signed(subject, key, issuer, issuer_key, is_authority):
        now, named = datetime.now(UTC), [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (subject, issuer)]
        made = x509.CertificateBuilder(named[1], named[0], key.public_key(), x509.random_serial_number(), now - timedelta(1), now + timedelta(1))
        made = made.add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        made = made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only", "decipher_only"), False)
        made = made.add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=is_authority, **usage), critical=True)
        return made.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    own = ec.generate_private_key(ec.SECP256R1())
    signs = authority or (f"authority of {name}", ec.generate_private_key(ec.SECP256R1()))
    told = own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    root = pem(folder / f"{name}.ca.pem", signed(signs[0], signs[1], signs[0], signs[1], True))
    return Certificates(pem(folder / f"{name}.pem", signed(name, own, *signs, False)), pem(folder / f"{name}.key", told), root), signs


def test_over_tls_only_callers_with_a_certificate_of_the_authority_are_let_in(tmp_path):
    ours, signs = certificates(tmp_path, "bedside")
    scanner, _ = certificates(tmp_path, "scanner", signs)
    stranger, _ = certificates(tmp_path, "stranger")
    handed = []
    listener = Listener(ae_title="BEDSIDE", limits=QUICK, handle=handed.append)
    peer = Peer("127.0.0.1", listener.start("127.0.0.1", 0, tls=ours.listening()), "BEDSIDE")
    try:
        send(made(), peer, ae_title="SCANNER", tls=scanner.sending())
        until(lambda: handed)
        for other in (None, stranger.sending()):
            assert turned_away(made("no"), peer, ae_title="SCANNER", tls=other) == "the archive does not take our association"
    finally:
        listener.stop()
    assert [len(one.instances) for one in handed] == [7]


def test_tls_files_that_are_none_are_told(tmp_path):
    from bedside.pillars.imaging.exchange.secure import Certificates

    (tmp_path / "x").write_text("no certificate")
    for path in (tmp_path / "x", tmp_path / "nothing"):
        with pytest.raises(Misconfigured, match="TLS files"):
            Certificates(path, path, path).listening()


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2"])
def test_images_of_other_transfer_syntaxes_are_taken_and_answered(syntax):
    from pydicom.uid import UID

    from bedside.pillars.imaging.exchange.segmentation import read

    sources = made("packed")
    for one in sources:
        if UID(syntax).is_compressed:
            one.compress(syntax, generate_instance_uid=False)
        else:
            one.file_meta.TransferSyntaxUID = UID(syntax)
    with listening() as (_, peer, handed):
        send(sources, peer, ae_title="SCANNER")
        until(lambda: handed)
    said = answer(handed[0], thinker(Lumps()))
    assert said.counts() == {"answered: accept": 1}
    assert (read(said.objects[0], sources) == np.digitize(pixels(), [250, 750])).all()
