"""Make `src/bedside/demo/data/*.parquet`, the courses of illness behind the made hospital.

    python scripts/make_hospital.py                      runs clinosim itself, about 15 minutes on 2 cores
    python scripts/make_hospital.py --from courses     takes CSV output that is there: courses/s1/csv ... s10/csv

Needs clinosim 0.6.5 (MIT licence) for the first form, in any environment: --clinosim PATH of its command. For each seed 1..10 it is

    clinosim simulate -p 800 -s SEED --country US --end 2026-06-30 --format csv -o FOLDER

Kept: adults with a stay on a ward of 24 hours or more (no newborns, no deliveries), 300 of them evenly over the seeds, all their
stays, and up to two earlier visits each. Of the vital signs only full rounds are kept, some six hours apart or more (clinosim's
two-hourly pulse and saturation are left out); a laboratory test is kept once in eleven hours; drug administrations are folded to
orders (first, last, count), procedures to their codes. Nothing is drawn here: the same input gives the same files.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import polars as pl

SEEDS = range(1, 11)
PATIENTS = 300
VISITS_BEFORE = 2
ROUND_MINUTES, LAB_MINUTES = 350, 660
HERE = Path(__file__).resolve().parents[1] / "src" / "bedside" / "demo" / "data"
KEY = ["seed", "patient_id"]
_CHARGED = "NS|IV_fluid|Crystalloid|Normal saline|Lactated|Hypertonic"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="source", type=Path, help="folder that holds s1/csv ... s10/csv")
    parser.add_argument("--clinosim", default="clinosim", help="the command to run")
    parser.add_argument("--out", type=Path, default=HERE)
    asked = parser.parse_args()
    if asked.source is not None:
        make(asked.source, asked.out)
        return
    with tempfile.TemporaryDirectory() as folder:
        simulate(Path(folder), asked.clinosim)
        make(Path(folder), asked.out)


def simulate(out: Path, command: str) -> None:
    for seed in SEEDS:
        subprocess.run([command, "simulate", "-p", "800", "-s", str(seed), "--country", "US", "--end", "2026-06-30",
                        "--format", "csv", "-o", str(out / f"s{seed}")], check=True)  # fmt: skip


def make(source: Path, out: Path) -> None:
    """Read the ten runs, choose, reduce, write."""
    stays, chosen = choose(source)
    out.mkdir(parents=True, exist_ok=True)
    frames = {"patients": patients(source, chosen), "stays": stays.drop("seed", "patient_id", "encounter_id", "t1", "los"),
              "vitals": vitals(source, stays), "labs": labs(source, stays), "orders": orders(source, stays),
              "procedures": procedures(source, stays)}  # fmt: skip
    for name, frame in frames.items():
        frame.write_parquet(out / f"{name}.parquet", compression="zstd", compression_level=19, statistics=False)
        print(f"{name:<11}{frame.height:>7} rows {(out / f'{name}.parquet').stat().st_size:>9} bytes")


def read(source: Path, name: str) -> pl.DataFrame:
    parts = [pl.read_csv(source / f"s{seed}" / "csv" / f"{name}.csv", infer_schema=False).with_columns(seed=pl.lit(seed))
             for seed in SEEDS]  # fmt: skip
    return pl.concat(parts)


def when(column: str) -> pl.Expr:
    return pl.col(column).str.slice(0, 19).str.to_datetime("%Y-%m-%dT%H:%M:%S").dt.truncate("1m")


def choose(source: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All stays and earlier visits of the chosen patients, numbered; and the chosen patients, numbered."""
    visits = read(source, "encounters").with_columns(t0=when("admission_datetime"), t1=when("discharge_datetime"))
    found = read(source, "diagnoses").select("seed", "encounter_id", "discharge_diagnosis_code", "discharge_diagnosis_name",
                                             "ground_truth_diseases", "complications", "deceased")  # fmt: skip
    visits = visits.join(found, on=["seed", "encounter_id"], how="left").drop_nulls("t1")
    ages = read(source, "patients").unique(KEY, keep="first", maintain_order=True).select(*KEY, pl.col("age").cast(pl.Int64))
    visits = visits.join(ages, on=KEY).with_columns(los=(pl.col("t1") - pl.col("t0")).dt.total_minutes())
    rounds = read(source, "vital_signs").drop_nulls("systolic_bp").select(*KEY, t=when("timestamp"))
    inpatient = visits.filter(pl.col("encounter_type") == "inpatient", pl.col("ward_id").is_not_null(), pl.col("age") >= 18,
                              pl.col("los") >= 24 * 60,
                              ~pl.col("ground_truth_diseases").fill_null("").str.starts_with("Z"))  # fmt: skip
    seen = inpatient.join(rounds, on=KEY).filter(pl.col("t").is_between("t0", "t1")).group_by("seed", "encounter_id").len("rounds")
    inpatient = inpatient.join(seen.filter(pl.col("rounds") >= 6), on=["seed", "encounter_id"], how="semi")
    people = inpatient.select(KEY).unique().sort(KEY)
    step = people.height / PATIENTS
    chosen = people[[int(i * step) for i in range(PATIENTS)]].with_row_index("patient")
    chosen = chosen.with_columns(pl.col("patient").cast(pl.UInt16))
    return _numbered(visits, inpatient, chosen), chosen


