"""The page of the viewer: what it shows stands in study.json, and view.js puts it here."""

from __future__ import annotations

from bedside.report.document import banners
from bedside.report.markup import Child, Markup, element, join

_PLANES = (("multi", "All three"), ("axial", "Axial"), ("coronal", "Coronal"), ("sagittal", "Sagittal"), ("render", "Rendering"))


def page(study: str, *, made: bool) -> str:
    """The whole document. Names of units and figures are not in it."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{study}: volumes and segmentations"),
        element("link", rel="stylesheet", href="view.css"),
        element("link", rel="icon", href="data:,"),
        element("script", src="niivue.js", defer=True),
        element("script", src="view.js", defer=True),
    )
    return "<!doctype html>\n" + element("html", head, element("body", _body(study, made)), lang="en") + "\n"


def _body(study: str, made: bool) -> Markup:
    return join([
        element("header", element("p", "Volumes and segmentations", class_="kind"), element("h1", study), banners(made)),
        element("noscript", element("p", "This page draws with a script of its own; allow it.", class_="banner")),
        element("p", "Loading", id="state", role="status"),
        element("main", _units(), _picture(), _beside(), class_="desk"),
        element("p", "The figures are of this one unit of the test. Means with their intervals are in reports/test.html. "
                     "Left of the picture is the patient's right. Not for reading images.", class_="quiet"),
    ], between="\n")  # fmt: skip


def _units() -> Markup:
    return element("nav", element("h2", "Units"), element("ul", id="units"), aria_label="Units")


def _picture() -> Markup:
    outputs = element("label", "Labels of ", element("select", id="output"))
    shown = element("label", element("input", type="checkbox", id="shown", checked=True), " show")
    opacity = element("label", "Opacity ", element("input", type="range", id="opacity", min=0, max=100, value=50))
    planes: Child = [element("option", said, value=name) for name, said in _PLANES]
    drawn = element("canvas", id="canvas", role="img", aria_label="No volume yet")
    controls = element("div", outputs, shown, opacity, element("label", "Planes ", element("select", planes, id="plane")), class_="controls")
    return element("section", controls, element("div", drawn, class_="stage"), element("p", id="place", class_="quiet"), aria_label="Picture")


def _beside() -> Markup:
    return element("aside", element("h2", "Labels"), element("ul", id="legend", class_="legend-list"), element("h2", "This unit"),
                   element("dl", id="about", class_="facts"), element("h2", "Figures"), element("div", id="figures"), aria_label="Figures")  # fmt: skip
