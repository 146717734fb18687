"""Every target of a test in the dossier, whatever its kind: yes-no by `results.py`, the others by `kinds.py`.

In        the `Test` and the `Book`
Out       Markdown; with several targets each stands under its own heading
"""

from __future__ import annotations

from collections.abc import Iterator

from bedside.dossier import kinds, results
from bedside.dossier.references import Book
from bedside.dossier.writing import person, plain
from bedside.evaluate.judged import FoundEvaluation, Section, Test, Unjudged
from bedside.evaluate.records import Evaluation
from bedside.report import words

_HEADING = "### Target: "


def found(test: Test, book: Book) -> str:
    """What the test found, for the model card."""
    return _blocks(block for one in test.sections for block in [_heading(test, one), *_found(one, book)])


def by_group(test: Test, book: Book) -> str:
    """The model by group, for the model card; empty when no target has groups."""
    told = [(one, _groups(one, book)) for one in test.sections]
    return _blocks(block for one, groups in told if groups for block in [_heading(test, one), groups])


def tested(test: Test, book: Book) -> list[str | None]:
    """Sizes, results, thresholds and groups, for the premarket draft."""
    blocks = [block for one in test.sections for block in [_heading(test, one), *_tested(one, book)]]
    return blocks if test.only else [block.replace("### ", "#### ", 1) if block and block.startswith("### ") and not block.startswith(_HEADING) else block for block in blocks]


def thresholds(test: Test) -> list[str]:
    """Names of the thresholds among the figures."""
    return [one.result.named(one.result.main, "at", name, "threshold") for one in test.sections if not isinstance(one.result, Unjudged)
            for name in _points(one)]  # fmt: skip


def points(test: Test) -> list[str]:
    """Thresholds by name, with their target where there are several."""
    return [words.spoken(name) if test.only else f"{one.called}: {words.spoken(name)}" for one in test.sections for name in _points(one)]


def _points(one: Section) -> list[str]:
    result = one.result
    if isinstance(result, Evaluation):
        return [point.name for point in result.row(result.main).operating]
    return [point.name for point in result.operating] if isinstance(result, FoundEvaluation) else []


def _found(one: Section, book: Book) -> list[str | None]:
    result = one.result
    if isinstance(result, Unjudged):
        return [f"Could not be judged: {plain(result.why)}."]
    if isinstance(result, Evaluation):
        return [results.sizes(result, book), results.ranking(result, book), results.promises(result, book), results.operating(result, book),
                results.method(result)]  # fmt: skip
    return [kinds.sizes(result, book), kinds.outputs(result, book), kinds.differences(result, book), kinds.operating(result, book), _method(result)]


def _tested(one: Section, book: Book) -> list[str | None]:
    result = one.result
    if isinstance(result, Unjudged):
        return [f"Could not be judged: {plain(result.why)}."]
    none = person("no subgroup was recorded: explain")
    if isinstance(result, Evaluation):
        return [
            "### Size", results.sizes(result, book), "### Ranking", results.ranking(result, book), results.differences(result, book),
            _clock(result, book), "### Calibration", results.promises(result, book) or "The output is a score, not a probability.",
            "### At the thresholds", results.operating(result, book) or person("no threshold was fixed before the test"),
            "### By group", results.subgroups(result, book) or none, results.subgroups_at(result, book), results.method(result),
        ]  # fmt: skip
    return ["### Size", kinds.sizes(result, book), "### Results", kinds.outputs(result, book), kinds.differences(result, book),
            kinds.operating(result, book), "### By group", kinds.subgroups(result, book) or none, _method(result)]  # fmt: skip


def _groups(one: Section, book: Book) -> str | None:
    if isinstance(one.result, Unjudged):
        return None
    return results.subgroups(one.result, book) if isinstance(one.result, Evaluation) else kinds.subgroups(one.result, book)


def _method(result: kinds.Kinds) -> str:
    return f"Intervals are at {100 * result.level:g} %. {plain(kinds.method(result))}"


def _clock(evaluation: Evaluation, book: Book) -> str | None:
    if evaluation.worth is None:
        return None
    within = book.number(evaluation.named(evaluation.main, "beyond clock", "within hour"))
    return f"Among predictions at the same time since admission, where the clock is blind (0.5), the model's AUROC is {within}."


def _heading(test: Test, one: Section) -> str | None:
    return None if test.only else f"{_HEADING}{plain(one.called)}"


def _blocks(blocks: Iterator[str | None]) -> str:
    return "\n\n".join(block for block in blocks if block)
