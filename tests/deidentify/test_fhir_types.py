"""Every type of FHIR R4: nothing planted survives, and what was valid stays valid."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bedside.deidentify.desk import desk
from bedside.deidentify.fhir import Change
from bedside.deidentify.fhir_definitions import resource_types
from bedside.deidentify.fhir_numbers import decode, encode
from bedside.deidentify.policy import NAMES, policy
from bedside.formats import fhir

from .conftest import ZONE, Hospital, patient
from .fhir_made import MARKS, Maker, faults, texts

SHARED = Path(__file__).parents[3] / "shared/data/deid/fhir"
KINDS = sorted(resource_types() - {"Bundle", "Parameters", "StructureDefinition"})


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    hospital = Hospital(tmp_path_factory.mktemp("fhir"))
    hospital.put("fhir", "Patient.ndjson", json.dumps(patient()).encode())
    hospital.survey()
    return hospital


def change(hospital: Hospital, name: str = "expert-determination") -> Change:
    return Change(desk(hospital.keyring, policy(name)), source="fhir", timezone=ZONE, urls={})


def same(raw: bytes) -> Any:
    """JSON with its numbers as they were written."""
    return json.loads(raw, parse_float=str)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_planted_survives_in_a_resource_of_any_type(known: Hospital, kind: str) -> None:
    for seed in range(3):
        done = change(known).resource(Maker(f"{kind}{seed}").resource(kind), where="x")
        left = [text for text in texts(done) if any(mark in text for mark in MARKS)]
        assert not left


@pytest.mark.parametrize("kind", KINDS)
def test_a_resource_of_any_type_stays_valid(known: Hospital, kind: str) -> None:
    for seed in range(3):
        made = Maker(f"{kind}{seed}").resource(kind)
        assert not list(faults(made, kind)), "the maker made a wrong one"
        assert not list(faults(change(known).resource(made, where="x"), kind))


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_and_dict_give_the_same(known: Hospital, kind: str) -> None:
    made = Maker(kind).resource(kind)
    one, other = change(known), change(known)
    read = decode(json.dumps(made).encode())
    assert same(one.json(json.dumps(made).encode(), where="x")) == same(encode(other.resource(read, where="x")))


@pytest.mark.parametrize("name", NAMES[:3])
def test_every_policy_says_in_meta_what_was_done(known: Hospital, name: str) -> None:
    done: dict[str, Any] = change(known, name).resource(Maker(1).resource("Condition"), where="x")
    assert done["meta"]["tag"] == [{"system": "urn:bedside:deidentify", "code": name, "version": policy(name).digest}]
    assert [one["code"] for one in done["meta"]["security"]] == ["PSEUDED", "REDACTED"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_the_standard_takes_every_output(known: Hospital, kind: str) -> None:
    """R4B is R4 but for a few types; where the model takes the input, it takes the output."""
    pytest.importorskip("fhir.resources.R4B")
    from fhir.resources.R4B import get_fhir_model_class

    try:
        model = get_fhir_model_class(kind)
        made = Maker(kind).resource(kind)
        model.model_validate(json.loads(json.dumps(made)))
    except (KeyError, LookupError, ValueError):
        pytest.skip("the model of R4B does not take this resource of R4")
    model.model_validate(json.loads(change(known).json(json.dumps(made).encode(), where="x")))


@pytest.mark.parametrize("place", sorted(SHARED.glob("*_*-*.json")), ids=lambda place: place.name[:8])
def test_synthea_bundles_are_whole_after_as_before(tmp_path: Path, place: Path) -> None:
    if b'"Bundle"' not in place.read_bytes()[:500]:
        pytest.skip("no Bundle")
    hospital = Hospital(tmp_path)
    file = hospital.put("fhir", "bundle.json", place.read_bytes())
    hospital.survey()
    done = hospital.transform(file)
    assert (done.tally.written, done.tally.quarantined) == (done.tally.read, {})
    for piece in fhir.pieces(done.data or b""):
        resource = json.loads(piece.raw)
        assert not list(faults(resource, resource["resourceType"]))
    surname = next(json.loads(piece.raw)["name"][0]["family"] for piece in fhir.pieces(place.read_bytes()) if b'"Patient"' in piece.raw[:60])
    assert surname.encode() not in (done.data or b"")
