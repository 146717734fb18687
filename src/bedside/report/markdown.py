"""Our own Markdown to HTML: headings, paragraphs, lists, tables, bold, code and references to the ledger.

In        text written by `dossier/`: one block a paragraph, tables with leading and trailing bars, backslash escapes
Out       a page like any other. What is not of this small dialect stays text.
Source    CommonMark 0.31 sections 2.4, 4.2, 4.8, 5.2, 6.1, 6.2; tables as in GitHub Flavored Markdown 0.29 section 4.10.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from bedside.report.document import document, paragraph, table, table_row
from bedside.report.markup import Child, Markup, element, join

_INLINE = re.compile(r"\\([\\`*_\[\]<>|#])|\*\*(.+?)\*\*|`([^`]+)`|\[(L\d+)(:[^\]\s]+)?\]")
_CELL = re.compile(r"(?<!\\)\|")


def page(title: str, text: str, *, kind: str = "Dossier · Bedside") -> str:
    """A whole page; a paragraph that is bold throughout stands out as a banner."""
    blocks = list(_blocks(text))
    return document(title, paragraph(kind, kind="kind"), blocks)


def inline(text: str) -> Markup:
    """Words of one block.

    >>> inline("**bold** `x` 1 \\\\< 2 [L12:test/risk/auroc]")
    '<strong>bold</strong> <code>x</code> 1 &lt; 2 <a href="#L12" class="ref" data-figure="L12:test/risk/auroc">L12</a>'
    """
    parts: list[Child] = []
    done = 0
    for found in _INLINE.finditer(text):
        parts += [text[done : found.start()], _word(found)]
        done = found.end()
    return join([*parts, text[done:]])


def _word(found: re.Match[str]) -> Child:
    escaped, bold, code, entry, figure = found.groups()
    if escaped:
        return escaped
    if bold:
        return element("strong", inline(bold))
    if code:
        return element("code", code)
    return element("a", entry, href=f"#{entry}", class_="ref", data_figure=entry + figure if figure else None)


def _blocks(text: str) -> Iterator[Markup]:
    for block in re.split(r"\n\s*\n", text.strip()):
        for kind, lines in groupby(block.splitlines(), key=_kind):
            yield _block(kind, list(lines))


def _kind(line: str) -> str:
    if line.startswith("|"):
        return "table"
    if line.startswith("- "):
        return "list"
    return "heading" if re.match(r"#{1,4} ", line) else "text"


def _block(kind: str, lines: list[str]) -> Markup:
    if kind == "table":
        return _table([[cell.strip() for cell in _CELL.split(line.strip())[1:-1]] for line in lines])
    if kind == "list":
        return element("ul", [element("li", inline(line[2:])) for line in lines])
    if kind == "heading":
        return join([_heading(line) for line in lines])
    said = " ".join(lines)
    loud = re.fullmatch(r"\*\*[^*]+\*\*", said)
    return paragraph(inline(said.strip("*") if loud else said), kind="banner" if loud else None)


def _heading(line: str) -> Markup:
    marks, said = line.split(" ", 1)
    return element(f"h{len(marks)}", inline(said))


def _table(rows: list[list[str]]) -> Markup:
    """The second row is the rule; a row whose first cell names an entry can be linked to."""
    body = [_linked(cells) for cells in rows[2:]]
    return table([inline(cell) for cell in rows[0]], body)


def _linked(cells: list[str]) -> Markup:
    made = table_row([inline(cell) for cell in cells])
    return Markup(made.replace("<tr", f'<tr id="{cells[0]}"', 1)) if re.fullmatch(r"L\d+", cells[0]) else made
