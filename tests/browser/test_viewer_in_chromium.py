"""The viewer as a person meets it: the volume is on the canvas, the labels lie on it, and nothing leaves this machine."""

from __future__ import annotations

import os
import runpy
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bedside.pillars.imaging.series import nifti
from bedside.pillars.imaging.viewer.server import POLICY, Server
from bedside.pillars.imaging.viewer.site import COLOURS, Figure, Shown, Told, site

HERE = Path(__file__)
_DRIVER = runpy.run_path(str(HERE.with_name("chromium.py")))
_THERE = _DRIVER["executable"]() is not None
pytestmark = pytest.mark.skipif(
    not _THERE and not os.environ.get("CI"), reason="chromium is not installed: scripts/debian-packages installs it"
)
SHAPE = (20, 24, 16)  # x, y, z
AFFINE = np.array([[2.0, 0, 0, -20], [0, 2, 0, -24], [0, 0, 3, -24], [0, 0, 0, 1]])
# niivue keeps what it draws for the next frame only: it is asked to draw, and the pixels are read before the browser takes them.
READ = """(() => { const gl = picture.gl; picture.drawScene(); const out = new Uint8Array(gl.drawingBufferWidth * gl.drawingBufferHeight * 4);
  gl.readPixels(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight, gl.RGBA, gl.UNSIGNED_BYTE, out);
  let grey = 0, orange = 0, blue = 0;
  for (let i = 0; i < out.length; i += 4) { const [r, g, b] = [out[i], out[i + 1], out[i + 2]];
    if (r === g && g === b && r > 40) grey++; if (r > b + 60 && r > g) orange++; if (b > r + 60 && b > g - 40) blue++; }
  return [grey, orange, blue]; })()"""


def image(unit: str) -> bytes:
    """A bright block in a dim box; the second unit's is elsewhere."""
    voxels = np.full(SHAPE, 300, np.int16)
    voxels[:2] = voxels[-2:] = voxels[:, :2] = voxels[:, -2:] = 0
    voxels[5:12, 8:18, 4:12] = 900
    return nifti.write(voxels if unit == "one" else voxels[::-1], AFFINE)


def labels(unit: str, output: str) -> bytes:
    drawn = np.zeros(SHAPE, np.uint8)
    drawn[5:12, 8:18, 4:12] = 1
    drawn[13:18, 8:18, 4:12] = 2
    return nifti.write(drawn * (output == "model") + (output != "model") * (drawn == 1).astype(np.uint8), AFFINE)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    figures = [Figure("model", "Block", "Dice", 0.912, "1"), Figure("atlas", "Block", "Dice", 0.401, "1"), Figure("model", "Block", "HD95", None, "mm")]
    units = [Shown(name, ["model", "atlas"], [("Voxels", "16 x 24 x 20"), ("Name", "2.25." + "1234567890" * 4)], figures if name == "one" else []) for name in ("one", "two")]
    server = Server(site(Told("made <study>", True, [("Block", COLOURS[0]), ("Slab", COLOURS[1])], units), image, labels))
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server.address
    server.stop()
    thread.join()


@pytest.fixture(scope="module")
def page() -> Iterator[object]:
    assert _THERE, "CI must have chromium: scripts/debian-packages installs it"
    with _DRIVER["browser"](webgl=True) as made:
        yield made


@pytest.fixture
def drawn(page, address):
    page.said.clear()
    page.asked.clear()
    page.open(address, width=1400)
    until(page, "document.body.dataset.drawn === '1'")
    return page


def until(page, condition: str, seconds: float = 60.0) -> None:
    last = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert "Uncaught" not in page.said
        assert time.monotonic() < last, (condition, page.evaluate("document.getElementById('state').textContent"), page.said)
        time.sleep(0.1)


def give(page, id_: str, script: str, event: str) -> None:
    page.evaluate(f"(() => {{ const one = document.getElementById('{id_}'); {script}; one.dispatchEvent(new Event('{event}')); }})()")


def test_the_volume_and_both_labels_are_on_the_canvas(drawn):
    grey, orange, blue = drawn.evaluate(READ)
    assert grey > 2000
    assert orange > 500
    assert blue > 500


