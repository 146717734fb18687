"""A search for molecules: on a budget, by changes that leave molecules, judged by a scorer that it did not climb."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rdkit")

from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from bedside.core.errors import Unusable
from bedside.core.task_molecule import Standard
from bedside.pillars.molecules.generate.edits import cross, finished, mutate
from bedside.pillars.molecules.generate.held_back import scorers
from bedside.pillars.molecules.generate.quality import accessibility, quality
from bedside.pillars.molecules.generate.run import generate
from bedside.pillars.molecules.generate.search import Scored, Search, SearchOptions, search
from bedside.pillars.molecules.options import ModelOptions

DRUGS = ["CC(=O)Oc1ccccc1C(=O)O", "CN1C=NC2=C1C(=O)N(C(=O)N2C)C", "CC(C)Cc1ccc(cc1)C(C)C(=O)O", "CC(=O)Nc1ccc(O)cc1", "OC(=O)c1ccccc1O",
         "CNC[C@H](O)c1ccc(O)c(O)c1", "Clc1ccccc1C1=NCC(=O)Nc2ccc(cc12)[N+](=O)[O-]", "NC(N)=NC(=O)c1nc(Cl)c(N)nc1N", "CCN(CC)CCNC(=O)c1ccc(N)cc1"]  # fmt: skip
MAKER = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)


def alike(target: str):
    aim = MAKER.GetFingerprint(Chem.MolFromSmiles(target))
    return lambda smiles: np.array([DataStructs.TanimotoSimilarity(aim, MAKER.GetFingerprint(Chem.MolFromSmiles(one))) for one in smiles])


def made_compounds(n: int = 160, seed: int = 4) -> tuple[list[str], np.ndarray, list[str]]:
    """Substituted rings whose answer is the number of their chlorines, with noise."""
    random, found = Random(seed), dict[str, None]()
    while len(found) < n:
        ring = random.choice(["c1ccc({})c({})c1", "c1cc({})nc({})c1", "C1CC({})CC({})C1", "c1sc({})cc1{}"])
        smiles = ring.format(*(random.choice(["Cl", "CCl", "CC", "OC", "N", "C(=O)NC", "CCCCl", "C(Cl)Cl", "F", "CO"]) for _ in range(2)))
        found[Chem.CanonSmiles(smiles)] = None
        if len(found) < n and random.random() < 0.3:
            found[Chem.CanonSmiles(smiles.replace("C1CC", "C1NCC", 1))] = None
        if random.random() < 0.5:
            found[Chem.CanonSmiles(f"{random.choice(['CC', 'CCC', 'COC', 'CCN', 'OCC'])}{smiles}" if smiles[0] == "C" else smiles)] = None
    smiles = list(found)[:n]
    chlorines = np.array([one.count("Cl") for one in smiles], dtype=float)
    return smiles, chlorines + np.random.default_rng(seed).normal(0, 0.2, n), [str(place // 4) for place in range(n)]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(DRUGS), st.sampled_from(DRUGS), st.integers(0, 10**6))
def test_a_change_or_a_cross_leaves_one_sound_molecule_or_nothing(one, other, seed):
    chance = Random(seed)
    parents = [Chem.MolFromSmiles(one), Chem.MolFromSmiles(other)]
    for child in (mutate(parents[0], chance), cross(*parents, chance)):
        if child is not None:
            again = Chem.MolFromSmiles(Chem.MolToSmiles(child))
            assert again is not None
            assert "." not in Chem.MolToSmiles(child)
            assert not any(atom.GetNumRadicalElectrons() or atom.GetFormalCharge() for atom in child.GetAtoms() if one.find("+") < 0 and other.find("+") < 0)
    assert [Chem.MolToSmiles(parent) for parent in parents] == [Chem.CanonSmiles(one), Chem.CanonSmiles(other)], "a parent was changed"


def test_what_is_no_molecule_is_none():
    assert finished(Chem.MolFromSmiles("CC.CC")) is None
    assert finished(Chem.MolFromSmiles("[CH3]")) is None
    assert finished(Chem.RWMol()) is None


def test_the_budget_is_kept_and_no_molecule_is_scored_twice():
    calls: list[str] = []

    def counted(smiles):
        calls.extend(smiles)
        return alike(DRUGS[0])(smiles)

    found = search(DRUGS[1:], counted, SearchOptions(calls=200, population=20, offspring=20), seed=1)
    assert len(calls) == len(set(calls)) == len(found.scored) == 200
    assert [one.call for one in found.scored] == list(range(1, 201))


def test_a_search_finds_better_molecules_than_it_started_from_and_the_same_ones_again():
    options = SearchOptions(calls=400, population=30, offspring=30)
    found, again = (search(DRUGS[1:], alike(DRUGS[0]), options, seed=2) for _ in range(2))
    start = max(one.score for one in found.scored if not one.born)
    assert found.best(1)[0].score > start + 0.1
    assert found.scored == again.scored
    assert found.scored != search(DRUGS[1:], alike(DRUGS[0]), options, seed=3).scored


def test_a_molecule_that_cannot_be_scored_is_counted_and_bears_no_children():
    def fussy(smiles):
        return np.array([np.nan if "N" in one or "n" in one else 1.0 for one in smiles])

    found = search(DRUGS, fussy, SearchOptions(calls=60, population=10, offspring=10), seed=1)
    assert found.proposals["not scored"] == sum(one.score == float("-inf") for one in found.scored) > 0


def test_a_start_that_cannot_be_read_is_told():
    with pytest.raises(Unusable, match="no molecule to start from"):
        search(["not a molecule", ""], alike(DRUGS[0]), SearchOptions(), seed=1)


def test_the_area_under_the_top_ten_curve_is_that_of_a_hand_count():
    told = Search([Scored(n + 1, str(n), float(n), 0) for n in range(12)])
    # mean of the best ten: 0 before the tenth call, then 4.5, 5.5, 6.5; then 6.5 to the end of a budget of 20
    assert told.area(10, calls=20) == pytest.approx((4.5 + 5.5 + 6.5 + 8 * 6.5) / 20)


def test_quality_counts_valid_unique_and_novel_each_of_the_set_before():
    told = quality(["CCO", "OCC", "c1ccccc1", "C1CC", "CCN"], ["NCC"])
    assert (told.made, told.valid, told.unique, told.novel) == (5, 4 / 5, 3 / 4, 2 / 3)
    assert quality([], []).diversity is None


def test_synthetic_accessibility_is_that_of_the_paper_s_own_code():
    # Ertl and Schuffenhauer's sascorer, as RDKit ships it: aspirin is easy, a steroid is not.
    assert accessibility(Chem.MolFromSmiles(DRUGS[0])) == pytest.approx(1.58, abs=0.01)
    assert accessibility(Chem.MolFromSmiles("C[C@]12CC[C@H]3[C@H]([C@@H]1CC[C@@H]2O)CCC4=CC(=O)CC[C@]34C")) > 3


def test_no_group_teaches_both_the_objective_and_the_scorer_that_is_held_back():
    smiles, answer, groups = made_compounds()
    three = scorers(smiles, answer, groups, labels=False, higher=True, seed=1, standard=Standard(), options=ModelOptions(trees=30))
    assert (three.own_rows + three.other_rows, abs(three.own_rows - three.other_rows) <= 4) == (len(smiles), True)
    told = three.every(smiles)
    assert np.corrcoef(told[:, 0], answer)[0, 1] > 0.5
    assert not np.allclose(told[:, 0], told[:, 2])
    assert np.isnan(three.every(["no molecule"])).all()


def test_too_few_compounds_cannot_hold_half_of_them_back():
    smiles, answer, groups = made_compounds(60)
    with pytest.raises(Unusable, match="too few to hold half of them back"):
        scorers(smiles, answer, groups, labels=False, higher=True, seed=1, standard=Standard(), options=ModelOptions(trees=5))


def test_what_only_the_searched_scorer_believes_is_shown():
    smiles, _, groups = made_compounds()
    noise = np.random.default_rng(1).normal(size=len(smiles))  # nothing to learn: all that the search gains is the scorer's mistakes
    found = generate(smiles, noise, groups, target="noise", labels=False, higher=True, seed=1, search_options=SearchOptions(calls=250, population=40, offspring=40),
                     standard=Standard(), options=ModelOptions(trees=60, rows_in_leaf=5))  # fmt: skip
    assert found.kept["twin"].value > 0.5
    assert found.kept["held_back"].high < 0.6
    assert found.course[-1].calls == len(found.molecules) == 250
