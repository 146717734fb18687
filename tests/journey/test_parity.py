"""What was predicted in the study is what the bedside answers, to the last bit, from the original raw FHIR over HTTP."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import polars as pl
import pytest
from tests.journey.replay import Hook

from bedside import Study
from bedside.bundle.store import Bundle
from bedside.deidentify.desk import desk
from bedside.deidentify.policy import policy
from bedside.demo.replay import RawHospital
from bedside.demo.replay import bundle as bundle_of
from bedside.pillars.risk.fit import matrix_of
from bedside.study.new import new

pytestmark = pytest.mark.xdist_group("journey")


@contextmanager
def serving(study: Path):
    """`bedside serve --replay` on a free port of the loopback."""
    command = [sys.executable, "-m", "bedside", "serve", str(study), "--port", "0", "--replay", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            address = urlsplit(json.loads(server.stdout.readline())["url"])
            with closing(Hook(address.hostname, address.port)) as hook:
                yield hook
        finally:
            server.terminate()


def differing(served: dict[str, float], row: dict[str, float | None]) -> list[str]:
    """Features that are not equal as float32; one that is missing is null in the lake and absent in the answer."""
    known = {name: value for name, value in row.items() if value is not None}
    return sorted(served.keys() ^ known.keys()) + [
        name for name in served.keys() & known.keys() if np.float32(served[name]) != np.float32(known[name])
    ]


def test_every_test_prediction_of_the_demo_is_answered_alike_at_the_bedside(finished):
    hospital = RawHospital(finished.root / "raw" / "fhir")
    number = desk(finished.keyring(), policy(finished.file.deidentify.policy)).number
    raw_encounter = {number(identifier): identifier for identifier in hospital.encounters}
    features = {row.pop("unit_id"): row for row in pl.read_parquet(finished.root / "cohort" / "features.parquet").to_dicts()}
    decisions = finished.features().filter(split="test").select("unit_id", "encounter_id", "encounter_start", "prediction_time")
    risk = dict(finished.predictions().filter(output="risk").select("unit_id", "value").iter_rows())
    wrong, asked, refused = [], 0, 0
    with serving(finished.root) as hook:
        for unit, encounter, start, time in decisions.iter_rows():
            raw = raw_encounter[encounter]
            began = datetime.fromisoformat(hospital.encounters[raw]["period"]["start"]).astimezone(UTC)
            at = began + (time - start)
            prefetch = hospital.prefetch(raw, at)
            status, answer = hook.ask(prefetch, at)
            asked += 1
            if status == 412:
                assert without_signals(features[unit], finished.file.task), unit
                refused += 1
                continue
            told = answer["cards"][0]["extension"]["bedside"]
            if (apart := differing(told["features"], features[unit])) or told["score"] != risk[unit]:
                wrong.append((unit, apart, told["score"], risk[unit]))
    assert asked == len(risk)
    assert refused <= asked // 100
    assert wrong == []


def without_signals(row: dict[str, float | None], task) -> bool:
    """Whether no signal of the task has a value: then the bedside gives no number."""
    names = tuple(f"{signal.name}." for signal in task.features.signals)
    return not any(value for name, value in row.items() if name.startswith(names))


LOINC = {
    "HR": ("8867-4", "/min"), "O2Sat": ("59408-5", "%"), "Temp": ("8310-5", "Cel"), "SBP": ("8480-6", "mm[Hg]"), "MAP": ("8478-0", "mm[Hg]"),
    "DBP": ("8462-4", "mm[Hg]"), "Resp": ("9279-1", "/min"), "EtCO2": ("19889-5", "mm[Hg]"), "BaseExcess": ("1925-7", "mmol/L"),
    "HCO3": ("1963-8", "mmol/L"), "FiO2": ("3150-6", None), "pH": ("2744-1", "[pH]"), "PaCO2": ("2019-8", "mm[Hg]"), "SaO2": ("2708-6", "%"),
    "AST": ("1920-8", "U/L"), "BUN": ("3094-0", "mg/dL"), "Alkalinephos": ("6768-6", "U/L"), "Calcium": ("17861-6", "mg/dL"),
    "Chloride": ("2075-0", "mmol/L"), "Creatinine": ("2160-0", "mg/dL"), "Bilirubin_direct": ("1968-7", "mg/dL"), "Glucose": ("2345-7", "mg/dL"),
    "Lactate": ("2524-7", "mmol/L"), "Magnesium": ("19123-9", "mg/dL"), "Phosphate": ("2777-1", "mg/dL"), "Potassium": ("2823-3", "mmol/L"),
    "Bilirubin_total": ("1975-2", "mg/dL"), "TroponinI": ("10839-9", "ng/mL"), "Hct": ("4544-3", "%"), "Hgb": ("718-7", "g/dL"),
    "PTT": ("14979-9", "s"), "WBC": ("6690-2", "10*3/uL"), "Fibrinogen": ("3255-7", "mg/dL"), "Platelets": ("777-3", "10*3/uL"),
}  # fmt: skip
BASE = datetime(2000, 1, 1, tzinfo=UTC)


def stay_as_fhir(rows: pl.DataFrame) -> tuple[dict, dict, list[dict]]:
    """One ICU stay of the PhysioNet 2019 challenge as FHIR, written against the challenge's description alone."""
    first, last = rows["ICULOS"].min(), rows["ICULOS"].max()
    patient = {"resourceType": "Patient", "id": "p", "gender": "male" if rows["Gender"][0] == 1 else "female"}
    encounter = {"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "ICU"}, "subject": {"reference": "Patient/p"},
                 "period": {"start": (BASE + timedelta(hours=first - 1)).isoformat(), "end": (BASE + timedelta(hours=last)).isoformat()}}  # fmt: skip
    found = [
        _fact(code, rows[name][0], BASE + timedelta(hours=first - 1))
        for code, name in (("AGE", "Age"), ("HOSP_ADM_HOURS", "HospAdmTime"), ("UNIT1", "Unit1"), ("UNIT2", "Unit2"))
    ]
    for row in rows.iter_rows(named=True):
        start = BASE + timedelta(hours=row["ICULOS"] - 1)
        issued = start + timedelta(minutes=59)
        found += [
            _measured(LOINC[name], row[name], start, issued)
            for name in LOINC
            if row[name] is not None and not math.isnan(row[name])
        ]
    return patient, encounter, [o for o in found if o]


