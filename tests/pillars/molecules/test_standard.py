"""A structure has one form, whoever drew it; what has none is left out with its reason, and nothing drawn can stop a run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.bundle.runners.molecules_standard import (
    DUMMY,
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


SPASMOLYTIC = "CCN(CC)CCOC(=O)C(C1CCCCC1)c1ccccc1"


@pytest.mark.parametrize(("parent", "other"), [
    (SPASMOLYTIC, "OC(=O)CC(O)(CC(O)=O)C(O)=O"), (SPASMOLYTIC, "OC(=O)C=CC(O)=O"), (SPASMOLYTIC, "OC(=O)/C=C\\C(O)=O"), ("CN1CCCC1c1cccnc1", "OC(=O)C(F)(F)F"),
    ("CN1CCCC1c1cccnc1", "O[C@H]([C@@H](O)C(O)=O)C(O)=O"), ("OC(=O)c1ccccc1Nc1c(Cl)cccc1Cl", "CCNCC"), ("Cn1c(=O)c2c(ncn2C)n(C)c1=O", "C1CCC(CC1)NC1CCCCC1"),
    ("NCCCCN", "CC(=O)O"), ("CC(C)Cc1ccc(cc1)C(C)C(O)=O", "CCO"), ("CC(C)Cc1ccc(cc1)C(C)C(O)=O", "CCO.CCO.CN"),
])  # fmt: skip
def test_a_known_counter_ion_or_solvent_beside_a_larger_part_is_no_compound(parent, other):
    told = standardise(parent, AS_DRAWN).key
    assert told
    assert {standardise(f"{a}.{b}", AS_DRAWN).key for a, b in ((parent, other), (other, parent))} == {told}


@pytest.mark.parametrize("drawn", [
    "CCO.CCN", "CCN.CCO", "CCCCC(N)=O.CCCS", "CC(C)Cc1ccc(cc1)C(C)C(O)=O.CN1CCCC1c1cccnc1", "C[C@H](N)CS.C[C@@H](N)CS", "CC(=O)O.CCO", "CCCN.OC(=O)CC(O)(CC(O)=O)C(O)=O",
])  # fmt: skip
def test_two_parts_of_comparable_size_are_a_mixture_however_small(drawn):
    assert standardise(drawn, AS_DRAWN).reason == MIXTURE
    assert standardise(drawn, Standard(mixtures="largest")).reason is None


def test_an_acid_beside_its_own_salt_is_one_compound():
    assert standardise("CCCC(CCC)C(O)=O.CCCC(CCC)C([O-])=O.[Na+]", AS_DRAWN).key == standardise("CCCC(CCC)C(O)=O", AS_DRAWN).key  # valproate semisodium


def test_a_metals_cyanide_is_no_acid():
    assert standardise("[C-]#N.[C-]#N.[C-]#N.[C-]#N.[C-]#N.[C-]#N.[Fe+2].[Fe+3].[NH4+]", AS_DRAWN).reason == INORGANIC


def test_a_solvent_alone_is_a_compound_as_any():
    assert standardise("CCO", AS_DRAWN).smiles == "CCO"
    assert standardise("OC(=O)CC(O)(CC(O)=O)C(O)=O.CCO", AS_DRAWN).smiles == standardise("OC(=O)CC(O)(CC(O)=O)C(O)=O", AS_DRAWN).smiles


@pytest.mark.parametrize("drawn", ["*CC", "[*:1]c1ccccc1", "CC[R]", "[1*]CCO.Cl"])
@pytest.mark.parametrize("standard", [AS_DRAWN, Standard(metals="keep")])
def test_an_atom_that_stands_for_any_is_no_metal(drawn, standard):
    assert standardise(drawn, standard).reason in ((UNREADABLE,) if "R" in drawn else (DUMMY,))


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
