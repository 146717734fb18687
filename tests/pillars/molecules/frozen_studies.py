"""Made registries and made evidence, written as the tables a user would bring."""

from __future__ import annotations

import csv
import random
from datetime import date, timedelta
from pathlib import Path

TRIAL_MAPPING = """schema = "bedside.mapping/1"
name = "registry"
timezone = "UTC"

[tables.trials]
files = ["trials.csv"]
subject = "nct"
[[tables.trials.events]]
code = "TRIAL//registered"
time = "registered"
[[tables.trials.events]]
time = "registered"
columns.sites = { code = "TRIAL//sites" }
[[tables.trials.events]]
code = "TRIAL//phase"
text = "phase"
time = "registered"
[[tables.trials.events]]
code = "TRIAL//criteria"
text = "criteria"
time = "registered"
[[tables.trials.events]]
code = "TRIAL//sites"
value = "sites_later"
time = "ended"
[[tables.trials.events]]
code = "TRIAL//ended"
time = "ended"
[[tables.trials.events]]
code = "TRIAL//stopped-early"
time = "stopped"
"""

TRIAL_STUDY = """schema = "bedside.study/1"
name = "trial outcome"
made = true

[deidentify]
policy = "as-received"
attestation = "made trials; a registry holds no patients"

[[source]]
name = "registry"
format = "tables"
path = "raw"
mapping = "registry.toml"

[task]
kind = "trial"
name = "stopped-early"
asks = [{ name = "stopped-early", kind = "yes-no" }]
outcomes = { stopped-early = ["TRIAL//stopped-early"] }
ended = ["TRIAL//ended"]
until = "2021-01-01"
years = 4
frozen_by = "made: every field carries the day of registration"
fields = { sites = "TRIAL//sites" }
categories = { phase = "TRIAL//phase" }
texts = { criteria = "TRIAL//criteria" }
"""

EVIDENCE_MAPPING = """schema = "bedside.mapping/1"
name = "evidence"
timezone = "UTC"

[tables.pairs]
files = ["pairs.csv"]
subject = "pair"
[[tables.pairs.events]]
code = "PAIR//target"
text = "target"
static = true
[[tables.pairs.events]]
code = "PAIR//passed-phase-2"
time = "passed"

[tables.evidence]
files = ["evidence.csv"]
subject = "pair"
[[tables.evidence.events]]
code = "EVIDENCE//{type}"
value = "score"
time = "day"
"""

EVIDENCE_STUDY = """schema = "bedside.study/1"
name = "target success"
made = true

[deidentify]
policy = "as-received"
attestation = "made pairs; no patients"

[[source]]
name = "evidence"
format = "tables"
path = "raw"
mapping = "evidence.toml"

[task]
kind = "target"
name = "phase-2"
asks = [{ name = "passes-phase-2", kind = "yes-no" }]
success = ["PAIR//passed-phase-2"]
as_of = "2015-01-01"
until = "2021-01-01"
evidence = { genetic_association = "EVIDENCE//genetic_association", animal_model = "EVIDENCE//animal_model", literature = "EVIDENCE//literature" }
"""


def trials(root: Path, *, n: int = 400, seed: int = 1) -> Path:
    """Trials whose words and phase bear on whether they stop early; the number of sites is put right after the end, which no model may see."""
    chance = random.Random(seed)
    rows = []
    for number in range(n):
        registered = date(2005, 1, 1) + timedelta(days=chance.randrange(5000))
        hard, phase = chance.random() < 0.4, chance.choice(["1", "2", "3"])
        words = ["adults", "informed consent", "no prior therapy", "renal function", chance.choice(["biopsy at baseline", "blood sample"])]
        stops = chance.random() < (0.6 if hard else 0.15) + (0.1 if phase == "2" else 0)
        ended = registered + timedelta(days=400 + chance.randrange(900))
        open_still = chance.random() < 0.05
        rows.append({"nct": f"T{number:05}", "registered": registered, "sites": chance.randint(1, 40), "phase": phase,
                     "criteria": ", ".join([*words, *(["rare mutation carriers only"] if hard else [])]),
                     "sites_later": 0 if stops else 50, "ended": "" if open_still else ended, "stopped": ended if stops and not open_still else ""})  # fmt: skip
    _written(root, "trials.csv", rows)
    (root / "registry.toml").write_text(TRIAL_MAPPING, encoding="utf-8")
    (root / "study.toml").write_text(TRIAL_STUDY, encoding="utf-8")
    return root


def evidence(root: Path, *, genes: int = 120, seed: int = 1) -> Path:
    """Pairs whose genetic evidence before 2015 bears on success after it; the literature follows success."""
    chance = random.Random(seed)
    pairs, pieces = [], []
    for gene in range(genes):
        for disease in range(3):
            pair, genetic = f"G{gene}-D{disease}", chance.random() < 0.3
            wins = chance.random() < (0.45 if genetic else 0.1)
            passed = date(2012 if chance.random() < 0.1 else 2017, 5, 1) if wins else ""
            pairs.append({"pair": pair, "target": f"G{gene}", "passed": passed})
            for kind in ["animal_model", *(["genetic_association"] * (2 if genetic else 0)), *(["literature"] * (6 if wins else 1))]:
                late = kind == "literature" and chance.random() < 0.8
                pieces.append({"pair": pair, "type": kind, "score": round(chance.uniform(0.2, 1), 3), "day": date(2018 if late else 2011, 3, 1)})
    _written(root, "pairs.csv", pairs)
    _written(root, "evidence.csv", pieces)
    (root / "evidence.toml").write_text(EVIDENCE_MAPPING, encoding="utf-8")
    (root / "study.toml").write_text(EVIDENCE_STUDY, encoding="utf-8")
    return root


def _written(root: Path, name: str, rows: list[dict[str, object]]) -> None:
    (root / "raw").mkdir(parents=True, exist_ok=True)
    with (root / "raw" / name).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
