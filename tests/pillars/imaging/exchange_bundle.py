"""A bundle whose answer is known by heart: below a quarter of full brightness nothing, then the first structure, then the second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tests.pillars.imaging.exchange_made import labels

from bedside.bundle.runners.onnx_image import NAME, VERSION, Preprocess
from bedside.bundle.sealed import seal_files
from bedside.core import canonical
from bedside.core.target import Target
from bedside.core.task_image import ImageTask, Structure

WINDOW = (8, 12, 12)
SPACING_MM = (2.5, 0.75, 1.25)
BRIGHT = np.array([0, 500, 1000], np.uint16)
_TOML = """
schema = "bedside.study/1"
name = "received"
source = []
made = true

[task]
kind = "image"
name = "two-lumps"
question = "segment"
modalities = ["MR"]
asks = [{ name = "liver", kind = "region" }, { name = "lump", kind = "region", label = "Lump" }]
structures.lump.type = "SCT//4147007//Mass"
"""


def network() -> bytes:
    """logits 0, x - 1/4, 2x - 1: at x = 0, 1/2 and 1 the largest is the first, second and third."""
    from onnx import TensorProto, checker, helper, numpy_helper

    weight = np.array([0, 100, 200], np.float32).reshape(3, 1, 1, 1, 1)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "w", "b"], ["logits"])], "made",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 1, *WINDOW])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 3, *WINDOW])],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(np.array([0, -25, -100], np.float32), "b")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    return bytes(model.SerializeToString())


def bundle(folder: Path) -> str:
    task = ImageTask("two-lumps", "segment", [Target("liver", "region"), Target("lump", "region", label="Lump")], modalities=["MR"],
                     structures={"lump": Structure(type="SCT//4147007//Mass")})  # fmt: skip
    recipe = Preprocess("bedside.preprocess/1", ["liver", "lump"], SPACING_MM, WINDOW, "window", 0.0, 1000.0)
    files = {"model.onnx": network(), "preprocess.json": canonical.dumps(recipe)}
    return seal_files(folder, name="two-lumps", runner=NAME, runner_version=VERSION, task=task, thresholds={}, training={}, files=files,
                      card={}, made=True)  # fmt: skip


def study(folder: Path) -> Path:
    """A study folder with that bundle and nothing else."""
    folder.mkdir(parents=True)
    (folder / "study.toml").write_text(_TOML)
    bundle(folder / "bundles" / "model")
    return folder


def pixels() -> np.ndarray:
    """An image that the bundle sees the made labels in."""
    return BRIGHT[labels()]
