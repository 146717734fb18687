"""What the viewer serves, to whom, and that niivue is the file that its note says it is."""

from __future__ import annotations

import hashlib
import http.client
import re
import threading
from contextlib import contextmanager
from importlib.resources import files
from urllib.parse import urlsplit

import pytest

from bedside.core.errors import Misconfigured, Refused
from bedside.pillars.imaging.viewer.server import Content, Server
from bedside.pillars.imaging.viewer.site import Shown, Told, site

ROOM = files("bedside.pillars.imaging.viewer")


def broken() -> bytes:
    raise Refused("a label map is not what the test made", where="x", do="run the test again")


@contextmanager
def serving(served):
    server = Server(served)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


def ask(server, path, method="GET"):
    where = urlsplit(server.address)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def server():
    told = Told("study", True, [("Ball", "#e69f00")], [Shown("one", ["model"], [], [])])
    served = {**site(told, lambda unit: b"image " + unit.encode(), lambda unit, output: f"{unit} {output}".encode()), "bad": Content("text/plain", broken)}
    with serving(served) as made:
        yield made


def test_only_under_the_secret_path_is_anything_there(server):
    path = urlsplit(server.address).path
    assert ask(server, path)[0] == 200
    assert ask(server, path + "0/model.nii.gz")[2] == b"one model"
    for guess in ("/", "/study.json", "/x/study.json", path + "../", path + "..%2f", path + "niivue/niivue.umd.js", path + "1/image.nii.gz", path[:-2] + "/"):
        status, _, body = ask(server, guess)
        assert (status, body) == (404, b"not here"), guess


def test_two_servers_have_two_secrets():
    with serving({}) as one, serving({}) as two:
        assert urlsplit(one.address).path != urlsplit(two.address).path
        assert len(one.token) >= 20


def test_each_answer_forbids_what_a_page_could_do_elsewhere(server):
    path = urlsplit(server.address).path
    for name in ("", "study.json", "niivue.js", "0/image.nii.gz", "nothing"):
        _, headers, _ = ask(server, path + name)
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Python" not in headers.get("Server", "")


def test_nothing_can_be_written_and_head_has_no_body(server):
    path = urlsplit(server.address).path
    assert ask(server, path, "POST")[0] == 501
    assert ask(server, path, "HEAD")[2] == b""


def test_what_is_not_what_the_study_made_is_told_and_not_shown(server):
    status, _, body = ask(server, urlsplit(server.address).path + "bad")
    assert (status, body) == (409, b"a label map is not what the test made: run the test again")


def test_a_port_that_is_taken_is_told(server):
    with pytest.raises(Misconfigured, match="cannot listen there"):
        Server({}, urlsplit(server.address).port)


def test_niivue_is_the_file_of_the_note_and_its_licences_lie_beside_it():
    note = ROOM.joinpath("niivue/PROVENANCE.md").read_text()
    data = ROOM.joinpath("niivue/niivue.umd.js").read_bytes()
    assert hashlib.sha256(data).hexdigest() in note
    told = ROOM.joinpath("niivue/LICENSES.txt").read_text()
    for part in ("niivue 0.69.0", "gl-matrix", "fflate", "nifti-reader-js", "zarrita", "numcodecs", "@lukeed/uuid", "array-equal", "structured-clone"):
        assert part in told


def test_our_own_script_and_styles_fetch_nothing_and_make_no_code_of_text():
    for name in ("view.js", "view.css"):
        text = ROOM.joinpath(name).read_text()
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), name
        assert not re.search(r"\beval\b|new Function|innerHTML|document\.write|@import", text), name
