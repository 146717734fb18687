"""The service as a client on the network sees it: addresses, limits, headers, feedback, the log, and silence about patients."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from tests.serve.asked import (
    SERVICE,
    VITALS,
    Reply,
    breaches,
    bundle,
    call,
    empty_members,
    logged,
    observation,
    patient,
    request,
    searchset,
)

from bedside.core.errors import Misconfigured, Unusable
from bedside.serve.app import application

CANARY = "Zebulon-Canary-1931"
FEEDBACK = f"/cds-services/{SERVICE}/feedback"
ACCEPTED = {
    "card": "4e0a3a1e-3283-4575-ab82-028d55fe2719",
    "outcome": "accepted",
    "outcomeTimestamp": "2026-03-08T12:05:31Z",
    "acceptedSuggestions": [{"id": "e56e1945-20b3-4393-8503-a1a20fd73152"}],
}
OVERRIDDEN = {
    "card": "4e0a3a1e-3283-4575-ab82-028d55fe2719",
    "outcome": "overridden",
    "outcomeTimestamp": "2026-03-08T12:05:31Z",
    "overrideReason": {"reason": {"code": "d7ecf885", "system": "https://example.com/reasons"}, "userComment": CANARY},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return bundle(tmp_path_factory.mktemp("bundle") / "model")


@pytest.fixture(scope="module")
def app(folder):
    return application(folder, replay=True, body_limit=50_000)


class Link:
    """A keep-alive connection to a running service."""

    def __init__(self, host: str, port: int) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=20)

    def close(self) -> None:
        self._connection.close()

    def announce(self, length: int) -> int:
        """Status of a request that only says how long its body would be."""
        self._connection.putrequest("POST", f"/cds-services/{SERVICE}")
        self._connection.putheader("Content-Length", str(length))
        self._connection.endheaders()
        with self._connection.getresponse() as answer:
            return answer.status

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        self._connection.request(method, path, raw, headers)
        answer = self._connection.getresponse()
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())


@contextmanager
def serving(folder: Path, errors: Path, **options: Any) -> Iterator[Link]:
    """The service in a process of its own, on a free port of the loopback."""
    told = {"replay": True, "announce_json": True} | options
    code = f"from pathlib import Path; from bedside.serve.run import run; run(Path({str(folder)!r}), '127.0.0.1', 0, **{told!r})"
    code = code.replace("PosixPath(", "Path(")
    with (
        errors.open("wb") as stream,
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=stream, text=True) as process,
    ):
        try:
            announced = json.loads(process.stdout.readline())
            with closing(Link(announced["host"], announced["port"])) as link:
                yield link
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def link(folder, tmp_path_factory) -> Iterator[Link]:
    with serving(folder, tmp_path_factory.mktemp("errors") / "stderr") as found:
        yield found


def test_a_client_discovers_the_service_and_is_answered(link):
    (service,) = link("GET", "/cds-services").json["services"]
    assert (service["hook"], service["id"]) == ("patient-view", SERVICE)
    assert set(service["prefetch"]) == {"patient", "encounter", "observations"}
    assert "http://loinc.org|8867-4" in service["prefetch"]["observations"]
    assert empty_members(service) == []
    reply = link("POST", f"/cds-services/{service['id']}", request(), **{"Content-Type": "application/json"})
    assert (reply.status, breaches(reply.json)) == (200, [])


def test_the_answer_over_the_network_is_the_answer_within(link, app):
    assert link("POST", f"/cds-services/{SERVICE}", request()).told == call(app, request()).told | {"unit_id": ANY}


def test_health_says_which_bundle_answers(link):
    told = link("GET", "/health").json
    assert (told["status"], told["service"], len(told["bundle"])) == ("ok", SERVICE, 64)


def test_a_browser_may_call(link):
    reply = link("OPTIONS", f"/cds-services/{SERVICE}", Origin="https://ehr.example.org")
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (204, "*")
    assert "POST" in reply.headers["access-control-allow-methods"]
    assert link("GET", "/cds-services").headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("POST", "/cds-services/another", 404),
        ("GET", f"/cds-services/{SERVICE}", 405),
        ("POST", "/cds-services", 405),
        ("DELETE", "/health", 405),
        ("GET", "/cds-services/", 200),
        ("OPTIONS", "/nowhere", 404),
    ],
)
def test_an_address_or_method_that_is_not_there_is_refused(link, method, path, status):
    reply = link(method, path)
    assert reply.status == status
    assert status != 405 or "OPTIONS" in reply.headers["allow"]
    assert status == 200 or reply.json["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"hook":5}',
        b"[" * 100_000,
        json.dumps(request() | {"hook": "order-sign"}).encode(),
        json.dumps(request() | {"hookInstance": ""}).encode(),
        json.dumps(request() | {"context": {}}).encode(),
        json.dumps(request() | {"prefetch": []}).encode(),
    ],
)
def test_a_body_that_is_no_request_is_refused(app, body):
    reply = call(app, body)
    assert reply.status == (413 if len(body) > 50_000 else 400)
    assert empty_members(reply.json) == []


def test_a_body_that_is_too_large_is_refused_whether_its_length_is_announced_or_not(app, link):
    assert call(app, parts=[b"x" * 20_000] * 3).status == 413
    assert link.announce(9 << 20) == 413


def test_feedback_is_taken_and_its_comment_is_not_kept(folder, tmp_path):
    log = tmp_path / "served.jsonl"
    with logged(folder, log) as app:
        assert call(app, {"feedback": [ACCEPTED, OVERRIDDEN]}, path=FEEDBACK).status == 200
    lines = [json.loads(line) for line in (tmp_path / "served.jsonl.feedback").read_text().splitlines()]
    assert [(line["outcome"], line.get("reason")) for line in lines] == [("accepted", None), ("overridden", "d7ecf885")]
    assert CANARY not in (tmp_path / "served.jsonl.feedback").read_text()


@pytest.mark.parametrize(
    "change", [{"outcome": "ignored"}, {"outcome": "accepted"}, {"outcomeTimestamp": "yesterday"}, {"card": "a b"}, {"card": None}]
)
def test_feedback_that_is_none_is_refused(app, change):
    assert call(app, {"feedback": [OVERRIDDEN | change]}, path=FEEDBACK).status == 400


def test_the_log_holds_what_the_model_saw_under_pseudonyms(folder, tmp_path):
    log = tmp_path / "served.jsonl"
    with logged(folder, log) as app:
        first = call(app, request()).told
    with logged(folder, log) as app:
        second = call(app, request()).told
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert set(lines[0]) == {"time", "unit_id", "bundle", "features", "value", "alert", "encounter", "missing", "card"}
    assert (lines[0]["features"], lines[0]["value"], lines[0]["time"]) == (
        first["features"],
        first["score"],
        first["prediction_time"],
    )
    assert lines[0]["unit_id"] == lines[1]["unit_id"] == first["unit_id"] == second["unit_id"]
    assert not any(name in log.read_text() for name in ('"p1"', '"e1"', "1950"))
    assert (tmp_path / "served.jsonl.key").stat().st_mode & 0o777 == 0o600


def test_a_log_that_cannot_be_written_is_refused_at_the_start(folder, tmp_path):
    with pytest.raises(Misconfigured, match="log"):
        application(folder, log=tmp_path / "nowhere" / "served.jsonl")


def _poisoned() -> Iterator[bytes]:
    """Requests with the canary wherever a patient's name, number or date may stand, sound and broken."""
    named = patient(name=[{"family": CANARY}], birthDate="1931-02-03", identifier=[{"value": CANARY}])
    sound = request(patient=named, observations=searchset(observation("heart_rate", note=[{"text": CANARY}], valueString=CANARY)))
    yield json.dumps(sound).encode()
    for key in ("patient", "encounter", "observations"):
        yield json.dumps(request(**{key: {"resourceType": CANARY, CANARY: CANARY}})).encode()
        yield json.dumps(request(**{key: CANARY})).encode()
    yield json.dumps(request(patient=patient(birthDate=CANARY))).encode()
    yield json.dumps(request(observations=searchset(observation("heart_rate", effectiveDateTime=CANARY)))).encode()
    yield json.dumps(request() | {"hook": CANARY, "context": {"patientId": CANARY}}).encode()
    yield json.dumps(request() | {"context": {"patientId": CANARY}}).encode()
    yield json.dumps(request() | {"context": {"patientId": {CANARY: 1}}}).encode()
    yield json.dumps(request() | {"extension": {"bedside.prediction-time": CANARY}}).encode()
    yield f'{{"{CANARY}": "{CANARY}'.encode()


