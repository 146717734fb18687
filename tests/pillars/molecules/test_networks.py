"""The network that runs without torch says what chemprop says, and its weights are data that any safetensors reader opens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bedside.bundle.runners import molecules_weights as weights
from bedside.bundle.runners.molecules_features import BLOCKS, Batch, spec
from bedside.bundle.runners.molecules_graph import forward, graphs
from bedside.bundle.runners.molecules_members import NETWORK, NetworkFile, members
from bedside.core import canonical
from bedside.core.errors import Malformed, Misconfigured
from bedside.pillars.molecules.learners import Lesson, logp_weight, mean, network, trees
from bedside.pillars.molecules.options import ModelOptions

ODD = ["C", "CC(=O)Oc1ccccc1C(=O)O", "C[C@H](N)C(=O)O", "C/C=C/Cl", "C#N", "[nH]1cccc1", "FS(F)(F)(F)(F)F", "C[N+](C)(C)CCO", "OB(O)c1ccccc1",
       "Ic1ccccc1", "C[As](C)O", "N[C@@H](CS)C(=O)O", "CP(=O)(O)O", "c1ccc2ccccc2c1", "C1CC1", "O=S(=O)(N)c1ccccc1"]  # fmt: skip
SMALL = ModelOptions(epochs=3, width=16, depth=3, batch=8)


def batch(smiles=ODD):
    return Batch(smiles, spec(BLOCKS))


@pytest.fixture(scope="module")
def chemprop():
    pytest.importorskip("chemprop", reason="the extra [gnn] is not installed")
    from bedside.pillars.molecules.network import build

    return build


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("depth", [1, 3, 4])
def test_atoms_bonds_and_answers_are_those_of_chemprop(chemprop, depth):
    import torch
    from chemprop.data import BatchMolGraph
    from chemprop.featurizers import SimpleMoleculeMolGraphFeaturizer

    torch.manual_seed(1)
    model = chemprop(ModelOptions(width=24, depth=depth), labels=False).eval()
    made, ours = SimpleMoleculeMolGraphFeaturizer(), batch().graphs
    theirs = BatchMolGraph([made(one) for one in batch().molecules])
    np.testing.assert_array_equal(ours.atoms, theirs.V.numpy())
    np.testing.assert_array_equal(ours.edges[:, 72:], theirs.E.numpy())
    with torch.no_grad():
        said = model(theirs)[:, 0].numpy()
    arrays = {name: value.numpy() for name, value in model.state_dict().items() if value.dtype == torch.float32}
    np.testing.assert_allclose(forward(arrays, depth, ours), said, atol=1e-5)


def test_a_part_of_the_graph_is_the_graph_of_the_part():
    whole, chosen = batch(), [5, 0, 7]
    part, alone = whole.graphs.part(chosen), graphs([whole.molecules[i] for i in chosen])
    for ours, theirs in zip(part, alone, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.filterwarnings("ignore")
def test_a_network_learns_and_the_same_rows_give_the_same_bytes(chemprop):
    asked = batch(ODD * 4)
    answer = np.array([one.GetNumHeavyAtoms() for one in asked.molecules], dtype=np.float64)
    lesson = Lesson(asked, np.arange(len(asked)), answer, False, 3)
    options = ModelOptions(epochs=60, width=48, batch=8)
    fitted = network(lesson, options)
    assert fitted.data == network(lesson, options).data
    told = canonical.dumps(NetworkFile(options.depth, {"member-00-00": fitted.scale}))
    said = members("network", {"member-00-00.safetensors": fitted.data, NETWORK: told}, where="t").margins(asked)[:, 0]
    assert np.sqrt(np.mean((said - answer) ** 2)) < 0.6 * answer.std()


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize(("learner", "kind", "suffix"), [(trees, "trees", "txt"), (mean, "line", "json"), (logp_weight, "line", "json")])
def test_every_learner_answers_alike_from_its_bytes_and_twice_the_same(learner, kind, suffix, labels):
    asked = batch(ODD * 3)
    answer = np.array([one.GetNumHeavyAtoms() for one in asked.molecules], dtype=np.float64)
    answer = (answer > np.median(answer)).astype(np.float64) if labels else answer
    lesson = Lesson(asked, np.arange(len(asked)), answer, labels, 1)
    data = learner(lesson, ModelOptions(trees=10, rows_in_leaf=2)).data
    assert data == learner(lesson, ModelOptions(trees=10, rows_in_leaf=2)).data
    assert b"pickle" not in data
    said = members(kind, {f"member-00-00.{suffix}": data}, where="t").margins(asked)
    assert said.shape == (len(asked), 1)
    if learner is mean:
        wanted = np.log((answer.sum() + 0.5) / ((1 - answer).sum() + 0.5)) if labels else answer.mean()
        np.testing.assert_allclose(said, wanted)
    else:
        assert np.corrcoef(said[:, 0], answer)[0, 1] > 0.5


NAMED = st.dictionaries(st.text(min_size=1, max_size=8), st.one_of(
    *(arrays.arrays(kind, arrays.array_shapes(max_dims=3, max_side=4)) for kind in (np.float32, np.float64, np.uint8, np.int64))), max_size=4)  # fmt: skip


@given(NAMED)
def test_weights_come_back_as_they_went(named):
    back = weights.loads(weights.dumps(named), where="t")
    assert back.keys() == named.keys()
    for name, array in named.items():
        assert back[name].dtype == array.dtype
        np.testing.assert_array_equal(back[name], array)


def test_the_library_reads_what_we_write_and_we_read_what_it_writes():
    library = pytest.importorskip("safetensors.numpy")
    made = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([1, 2], dtype=np.int64)}
    theirs, ours = library.load(weights.dumps(made)), weights.loads(library.save(made), where="t")
    for name in made:
        np.testing.assert_array_equal(theirs[name], made[name])
        np.testing.assert_array_equal(ours[name], made[name])


@given(st.binary(max_size=64))
def test_bytes_that_are_no_weights_are_refused(data):
    with pytest.raises(Malformed, match="not a safetensors file"):
        weights.loads(data, where="t")


def test_weights_with_a_byte_too_many_or_too_few_are_refused():
    whole = weights.dumps({"a": np.zeros(3, dtype=np.float32)})
    for broken in (whole[:-1], whole + b"\x00"):
        with pytest.raises(Malformed):
            weights.loads(broken, where="t")


def test_members_of_an_unknown_kind_or_broken_files_are_told():
    with pytest.raises(Misconfigured, match="no members of kind"):
        members("forest", {}, where="t")
    for kind, files in (("trees", {"member-00-00.txt": b"tree"}), ("line", {"member-00-00.json": b"{"}), ("network", {})):
        with pytest.raises(Malformed):
            members(kind, files, where="t")
