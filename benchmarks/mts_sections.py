"""Sections of text without headings on MTS-Dialog: accuracy and macro F1 on its two test sets, beside always saying the commonest.

python benchmarks/mts_sections.py [--data ../shared/data/text/mts-dialog] [--learn]
Gold     section_header of each row, 20 classes, in our names; family and social history are one class there.
--learn  makes data/section_words.csv anew from the training rows, with scikit-learn; the same rows give the same bytes
Interval 2,000 bootstrap samples of rows.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
from collections import Counter
from pathlib import Path

from bedside.pillars.text.untitled import INTERCEPT, features, guess

NAMES = {
    "FAM/SOCHX": "family-history", "GENHX": "history-of-present-illness", "PASTMEDICALHX": "past-medical-history", "CC": "chief-complaint",
    "PASTSURGICAL": "past-surgical-history", "ALLERGY": "allergies", "ROS": "review-of-systems", "MEDICATIONS": "medications", "ASSESSMENT": "assessment",
    "EXAM": "exam", "DIAGNOSIS": "diagnosis", "DISPOSITION": "disposition", "PLAN": "plan", "EDCOURSE": "hospital-course", "IMMUNIZATIONS": "immunizations",
    "IMAGING": "imaging", "GYNHX": "gynecologic-history", "PROCEDURES": "procedures", "OTHER_HISTORY": "other-history", "LABS": "labs",
}  # fmt: skip
TABLE = Path(__file__).parents[1] / "src/bedside/pillars/text/data/section_words.csv"
FEWEST = 3
SMALLEST = 0.15
TESTS = ("MTS-Dialog-TestSet-1-MEDIQA-Chat-2023.csv", "MTS-Dialog-TestSet-2-MEDIQA-Sum-2023.csv")


def rows(path: Path) -> list[tuple[str, str]]:
    """(section, text) of each row."""
    with path.open(encoding="utf-8", newline="") as file:
        return [(NAMES[row["section_header"].strip()], row["section_text"]) for row in csv.DictReader(file)]


def learn(told: list[tuple[str, str]]) -> str:
    """The table: weights of a logistic regression over the words said in at least three rows, the small ones left out."""
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    said = [features(text) for _, text in told]
    often = Counter(feature for one in said for feature in one)
    vocabulary = {feature: at for at, feature in enumerate(sorted(feature for feature, count in often.items() if count >= FEWEST))}
    places = [(row, vocabulary[feature]) for row, one in enumerate(said) for feature in one if feature in vocabulary]
    across, down = (np.array(side, dtype=np.int32) for side in zip(*places, strict=True))
    model = LogisticRegression(C=1.0, max_iter=800).fit(csr_matrix((np.ones(len(places)), (across, down)), shape=(len(told), len(vocabulary))), [name for name, _ in told])
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n")
    write.writerow([INTERCEPT, *(f"{name} {round(100 * float(weight))}" for name, weight in zip(model.classes_, model.intercept_, strict=True))])
    for feature, at in vocabulary.items():
        kept = [(name, round(100 * float(weight))) for name, weight in zip(model.classes_, model.coef_[:, at], strict=True) if abs(weight) >= SMALLEST]
        if kept:
            write.writerow([feature, *(f"{name} {weight}" for name, weight in kept)])
    return out.getvalue()


def scores(pairs: list[tuple[str, str]]) -> tuple[float, float]:
    """Accuracy, and F1 averaged over the sections that occur."""
    right = sum(gold == said for gold, said in pairs)
    each = []
    for name in sorted({gold for gold, _ in pairs}):
        hits = sum(gold == said == name for gold, said in pairs)
        each.append(2 * hits / (sum(gold == name for gold, _ in pairs) + sum(said == name for _, said in pairs)) if hits else 0.0)
    return right / len(pairs), sum(each) / len(each)


def main() -> None:
    """Learn if asked; then print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared/data/text/mts-dialog")
    parser.add_argument("--learn", action="store_true")
    given = parser.parse_args()
    training = rows(given.data / "MTS-Dialog-TrainingSet.csv")
    if given.learn:
        TABLE.write_text(learn(training), encoding="utf-8")
    common = Counter(section for section, _ in training).most_common(1)[0][0]
    for name in ("MTS-Dialog-ValidationSet.csv", *TESTS):
        pairs = [(section, guess(text)[0]) for section, text in rows(given.data / name)]
        draw, (accuracy, macro) = random.Random(1), scores(pairs)
        spread = sorted(sum(g == s for g, s in draw.choices(pairs, k=len(pairs))) / len(pairs) for _ in range(2000))
        base = sum(gold == common for gold, _ in pairs) / len(pairs)
        print(f"{name:45} n {len(pairs)}  accuracy {accuracy:.3f} (95 % {spread[50]:.3f} to {spread[1950]:.3f})  macro F1 {macro:.3f}  commonest {base:.3f}")


if __name__ == "__main__":
    main()
