"""Which part of a structure drawn in parts is the compound: counter-ions and solvents are not, and of two compounds neither is.

In        the parts of a structure that hold carbon, as RDKit molecules
Out       the compound among them; None where two could be it
Decides   heavy atoms. A known counter-ion or solvent is passed over beside a larger part that is none; of what is left the second must
          have less than half of the first's heavy atoms.
Source    names of the salts and solvents of Bento et al., J Cheminform 2020;12:51 (the ChEMBL pipeline), and of Ph. Eur. 5.4 (residual
          solvents), as far as they hold carbon; drawn by us
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from bedside.core.lazy import need

_COMPARABLE = 0.5
_ACIDS = """
C(=O)O CC(=O)O CCC(=O)O CCCC(=O)O OC(=O)C(F)(F)F OC(=O)C(Cl)(Cl)Cl OC(=O)CO CC(O)C(=O)O OC(=O)C(=O)O OC(=O)CC(=O)O OC(=O)CCC(=O)O OC(=O)CCCC(=O)O
OC(=O)CCCCC(=O)O OC(=O)C=CC(=O)O OC(=O)CC(O)C(=O)O OC(=O)C(O)C(O)C(=O)O OC(=O)CC(O)(CC(=O)O)C(=O)O OC(=O)c1ccccc1 OC(=O)c1ccccc1O
OC(=O)c1cccnc1 OC(=O)C(O)c1ccccc1 OC(=O)C=Cc1ccccc1 OCC(O)C(O)C(O)C(O)C(=O)O OC(=O)C(O)C(O)C(O)C(O)C(=O)O O=CC(O)C(O)C(O)C(O)C(=O)O
OCC(O)C1OC(=O)C(O)=C1O OC(=O)C1CCC(=O)N1 NC(CCC(=O)O)C(=O)O NC(CC(=O)O)C(=O)O OC(=O)O OC(=O)CNC(=O)c1ccccc1
CCCCCCCCCCCC(=O)O CCCCCCCCCCCCCCCC(=O)O CCCCCCCCCCCCCCCCCC(=O)O CCCCCCCCC=CCCCCCCCC(=O)O CC(C)(C)C(=O)O
CS(=O)(=O)O CCS(=O)(=O)O OCCS(=O)(=O)O OS(=O)(=O)CCS(=O)(=O)O OS(=O)(=O)C(F)(F)F OS(=O)(=O)c1ccccc1 Cc1ccc(cc1)S(=O)(=O)O
OS(=O)(=O)c1cccc2ccccc12 OS(=O)(=O)c1ccc2ccccc2c1 OS(=O)(=O)c1cccc2c(cccc12)S(=O)(=O)O CC1(C)C2CCC1(CS(=O)(=O)O)C(=O)C2 COS(=O)(=O)O CCOS(=O)(=O)O
CCCCCCCCCCCCOS(=O)(=O)O OC(=O)c1cc2ccccc2c(Cc2c(O)c(C(=O)O)cc3ccccc23)c1O C#N SC#N OC#N N#CNC#N N#CN=C=N O=S(=O)(NS(=O)(=O)C(F)(F)F)C(F)(F)F
Oc1c(cc(cc1[N+](=O)[O-])[N+](=O)[O-])[N+](=O)[O-]
"""
_BASES = """
CN CCN CNC CCNCC CN(C)C CCN(CC)CC CC(C)N CC(C)(C)N NCCN NCCO OCCNCCO OCCN(CCO)CCO OCC(N)(CO)CO CNCC(O)C(O)C(O)C(O)CO C[N+](C)(C)CCO C[N+](C)(C)C
CC[N+](CC)(CC)CC CCCC[N+](CCCC)(CCCC)CCCC C1CNCCN1 C1COCCN1 C1CCNCC1 C1CCNC1 c1ccncc1 C1CCC(CC1)NC1CCCCC1 C1CCC(CC1)N NCc1ccccc1 NC(N)=N
NC(CCCCN)C(=O)O NC(CCCNC(N)=N)C(=O)O NCC(=O)O NC(Cc1cnc[nH]1)C(=O)O c1c[nH]cn1 CN1CCCC1CO OCCN1CCCC1
C(CNCc1ccccc1)NCc1ccccc1 CCN(CC)CCO CN(C)CCO
"""
_SOLVENTS = """
CO CCO CCCO CC(C)O CCCCO CC(C)CO CCC(C)O CC(C)(C)O OCCO CC(O)CO OCC(O)CO CC(C)=O CCC(C)=O CC(=O)OCC CC(=O)OC CC#N CS(C)=O CN(C)C=O CC(=O)N(C)C CN1CCCC1=O
C1CCOC1 C1COCCO1 CCOCC COC(C)(C)C COCCOC ClCCl ClC(Cl)Cl ClC(Cl)(Cl)Cl ClCCCl c1ccccc1 Cc1ccccc1 Cc1ccccc1C Cc1cccc(C)c1 Cc1ccc(C)cc1 Clc1ccccc1
CCCCC CCCCCC CCCCCCC C1CCCCC1 NC=O NC(N)=O O=C=O S=C=S COCCO CCOCCO
"""


def compound(parts: Sequence[Any], uncharged: Any) -> Any | None:
    """The compound among parts that all hold carbon.

    uncharged   takes a molecule's charges away where that can be done: a salt's two ions are then the acid and base that they are of
    """
    chem = need("rdkit.Chem", extra="molecules")
    forms = [uncharged(part) for part in parts]
    sizes = {chem.MolToSmiles(form): part.GetNumHeavyAtoms() for form, part in zip(forms, parts, strict=True)}
    passed = {chem.MolToSmiles(form): chem.MolToSmiles(form, isomericSmiles=False) in known() for form in forms}
    own = {name: size for name, size in sizes.items() if not passed[name]} or sizes
    first, *others = sorted(own, key=own.__getitem__, reverse=True)
    small = all(size < sizes[first] for name, size in sizes.items() if name not in own)
    if not small or (others and own[others[0]] >= _COMPARABLE * own[first]):
        return None
    return next(part for form, part in zip(forms, parts, strict=True) if chem.MolToSmiles(form) == first)


@lru_cache(maxsize=1)
def known() -> frozenset[str]:
    """Counter-ions and solvents as canonical SMILES, uncharged where that can be, without stereo."""
    chem = need("rdkit.Chem", extra="molecules")
    return frozenset(chem.MolToSmiles(chem.MolFromSmiles(one), isomericSmiles=False) for one in (_ACIDS + _BASES + _SOLVENTS).split())
