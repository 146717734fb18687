"""A figure that is typed sloppily is answered with those that end in the same words."""

from __future__ import annotations

import pytest

from bedside.core.errors import Misconfigured
from bedside.core.receipt import Figure, Item, Receipt
from bedside.ledger.log import Ledger
from bedside.study.explain import explain


def test_the_end_of_a_figures_name_finds_it(tmp_path):
    Ledger(tmp_path / "ledger", key=bytes(32)).append(Receipt("test", figures=[Figure("test/risk/auroc", 0.8)]))
    with pytest.raises(Misconfigured, match="did you mean test/risk/auroc"):
        explain(tmp_path, "auroc")


def test_a_reference_names_an_entry_and_a_figure_a_file_or_a_path_in_it(tmp_path):
    ledger = Ledger(tmp_path / "ledger", key=bytes(32))
    ledger.append(Receipt("train", outputs=[Item("bundles/model/card.json", "ab")], parameters={"told": {"task": {"name": "t"}}}))
    ledger.append(Receipt("test", inputs=[Item("bundles/model/card.json", "ab")], figures=[Figure("test/risk/auroc", 0.8)]))
    ledger.append(Receipt("test", figures=[Figure("test/risk/auroc", 0.9)]))
    assert explain(tmp_path, "L1:parameters/told/task").held == {"name": "t"}
    assert explain(tmp_path, "L1:bundles/model/card.json").held == Item("bundles/model/card.json", "ab")
    earlier = explain(tmp_path, "[L2:test/risk/auroc]")
    assert (earlier.figure.value, [link.step for link in earlier.links]) == (0.8, ["test", "train"])


@pytest.mark.parametrize(("asked", "said"), [("L9:code", "no entry 9"), ("L1:test/risk/auroc", "holds nothing"), ("L1:fgures", "L1:figures")])
def test_a_reference_to_nothing_says_so(tmp_path, asked, said):
    Ledger(tmp_path / "ledger", key=bytes(32)).append(Receipt("train"))
    with pytest.raises(Misconfigured, match=said):
        explain(tmp_path, asked)
