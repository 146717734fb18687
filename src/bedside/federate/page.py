"""What a federated run came to, in words and tables, for `report/markdown.py` to draw.

In        a plan and its `Federation`; the pooled evaluation where data are made or public
Out       Markdown text; figures summed over sites from counts, which need no row
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bedside.core.receipt import Figure
from bedside.evaluate.figures import name as figure
from bedside.evaluate.proportions import proportion
from bedside.federate.plan import Plan
from bedside.federate.records import Federation, SiteResult
from bedside.report.document import MADE, NOT_CLEARED

if TYPE_CHECKING:
    from bedside.evaluate.evaluation import Evaluation

PUT_TOGETHER = "**Made or public data put together on one machine: the pooled figures show what the path does, and could not be had at real sites.**"
_SAID = {"ppv": "PPV", "npv": "NPV"}
_COUNTED = ("sensitivity", "specificity", "ppv", "npv", "accuracy")


def record(run: Federation) -> dict[str, object]:
    """The run without the bundle's bytes, which lie beside it, and without the weights, which are in the bundle."""
    told: dict[str, object] = msgspec.to_builtins(run)
    return {name: value for name, value in told.items() if name not in ("files", "state")}


def summed(plan: Plan, run: Federation) -> list[Figure]:
    """Shares over all sites' tests together, from their summed counts, with Wilson's interval."""
    found: list[Figure] = []
    for name in plan.lines:
        counts = [result.counts[name] for result in run.sites if name in result.counts]
        tp, fp, tn, fn = (int(one) for one in np.sum(counts, axis=0)) if counts else (0, 0, 0, 0)
        for share, hits, of in zip(_COUNTED, (tp, tn, tp, tn, tp + tn), (tp + fn, tn + fp, tp + fp, tn + fn, tp + fp + tn + fn), strict=True):
            told = proportion(hits, of)
            found.append(Figure(f"all-sites/{plan.main}/at/{name}/{share}", told.value, told.low, told.high, told.n, f"summed counts; {told.method}"))
    return found


def federation_page(title: str, plan: Plan, run: Federation, pooled: Evaluation | None, *, made: bool) -> str:
    """The report of a run."""
    options = plan.options
    heads = ["site", "development rows", "subjects", "AUROC (95% interval, n)", "signed with"]
    rows = [[result.site, result.rows, result.subjects, _estimate(result, figure(plan.main, "auroc")),
             f"`{result.signed.public_key[:16]}`" if result.signed else "not signed"] for result in run.sites]  # fmt: skip
    lost = [f"round {one.number + 1}: {site}, {why}" for one in run.rounds for site, why in one.quarantined.items()]
    gone = [f"{site} was asked and never joined" for site in run.absent]
    gone += [f"round {one.number + 1}: {', '.join(one.vanished)}" for one in run.rounds if one.vanished]
    versions = {result.signed.told.code for result in run.sites if result.signed}
    silent = [result.site for result in run.sites if not result.counts]
    bytes_out = sum(crossed.size for result in run.sites for crossed in result.crossings if crossed.direction == "from")
    parts = [
        f"# {title}: federated training",
        f"**{MADE}**" if made else "", NOT_CLEARED,
        f"{len(run.sites)} sites, {len(run.rounds)} rounds of {options.method}, {options.local_steps} local steps each. Rows stayed at the sites; "
        f"{bytes_out:,} bytes left them, each message in the journal of its site and of the coordinator.",
        "## Each site's own test", _table(heads, rows),
        "Each site tested the bundle on its own held-out subjects, after their labels were opened in its own ledger.",
        "## All sites, from summed counts", _table(["threshold", *(_SAID.get(name, name) for name in _COUNTED)], _shares(plan, run)),
        f"Not among them, since fewer than {options.least_cell} of their test subjects had the outcome, or had it not: {', '.join(silent)}." if silent else "",
        "Wilson intervals take rows for independent; where a subject has several rows they are too narrow.",
        *(_pooled(plan, pooled) if pooled is not None else []),
        "**The sites ran different versions of bedside: their features may differ.**" if len(versions) > 1 else "",
        "## What went wrong", "\n".join(f"- {line}" for line in [*lost, *gone]) or "No update was quarantined, and no site vanished.",
        *_privacy(run),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part)


