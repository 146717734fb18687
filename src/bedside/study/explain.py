"""`bedside explain`: from a figure in a report back to code, parameters and source bytes.

A figure stands in the newest entry that made it. Each of that entry's inputs was the output of an earlier entry, and so on up to the
raw files, which stand under pseudonymous names and keyed digests. The dossier's references name the entry: L8:test/risk/auroc is a
figure of entry 8, L6:parameters/told/task what that entry holds there, L6:bundles/model/card.json a file that it made or used.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

import msgspec

from bedside.core.errors import Misconfigured
from bedside.core.receipt import Figure, Item, Receipt
from bedside.ledger.log import Entry
from bedside.study.verify import ledger_of

_LINES = 40


class Link(msgspec.Struct, frozen=True):
    """One step on the way back: the entry, what ran, and what it used."""

    seq: int
    step: str
    time: str
    code: str
    parameters: dict[str, object]
    inputs: list[Item]
    counts: dict[str, object]


class Explanation(msgspec.Struct, frozen=True):
    """A figure and the way back to the bytes: links from the newest entry to the oldest, then the raw files.

    held   what the entry holds where the reference points, when that is no figure
    """

    figure: Figure
    links: list[Link]
    raw: list[Item]
    opened: dict[str, object] | None
    held: object = None


def explain(root: Path, name: str) -> Explanation:
    """Walk the ledger back from a figure or a reference; `Misconfigured` with near names when there is none of that name."""
    entries = ledger_of(root).entries()
    entry, figure, held = _referred(entries, *parts) if (parts := reference(name)) else (*_find(entries, name), None)
    links = _walk(entries, entry)
    raw = sorted({item for link in links for item in link.inputs if item.name.startswith("raw:")})
    opening = [e.receipt.parameters for e in entries if e.receipt.step == "open-test-labels" and e.seq < entry.seq]
    return Explanation(figure, links, raw, opening[-1] if opening else None, held)


def reference(name: str) -> tuple[int, str] | None:
    """Entry and path of a reference as the dossier prints it.

    >>> reference("L6:parameters/told/task"), reference("[L8:test/risk/auroc]"), reference("test/risk/auroc")
    ((6, 'parameters/told/task'), (8, 'test/risk/auroc'), None)
    """
    found = re.fullmatch(r"\[?L(\d+):([^\]]+)\]?", name)
    return (int(found[1]), found[2]) if found else None


def figure_names(root: Path) -> list[str]:
    """Every figure that can be explained, from the newest entry of each step."""
    newest = {entry.receipt.step: entry for entry in ledger_of(root).entries()}
    return [figure.name for entry in newest.values() for figure in entry.receipt.figures]


def as_text(found: Explanation) -> str:
    """The explanation as an indented walk."""
    figure = found.figure
    interval = f" ({figure.low} to {figure.high})" if figure.low is not None else ""
    lines = [f"{figure.name} = {figure.value}{interval}, n = {figure.n}", f"  method      {figure.method}"]
    if found.held is not None:
        lines = [figure.name, *_shown(found.held)]
    for link in found.links:
        lines.append(f"  entry {link.seq:<5} {link.step} at {link.time}, code {link.code}")
        lines += [
            f"      used    {item.name}  {(item.content or item.digest)[:16]}"
            for item in link.inputs
            if not item.name.startswith(("raw:", "unread:"))
        ][:12]
    if found.opened:
        lines.append(
            f"  test labels were opened by plan {str(found.opened.get('plan'))[:16]} and bundle {str(found.opened.get('bundle'))[:16]}"
        )
    lines.append(f"  {len(found.raw)} raw files (keyed digests)")
    lines += [f"      bytes   {item.name}  {item.digest[:16]}" for item in found.raw[:12]]
    if len(found.raw) > 12:
        lines.append(f"      and {len(found.raw) - 12} more; --json lists all")
    return "\n".join(lines)


def _shown(held: object) -> list[str]:
    """A value of the ledger as lines, cut where it gets long."""
    lines = msgspec.json.format(msgspec.json.encode(held), indent=2).decode().splitlines()
    return [f"  {line}" for line in lines[:_LINES]] + [f"  and {len(lines) - _LINES} lines more; --json shows all"] * (len(lines) > _LINES)


def _referred(entries: list[Entry], seq: int, path: str) -> tuple[Entry, Figure, object]:
    """What a reference names: a figure of that entry, a file that it made or used, or what its receipt holds at the path."""
    if not 1 <= seq <= len(entries):
        raise Misconfigured(f"there is no entry {seq}", where="the ledger", do=f"the newest is {len(entries)}")
    entry, called = entries[seq - 1], f"L{seq}:{path}"
    receipt = entry.receipt
    for figure in receipt.figures:
        if figure.name.replace(" ", "-") == path:
            return entry, figure, None
    held = next((item for item in [*receipt.outputs, *receipt.inputs] if item.name == path), None) or _at(receipt, path)
    if held is None:
        names = [figure.name for figure in receipt.figures] + [item.name for item in receipt.outputs] + list(receipt.__struct_fields__)
        near = get_close_matches(path, names, 3)
        raise Misconfigured(f"entry {seq} ({receipt.step}) holds nothing called {path!r}", where="the ledger",
                            do=f"did you mean {', '.join(f'L{seq}:{name}' for name in near)}?" if near else "bedside explain --list shows figures")  # fmt: skip
    return entry, Figure(called, None, method=f"held by entry {seq}, {receipt.step}"), held


def _at(receipt: Receipt, path: str) -> object:
    """What a receipt holds at a path such as counts/flow; "receipt" is the whole of it."""
    held: object = {"receipt": msgspec.to_builtins(receipt), **msgspec.to_builtins(receipt)}
    for key in path.split("/"):
        held = held.get(key) if isinstance(held, dict) else None
    return held


def _find(entries: list[Entry], name: str) -> tuple[Entry, Figure]:
    for entry in reversed(entries):
        for figure in entry.receipt.figures:
            if figure.name == name:
                return entry, figure
    names = [figure.name for entry in entries for figure in entry.receipt.figures]
    ends = [other for other in dict.fromkeys(names) if other.endswith(name)]
    near = ends[:3] or get_close_matches(name, names, 3)
    raise Misconfigured(
        f"no figure called {name!r}",
        where="the ledger",
        do=f"did you mean {', '.join(near)}?" if near else "bedside explain --list shows them",
    )


def _walk(entries: list[Entry], last: Entry) -> list[Link]:
    """The entry and, breadth first, those that made its inputs."""
    seen, queue, links = set[int](), [last], list[Link]()
    while queue:
        entry = queue.pop(0)
        if entry.seq in seen:
            continue
        seen.add(entry.seq)
        r = entry.receipt
        links.append(Link(entry.seq, r.step, entry.time, r.code, r.parameters, r.inputs, r.counts))
        queue += [maker for item in r.inputs if (maker := _maker(entries, item, entry.seq))]
    return sorted(links, key=lambda link: -link.seq)


def _maker(entries: list[Entry], item: Item, before: int) -> Entry | None:
    made = (
        entry
        for entry in reversed(entries[: before - 1])
        if any(o.name == item.name and o.digest == item.digest for o in entry.receipt.outputs)
    )
    return next(made, None)
