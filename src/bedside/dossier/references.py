"""The ledger as a book that can be cited: each number with the entry that holds it.

In        ledger entries as dicts, oldest first: {seq, time, receipt: {step, figures, counts, parameters, code, ...}}
Out       numbers in words with their reference, such as 0.842 (0.820 to 0.863) [L12:test/risk/auroc]
Refuses   a number that the ledger does not hold (it becomes TO BE COMPLETED) or holds with another value (`Refused`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isclose

from bedside.core.errors import Refused
from bedside.evaluate.figures import figures
from bedside.evaluate.judged import Test
from bedside.evaluate.records import Estimate
from bedside.report import words
from bedside.report.prose import dig

TO_BE_COMPLETED = "TO BE COMPLETED"


class Book:
    """Ledger entries, found by figure, by step, or by what they hold."""

    def __init__(self, entries: Sequence[Mapping[str, object]]) -> None:
        self.entries = list(entries)
        self.cited: set[int] = set()
        self._figures: dict[str, tuple[int, Mapping[str, object]]] = {}
        for entry in self.entries:
            found = dig(entry, "receipt", "figures")
            for figure in found if isinstance(found, list) else []:
                self._figures[str(figure["name"])] = (seq_of(entry), figure)

    def number(self, name: str, form: str = "decimal") -> str:
        """A figure's value with its interval and its reference."""
        if name not in self._figures:
            return f"{TO_BE_COMPLETED} (no ledger entry holds {name})"
        seq, figure = self._figures[name]
        low, high, value = (_number(figure.get(key)) for key in ("low", "high", "value"))
        if value is None:
            return f"not estimable {self.reference(seq, name)}"
        said = words.with_interval(Estimate(value, low, high, 0, ""), form) if form != "count" else words.count(int(value))
        why = str(figure.get("method", ""))
        return f"{said}{f' ({why})' if why.startswith('no interval') else ''} {self.reference(seq, name)}"

    def where(self, name: str) -> str | None:
        """The reference of a figure, without its value."""
        return self.reference(self._figures[name][0], name) if name in self._figures else None

    def fact(self, step: str, *keys: str) -> tuple[object, str] | None:
        """What the newest entry of a step holds under these keys, and its reference."""
        for entry in reversed(self.entries):
            if dig(entry, "receipt", "step") == step and (found := dig(entry, "receipt", *keys)) is not None:
                return found, self.reference(seq_of(entry), "/".join(keys))
        return None

    def entry(self, step: str) -> Mapping[str, object] | None:
        """The newest entry of a step."""
        return next((entry for entry in reversed(self.entries) if dig(entry, "receipt", "step") == step), None)

    def reference(self, seq: int, name: str) -> str:
        self.cited.add(seq)
        return f"[L{seq}:{name.replace(' ', '-')}]"

    def agrees_with(self, test: Test) -> None:
        """`Refused` when a number of the test stands in the ledger with another value."""
        held = {figure.name: figure.value for figure in figures(test)}
        other = sorted(
            name for name, value in held.items() if name in self._figures and not _same(value, self._figures[name][1]["value"])
        )
        if other:
            raise Refused(
                f"{len(other)} numbers of the evaluation are not those of the ledger, the first is {other[0]}",
                where="reports/evaluation.json",
                do="run `bedside verify`, then `bedside test`",
            )


def seq_of(entry: Mapping[str, object]) -> int:
    return int(str(entry["seq"]))


def _same(one: object, other: object) -> bool:
    a, b = _number(one), _number(other)
    return one == other if a is None or b is None else isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