def _numbered(visits: pl.DataFrame, inpatient: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    last = inpatient.group_by(KEY).agg(last=pl.col("t0").max())
    before = (visits.filter(pl.col("encounter_type") != "inpatient", pl.col("t1") > pl.col("t0")).join(last, on=KEY)
              .filter(pl.col("t1") < pl.col("last")).sort(*KEY, "t0")
              .group_by(KEY, maintain_order=True).tail(VISITS_BEFORE))  # fmt: skip
    both = pl.concat([inpatient, before.select(inpatient.columns)]).join(chosen, on=KEY).sort("patient", "t0")
    kind = pl.col("encounter_type").replace_strict({"inpatient": "IMP", "emergency": "EMER", "outpatient": "AMB"})
    return both.with_row_index("stay").select(
        "stay", "patient", *KEY, "encounter_id", "t1", "los", kind=kind, start="t0", minutes=pl.col("los").cast(pl.Int32),
        department="department_id", ward="ward_id", bed=pl.col("bed_number").str.split("-").list.last(),
        complaint="chief_complaint",
        icd10="discharge_diagnosis_code", diagnosis="discharge_diagnosis_name", disease="ground_truth_diseases",
        complications="complications", died=pl.col("deceased") == "True",
    )  # fmt: skip


def patients(source: Path, chosen: pl.DataFrame) -> pl.DataFrame:
    told = read(source, "patients").unique(KEY, keep="first", maintain_order=True)
    return chosen.join(told, on=KEY, how="left").sort("patient").select(
        "patient", "sex", pl.col("age").cast(pl.UInt8), pl.col("height_cm").cast(pl.Float32), pl.col("weight_kg").cast(pl.Float32),
        insurance="insurance_type", smoking="smoking_status", chronic="chronic_conditions",
    )  # fmt: skip


def within(facts: pl.DataFrame, stays: pl.DataFrame, *, early: int = 0) -> pl.DataFrame:
    """Facts with the stay they fall in and the minutes since its start; a fact in two stays belongs to the later."""
    both = facts.join(stays.select(*KEY, "stay", "start", "t1", "kind"), on=KEY)
    both = both.filter(pl.col("t") >= pl.col("start") - pl.duration(minutes=early), pl.col("t") <= pl.col("t1"))
    minute = ((pl.col("t") - pl.col("start")).dt.total_minutes()).clip(0).cast(pl.Int32)
    return both.with_columns(minute=minute)


def vitals(source: Path, stays: pl.DataFrame) -> pl.DataFrame:
    rounds = read(source, "vital_signs").drop_nulls("systolic_bp").with_columns(t=when("timestamp"))
    flow = pl.col("oxygen_flow_rate_lpm").cast(pl.Float32)
    oxygen = pl.when(pl.col("on_supplemental_oxygen") == "True").then(flow).otherwise(0.0)
    number = {"heart": "heart_rate", "breath": "respiratory_rate", "saturation": "spo2", "celsius": "temperature",
              "systolic": "systolic_bp", "diastolic": "diastolic_bp"}  # fmt: skip
    kept = within(rounds, stays.filter(pl.col("kind") == "IMP")).select(
        "stay", "minute", *(pl.col(given).cast(pl.Float32).alias(name) for name, given in number.items()),
        oxygen=oxygen.fill_null(0.0).cast(pl.Float32), awake=pl.col("consciousness_level").fill_null("A"),
    )  # fmt: skip
    kept = kept.drop_nulls().unique(["stay", "minute"], keep="first", maintain_order=True).sort("stay", "minute")
    return spaced(kept, ["stay"], ROUND_MINUTES)


def labs(source: Path, stays: pl.DataFrame) -> pl.DataFrame:
    results = read(source, "lab_results").with_columns(t=when("result_datetime"))
    kept = within(results, stays).select("stay", "minute", name="lab_name", value=pl.col("value").cast(pl.Float32)).drop_nulls()
    kept = kept.unique(["stay", "minute", "name"], keep="first", maintain_order=True).sort("stay", "minute", "name")
    return spaced(kept, ["stay", "name"], LAB_MINUTES).with_columns(pl.col("name").cast(pl.Categorical))


def spaced(rows: pl.DataFrame, group: list[str], minutes: int) -> pl.DataFrame:
    """Rows at least `minutes` after the one kept before them in their group; the order stays."""
    last: dict[tuple[object, ...], int] = {}
    keep = []
    for *key, minute in rows.select(*group, "minute").iter_rows():
        keep.append(minute - last.get(tuple(key), -(10**9)) >= minutes)
        if keep[-1]:
            last[tuple(key)] = minute
    return rows.filter(pl.Series(keep))


def orders(source: Path, stays: pl.DataFrame) -> pl.DataFrame:
    given = read(source, "medication_administrations").filter(pl.col("status") == "given").with_columns(t=when("actual_datetime"))
    drug = (pl.col("drug_name").str.replace(r"^[A-Za-z_ ]+: ", "").str.replace_all("_", " ").str.replace(r"[ (]*[\d(].*$", "")
            .str.replace(" (oral|succinate)$", "").str.strip_chars())  # fmt: skip
    dose = pl.col("dose").str.extract(r"^(\d+(?:\.\d+)?)").cast(pl.Float32)
    unit = pl.col("dose").str.extract(r"^\d+(?:\.\d+)?([A-Za-z/0-9]+)").replace({"U": "[iU]", "IU": "[iU]", "ug/kg": "ug/kg/min"})
    often = pl.col("dose").str.extract(r" ([A-Z0-9_]+)$").fill_null("DAILY")
    route = pl.col("route").replace({"inhaled": "INH", "NEB": "INH"})
    kept = within(given, stays.filter(pl.col("kind") == "IMP"))
    kept = kept.with_columns(drug=drug, dose=dose, unit=unit, often=often, route=route)
    kept = kept.filter(pl.col("drug").str.len_chars() > 2, ~pl.col("drug").str.contains(_CHARGED))
    same = kept.group_by("stay", "drug", "route").agg(
        pl.col("dose").drop_nulls().first(), pl.col("unit").drop_nulls().first(), pl.col("often").first(),
        first=pl.col("minute").min(), last=pl.col("minute").max(), count=pl.len().clip(1, 60).cast(pl.UInt8),
    )  # fmt: skip
    return same.sort("stay", "first", "drug", "route")


def procedures(source: Path, stays: pl.DataFrame) -> pl.DataFrame:
    done = read(source, "procedures").with_columns(t=when("start_datetime"))
    coded = done.filter(pl.col("procedure_code").str.contains(r"^\d{5}$"))
    kept = within(coded, stays).select("stay", "minute", cpt="procedure_code")
    return kept.unique(maintain_order=True).sort("stay", "minute", "cpt")


if __name__ == "__main__":
    main()
