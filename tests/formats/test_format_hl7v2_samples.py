"""105 real-world sample messages (Microsoft FHIR-Converter, MIT): all parse, all come back byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from bedside.formats import hl7v2
from bedside.formats.hl7v2 import Message
from bedside.formats.piece import Piece


@pytest.fixture(scope="module")
def samples(shared_data: Path) -> dict[str, bytes]:
    folder = shared_data / "dataeng" / "hl7v2-samples" / "messages"
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.hl7"))}


@pytest.fixture(scope="module")
def found(samples: dict[str, bytes]) -> dict[str, list[tuple[Piece, Message]]]:
    return {
        name: [(piece, Message.parse(piece.raw, where=f"{name}, {piece.place}")) for piece in hl7v2.pieces(data)]
        for name, data in samples.items()
    }


def test_every_sample_parses(found: dict[str, list[tuple[Piece, Message]]]) -> None:
    assert len(found) == 105
    assert all(messages for messages in found.values())


def test_every_sample_comes_back_byte_for_byte(samples: dict[str, bytes], found: dict[str, list[tuple[Piece, Message]]]) -> None:
    for name, messages in found.items():
        assert hl7v2.rebuild(samples[name], [message.encode() for _, message in messages]) == samples[name]


def test_writing_a_field_as_it_was_changes_no_byte(found: dict[str, list[tuple[Piece, Message]]]) -> None:
    for messages in found.values():
        for piece, message in messages:
            again = Message.parse(piece.raw, where=piece.place)
            for segment in again.segments[1:]:
                for n in range(1, len(segment) + 1):
                    segment.set_raw(n, segment._cut()[n])
            assert again.encode() == message.encode()


@pytest.mark.parametrize(("name", "path", "text"), [
    ("SIU-S12-01.hl7", "MSH-9.1", "SIU"), ("SIU-S12-01.hl7", "MSH-10", "MSG00012"), ("SIU-S12-01.hl7", "PID-3.1", "PATID1234"),
    ("SIU-S12-01.hl7", "PID-5.1.1", "EVERYMAN"), ("SIU-S12-01.hl7", "PID-5.1.5", "Aniston"),
    ("SIU-S12-01.hl7", "PID-7", "198808181126+0215"),
    ("SIU-S12-01.hl7", "PID-11.1.2", "Hospital Lane"), ("SIU-S12-01.hl7", "NTE-3", "Appointment booked for emergency procedure"),
])  # fmt: skip
def test_known_fields_of_a_sample(found: dict[str, list[tuple[Piece, Message]]], name: str, path: str, text: str) -> None:
    assert found[name][0][1].get(path) == text


def test_the_second_identifier_of_a_sample(found: dict[str, list[tuple[Piece, Message]]]) -> None:
    message = found["SIU-S12-01.hl7"][0][1]
    assert message.get("PID-3.5", rep=1) == "SS"
    assert len(message.repetitions("PID-10")) == 2