def card_page(title: str, plan: Plan, run: Federation, result: SiteResult, *, made: bool) -> str:
    """One site's card: what it gave, what it got, what to look into."""
    receipt = result.signed.told if result.signed else None
    out = [crossed for crossed in result.crossings if crossed.direction == "from"]
    kinds = sorted({crossed.kind for crossed in out})
    sent = [[kind, sum(c.kind == kind for c in out), sum(c.size for c in out if c.kind == kind)] for kind in kinds]
    known = [[name, *_cells(result, name)] for name in plan.figures if result.figures.get(name, (None,))[0] is not None]
    worries = [f"- no value at all for: {', '.join(result.without_values)}"] * bool(result.without_values)
    worries += [f"- far from the other sites, perhaps in another unit: {', '.join(result.apart)}"] * bool(result.apart)
    worries += [f"- did not answer: {', '.join(result.vanished)}"] * bool(result.vanished)
    facts: list[list[object]] = [["development rows", result.rows], ["development subjects", result.subjects], ["bundle", f"`{run.bundle}`"], ["run", f"`{run.run}`"]]
    if receipt is not None and result.signed is not None:
        facts += [["de-identification policy", receipt.policy], ["rounds answered", receipt.rounds], ["public key (Ed25519)", f"`{result.signed.public_key}`"],
                  ["ledger of the site when it signed", f"{receipt.ledger_size} entries, root `{receipt.ledger_root}`"]]  # fmt: skip
    parts = [f"# {title}: site {result.site}", *([f"**{MADE}**"] if made else []), NOT_CLEARED, _table(["what", "value"], facts), "## To look into", "\n".join(worries) or "Nothing.",
             "## Test at this site", _table(["figure", "value", "95% interval", "n"], known), "## What left this site",
             _table(["kind of message", "messages", "bytes"], sent)]  # fmt: skip
    return "\n\n".join([*parts, *(_privacy(run) if receipt is not None and receipt.privacy else [])])


def _shares(plan: Plan, run: Federation) -> list[list[object]]:
    told = summed(plan, run)
    width = len(_COUNTED)
    return [[name, *(f"{_number(one.value)} ({_number(one.low)} to {_number(one.high)}, n {one.n})" for one in told[place * width : (place + 1) * width])]
            for place, name in enumerate(plan.lines)]  # fmt: skip


def _pooled(plan: Plan, pooled: Evaluation) -> list[str]:
    own = next(row for row in pooled.outputs if row.output == plan.main)
    rows = [[row.output, f"{_number(row.auroc.value)} ({_number(row.auroc.low)} to {_number(row.auroc.high)})", row.auroc.n] for row in pooled.outputs]
    return ["## All sites' test rows together", PUT_TOGETHER, _table(["output", "AUROC (95% interval)", "n"], rows), own.auroc.method]


def _privacy(run: Federation) -> list[str]:
    told = [(result.site, result.signed.told) for result in run.sites if result.signed and result.signed.told.privacy]
    rows = [[site, f"{receipt.epsilon:.3g}" if receipt.epsilon is not None else "none", f"{receipt.delta:g}", receipt.privacy] for site, receipt in told]
    return ["## Privacy", _table(["site", "epsilon", "delta", "guarantee"], rows)] if told else []


def _estimate(result: SiteResult, called: str) -> str:
    value, low, high, n = result.figures.get(called, (None, None, None, None))
    return f"{_number(value)} ({_number(low)} to {_number(high)}, n {int(n or 0)})" if value is not None else "not estimable"


def _cells(result: SiteResult, called: str) -> list[object]:
    value, low, high, n = result.figures[called]
    whole = value is not None and low is None and float(value).is_integer()  # a count has no interval
    return [int(value) if whole and value is not None else _number(value), f"{_number(low)} to {_number(high)}" if low is not None else "", int(n) if n is not None else ""]


def _number(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, (int, float)) else "not estimable"


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
