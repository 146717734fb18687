"""The result of a marker is the marker's: it denies nothing that stands beside it."""

from __future__ import annotations

import pytest

from bedside.pillars.text.rules import RuleExtractor


@pytest.mark.parametrize("text", [
    "Invasive ductal carcinoma, grade 2, margins negative, ER positive, HER2 negative, Ki-67 20%", "Breast cancer, HER2 negative.",
    "Breast cancer, ER negative, PR negative", "Pathology: invasive ductal carcinoma, HER2 not amplified, margins negative.",
])  # fmt: skip
def test_a_negative_marker_does_not_deny_the_tumour_before_it(text):
    found = {fact.kind: fact for fact in RuleExtractor().extract(text) if fact.kind in ("problem", "histology")}
    assert found
    assert not any(fact.negated for fact in found.values())


def test_a_finding_that_is_negative_is_still_denied():
    assert all(fact.negated for fact in RuleExtractor().extract("Fever, cough negative.") if fact.kind == "problem")


def test_a_share_of_cells_belongs_to_the_marker_before_it_and_to_no_other():
    found = {fact.text: {name: part.text for name, part in fact.attributes.items()} for fact in RuleExtractor().extract("ER positive (95%), PR positive, 80%, HER2 negative, Ki-67 20%")}
    assert found == {"ER": {"value": "positive", "percent": "95%"}, "PR": {"value": "positive", "percent": "80%"}, "HER2": {"value": "negative"}, "Ki-67": {"value": "20%"}}
