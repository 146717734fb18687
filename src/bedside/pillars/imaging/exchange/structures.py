"""What a segment is, in codes that another system understands: from the study file, else by the name of the target.

In        [task.structures.NAME] of study.toml: type and category as "SCHEME//VALUE//Meaning"
Out       `Structure`s in the order of the targets: label value n is segment n
Source    DICOM PS3.3 C.8.20.4 (segment description), PS3.16 CID 7150 (categories); names by pydicom's copy of PS3.16 codes
Default   a SNOMED CT concept whose keyword in PS3.16 is the target's name ("left_liver" has none, "liver" has); else the type is
          "Tissue" and the label says the rest: a code is never guessed
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from bedside.core.errors import Misconfigured
from bedside.core.task_image import Structure as Declared

if TYPE_CHECKING:
    from pydicom.sr.coding import Code

    from bedside.core.target import Target

LONGEST_LABEL = 64


class Coded(msgspec.Struct, frozen=True):
    """A code of PS3.16: its scheme (SCT, DCM, ...), value and meaning."""

    scheme: str
    value: str
    meaning: str

    @classmethod
    def parse(cls, text: str, *, where: str) -> Coded:
        """From "SCT//10200004//Liver".

        >>> Coded.parse("SCT//10200004//Liver", where="x").value
        '10200004'
        """
        parts = text.split("//")
        if len(parts) != 3 or not all(part.strip() for part in parts) or len(parts[0]) > 16 or len(parts[1]) > 16 or len(parts[2]) > 64:
            raise Misconfigured("not a code", where=where, do='write "SCHEME//VALUE//Meaning", for example "SCT//10200004//Liver"')
        return cls(*(part.strip() for part in parts))

    def code(self) -> Code:
        from pydicom.sr.coding import Code

        return Code(self.value, self.scheme, self.meaning)


class Structure(msgspec.Struct, frozen=True):
    """One segment: the target's name, the label that people read, and what it is."""

    name: str
    label: str
    type: Coded
    category: Coded


_TISSUE = Coded("SCT", "85756007", "Tissue")
_ANATOMY = Coded("SCT", "91723000", "Anatomical Structure")
_ABNORMAL = Coded("SCT", "49755003", "Morphologically Abnormal Structure")
_ABNORMAL_TYPES = ("Lesion", "Neoplasm", "Nodule", "Mass", "Cyst", "Hemorrhage", "Edema", "Necrosis", "Infarct", "Abscess", "Hematoma")


def structures(targets: Sequence[Target], declared: Mapping[str, Declared] | None = None) -> list[Structure]:
    """One a target, in order. `declared`: target name to its codes.

    Raises `Misconfigured` for a code that is none, and for a name that no target has.
    """
    declared = declared or {}
    unknown = sorted(set(declared) - {target.name for target in targets})
    if unknown:
        raise Misconfigured(f"no target called {unknown[0]!r}", where="task.structures", do="give each structure the name of a target")
    return [_structure(target, declared.get(target.name, Declared())) for target in targets]


def _structure(target: Target, told: Declared) -> Structure:
    where = f"task.structures.{target.name}"
    known, category = _known(target.name)
    return Structure(
        target.name,
        (target.label or target.name)[:LONGEST_LABEL],
        Coded.parse(told.type, where=f"{where}.type") if told.type else known,
        Coded.parse(told.category, where=f"{where}.category") if told.category else category,
    )


def _known(name: str) -> tuple[Coded, Coded]:
    from pydicom.sr.codedict import codes

    keyword = "".join(word.capitalize() for word in name.replace("-", "_").split("_"))
    try:
        found = getattr(codes.SCT, keyword)
    except AttributeError:
        return _TISSUE, _TISSUE
    return Coded("SCT", found.value, found.meaning), _ABNORMAL if keyword in _ABNORMAL_TYPES else _ANATOMY
