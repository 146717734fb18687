"""MIMIC-IV demo, CSV to lake: seconds and memory, beside a plain DuckDB union of the same tables.

    python benchmarks/mimic_lake.py ../shared/data/dataeng/mimic-iv-demo-2.2

The union is the physical reference, not a peer: it sorts the plain columns of the event tables into one Parquet file, without
codes from dictionaries, time zones, times of knowing, row accounts, quarantine, metadata or digests. The nearest peer,
MIMIC-IV-MEDS 0.2.0 with meds-transforms 0.7.0, took 14.8 s of CPU for 356,063 events of the same files on a like machine
(measured before; it is not installed here).
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from bedside.core.accounts import reconcile
from bedside.formats.files import RawFile, Source, paths
from bedside.lake.store import Written, write
from bedside.readers import mapping, tables

# table: code, time, number
PLAIN = {
    "hosp/labevents": ("itemid", "charttime", "valuenum"), "hosp/emar": ("medication", "charttime", "NULL"),
    "hosp/emar_detail": ("emar_id", "NULL", "dose_given"), "hosp/prescriptions": ("drug", "starttime", "dose_val_rx"),
    "hosp/pharmacy": ("medication", "starttime", "doses_per_24_hrs"), "hosp/poe": ("order_type", "ordertime", "NULL"),
    "hosp/poe_detail": ("field_name", "NULL", "NULL"), "hosp/diagnoses_icd": ("icd_code", "NULL", "NULL"),
    "hosp/procedures_icd": ("icd_code", "chartdate", "NULL"), "hosp/drgcodes": ("drg_code", "NULL", "NULL"),
    "hosp/hcpcsevents": ("hcpcs_cd", "chartdate", "NULL"), "hosp/omr": ("result_name", "chartdate", "NULL"),
    "hosp/microbiologyevents": ("test_itemid", "charttime", "dilution_value"),
    "hosp/services": ("curr_service", "transfertime", "NULL"),
    "hosp/transfers": ("careunit", "intime", "NULL"), "hosp/admissions": ("admission_type", "admittime", "NULL"),
    "icu/icustays": ("first_careunit", "intime", "los"), "icu/inputevents": ("itemid", "starttime", "amount"),
    "icu/ingredientevents": ("itemid", "starttime", "amount"), "icu/outputevents": ("itemid", "charttime", "value"),
    "icu/procedureevents": ("itemid", "starttime", "value"), "icu/datetimeevents": ("itemid", "charttime", "NULL"),
}  # fmt: skip


def timed(work: Callable[[], object], times: int) -> tuple[float, float]:
    """Best wall and CPU seconds."""
    best = (float("inf"), float("inf"))
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        best = min(best[0], time.perf_counter() - wall), min(best[1], time.process_time() - cpu)
    return best


def lake(folder: Path, out: Path) -> Written:
    tables._lookup.cache_clear()
    told = mapping.load("mimic-iv", folder)
    files = [RawFile("mimic", "tables", path, name, name) for path, name in paths(Source("mimic", "tables", str(folder)), folder)]
    written = write((tables.read(file, mapping=told) for file in files), out, name="mimic-iv-demo")
    reconcile(written.tallies)
    return written


def union(folder: Path, out: Path) -> None:
    parts = [
        f"SELECT subject_id::BIGINT AS subject_id, {when}::TIMESTAMP AS time, {code} AS code,"
        f" TRY_CAST(concat({value}) AS FLOAT) AS value"
        f" FROM (SELECT * FROM read_csv('{folder}/{name}.csv.gz', all_varchar = true, sample_size = -1))"
        for name, (code, when, value) in PLAIN.items()
    ]
    query = " UNION ALL ".join(parts)
    duckdb.connect().execute(f"COPY ({query} ORDER BY subject_id, time) TO '{out}' (FORMAT parquet, COMPRESSION zstd)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=lambda text: Path(text).resolve())
    parser.add_argument("--times", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        made = lake(asked.folder, Path(place) / "first")
        ours = timed(lambda: lake(asked.folder, Path(place) / "lake"), asked.times)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        plain = timed(lambda: union(asked.folder, Path(place) / "union.parquet"), asked.times)
        rows = duckdb.sql(f"SELECT count(*) FROM '{place}/union.parquet'").fetchall()[0][0]
    found = {
        "rows_read": sum(tally.read for tally in made.tallies), "events": made.events,
        "wall_s": round(ours[0], 2), "cpu_s": round(ours[1], 2),
        "peak_gb": round(peak, 2), "union_rows": rows, "union_wall_s": round(plain[0], 2), "union_cpu_s": round(plain[1], 2),
        "cpu_ratio_to_union": round(ours[1] / plain[1], 1),
        "cpu_ratio_per_row": round(ours[1] / made.events / (plain[1] / rows), 1),
    }  # fmt: skip
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
