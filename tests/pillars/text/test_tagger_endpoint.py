"""A language model behind a local server: what it cannot quote is dropped, what it answers badly is counted, and notes stay on this machine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.bundle.runners.endpoint import Endpoint
from bedside.bundle.runners.endpoint_prompt import Quote, parts, places, quotes
from bedside.bundle.runners.text_spans import Span
from bedside.core.errors import Refused, Unusable
from bedside.core.target import Target
from bedside.core.task_note import NoteTask
from bedside.pillars.text.corpus.document import Document, write
from bedside.pillars.text.options import EndpointOptions
from bedside.pillars.text.tagger.endpoint import sealed
from bedside.study.study import Study

TASK = NoteTask("problems", [Target("problem", "found"), Target("drug", "found")])
STUDY = """schema = "bedside.study/1"
name = "made"
made = true
timezone = "UTC"
source = [{{ name = "notes", format = "notes", path = "raw/notes" }}, {{ name = "marks", format = "tables", path = "raw/tables", mapping = "annotated-notes" }}]
deidentify = {{ policy = "{policy}", attestation = "made notes" }}
task = {{ kind = "note", name = "made", asks = [{asks}], split = {{ {split} }} }}
model = {{ {model} }}
"""
NOTE = "No fever. Fever last week. On warfarin."
Reply = Callable[[dict[str, Any]], "bytes | int"]


class Server(ThreadingHTTPServer):
    """Answers each request with the next reply, the last one for good; keeps what it was asked."""

    daemon_threads = True

    def __init__(self, *replies: Reply) -> None:
        self.replies, self.asked = list(replies), list[dict[str, Any]]()
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, *_: object) -> None:
        """A client that hung up is no news."""


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Any = self.server
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.asked.append({**asked, "path": self.path})
        reply = (server.replies.pop(0) if len(server.replies) > 1 else server.replies[0])(asked)
        self.send_response(reply if isinstance(reply, int) else 200)
        if reply == 302:
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()
        self.wfile.write(reply if isinstance(reply, bytes) else b"")

    def log_message(self, *_: object) -> None:
        """Silent."""


def says(*found: tuple[str, str]) -> Reply:
    content = json.dumps({"found": [{"type": kind, "quote": quote} for kind, quote in found]})
    return lambda _: json.dumps({"choices": [{"message": {"content": content}}]}).encode()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def make(*replies: Reply) -> Server:
        servers.append(Server(*replies))
        return servers[-1]

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


def endpoint(server: Server, **told: Any) -> Endpoint:
    return Endpoint(sealed(EndpointOptions(server.url, "made-model", **told), TASK), where="test")


def test_quotes_become_spans_where_they_stand(serve):
    server = serve(says(("problem", "fever"), ("problem", "Fever"), ("drug", "warfarin")))
    found = endpoint(server, describe={"problem": "a disease or symptom"}).tag(NOTE)
    assert [(NOTE[span.start : span.end], span.kind) for span in found] == [("fever", "problem"), ("Fever", "problem"), ("warfarin", "drug")]
    asked = server.asked[0]
    assert (asked["path"], asked["model"], asked["temperature"]) == ("/v1/chat/completions", "made-model", 0)
    assert asked["messages"][1]["content"] == NOTE
    assert "problem: a disease or symptom" in asked["messages"][0]["content"]


def test_what_is_not_in_the_note_letter_for_letter_is_dropped_and_counted(serve):
    tagger = endpoint(serve(says(("problem", "febrile"), ("problem", "ever"), ("problem", "fever"), ("problem", "fever"), ("gene", "fever"), ("drug", ""))))
    assert [NOTE[span.start : span.end] for span in tagger.tag(NOTE)] == ["fever"]
    assert tagger.counts["quote not in the note: dropped"] == 3
    assert tagger.counts["quote said more often than it stands in the note: dropped"] == 1
    assert tagger.counts["type not asked for: dropped"] == 1


def test_a_malformed_answer_is_asked_again_and_counted(serve):
    tagger = endpoint(serve(lambda _: b"<html>", lambda _: b'{"choices": []}', says(("drug", "warfarin"))), retries=2)
    assert len(tagger.tag(NOTE)) == 1
    assert (tagger.counts["answer is not the JSON asked for"], tagger.counts["retries"]) == (2, 2)


@pytest.mark.parametrize(("status", "requests"), [(500, 3), (429, 3), (404, 1), (302, 1)])
def test_a_part_without_an_answer_gives_nothing_and_is_counted(serve, status, requests):
    server = serve(lambda _: status)
    tagger = endpoint(server, retries=2)
    assert tagger.tag(NOTE) == []
    assert (tagger.counts["requests"], tagger.counts["parts of notes without an answer"]) == (requests, 1)
    assert len(server.asked) == requests


def test_a_slow_answer_is_given_up_and_counted(serve):
    def slow(_: object) -> bytes:
        time.sleep(0.5)
        return b""

    tagger = endpoint(serve(slow), retries=0, timeout_s=0.1)
    assert tagger.tag(NOTE) == []
    assert tagger.counts["no answer in time"] == 1


def test_nothing_at_the_address_stops_the_run_without_the_note(serve):
    server = serve(says())
    tagger = endpoint(server)
    server.shutdown()
    server.server_close()
    with pytest.raises(Unusable) as told:
        tagger.tag("canary words of a note")
    assert "canary" not in str(told.value)


def test_a_long_note_goes_in_parts_and_places_are_those_of_the_note(serve):
    def first_word(asked: dict[str, Any]) -> bytes | int:
        return says(("drug", "warfarin"))(asked)

    note = "On warfarin today. " * 30
    server = serve(first_word)
    found = endpoint(server, longest=200).tag(note)
    assert len(server.asked) > 2
    assert all(len(asked["messages"][1]["content"]) <= 200 for asked in server.asked)
    assert len(found) == len(server.asked)
    assert {note[span.start : span.end] for span in found} == {"warfarin"}


@pytest.mark.parametrize("url", ["http://192.168.0.7/v1", "http://model.example/v1", "ftp://127.0.0.1/v1", "http://u:p@127.0.0.1/v1", "http://localhost.example/v1", "x"])
def test_notes_do_not_leave_this_machine_unless_a_host_is_named(url):
    with pytest.raises(Refused):
        sealed(EndpointOptions(url, "m"), TASK)


def test_a_named_host_is_reached_by_tls_alone():
    sealed(EndpointOptions("https://model.example/v1", "m", allowed_hosts=["model.example"]), TASK)
    with pytest.raises(Refused, match="unencrypted"):
        sealed(EndpointOptions("http://model.example/v1", "m", allowed_hosts=["model.example"]), TASK)


@given(st.binary(max_size=60) | st.text(max_size=40).map(lambda content: json.dumps({"choices": [{"message": {"content": content}}]}).encode()))
def test_no_answer_makes_it_raise(answer):
    said = quotes(answer)
    assert said is None or isinstance(said, list)


@given(st.text("ab é.\n", max_size=60), st.lists(st.text("ab é", min_size=1, max_size=4), max_size=5))
def test_every_span_is_its_quote(text, said):
    found, absent, again = places(text, [Quote("x", quote) for quote in said])
    assert len(found) + absent + again == len(said)
    assert all(text[span.start : span.end] in [quote.strip() for quote in said] for span in found)


@given(st.text("ab. \nC", max_size=80), st.integers(1, 20))
def test_parts_cover_the_note(text, longest):
    found = parts(text, longest)
    assert "".join("".join(text[a:b].split()) for a, b in found) == "".join(text.split())


def test_a_study_asks_the_endpoint_and_counts_what_it_answered(serve, tmp_path):
    server = serve(says(("problem", "fever"), ("problem", "canary")))
    write([Document(f"n{i}", f"Note {i}. No fever.", [Span(11, 16, "problem")], split) for i, split in enumerate(("train", "test", "test"))], tmp_path / "raw")
    model = f'kind = "endpoint", url = "{server.url}", model = "made-model"'
    (tmp_path / "study.toml").write_text(STUDY.format(policy="as-received", asks='{ name = "problem", kind = "found" }', split='by = "declared"', model=model))
    study = Study(tmp_path)
    study.run(quiet=True)
    assert study.evaluation().sections[0].result.row("model").measures["f1"].value == 1.0
    assert json.loads((tmp_path / "predictions/artifacts/tagger-counts.json").read_bytes()) == {"quote not in the note: dropped": 2, "requests": 2}
    figures = {figure.name: figure.value for entry in study.ledger() for figure in entry.receipt.figures}
    assert figures["development.endpoint.requests"] == 1
