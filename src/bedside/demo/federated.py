"""Three made hospitals for `bedside federate`: each a study folder with its own raw table, and the study.toml that they share.

In        a seed
Out       out/study.toml (task and model, no source); out/sites/<name>/: study.toml, mapping.toml, raw/stays.csv; and beside each its keyring,
          which follows from the seed, so that the same call gives the same sites (no patient is real, so it is no secret)
The sites differ in size, in who comes, and in how often lactate is taken; the relation of signs to outcome is one.
Everything is made: names, numbers and dates are drawn, and every file says so.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from bedside.core.ids import keyed

SITES: dict[str, tuple[int, float, float]] = {"north": (160, 0.0, 0.9), "harbour": (130, 0.4, 0.6), "valley": (110, -0.3, 0.3)}
_MADE_KEY = b"bedside made sites: not a secret, because no patient is real"
_HEAD = "mrn,name,birth_date,sex,admitted,discharged,charted,heart_rate,respiratory_rate,systolic_bp,lactate,icu,made"
_FAMILY, _GIVEN = ("Almquist", "Berrow", "Castellan", "Dunmoor", "Eskdale", "Farrant"), ("Ada", "Bruno", "Clea", "Dario", "Edda", "Falk")


def write(out: Path, *, seed: int = 1) -> None:
    """The sites' folders and the shared study.toml, where there are none yet."""
    from bedside.deidentify.keyring import Keyring

    (out / "sites").mkdir(parents=True, exist_ok=True)
    (out / "study.toml").write_text(_HEADER + _COMMON.format(seed=seed), encoding="utf-8")
    for place, (name, (patients, shift, share)) in enumerate(SITES.items()):
        folder = out / "sites" / name
        (folder / "raw").mkdir(parents=True)
        (folder / "study.toml").write_text(_SITE.format(site=name) + _COMMON.format(seed=seed), encoding="utf-8")
        (folder / "mapping.toml").write_text(_MAPPING, encoding="utf-8")
        draw = np.random.Generator(np.random.PCG64([seed, place]))
        rows = [_stay(draw, name, number, shift, share) for number in range(patients)]
        (folder / "raw" / "stays.csv").write_text("\n".join([_HEAD, *rows]) + "\n", encoding="utf-8")
        Keyring.create(folder.with_name(f"{name}.keyring"), seed=keyed(_MADE_KEY, name, str(seed)), made=True)


def _stay(draw: np.random.Generator, site: str, number: int, shift: float, share: float) -> str:
    """One patient with one stay."""
    age, male, ill = int(np.clip(draw.normal(66 + 6 * shift, 13), 19, 95)), draw.random() < 0.55, draw.normal(shift, 1.0)
    start = datetime(2025, 1, 6) + timedelta(minutes=int(draw.integers(0, 300 * 1440)))
    born = start - timedelta(days=int(age * 365.25 + draw.integers(0, 365)))
    signs = (82 + 9 * ill + draw.normal(0, 9), 17 + 2.2 * ill + draw.normal(0, 2), 128 - 9 * ill + draw.normal(0, 13))
    lactate = f"{np.exp(0.3 + 0.3 * ill + draw.normal(0, 0.3)):.1f}" if draw.random() < share else ""
    odds = -1.1 + 1.9 * ill + 0.03 * (age - 66)
    hours = float(draw.uniform(6, 22)) if draw.random() < 1 / (1 + np.exp(-odds)) else None
    end = start + timedelta(hours=float(draw.uniform(30, 150)))
    name = f"{_GIVEN[int(draw.integers(6))]} {_FAMILY[int(draw.integers(6))]}"
    icu = f"{start + timedelta(hours=hours):%Y-%m-%d %H:%M}" if hours is not None else ""
    cells = [f"{site[0].upper()}{700000 + number * 37}", name, f"{born:%Y-%m-%d}", "male" if male else "female", f"{start:%Y-%m-%d %H:%M}",
             f"{end:%Y-%m-%d %H:%M}", f"{start + timedelta(hours=2):%Y-%m-%d %H:%M}", *(f"{max(one, 1):.0f}" for one in signs), lactate, icu, "made"]  # fmt: skip
    return ",".join(cells)


_HEADER = """# What three made hospitals share: the task and the model. No patient is real.
schema = "bedside.study/1"
name = "made-sites"
made = true
source = []
"""
_SITE = """# A made hospital. No patient in it is real; what a model learns here says nothing about real patients.
schema = "bedside.study/1"
name = "made-sites"
made = true
site = "{site}"
timezone = "UTC"

[[source]]
name = "stays"
format = "tables"
path = "raw"
mapping = "mapping.toml"

[deidentify]
policy = "expert-determination"
"""
_COMMON = """
[task]
name = "intensive-care-24h"

[task.outcome]
name = "transfer to intensive care within 24 hours"
codes = ["LOCATION//ICU"]
to_hours = 24

[task.prediction]
unit = "admission"
first_hours = 4

[task.split]
test_fraction = 0.3
tune_fraction = 0.0
seed = {seed}

[task.features]
windows_hours = [24]
summaries = ["last"]
clock = false

[[task.features.signals]]
name = "heart_rate"
codes = ["LOINC//8867-4"]
unit = "/min"
low = 15
high = 300

[[task.features.signals]]
name = "respiratory_rate"
codes = ["LOINC//9279-1"]
unit = "/min"
low = 2
high = 80

[[task.features.signals]]
name = "systolic_bp"
codes = ["LOINC//8480-6"]
unit = "mm[Hg]"
low = 30
high = 300

[[task.features.signals]]
name = "lactate"
codes = ["LOINC//2524-7"]
unit = "mmol/L"
low = 0.1
high = 40
kind = "workup"

[model]
kind = "logistic"
penalty = 10.0
variants = ["physiology"]

[model.thresholds]
alert = "sensitivity=0.8"

[model.federated]
rounds = 12
local_steps = 2
"""
_MAPPING = """schema = "bedside.mapping/1"
name = "made-stays"
title = "One made stay a row"

[tables.stays]
files = ["stays.csv"]
subject = "mrn"

[tables.stays.roles]
mrn = "subject"
name = "name"
birth_date = "birth_date"
sex = "keep"
admitted = "datetime"
discharged = "datetime"
charted = "datetime"
heart_rate = "keep"
respiratory_rate = "keep"
systolic_bp = "keep"
lactate = "keep"
icu = "datetime"
made = "keep"

[[tables.stays.events]]
code = "MEDS_BIRTH"
time = "birth_date"

[[tables.stays.events]]
static = true
code = "SEX//{sex}"

[[tables.stays.events]]
code = "ENCOUNTER_START//IMP"
time = "admitted"

[[tables.stays.events]]
code = "ENCOUNTER_END//IMP"
time = "discharged"

[[tables.stays.events]]
code = "LOCATION//ICU"
time = "icu"

[[tables.stays.events]]
time = "charted"
[tables.stays.events.columns]
heart_rate = { code = "LOINC//8867-4", ucum = "/min", label = "Heart rate" }
respiratory_rate = { code = "LOINC//9279-1", ucum = "/min", label = "Respiratory rate" }
systolic_bp = { code = "LOINC//8480-6", ucum = "mm[Hg]", label = "Systolic blood pressure" }
lactate = { code = "LOINC//2524-7", ucum = "mmol/L", label = "Lactate" }
"""
