"""Terminologies that a person has the right to use, as terms with codes: for the rules that read text.

In        a file, or a folder as its publisher gives it
          RxNorm       RXNCONSO.RRF (term types IN, PIN, MIN, BN, SCD, SBD, SY of source RXNORM, not suppressed)
          SNOMED CT    RF2 snapshot sct2_Description_Snapshot*.txt (active descriptions), with sct2_Concept_Snapshot*.txt beside it;
                       the semantic tag of the fully specified name says the kind
          LOINC        Loinc.csv (COMPONENT, SHORTNAME, LONG_COMMON_NAME, RELATEDNAMES2 is left out: too loose)
          OMOP         CONCEPT.csv (tab-separated; standard and source concepts of the vocabularies that we know)
          own          term,code,kind,name CSV with such a head; code as in events ("LOCAL//4711"), kind as in `pillars.text.fact`
Out       (phrase, kind, name, event code)
Source    RxNorm technical documentation 12.4; SNOMED CT Release File Specifications 5.2; LOINC users' guide; OMOP CDM 5.4.
Licences  none of these is shipped: they are the person's, and so is the duty to keep their terms.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from bedside.codes.vocabulary import coding_system
from bedside.core.errors import Malformed, Misconfigured

Entry = tuple[str, str, str, str]
_KINDS = frozenset(
    ("problem", "medication", "lab", "vital", "procedure", "tumour-site", "histology", "stage", "grade", "margin", "tumour-size", "lymph-nodes", "biomarker")
)
_TERM_TYPES = frozenset(("IN", "PIN", "MIN", "BN", "SCD", "SBD", "SY"))
_TAG = re.compile(r" \(([a-z /+]{3,40})\)\Z")
_TAGS = {"disorder": "problem", "finding": "problem", "procedure": "procedure", "regime/therapy": "procedure", "product": "medication",
         "medicinal product": "medication", "substance": "medication", "observable entity": "lab", "morphologic abnormality": "histology"}  # fmt: skip
_DOMAINS = {"Condition": "problem", "Procedure": "procedure", "Drug": "medication", "Measurement": "lab"}
_FULL_NAME = "900000000000003001"
_LONGEST = 80
_SHORTEST = 3


def files_of(path: Path) -> list[Path]:
    """The files of a terminology, sorted; `Misconfigured` when none is one that we read."""
    found = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else []
    read = [one for one in found if _reader(one) is not None]
    if not read:
        raise Misconfigured("no terminology that bedside reads", where=f"study.toml, [text] terminologies, {path.name}",
                            do="name RXNCONSO.RRF, an RF2 snapshot folder, Loinc.csv, CONCEPT.csv, or a CSV with the columns term, code, kind")  # fmt: skip
    return read


def terms(path: Path) -> Iterator[Entry]:
    """Every term of a terminology. Raises `Malformed` for a file that is not what its name says."""
    for file in files_of(path):
        reader = _reader(file)
        if reader is None:
            continue
        try:
            yield from (entry for entry in reader(file) if _SHORTEST <= len(entry[0]) <= _LONGEST)
        except (UnicodeDecodeError, ValueError, KeyError, IndexError, csv.Error) as error:
            raise Malformed(f"not a terminology of the kind that its name says: {type(error).__name__}", where=file.name,
                            do="take the file from its publisher again") from None  # fmt: skip


def _reader(file: Path) -> Callable[[Path], Iterator[Entry]] | None:
    name = file.name.lower()
    if name == "rxnconso.rrf":
        return _rxnorm
    if name.startswith("sct2_description_") and name.endswith(".txt"):
        return _snomed
    if name == "loinc.csv":
        return _loinc
    if name == "concept.csv":
        return _omop
    return _own if name.endswith(".csv") and _is_own(file) else None


def _is_own(file: Path) -> bool:
    with file.open(encoding="utf-8-sig", errors="replace") as lines:
        return {"term", "code"} <= set(lines.readline().strip().lower().split(","))


def _rxnorm(file: Path) -> Iterator[Entry]:
    names: dict[str, str] = {}
    with file.open(encoding="utf-8") as lines:
        told = (line.rstrip("\n").split("|") for line in lines)
        rows = [row for row in told if row[11] == "RXNORM" and row[12] in _TERM_TYPES and row[16] != "O"]
    for row in rows:
        if row[12] != "SY":
            names.setdefault(row[0], row[14])
    for row in rows:
        yield row[14], "medication", names.get(row[0], row[14]), f"RXNORM//{row[0]}"


def _snomed(file: Path) -> Iterator[Entry]:
    active = _active_concepts(file)
    rows = [row for row in _tab(file) if row["active"] == "1" and (active is None or row["conceptId"] in active)]
    full = {row["conceptId"]: row["term"] for row in rows if row["typeId"] == _FULL_NAME}
    for row in rows:
        tag = _TAG.search(full.get(row["conceptId"], ""))
        kind = _TAGS.get(tag[1]) if tag else None
        if kind is not None:
            name = _TAG.sub("", full[row["conceptId"]])
            yield _TAG.sub("", row["term"]), kind, name, f"SNOMED//{row['conceptId']}"


def _active_concepts(file: Path) -> frozenset[str] | None:
    """Ids of the active concepts, None when the concept file is not beside the descriptions."""
    beside = sorted(file.parent.glob("sct2_Concept_Snapshot*.txt"))
    return frozenset(row["id"] for one in beside for row in _tab(one) if row["active"] == "1") if beside else None


def _loinc(file: Path) -> Iterator[Entry]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["STATUS"] in ("ACTIVE", "TRIAL") and row.get("CLASSTYPE", "1") in ("1", "2"):
                name = row["LONG_COMMON_NAME"]
                kind = "vital" if row["CLASS"].startswith(("BDYTMP", "BP.", "HRTRATE", "RESP", "BDYWGT", "BDYHGT")) else "lab"
                for phrase in dict.fromkeys((name, row["SHORTNAME"], row.get("CONSUMER_NAME") or "")):
                    if phrase:
                        yield phrase, kind, name, f"LOINC//{row['LOINC_NUM']}"


def _omop(file: Path) -> Iterator[Entry]:
    for row in _tab(file):
        kind, vocabulary = _DOMAINS.get(row["domain_id"]), coding_system(row["vocabulary_id"])
        if kind is not None and vocabulary != "LOCAL" and not row.get("invalid_reason"):
            yield row["concept_name"], kind, row["concept_name"], f"{vocabulary}//{row['concept_code']}"


def _own(file: Path) -> Iterator[Entry]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            kind = row.get("kind") or "problem"
            if kind not in _KINDS or "//" not in row["code"] or not row["term"]:
                raise ValueError(kind)
            yield row["term"], kind, row.get("name") or row["term"], row["code"]


def _tab(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
