"""What models of molecules read: fingerprints, descriptors, covariates, graphs. Computed once, when first asked for.

In        standard SMILES (`molecules_standard.py`); covariates by name
Out       `Batch`: matrix (n, p) float32 with nan for what cannot be computed; fingerprints (n, 256) uint8 for similarity; graphs
Blocks    morgan: counts of circular substructures of radius 2 (Rogers & Hahn, J Chem Inf Model 2010;50:742), folded to 1024
          avalon: counts of Avalon's substructures, 1024 (Gedeck et al., J Chem Inf Model 2006;46:1924)
          erg: reduced graph, 315 (Stiefl et al., J Chem Inf Model 2006;46:208)
          descriptors: RDKit's, without those that overflow
The same set as MapLight (Notwell & Wood, arXiv 2310.00174), with 2-bit counts kept as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from bedside.bundle.runners.molecules_standard import EXTRA, molecule, quiet
from bedside.core.errors import Refused
from bedside.core.lazy import need

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bedside.bundle.runners.molecules_graph import Graphs

Block = Literal["morgan", "avalon", "erg", "descriptors"]
BLOCKS: tuple[Block, ...] = ("morgan", "avalon", "erg", "descriptors")
BITS, RADIUS, SIMILARITY_BITS = 1024, 2, 2048
_OVERFLOWS = frozenset({"Ipc", "AvgIpc"})
_BOUND = 1e6  # descriptors beyond are not chemistry: partial charges of odd atoms, say


class FeatureSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The columns: blocks in their order, the descriptors by name, the covariates last."""

    blocks: list[Block]
    descriptors: list[str]
    covariates: list[str] = []
    schema: str = "bedside.molecule-features/1"

    @property
    def names(self) -> list[str]:
        """One name a column, plain enough for LightGBM's text format."""
        sizes = {"morgan": BITS, "avalon": BITS, "erg": 315}
        told = [f"{block}_{i}" for block in self.blocks for i in range(sizes.get(block, 0))]
        return told + (self.descriptors if "descriptors" in self.blocks else []) + [f"covariate_{i}" for i in range(len(self.covariates))]


def spec(blocks: Sequence[Block], covariates: Sequence[str] = ()) -> FeatureSpec:
    """The definition with the descriptors that this RDKit has."""
    known = [name for name, _ in need("rdkit.Chem.Descriptors", extra=EXTRA)._descList if name not in _OVERFLOWS]
    return FeatureSpec(list(blocks), known if "descriptors" in blocks else [], list(covariates))


class Batch:
    """Molecules on their way into a model; every representation is made when it is first read."""

    def __init__(self, smiles: Sequence[str], features: FeatureSpec, covariates: Mapping[str, Sequence[float]] | None = None) -> None:
        self.smiles, self.features, self.covariates = list(smiles), features, dict(covariates or {})

    def __len__(self) -> int:
        return len(self.smiles)

    @cached_property
    def molecules(self) -> list[Any]:
        return [molecule(one) for one in self.smiles]

    @cached_property
    def matrix(self) -> NDArray[np.float32]:
        """Columns as `features.names`."""
        with quiet():
            parts = [_BLOCKS[block](self.molecules, self.features) for block in self.features.blocks]
        parts += [_column(self.covariates.get(name), len(self)) for name in self.features.covariates]
        return np.ascontiguousarray(np.concatenate(parts, axis=1), dtype=np.float32) if parts else np.empty((len(self), 0), np.float32)

    @cached_property
    def fingerprints(self) -> NDArray[np.uint8]:
        """Binary Morgan fingerprints of radius 2, 2048 bits packed to 256 bytes: for similarity, whatever the model reads."""
        return fingerprints(self.molecules)

    @cached_property
    def size_and_fat(self) -> NDArray[np.float64]:
        """(n, 2): logP by Crippen (Wildman & Crippen 1999) and molecular weight in g/mol, what a chemist guesses from."""
        library = need("rdkit.Chem.rdMolDescriptors", extra=EXTRA)
        told = [(library.CalcCrippenDescriptors(one)[0], library.CalcExactMolWt(one)) for one in self.molecules]
        return np.array(told, dtype=np.float64).reshape(len(self), 2)

    @cached_property
    def graphs(self) -> Graphs:
        from bedside.bundle.runners.molecules_graph import graphs

        return graphs(self.molecules)


def fingerprints(molecules: Sequence[Any]) -> NDArray[np.uint8]:
    """Binary Morgan fingerprints, packed, (n, 256)."""
    maker = need("rdkit.Chem.rdFingerprintGenerator", extra=EXTRA).GetMorganGenerator(radius=RADIUS, fpSize=SIMILARITY_BITS)
    rows = [np.packbits(maker.GetFingerprintAsNumPy(one)) for one in molecules]
    return np.array(rows, dtype=np.uint8).reshape(len(rows), SIMILARITY_BITS // 8)


def _morgan(molecules: Sequence[Any], features: FeatureSpec) -> NDArray[np.float32]:
    maker = need("rdkit.Chem.rdFingerprintGenerator", extra=EXTRA).GetMorganGenerator(radius=RADIUS, fpSize=BITS)
    return _rows([maker.GetCountFingerprintAsNumPy(one) for one in molecules], BITS)


def _avalon(molecules: Sequence[Any], features: FeatureSpec) -> NDArray[np.float32]:
    tools, structs = need("rdkit.Avalon.pyAvalonTools", extra=EXTRA), need("rdkit.DataStructs", extra=EXTRA)
    rows = np.zeros((len(molecules), BITS), dtype=np.float64)
    for row, one in zip(rows, molecules, strict=True):
        structs.ConvertToNumpyArray(tools.GetAvalonCountFP(one, nBits=BITS), row)
    return rows.astype(np.float32)


def _erg(molecules: Sequence[Any], features: FeatureSpec) -> NDArray[np.float32]:
    library = need("rdkit.Chem.rdReducedGraphs", extra=EXTRA)
    return _rows([library.GetErGFingerprint(one) for one in molecules], 315)


def _descriptors(molecules: Sequence[Any], features: FeatureSpec) -> NDArray[np.float32]:
    known = dict(need("rdkit.Chem.Descriptors", extra=EXTRA)._descList)
    absent = [name for name in features.descriptors if name not in known]
    if absent:
        raise Refused(f"this RDKit has no descriptor {absent[0]} ({len(absent)} of {len(features.descriptors)} are absent)",
                      where="molecule features", do="install the RDKit that the card names, or fit the model again")  # fmt: skip
    wanted = [known[name] for name in features.descriptors]
    return _rows([[_described(one, maker) for maker in wanted] for one in molecules], len(wanted))


def _described(one: Any, maker: Any) -> float:
    """One descriptor; nan where RDKit cannot compute it or the value is beyond bounds."""
    try:
        value = float(maker(one))
    except (ValueError, RuntimeError, ZeroDivisionError, OverflowError):
        return float("nan")
    return value if abs(value) <= _BOUND else float("nan")


def _column(values: Sequence[float] | None, height: int) -> NDArray[np.float32]:
    told = [float("nan")] * height if values is None else [float("nan") if value is None else value for value in values]
    return np.array(told, dtype=np.float32).reshape(height, 1)


def _rows(rows: Sequence[Any], width: int) -> NDArray[np.float32]:
    return np.array(rows, dtype=np.float32).reshape(len(rows), width)


_BLOCKS: dict[str, Any] = {"morgan": _morgan, "avalon": _avalon, "erg": _erg, "descriptors": _descriptors}
