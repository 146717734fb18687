"""Scaffolds, clusters and folds keep together what must not be divided."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.pillars.molecules.studies import shared

from bedside.bundle.runners.molecules_features import fingerprints
from bedside.bundle.runners.molecules_standard import molecule
from bedside.cohort.divide import largest_first
from bedside.core.split import Split
from bedside.pillars.molecules.groups import clusters, deal, families, scaffold, subgroups


def test_the_scaffold_split_of_esol_is_that_of_deepchem(shared_data):
    _, _, found = shared(shared_data, "esol", "moleculenet", "ASSAY//log-solubility", "molecules/moleculenet/ESOL_delaney-processed.csv",
                         kind="number")  # fmt: skip
    told = largest_first([scaffold(one) for one in found.compounds["smiles"]], Split(test_fraction=0.1, tune_fraction=0.1))
    named = json.loads((shared_data / "molecules/moleculenet/deepchem_scaffold_splits.json").read_text())["ESOL"]
    for ours, theirs in (("train", "train"), ("tune", "valid"), ("test", "test")):
        assert {row for row, name in enumerate(told) if name == ours} == set(named[theirs])


def test_the_scaffold_is_rings_and_what_links_them():
    assert scaffold("CN1CCC[C@H]1c1cccnc1") == "c1cc(C2CCCN2)ccn1" or scaffold("CN1CCC[C@H]1c1cccnc1") == "c1cncc(C2CCCN2)c1"
    assert scaffold("CCCCO") == ""


def test_clusters_are_those_of_rdkits_butina():
    from rdkit import DataStructs
    from rdkit.Chem import rdFingerprintGenerator
    from rdkit.ML.Cluster import Butina

    names = [f"{'C' * n}{tail}" for n in range(1, 8) for tail in ("O", "N", "c1ccccc1", "c1ccccc1O", "C(=O)O")]
    made = [molecule(one) for one in names]
    maker = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    theirs = [maker.GetFingerprint(one) for one in made]
    far = [1 - s for i in range(1, len(theirs)) for s in DataStructs.BulkTanimotoSimilarity(theirs[i], theirs[:i])]
    told = clusters(fingerprints(made), 0.5)
    found = Butina.ClusterData(far, len(theirs), 0.5 + 1e-12, isDistData=True)
    sizes = sorted(np.unique(told, return_counts=True)[1].tolist())
    assert sizes == sorted(len(group) for group in found)
    assert len(set(told)) == len(found)


@given(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=60), st.integers(2, 5), st.integers(0, 9))
def test_a_family_lies_in_one_fold_and_folds_are_as_even_as_families_allow(groups, folds, seed):
    told = deal(groups, folds, seed)
    assert all(len({fold for fold, name in zip(told.tolist(), groups, strict=True) if name == group}) == 1 for group in set(groups))
    held = np.bincount(told, minlength=folds)
    assert held.max() - held.min() <= max(groups.count(group) for group in groups)
    assert told.tolist() == deal(groups, folds, seed).tolist()


def test_forms_of_one_compound_are_one_family_whatever_their_rings():
    assert families(["ring-a", "ring-b", ""], ["SAME", "SAME", "OTHER"]) == ["ring-a", "ring-a", "OTHER"]


def test_rare_scaffolds_are_one_subgroup():
    assert subgroups(["a"] * 3 + ["b"] * 2 + ["c", ""], named=1, rows=2) == ["a"] * 3 + ["other"] * 3 + ["no ring"]
