"""Elements of HTML and SVG as text: everything is escaped unless an element made it.

In        a name, attributes as keywords (class_ is class, an underscore is a hyphen), children
Out       `Markup`, a text that is safe to put into another element
Standard  HTML Living Standard section 13.3 (serialising), SVG 2 section 2.4 (SVG in HTML).
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_VOID = frozenset({"meta", "br", "hr", "link", "img", "col", "input"})
_ALONE = frozenset({"path", "line", "rect", "circle", "polyline", "polygon", "use"})


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Child = str | int | float | None | Iterable["Child"]
Attribute = str | int | float | bool | None


def element(name: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """One element.

    >>> element("p", "a < b", class_="note")
    '<p class="note">a &lt; b</p>'
    >>> element("line", x1=0.5, stroke_width=1)
    '<line x1="0.5" stroke-width="1"/>'
    """
    opened = name + "".join(_attribute(key, value) for key, value in attributes.items())
    inside = join(children)
    if name in _VOID:
        return Markup(f"<{opened}>")
    if name in _ALONE and not inside:
        return Markup(f"<{opened}/>")
    return Markup(f"<{opened}>{inside}</{name}>")


def join(children: Child, *, between: str = "") -> Markup:
    """Children in a row: text is escaped, nothing is left out but None."""
    if children is None:
        return Markup()
    if isinstance(children, Markup):
        return children
    if isinstance(children, (str, int, float)):
        return Markup(escape(str(children)))
    return Markup(between.join(join(child) for child in children))


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    if name in ("viewBox", "preserveAspectRatio", "clipPathUnits") or value is True:
        return f' {name}="{escape(str(value))}"' if value is not True else f" {name}"
    return f' {name}="{escape(_number(value))}"'


def _number(value: str | float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
