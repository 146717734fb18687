"""A sealed model is opened only as it was sealed, and says of one patient what it says of a thousand."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from made import NAMES, TASK, matrix, scorer, sealed

from bedside.bundle.store import Bundle, seal
from bedside.core.errors import Malformed, Misconfigured, Refused


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("bundles") / "model"
    sealed(place)
    return place


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Bundle:
    return Bundle.open(folder)


def test_a_bundle_says_what_it_is(bundle: Bundle) -> None:
    assert (bundle.name, bundle.manifest.runner, bundle.manifest.made) == ("made", "lightgbm", True)
    assert bundle.thresholds == {"alert": 0.3}
    assert (bundle.features.names, bundle.task, bundle.card["name"]) == (NAMES, TASK, "made")
    assert set(bundle.reference.sketches) == set(NAMES)
    assert sorted(bundle.beside) == ["clock", "workup"]


def test_the_same_fit_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    digest = sealed(tmp_path / "again")
    assert digest == Bundle.open(folder).digest
    told = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert told == {
        path.relative_to(tmp_path / "again"): path.read_bytes() for path in (tmp_path / "again").rglob("*") if path.is_file()
    }


def copy(folder: Path, to: Path) -> Path:
    for path in folder.rglob("*"):
        if path.is_file():
            (to / path.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
            (to / path.relative_to(folder)).write_bytes(path.read_bytes())
    return to


FILES = ["features.json", "reference.json", "card.json", "model/member-00.txt", "model/scorer.json", "beside/clock/member-00.json"]


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit_of_any_file_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    place = copy(folder, tmp_path / "model") / name
    raw = bytearray(place.read_bytes())
    raw[len(raw) // 2] ^= 1
    place.write_bytes(raw)
    with pytest.raises(Refused, match=f"{name} has changed"):
        Bundle.open(tmp_path / "model")


def test_a_missing_an_added_and_a_renamed_file_are_refused(folder: Path, tmp_path: Path) -> None:
    place = copy(folder, tmp_path / "model")
    (place / "card.json").rename(place / "karte.json")
    with pytest.raises(Refused, match=r"card.json is missing; karte.json was added"):
        Bundle.open(place)


def test_a_link_in_place_of_a_file_is_refused(folder: Path, tmp_path: Path) -> None:
    place = copy(folder, tmp_path / "model")
    (place / "card.json").rename(tmp_path / "card.json")
    (place / "card.json").symlink_to(tmp_path / "card.json")
    with pytest.raises(Refused, match=r"card\.json is missing"):
        Bundle.open(place)


@pytest.mark.parametrize("raw", [None, b"", b"{", b'{"schema":"bedside.bundle/1"}', b"[]"])
def test_a_folder_without_a_readable_manifest_is_no_bundle(folder: Path, tmp_path: Path, raw: bytes | None) -> None:
    place = copy(folder, tmp_path / "model") / "manifest.json"
    place.unlink()
    if raw is not None:
        place.write_bytes(raw)
    with pytest.raises(Malformed, match="manifest"):
        Bundle.open(place.parent)


def test_a_sealed_model_is_never_written_over(folder: Path) -> None:
    with pytest.raises(Misconfigured, match="already"):
        sealed(folder)


def test_nothing_is_left_behind_when_sealing_fails(tmp_path: Path) -> None:
    broken = scorer("logistic")
    broken.files = lambda prefix: {"model/scorer.json": "not bytes"}  # type: ignore[method-assign,assignment,return-value]
    with pytest.raises(TypeError):
        seal(tmp_path / "x", name="x", main=broken, beside={}, task=TASK, thresholds={}, training={}, reference={}, card={})
    assert list(tmp_path.iterdir()) == []


_ROW = st.lists(
    st.one_of(st.just(float("nan")), st.floats(-1e6, 1e6, width=32), st.just(0.0)), min_size=len(NAMES), max_size=len(NAMES)
)


@pytest.mark.parametrize("learner", ["lightgbm", "logistic"])
def test_one_row_and_many_rows_give_the_same_bits(tmp_path: Path, learner: str) -> None:
    sealed(tmp_path / "model", learner)
    opened = Bundle.open(tmp_path / "model")
    outputs = [opened.scorer, *opened.beside.values()]

    @settings(max_examples=60, deadline=None)
    @given(st.lists(_ROW, min_size=1, max_size=20))
    def check(rows: list[list[float]]) -> None:
        table = np.array(rows, dtype=np.float32)
        for output in outputs:
            assert output.scores(table).tolist() == [output.score(row) for row in rows]

    check()


def test_a_thousand_rows_one_by_one(bundle: Bundle) -> None:
    table = matrix(1000, seed=9)
    assert bundle.predict(table).tolist() == [bundle.predict_one(row) for row in table.tolist()]
    assert bundle.predict(np.asfortranarray(table)).tolist() == bundle.predict(table).tolist()


def test_risks_are_probabilities(bundle: Bundle) -> None:
    risk = bundle.predict(matrix(200, seed=4))
    assert ((risk > 0) & (risk < 1)).all()


def test_a_matrix_or_row_of_another_width_is_named(bundle: Bundle) -> None:
    with pytest.raises(Misconfigured, match="columns"):
        bundle.predict(np.zeros((2, 3), np.float32))
    with pytest.raises(Misconfigured, match="row 3"):
        bundle.predict_one([1.0, 2.0, 3.0])


def test_an_explanation_names_columns_the_strongest_first(bundle: Bundle) -> None:
    told = bundle.explain(matrix(1, seed=2)[0].tolist())
    assert sorted(name for name, _ in told) == sorted(NAMES)
    assert [abs(value) for _, value in told] == sorted((abs(value) for _, value in told), reverse=True)


def test_a_definition_that_gives_other_columns_is_refused(folder: Path, tmp_path: Path) -> None:
    from bedside.core import canonical
    from bedside.core.ids import sha256

    place = copy(folder, tmp_path / "model")
    features = (place / "features.json").read_bytes().replace(b'"heart_rate.last"', b'"heart_rate.first"')
    (place / "features.json").write_bytes(features)
    manifest = Bundle.open(folder).manifest
    manifest.files["features.json"] = sha256(features)
    (place / "manifest.json").write_bytes(canonical.dumps(manifest))
    with pytest.raises(Refused, match="columns"):
        Bundle.open(place)


def test_a_model_of_another_kind_is_no_risk_model_and_says_which_it_is(tmp_path):
    from bedside.bundle.sealed import Sealed, seal_files
    from bedside.core.errors import Misconfigured
    from bedside.core.task_molecule import MoleculeTask

    seal_files(tmp_path / "model", name="x", runner="molecules", runner_version="1", task=MoleculeTask("x", [], {}), thresholds={}, training={},
               files={"features.json": b"{}"}, card={"said": "so"})  # fmt: skip
    assert Sealed.open(tmp_path / "model").card == {"said": "so"}
    with pytest.raises(Misconfigured, match="kind 'molecule', not a risk model"):
        Bundle.open(tmp_path / "model")
