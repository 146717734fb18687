"""Our rules beside those of Microsoft's anonymizer for R4: where theirs removes and ours does less, the table says what and why.

Source  microsoft/Tools-for-Health-Data-Anonymization @ a2d90ba (MIT), its R4 sample configuration, read from ../shared and never copied.
        `fhir_peer.csv` holds our own words: the path of each rule, what theirs does, what ours does, and why where ours does less.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from bedside.deidentify.fhir_definitions import PRIMITIVES, elements
from bedside.deidentify.fhir_rules import SHIPPED, Rules
from bedside.deidentify.policy import policy

THEIRS = Path(__file__).parents[3] / "shared/data/deid/fhir/msft_r4_configuration-sample.json"
TABLE = Path(__file__).with_name("fhir_peer.csv")
BY_TYPE = re.compile(r"nodesByType\('(\w+)'\)(?:\.(\w+))?")
AS_STRICT = {"redact": {"remove", "absent"}, "dateshift": {"shift", "remove"}, "cryptoHash": {"pseudonymise", "remove"}, "perturb": {"remove", "generalise"}}
RULES = Rules(policy("expert-determination"))


def ours(path: str) -> str:
    """What our rules do to the element that a FHIRPath of theirs names: an action, `parts` where its own elements decide, `absent`."""
    found = BY_TYPE.fullmatch(path)
    if found is not None:
        if found[2] is None:
            return SHIPPED.datatypes.get(found[1], "parts")
        path = f"{found[1]}.{found[2]}"
    if path == "Resource.id":
        return "pseudonymise"
    at, *names = path.removesuffix(" as Age").split(".")
    action = "parts"
    for name in names:
        named = [one for one in elements(at).values() if name in (one.name, one.choice.removesuffix("[x]"))]
        if not named:
            return "absent"
        actions, element = {RULES.action(at, at, one)[0] or "parts" for one in named}, named[0]
        action = actions.pop() if len(actions) == 1 else "parts"
        if action == "remove":
            return action
        at = element.kind
        if at in PRIMITIVES:
            break
    return action


def rows() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_says_what_our_rules_do() -> None:
    assert [(row["path"], ours(row["path"])) for row in rows()] == [(row["path"], row["ours"]) for row in rows()]


def test_every_rule_of_theirs_that_ours_does_less_than_has_a_reason() -> None:
    less = [row for row in rows() if row["theirs"] != "keep" and row["ours"] not in AS_STRICT[row["theirs"]]]
    assert not [row["path"] for row in less if not row["why"].strip()]
    assert {row["ours"] for row in less} <= {"scrub", "keep", "parts", "pseudonymise", "shift", "generalise", "surrogate"}


def test_the_table_has_every_rule_of_theirs() -> None:
    if not THEIRS.exists():
        pytest.skip("the shared data are not here")
    theirs = json.loads(THEIRS.read_bytes())["fhirPathRules"]
    assert [(rule["path"], rule["method"]) for rule in theirs] == [(row["path"], row["theirs"]) for row in rows()]
