"""Fill the InChIKeys of src/bedside/codes/drugs.csv from structures that open data sets give by name.

    python scripts/make_drug_keys.py --data ../shared/data/molecules

A key is written where at least two data sets draw a compound of that name alike: same desalted, uncharged structure, stereo included. Where they
disagree, or only one knows the name, the key stays empty: MoleculeNet's BBBP is known to draw some drugs wrong.
Sets: TDC bbb_martins, bioavailability_ma, cyp2c9/2d6/3a4_substrate_carbonmangels, herg, hia_hou, pgp_broccatelli, vdss_lombardo, solubility_aqsoldb;
the copies of one source are one voice: bbb_martins and BBBP, the three carbonmangels sets. An InChIKey is a fact about a structure.
"""

from __future__ import annotations

import argparse
import csv
import re
from collections import defaultdict
from pathlib import Path

from bedside.bundle.runners.molecules_standard import standardise
from bedside.core.task_molecule import Standard

TABLE = Path(__file__).resolve().parents[1] / "src" / "bedside" / "codes" / "drugs.csv"
SETS = {"bbb_martins": "bbb", "bioavailability_ma": "ma", "cyp2c9_substrate_carbonmangels": "carbonmangels", "cyp2d6_substrate_carbonmangels": "carbonmangels",
        "cyp3a4_substrate_carbonmangels": "carbonmangels", "herg": "herg", "hia_hou": "hou", "pgp_broccatelli": "broccatelli", "vdss_lombardo": "lombardo",
        "solubility_aqsoldb": "aqsoldb"}  # fmt: skip
_STRENGTH, _LEAST = Standard(), 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    voices = gathered(parser.parse_args().data)
    with TABLE.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = {row["ingredient"]: agreed(voices, row) for row in rows}
    for row in rows:
        row["inchikey"] = found[row["ingredient"]] or ""
    with TABLE.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{sum(map(bool, found.values()))} of {len(rows)} ingredients have a key")


def gathered(data: Path) -> dict[str, dict[str, set[str]]]:
    """Name to voice to the keys that it draws."""
    told: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name, voice in SETS.items():
        for part in ("train_val", "test"):
            with (data / "tdc_admet_group" / name / f"{part}.csv").open(encoding="utf-8") as stream:
                for row in csv.DictReader(stream):
                    heard(told, row["Drug_ID"], voice, row["Drug"])
    with (data / "moleculenet" / "BBBP.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            heard(told, row["name"], "bbb", row["smiles"])
    return told


def heard(told: dict[str, dict[str, set[str]]], name: str, voice: str, smiles: str) -> None:
    compound = standardise(smiles, _STRENGTH)
    if compound.reason is None:
        told[plain(name)][voice].add(compound.key)


def plain(name: str) -> str:
    """A name as it is compared: small letters and digits.

    >>> plain("Acetylsalicylic-acid.mol"), plain("R-(+)-Verapamil")
    ('acetylsalicylicacid', 'rverapamil')
    """
    return re.sub(r"[^a-z0-9]", "", name.lower().removesuffix(".mol"))


def agreed(voices: dict[str, dict[str, set[str]]], row: dict[str, str]) -> str | None:
    """The key that enough voices draw, and no voice of a name contradicts in its skeleton."""
    names = [row["ingredient"]] + [name for name in row["names"].split("|") if name in ("paracetamol", "albuterol", "salbutamol", "aspirin")]
    counts: dict[str, set[str]] = defaultdict(set)
    for name in names:
        for voice, keys in voices.get(plain(name), {}).items():
            for key in keys:
                counts[key].add(voice)
    sure = [key for key, said in counts.items() if len(said) >= _LEAST]
    skeletons = {key[:14] for key in counts}
    return sure[0] if len(sure) == 1 and len(skeletons) == 1 else None


if __name__ == "__main__":
    main()
