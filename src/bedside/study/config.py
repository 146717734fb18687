"""study.toml: what a study is made of, decoded strictly, all problems at once and each with its line.

In        the text of study.toml, schema "bedside.study/1"
Out       a `StudyFile`, or one error that lists every problem
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from bedside.core import shape
from bedside.core.errors import Misconfigured, Refused
from bedside.core.task import AnyTask
from bedside.formats.files import Source
from bedside.study import sense

SCHEMA = "bedside.study/1"
_SHIPPED = ["expert-determination", "safe-harbor", "limited-data-set", "as-received"]
Policy = Annotated[str, msgspec.Meta(extra_json_schema={"anyOf": [{"enum": _SHIPPED}, {"pattern": r"\.toml$"}]})]


class Deidentify(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[deidentify]: the policy, where the keyring lies, and who says so when the source was de-identified before.

    policy     the name of a shipped one, or the path of a site's own TOML file, relative to study.toml
    detector   ner: what rules and dictionaries leave open in a text is read by a statistical model too (extra [ner])
    """

    policy: Policy = "expert-determination"
    detector: Literal["rules", "ner"] = "rules"
    keyring: str = ""
    naming: Literal["sealed", "keyed"] = "sealed"
    attestation: str | None = None


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[claims]: what people say the model is for; printed as said, never inferred."""

    intended_use: str | None = None
    intended_users: str | None = None
    population: str | None = None
    operating_point: str | None = None


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[text]: whether the notes are read for facts, which then stand in the lake as events, and with which terminologies beside the shipped ones.

    terminologies   files or folders outside the study folder that a person has the right to use: RxNorm RRF, SNOMED CT RF2, LOINC CSV, OMOP CONCEPT.csv, or term,code CSV
    """

    extract: bool = False
    terminologies: list[str] = []


class StudyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """study.toml, whole. `model` is decoded by the pillar that fits it."""

    schema: Literal["bedside.study/1"]
    name: str
    source: list[Source]
    task: AnyTask
    deidentify: Deidentify = msgspec.field(default_factory=Deidentify)
    model: dict[str, object] = msgspec.field(default_factory=dict)
    claims: Claims = msgspec.field(default_factory=Claims)
    text: Text = msgspec.field(default_factory=Text)
    seed: int = 1
    made: bool = False
    site: str = "site-1"
    timezone: str | None = None


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong in study.toml: where (key and line), what, and what to do. `refused`: a rule of safety or privacy says no."""

    key: str
    line: int | None
    what: str
    do: str
    refused: bool = False

    def text(self) -> str:
        at = f"line {self.line}, {self.key}" if self.line else self.key
        return f"study.toml, {at}: {self.what} ({self.do})"


def load(path: Path, *, sources: bool = True, shared: bool = False) -> StudyFile:
    """The study file at `path`; `Refused` when a rule says no to any of it, else `Misconfigured`: both list all its problems.

    sources   False leaves out whether the raw files are there: a finished study is read, served and verified without them
    shared    the file is what several sites agree on, and has no source by design
    """
    text = read(path)
    if problems(text, path.parent, sources=sources and not shared):
        found = problems(text, path.parent, sources=not shared)  # whoever must correct the file is told all of it
        kind = Refused if any(problem.refused for problem in found) else Misconfigured
        raise kind(f"study.toml has {len(found)} problem{'s' * (len(found) > 1)}:\n  - " + "\n  - ".join(p.text() for p in found),
                   where=path.name, do="correct the lines above; `bedside check` shows them again")  # fmt: skip
    return decode(text)


def decode(text: str) -> StudyFile:
    return msgspec.convert(shape.kinds_told(tomllib.loads(text)), StudyFile)


def problems(text: str, root: Path, *, sources: bool = True) -> list[Problem]:
    """Everything wrong with a study file, in the order of the file."""
    try:
        tree = shape.kinds_told(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        return [Problem("file", None, f"not TOML: {error}", "correct the syntax")]
    found = [*shape.faults(tree, StudyFile, ""), *sense.faults(tree, root if sources else None)]
    return sorted((Problem(f.key, shape.line_of(text, f.key), f.what, f.do, f.refused) for f in found), key=lambda p: p.line or 0)


def read(path: Path) -> str:
    """The text of a study file; `Misconfigured` where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise Misconfigured(
            "there is no study.toml here", where=str(path.parent), do="bedside new my-study, or bedside demo --out my-demo"
        ) from error
    except UnicodeDecodeError as error:
        raise Misconfigured("study.toml is not UTF-8 text", where=str(path), do="save it as UTF-8") from error
