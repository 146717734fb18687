"""What each step of `bedside run` does: rooms called in the order of the spine, one file a step.

deidentify  raw files           -> safe/<source>/..., safe/deidentify.json
read        safe/               -> lake/
check       lake/               -> reports/quality.html, reports/quality.json
cohort      lake/               -> cohort/ (decisions, features; test labels sealed)
train       cohort/             -> bundles/model/, predictions/development.parquet
test        cohort/, bundles/   -> predictions/test.parquet, reports/evaluation.json, reports/test.html
dossier     ledger, evaluation  -> dossier/
"""

from bedside.study.steps.sources import raw_items
from bedside.study.steps.table import STEPS

__all__ = ["STEPS", "raw_items"]
