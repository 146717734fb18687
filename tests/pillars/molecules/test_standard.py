"""A structure has one form, whoever drew it; what has none is left out with its reason, and nothing drawn can stop a run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.bundle.runners.molecules_standard import (
    EMPTY,
    INORGANIC,
    LARGE,
    METAL,
    MIXTURE,
    SMALL,
    UNREADABLE,
    standardise,
)
from bedside.core.task_molecule import Standard

AS_DRAWN = Standard()


@pytest.mark.parametrize(("drawn", "reason"), [
    (None, EMPTY), ("", EMPTY), ("   ", EMPTY), ("C1CC", UNREADABLE), ("CC(C)(C)(C)(C)C", UNREADABLE), ("not a molecule", UNREADABLE),
    ("C" * 151, LARGE), ("C" * 5_001, LARGE), ("O", INORGANIC), ("[Na+].[Cl-]", INORGANIC), ("C[Sn](C)(C)C", METAL),
    ("CC(C)Cc1ccc(cc1)C(C)C(=O)O.CN1CCCC1c1cccnc1", MIXTURE),
])  # fmt: skip
def test_what_has_no_standard_form_is_left_out_with_its_reason(drawn, reason):
    assert standardise(drawn, AS_DRAWN) == (("", "", reason, ()))


def test_a_salt_is_its_parent_and_the_counter_ion_is_told():
    salt, free = (standardise(one, AS_DRAWN) for one in ("CC(C)NCC(O)COc1cccc2ccccc12.Cl", "CC(C)NCC(O)COc1cccc2ccccc12"))
    assert salt.key == free.key == "AQHHHDLHHXJYJD-UHFFFAOYSA-N"  # propranolol
    assert (salt.steps, free.steps) == (("desalted",), ())


def test_a_salt_of_a_large_acid_is_no_mixture_with_its_counter_ion():
    assert standardise("CCN(CC)CCOC(=O)C(C1CCCCC1)c1ccccc1.OC(=O)CC(O)(CC(O)=O)C(O)=O", AS_DRAWN).reason is not None
    assert standardise("CCN(CC)CCOC(=O)C(C1CCCCC1)c1ccccc1.OC(=O)CC(O)(CC(O)=O)C(O)=O", Standard(mixtures="largest")).reason is None
    assert standardise("CCN(CC)CCOC(=O)C(C1CCCCC1)c1ccccc1.OC(=O)C=CC(O)=O", AS_DRAWN).reason is None


def test_charges_go_where_they_can():
    assert standardise("CC(=O)[O-].[K+]", AS_DRAWN).smiles == "CC(=O)O"
    assert "+" in standardise("C[N+](C)(C)CCO", AS_DRAWN).smiles


def test_isomers_are_two_compounds_of_one_skeleton_unless_stereo_is_dropped():
    left, right = ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O")
    kept = [standardise(one, AS_DRAWN) for one in (left, right)]
    assert kept[0].key != kept[1].key
    assert kept[0].skeleton == kept[1].skeleton
    flat = [standardise(one, Standard(stereo="drop")) for one in (left, right)]
    assert flat[0].key == flat[1].key
    assert flat[0].steps == ("stereo dropped",)


def test_tautomers_are_one_compound_only_where_the_task_says_so():
    drawn = ("Oc1ccccn1", "O=c1cccc[nH]1")
    assert len({standardise(one, AS_DRAWN).smiles for one in drawn}) == 2
    assert len({standardise(one, Standard(tautomer="canonical")).smiles for one in drawn}) == 1


def test_limits_and_policies_are_the_tasks():
    assert standardise("CCO", Standard(fewest=4)).reason == SMALL
    assert standardise("C[Sn](C)(C)C", Standard(metals="keep")).reason is None


@given(st.text(alphabet="CNOPSFIBrclnos[]()=#@+-./\\%0123456789 *:Hé\x00\n", max_size=40))
def test_no_text_stops_a_run(text):
    found = standardise(text, AS_DRAWN)
    assert (found.reason is None) == bool(found.smiles and found.key)


@given(st.sampled_from(["CC(=O)Oc1ccccc1C(=O)O", "CN1CCC[C@H]1c1cccnc1", "C[N+](C)(C)CCO.[Cl-]", "OC(=O)c1ccccc1.[NaH]"]))
def test_the_standard_form_is_its_own_standard_form(drawn):
    once = standardise(drawn, AS_DRAWN)
    again = standardise(once.smiles, AS_DRAWN)
    assert (again.smiles, again.key, again.steps) == (once.smiles, once.key, ())