def test_labels_go_and_come_with_the_box_and_fade_with_the_slider(drawn):
    before = drawn.evaluate(READ)
    give(drawn, "shown", "one.checked = false", "input")
    grey, orange, blue = drawn.evaluate(READ)
    assert (orange, blue) == (0, 0)
    assert grey > before[0]
    give(drawn, "shown", "one.checked = true", "input")
    assert drawn.evaluate(READ) == before
    give(drawn, "opacity", "one.value = 5", "input")
    assert drawn.evaluate(READ)[1] < before[1]


def test_what_stands_beside_the_model_can_be_shown_in_its_place(drawn):
    give(drawn, "output", "one.value = 'atlas'", "change")
    until(drawn, "document.body.dataset.drawn === '2'")
    _, orange, blue = drawn.evaluate(READ)
    assert orange > 500
    assert blue == 0
    give(drawn, "output", "one.value = ''", "change")
    until(drawn, "document.body.dataset.drawn === '3'")
    assert drawn.evaluate(READ)[1:] == [0, 0]


def test_another_unit_is_another_picture_with_its_own_figures(drawn):
    first = drawn.evaluate("document.getElementById('figures').textContent")
    assert "0.912" in first
    assert "0.401" in first
    assert "not defined" in first
    drawn.evaluate("document.querySelectorAll('#units button')[1].click()")
    until(drawn, "document.body.dataset.drawn === '2'")
    assert drawn.evaluate("document.getElementById('figures').textContent") == "No truth is known of this unit."
    assert drawn.evaluate("document.getElementById('canvas').getAttribute('aria-label')") == "Unit 2 of 2, labels of model"


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal", "render"])
def test_each_plane_and_the_rendering_show_something(drawn, plane):
    give(drawn, "plane", f"one.value = '{plane}'", "change")
    assert sum(drawn.evaluate(READ)) > 2000


def test_the_patients_right_is_on_the_left_of_the_picture(drawn):
    """RAS: the slab (blue) lies at x = 6 to 16 mm, the block (orange) at x = -10 to 4 mm, so the slab is on the patient's right."""
    give(drawn, "plane", "one.value = 'axial'", "change")
    where = """(() => { const gl = picture.gl, w = gl.drawingBufferWidth, h = gl.drawingBufferHeight; picture.drawScene(); const out = new Uint8Array(w * h * 4);
      gl.readPixels(0, 0, w, h, gl.RGBA, gl.UNSIGNED_BYTE, out); const mean = (test) => { let sum = 0, n = 0; for (let i = 0; i < w * h; i++)
        if (test(out[4 * i], out[4 * i + 1], out[4 * i + 2])) { sum += i % w; n++; } return sum / n; };
      return [mean((r, g, b) => r > b + 60 && r > g), mean((r, g, b) => b > r + 60 && b > g - 40)]; })()"""
    orange, blue = drawn.evaluate(where)
    assert blue < orange


def test_nothing_is_complained_of_and_nothing_leaves_this_machine(drawn, address):
    for plane in ("render", "multi"):
        give(drawn, "plane", f"one.value = '{plane}'", "change")
    drawn.evaluate(READ)
    assert [said for said in drawn.said if "GPU stall due to ReadPixels" not in said] == []  # the test reads pixels, and is told that this is slow
    assert drawn.asked
    assert all(asked.startswith((address, "data:", "blob:http://127.0.0.1:")) for asked in drawn.asked)
    assert "'unsafe" not in POLICY


def test_it_says_that_the_data_are_made_and_names_its_parts(drawn):
    assert "Made data" in drawn.evaluate("document.querySelector('.banner').textContent")
    assert drawn.evaluate("document.querySelector('h1').textContent") == "made <study>"
    for role, name in (("slider", "Opacity"), ("checkbox", "show"), ("navigation", "Units"), ("image", "Unit 1 of 2, labels of model")):
        assert any(name in said for said in drawn.accessible(role)), role
    drawn.picture(Path(os.environ["VIEWER_PICTURE"])) if "VIEWER_PICTURE" in os.environ else None


@pytest.mark.parametrize("width", [390, 1400])
def test_nothing_scrolls_sideways(page, address, width):
    page.open(address, width=width)
    until(page, "document.body.dataset.drawn === '1'")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
