"""A figure that is typed sloppily is answered with those that end in the same words."""

from __future__ import annotations

import pytest

from bedside.core.errors import Misconfigured
from bedside.core.receipt import Figure, Receipt
from bedside.ledger.log import Ledger
from bedside.study.explain import explain


def test_the_end_of_a_figures_name_finds_it(tmp_path):
    Ledger(tmp_path / "ledger", key=bytes(32)).append(Receipt("test", figures=[Figure("test/risk/auroc", 0.8)]))
    with pytest.raises(Misconfigured, match="did you mean test/risk/auroc"):
        explain(tmp_path, "auroc")
