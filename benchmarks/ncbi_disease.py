"""Diseases named in abstracts: the NCBI-disease corpus through every step of a study, its official split, its test set opened once.

Ours      `bedside run` on the corpus written as notes, annotations and a declared split; [model] kind = "crf", nothing pretrained, no list;
          fitted on train and devel together; options were chosen on devel alone, by models of train
Peers     measured elsewhere on the same train + devel -> test, entity-exact, one run each, untuned, nothing pretrained: spaCy's
          HashEmbedCNN (width 96, 4 epochs) F1 .784; a CRF (python-crfsuite, 100 iterations) F1 .769. With pretrained weights: BioBERT .897
          (published)
Prints    precision, recall, F1 of model and dictionary, exact and by any overlap, with 95 % intervals that draw notes; what the ledger
          says of the opening
Notes     the files hold sentences and do not mark where an abstract ends; its last sentence carries a doubled full stop or none in about
          four of five abstracts, and a note ends there: 75 notes in test, for 100 abstracts.
Run       python benchmarks/ncbi_disease.py --data ../shared/data [--out DIR]       (about 8 CPU-minutes)
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from pathlib import Path

from bedside.evaluate.judged import FoundEvaluation
from bedside.pillars.text.corpus import iob
from bedside.pillars.text.corpus.document import write
from bedside.study.study import Study

FOLDER, FILES = Path("text/ncbi-disease"), {"train": "train", "devel": "tune", "test": "test"}
TARGET = 0.77
STUDY = """schema = "bedside.study/1"
name = "ncbi-disease"
timezone = "UTC"

[[source]]
name = "notes"
format = "notes"
path = "raw/notes"

[[source]]
name = "annotations"
format = "tables"
path = "raw/tables"
mapping = "annotated-notes"

[deidentify]
policy = "as-received"
attestation = "published abstracts of the NCBI-disease corpus: no patient records"

[task]
kind = "note"
name = "diseases"
asks = [{ name = "Disease", kind = "found" }]
split.by = "declared"

[model]
kind = "crf"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds text/ncbi-disease")
    parser.add_argument("--out", type=Path, help="study folder to keep; a temporary one by default")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = asked.out or Path(scratch) / "ncbi-disease"
        prepare(asked.data / FOLDER, root)
        study = Study(root)
        for ran in study.run():
            print(f"{ran.step:<11} {ran.seconds:7.1f} s")
        report(study)
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_utime:.0f} CPU-s, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GB at most")


def prepare(data: Path, root: Path) -> None:
    """The corpus as raw files of a study."""
    documents = [document for file, split in FILES.items()
                 for document in iob.parse((data / f"{file}.tsv").read_text(encoding="utf-8"), name=file, split=split, last=ends)]  # fmt: skip
    root.mkdir(parents=True, exist_ok=True)
    write(documents, root / "raw", kind="Abstract")
    (root / "study.toml").write_text(STUDY, encoding="utf-8")


def ends(tokens: list[str]) -> bool:
    """Whether a sentence is the last of its abstract, as far as the file tells."""
    return tokens[-1] != "." or tokens[-2:] == [".", "."]


def report(study: Study) -> None:
    print(f"\n{'target':<24}{'output':<12}{'precision':>22}{'recall':>22}{'F1':>22}   found, wrong, missed")
    value = float("nan")
    for section in study.evaluation().sections:
        assert isinstance(section.result, FoundEvaluation)
        for row in section.result.outputs:
            told = [row.measures[name] for name in ("ppv", "sensitivity", "f1")]
            counts = section.result.found[row.output]
            print(f"{section.target.name:<24}{row.output:<12}" + "".join(f"{f'{one.value:.3f} ({one.low:.3f}-{one.high:.3f})':>22}" for one in told)
                  + f"   {counts.true_positives}, {counts.false_positives}, {counts.missed}")  # fmt: skip
            if (section.target.name, row.output) == ("Disease", "model"):
                value = told[2].value or value
    openings = [entry for entry in study.ledger() if entry.receipt.step == "open-test-labels"]
    print(f"openings of the test labels in the ledger: {len(openings)}")
    print(f"F1 of the model, exact: {value:.3f}; target {TARGET}: {'met' if value >= TARGET else 'NOT met'}; spaCy CNN .784, plain CRF .769")


if __name__ == "__main__":
    main()
