"""What a clinician gets to see, and what is said when there is nothing sound to say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.serve.asked import AT, VITALS, breaches, bundle, call, empty_members, encounter, observation, patient, request, searchset

from bedside.bundle.store import Bundle
from bedside.core.time import iso_instant
from bedside.readers.fhir import resource_events
from bedside.serve.app import application
from bedside.serve.card import Face, summary


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return bundle(tmp_path_factory.mktemp("bundle") / "model")


@pytest.fixture(scope="module")
def app(folder):
    return application(folder, replay=True)


def test_a_card_keeps_every_rule_of_the_standard(app):
    reply = call(app, request())
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert breaches(reply.json) == []


def test_the_score_is_the_bundles_own_on_the_readers_own_events(app, folder):
    sealed = Bundle.open(folder)
    resources = [patient(), encounter(), *map(observation, VITALS)]
    events = [event for resource in resources for event in resource_events(resource, source="x")]
    at, start = iso_instant(AT, where="x").us, iso_instant("2026-03-08T06:00:00Z", where="x").us
    row = sealed.features.live(events, prediction_time=at, encounter_start=start)
    told = call(app, request()).told
    assert told["score"] == sealed.predict(np.array([row], dtype=np.float32))[0]
    assert told["features"] == {name: value for name, value in zip(sealed.features.names, row, strict=True) if value == value}
    assert set(told["features"]) | set(told.get("missing", [])) == set(sealed.features.names)


def test_features_read_back_as_the_float32_that_the_model_saw(app):
    told = call(app, request()).told["features"]
    assert told["temperature.last"] == float(np.float32(38.1))
    assert all(float(np.float32(value)) == value for value in told.values())


def test_the_card_says_what_drove_the_risk_in_clinical_words_with_value_and_time(app):
    (card,) = call(app, request()).json["cards"]
    assert "- heart rate, last value: 88 /min, raises the risk" in card["detail"]
    assert "last seen 2026-03-08 10:00, 2.0 h before" in card["detail"]
    assert "NEWS2 at least" in card["detail"]
    assert "not a cleared medical device" in card["detail"]


def test_what_is_missing_and_what_is_old_is_said(app):
    old = [observation("heart_rate", at="2026-03-08T01:00:00Z"), observation("temperature")]
    reply = call(app, request(observations=searchset(*old)))
    (card,) = reply.json["cards"]
    assert "Missing: respiratory rate, systolic bp, oxygen saturation." in card["detail"]
    assert "Old: heart rate (2026-03-08 01:00, 11.0 h before)." in card["detail"]
    assert "heart_rate.mean_6h" in reply.told["missing"]
    assert breaches(reply.json) == []


def test_an_alert_is_a_warning_and_no_alert_is_information(folder):
    for threshold, indicator in ((0.0, "warning"), (1.0, "info")):
        (card,) = call(application(folder, replay=True, threshold=threshold), request()).json["cards"]
        assert (card["indicator"], card["extension"]["bedside"]["alert"]) == (indicator, indicator == "warning")


def test_a_card_of_a_model_on_made_data_says_so(tmp_path):
    (card,) = call(application(bundle(tmp_path / "made", made=True), replay=True), request()).json["cards"]
    assert "made data" in card["detail"]


@pytest.mark.parametrize("length", [1, 60, 500])
def test_a_summary_is_below_140_characters_and_always_says_the_risk(length, app, folder):
    from bedside.serve.request import opened, parse
    from bedside.serve.service import Service

    answer = Service(folder, policy="as-received").answer(opened(parse(json.dumps(request()).encode()), replay=True))
    told = summary(answer, Face("x" * length, 24.0, "s", "b", False))
    assert len(told) < 140
    assert f"{100 * answer.value:.1f} %" in told


def test_a_fact_that_was_not_known_before_the_prediction_is_not_used(app):
    late = observation("heart_rate", issued="2026-03-08T12:00:00Z")
    told = call(app, request(observations=searchset(late, observation("temperature")))).told
    assert "heart_rate.last" in told["missing"]
    assert "temperature.last" in told["features"]


def test_a_retracted_value_is_not_used(app):
    wrong = observation("heart_rate", status="entered-in-error")
    assert "heart_rate.last" in call(app, request(observations=searchset(wrong, observation("temperature")))).told["missing"]


def test_an_observation_that_cannot_be_read_is_left_out_and_said(app):
    reply = call(app, request(observations=searchset(observation("heart_rate"), observation("temperature", code=5))))
    assert "Not readable, left out: 1 observations." in reply.json["cards"][0]["detail"]


def test_a_search_that_was_cut_off_is_said(app):
    cut = searchset(observation("heart_rate"), link=[{"relation": "next", "url": "http://x"}])
    assert "only part of its observations" in call(app, request(observations=cut)).json["cards"][0]["detail"]


FAILED = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
WARNED = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "informational"}]}


@pytest.mark.parametrize(
    ("prefetch", "place"),
    [
        ({"patient": None}, "prefetch.patient"),
        ({"encounter": None}, "prefetch.encounter"),
        ({"observations": None}, "prefetch.observations"),
        ({"observations": searchset()}, "prefetch.observations"),
        ({"patient": FAILED}, "prefetch.patient"),
        ({"observations": searchset(observation("heart_rate"), FAILED)}, "prefetch.observations"),
        ({"encounter": encounter(period={})}, "prefetch.encounter.period.start"),
        ({"encounter": encounter(period={"start": "2026-03-09T00:00:00Z"})}, "prefetch.encounter.period.start"),
        ({"encounter": encounter(subject={"reference": "Patient/p2"})}, "prefetch.encounter"),
        ({"encounter": encounter(id="e2")}, "prefetch.encounter.id"),
        ({"patient": patient(id="p2")}, "prefetch.patient.id"),
        ({"patient": patient(birthDate=5)}, "prefetch.patient"),
        ({"observations": searchset(observation("heart_rate", subject={"reference": "Patient/p2"}))}, "prefetch.observations"),
        ({"observations": "x"}, "prefetch.observations"),
    ],
)
def test_without_what_the_model_needs_the_answer_is_412_and_names_it(app, prefetch, place):
    reply = call(app, request(**prefetch))
    assert reply.status == 412
    assert reply.json["resourceType"] == "OperationOutcome"
    assert [expression for issue in reply.json["issue"] for expression in issue["expression"]] == [place]
    assert empty_members(reply.json) == []


def test_every_missing_key_is_named_at_once(app):
    asked = request()
    del asked["prefetch"]
    reply = call(app, asked)
    assert (reply.status, len(reply.json["issue"])) == (412, 3)


def test_a_search_with_a_warning_is_a_search(app):
    assert call(app, request(observations=searchset(observation("heart_rate"), WARNED))).status == 200


@pytest.mark.parametrize(
    "prefetch", [{"encounter": encounter(**{"class": {"code": "AMB"}})}, {"patient": patient(birthDate="2015-01-02")}]
)
def test_outside_the_population_of_the_model_there_is_no_card(app, prefetch):
    reply = call(app, request(**prefetch))
    assert (reply.status, reply.json) == (200, {"cards": []})


def test_of_several_encounters_the_latest_that_has_begun_is_taken(app):
    earlier, ahead = (
        encounter(id="e0", period={"start": "2026-03-01T06:00:00Z"}),
        encounter(id="e9", period={"start": "2026-03-20T06:00:00Z"}),
    )
    asked = request(encounter=searchset(ahead, encounter(), earlier))
    del asked["context"]["encounterId"]
    assert call(app, asked).told["features"]["clock.hours"] == 6.0


def test_the_prediction_time_of_a_request_counts_in_replay_only(folder):
    now = datetime.now(UTC)
    seen, began = ((now - timedelta(hours=hours)).isoformat() for hours in (1, 9))
    fresh = searchset(*(observation(name, at=seen) for name in VITALS))
    told = call(application(folder, replay=False), request(at=AT, encounter=encounter(period={"start": began}), observations=fresh)).told
    assert datetime.fromisoformat(told["prediction_time"]) >= now.replace(microsecond=0)
    assert call(application(folder, replay=True), request(at="2026-03-08T12:00")).status == 400


ELEMENTS = st.sampled_from(
    ["resourceType", "entry", "resource", "issue", "severity", "link", "relation", "id", "subject", "reference", "coding", "code", "period"]
)


def _holding(inner: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(inner, max_size=3) | st.dictionaries(ELEMENTS, inner, max_size=4)


ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "x", "Patient/p1", "2026-03-08T10:00:00Z"]),
    _holding,
    max_leaves=8,
)
PLACES = st.sampled_from(["patient", "encounter", "observations"])
MEMBERS = st.sampled_from(
    [
        "id",
        "birthDate",
        "gender",
        "extension",
        "class",
        "period",
        "location",
        "subject",
        "status",
        "code",
        "valueQuantity",
        "effectiveDateTime",
        "issued",
        "meta",
        "component",
        "entry",
        "link",
        "address",
        "deceasedDateTime",
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=PLACES, member=MEMBERS, odd=ODD, whole=st.booleans())
def test_whatever_the_prefetch_holds_the_answer_is_a_card_or_a_reason(app, place, member, odd, whole):
    asked = request()
    if whole:
        asked["prefetch"][place] = odd
    elif place == "observations":
        asked["prefetch"][place]["entry"][0]["resource"][member] = odd
    else:
        asked["prefetch"][place][member] = odd
    reply = call(app, asked)
    assert reply.status in (200, 412)
    assert breaches(reply.json) == [] if reply.status == 200 else empty_members(reply.json) == []


@pytest.mark.parametrize(
    "useless",
    [
        {"status": "entered-in-error"},
        {"effectiveDateTime": "soon", "issued": "soon"},
        {"effectiveDateTime": "2026-03-09T10:00:00Z", "issued": "2026-03-09T10:00:00Z"},
        {"effectiveDateTime": "2026-03-01T10:00:00Z", "issued": "2026-03-01T10:00:00Z"},
        {"valueQuantity": {"value": 88, "code": "parsec", "system": "http://unitsofmeasure.org"}},
        {"code": {"coding": [{"system": "http://loinc.org", "code": "0000-0"}]}},
    ],
)
def test_observations_of_which_none_can_be_used_give_no_number(app, useless):
    reply = call(app, request(observations=searchset(*(observation(name, **useless) for name in VITALS))))
    assert (reply.status, reply.json["issue"][0]["expression"]) == (412, ["prefetch.observations"])


def test_a_patient_of_unknown_age_is_not_scored_by_a_model_of_adults(app):
    stranger = {name: value for name, value in patient().items() if name != "birthDate"}
    reply = call(app, request(patient=stranger))
    assert (reply.status, reply.json["issue"][0]["expression"]) == (412, ["prefetch.patient.birthDate"])


@pytest.mark.parametrize("over", [{"encounter": encounter(status="finished", period={"start": "2026-03-08T00:00:00Z", "end": "2026-03-08T11:00:00Z"})},
                                  {"patient": patient(deceasedDateTime="2026-03-08T11:00:00Z")}])  # fmt: skip
def test_after_discharge_or_death_there_is_no_card(app, over):
    assert call(app, request(**over)).json == {"cards": []}


@pytest.mark.parametrize("who", ["Group/p1", "http://ehr.example/fhir/Group/p1", "Patient/p2"])
def test_an_observation_of_something_else_under_the_same_number_is_refused(app, who):
    reply = call(app, request(observations=searchset(observation("heart_rate", subject={"reference": who}))))
    assert reply.status == 412


@pytest.mark.parametrize("who", ["Patient/p1", "http://ehr.example/fhir/Patient/p1", "Patient/p1/_history/3", "urn:uuid:p1"])
def test_the_patient_may_be_referred_to_in_every_way_that_fhir_has(app, who):
    assert call(app, request(observations=searchset(observation("heart_rate", subject={"reference": who})))).status == 200