def _fact(code: str, value: float | None, known: datetime) -> dict | None:
    """A fact of the whole stay: it has no time of its own, and stands in the record since admission."""
    if value is None or math.isnan(value):
        return None
    return {"resourceType": "Observation", "status": "final", "subject": {"reference": "Patient/p"}, "valueQuantity": {"value": value},
            "meta": {"lastUpdated": known.isoformat()}, "code": {"coding": [{"system": "https://physionet.org/CINC2019", "code": code}]}}  # fmt: skip


def _measured(coding: tuple[str, str | None], value: float, start: datetime, issued: datetime) -> dict:
    quantity = {"value": value, "system": "http://unitsofmeasure.org", "code": coding[1]} if coding[1] else {"value": value}
    return {"resourceType": "Observation", "status": "final", "subject": {"reference": "Patient/p"}, "encounter": {"reference": "Encounter/e"},
            "effectiveDateTime": start.isoformat(), "issued": issued.isoformat(), "valueQuantity": quantity,
            "code": {"coding": [{"system": "http://loinc.org", "code": coding[0]}]}}  # fmt: skip


STAYS, REPLAYED, HOURS_APART = 600, 200, 3


@pytest.fixture(scope="module")
def sepsis(shared_data, tmp_path_factory) -> tuple[Study, pl.DataFrame]:
    """A study of the first stays of the challenge's hospital B, run from the raw Parquet to the bundle."""
    raw = pl.read_parquet(shared_data / "cds" / "sepsis2019" / "setB_7499.parquet")
    kept = raw.filter(pl.col("pid").is_in(raw["pid"].unique().sort()[:STAYS].to_list()))
    root = new(tmp_path_factory.mktemp("sepsis") / "study", task="sepsis2019").root
    (root / "raw").mkdir(exist_ok=True)
    kept.write_parquet(root / "raw" / "stays.parquet")
    study = Study(root)
    study.run(["deidentify", "read", "cohort", "train"], quiet=True)
    return study, kept


def test_two_hundred_sepsis_stays_converted_to_fhir_are_answered_alike_at_the_bedside(sepsis):
    study, raw = sepsis
    stays = raw["pid"].unique().sort()[-REPLAYED:].to_list()
    features = study.features().drop("split")
    bundle = Bundle.open(study.root / "bundles" / "model")
    matrix = matrix_of(features, bundle.names)
    risk = dict(zip(features["unit_id"], bundle.predict(matrix).tolist(), strict=True))
    expected = {(row["encounter_id"], row["prediction_time"]): row for row in features.to_dicts()}
    wrong, asked = [], 0
    with serving(study.root) as hook:
        for pid in stays:
            rows = raw.filter(pl.col("pid") == pid).sort("ICULOS")
            patient, encounter, observations = stay_as_fhir(rows)
            for hour in rows["ICULOS"][::HOURS_APART]:
                at = BASE + timedelta(hours=hour)
                row = expected[pid, at.replace(tzinfo=None)]
                known = [o for o in observations if "issued" not in o or datetime.fromisoformat(o["issued"]) < at]
                status, answer = hook.ask({"patient": patient, "encounter": encounter, "observations": bundle_of(known)}, at)
                asked += 1
                if status == 412:
                    assert without_signals(row, study.file.task), row["unit_id"]
                    continue
                told = answer["cards"][0]["extension"]["bedside"]
                if (apart := differing(told["features"], {name: row[name] for name in bundle.names})) or told["score"] != risk[
                    row["unit_id"]
                ]:
                    wrong.append((row["unit_id"], status, apart[:5], told["score"], risk[row["unit_id"]]))
    assert asked > 10 * REPLAYED
    assert wrong == []
