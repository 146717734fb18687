"""The live path sees what training saw: ages capped, zip codes cut, and nothing moved."""

from __future__ import annotations

import copy

import pytest

from bedside.core.errors import Misconfigured
from bedside.core.time import iso_instant
from bedside.deidentify.clock import age_years
from bedside.deidentify.live import generalise
from bedside.deidentify.policy import NAMES, policy, zip_code

NOW = iso_instant("2026-06-01T00:00:00Z", where="x").us
PATIENT = {
    "resourceType": "Patient",
    "id": "7",
    "birthDate": "1930-01-01",
    "address": [{"state": "NH", "postalCode": "03601", "line": ["1 X St"], "city": "Y"}],
}


def test_an_age_above_the_cap_reads_one_more():
    done = generalise(PATIENT, "expert-determination", at=NOW)
    assert age_years(iso_instant(done["birthDate"], where="x").us, NOW) == 90
    assert done["id"] == "7"


def test_a_younger_patient_and_every_result_stay_as_they_are():
    young = PATIENT | {"birthDate": "1960-01-01", "address": []}
    lab = {"resourceType": "Observation", "valueQuantity": {"value": 95, "code": "/min"}, "effectiveDateTime": "2026-01-01"}
    assert generalise(young, "expert-determination", at=NOW) == young
    assert generalise(lab, "expert-determination", at=NOW) is lab


def test_a_sparsely_peopled_zip_area_reads_000():
    assert generalise(PATIENT, "safe-harbor", at=NOW)["address"] == [{"state": "NH", "postalCode": "000"}]
    assert generalise(PATIENT, "limited-data-set", at=NOW)["address"][0]["postalCode"] == "03601"


def test_as_received_changes_nothing_and_the_input_is_never_changed():
    before = copy.deepcopy(PATIENT)
    assert generalise(PATIENT, "as-received", at=NOW) is PATIENT
    generalise(PATIENT, "safe-harbor", at=NOW)
    assert before == PATIENT


def test_a_place_is_named_as_in_training_and_a_site_may_say_otherwise(tmp_path):
    ward, house = ({"resourceType": "Location", "id": "1", "name": name} for name in ("Cardiac ICU", "SWEDISH ISSAQUAH"))
    assert generalise(ward, "safe-harbor", at=NOW) is ward
    assert generalise(house, "safe-harbor", at=NOW) == {"resourceType": "Location", "id": "1"}
    own = tmp_path / "own.toml"
    own.write_text('schema = "bedside.policy/2"\nname = "own"\nbase = "safe-harbor"\n[fhir.elements]\n"Location.name" = "keep"\n')
    assert generalise(house, str(own), at=NOW) is house


@pytest.mark.parametrize("places", [None, {}, [None], ["x"], [{"location": "x"}], [{"location": {"display": 5}}], [{"physicalType": {"coding": [None, {"system": "http://loinc.org", "display": []}], "text": "a"}}]])
def test_a_place_of_another_form_than_fhir_says_is_left_to_the_reader(places):
    generalise({"resourceType": "Encounter", "location": places}, "safe-harbor", at=NOW)


def test_training_and_bedside_read_the_same_age(hospital):
    import json

    from .conftest import patient

    file = next(one for one in hospital.files if one.format == "fhir")
    rows = [json.loads(line) for line in hospital.safe(file).splitlines()]
    shifted_at = iso_instant(rows[1]["effectiveDateTime"], where="x").us
    true_at = iso_instant("2026-01-13T10:00:00-05:00", where="x").us
    trained = age_years(iso_instant(rows[0]["birthDate"], where="x").us, shifted_at)
    live = age_years(iso_instant(generalise(patient(), "expert-determination", at=true_at)["birthDate"], where="x").us, true_at)
    assert min(trained, 89) == min(live, 89) == 89


def test_policies_are_told_by_name_and_an_unknown_one_is_an_error():
    assert [policy(name).name for name in NAMES] == list(NAMES)
    with pytest.raises(Misconfigured, match="no such"):
        policy("strictest")


@pytest.mark.parametrize(
    ("code", "digits", "stands"),
    [
        ("10301", 3, "103"),
        ("10301-1234", 3, "103"),
        ("10301", 5, "10301"),
        ("10301", 0, ""),
        ("1030", 3, "000"),
        ("75398", 3, "000"),
        ("K1A 0B1", 3, "000"),
    ],
)
def test_zip_codes(code, digits, stands):
    assert zip_code(code, digits) == stands
