"""A drug of a prescription and a compound of a data set meet under one key."""

from __future__ import annotations

import re

import pytest

from bedside.codes.drugs import by_name, drugs

KEY = re.compile(r"[A-Z]{14}-[A-Z]{10}-[A-Z]\Z")
KNOWN = {  # PubChem
    "acetaminophen": ("CC(=O)Nc1ccc(O)cc1", "RZVAJINKPMORJF-UHFFFAOYSA-N"), "caffeine": ("Cn1c(=O)c2c(ncn2C)n(C)c1=O", "RYYVLZVUVIJVGH-UHFFFAOYSA-N"),
    "metformin": ("CN(C)C(=N)NC(=N)N", "XZWYZXLIPXDOLR-UHFFFAOYSA-N"), "ibuprofen": ("CC(C)Cc1ccc(C(C)C(=O)O)cc1", "HEFNNWSXXWATRW-UHFFFAOYSA-N"),
}  # fmt: skip


def test_keys_are_well_formed_and_none_is_shared_but_by_a_salt_and_its_drug():
    keyed = {drug.ingredient: drug.inchikey for drug in drugs() if drug.inchikey}
    assert len(keyed) > 200
    assert all(map(KEY.match, keyed.values()))
    assert keyed["aminophylline"] == keyed["theophylline"]
    assert len(keyed) == len(set(keyed.values())) + 1


@pytest.mark.parametrize("name", KNOWN)
def test_a_drug_s_key_is_that_of_its_compound_in_standard_form(name):
    pytest.importorskip("rdkit")
    from bedside.bundle.runners.molecules_standard import standardise
    from bedside.core.task_molecule import Standard

    smiles, key = KNOWN[name]
    assert by_name()[name].inchikey == key
    assert standardise(smiles + ".Cl", Standard()).key == key, "the salt of a drug is the drug"