def test_a_patient_is_named_in_no_answer_no_log_and_no_error(folder, tmp_path):
    log, errors = tmp_path / "served.jsonl", tmp_path / "stderr"
    with serving(folder, errors, log=log) as link:
        answers = [link("POST", f"/cds-services/{SERVICE}", body).body for body in _poisoned()]
        answers.append(link("POST", f"/cds-services/{CANARY}", b"{}").body)
        answers.append(link("POST", FEEDBACK, {"feedback": [OVERRIDDEN | {"outcome": CANARY}]}).body)
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert len(answers) == 16
    assert not any(CANARY.encode() in text or b"1931-02-03" in text for text in [*answers, written])


def test_what_nobody_foresaw_is_a_500_that_says_where_and_not_what(folder, monkeypatch):
    app = application(folder, replay=True)

    def fail(*_: object) -> None:
        raise KeyError(CANARY)

    monkeypatch.setattr(app.service, "answer", fail)
    with pytest.raises(Unusable, match=r"KeyError in test_http\.py") as caught:
        call(app, request())
    assert CANARY not in str(caught.value)
    assert caught.value.__context__ is None


def test_the_service_refuses_a_port_that_is_taken(folder, link):
    from bedside.serve.run import run

    with pytest.raises(Misconfigured, match="cannot listen"):
        run(folder, "127.0.0.1", link._connection.port)


def test_published_examples_of_requests_and_feedback_are_understood(app, shared_data):
    examples = [one["json"] for one in json.loads((shared_data / "cds" / "cds-hooks" / "hl7-examples.json").read_text())]
    asked = [one for one in examples if one.get("hook") == "patient-view" and "patientId" in one.get("context", {})]
    given = [one for one in examples if "feedback" in one]
    assert (len(asked), len(given)) >= (2, 3)
    assert [call(app, one).status for one in asked] == [412] * len(asked)
    assert [call(app, one, path=FEEDBACK).status for one in given] == [200] * len(given)


def test_fifty_observations_are_one_answer(app):
    many = [observation(signal, at=f"2026-03-08T{hour:02}:00:00Z") for hour in range(10) for signal in VITALS]
    told = call(application_with_room(app), request(observations=searchset(*many))).told
    assert told["features"]["heart_rate.count_6h"] == 4.0


def application_with_room(app: Any) -> Any:
    app.body_limit = 1 << 20
    return app
