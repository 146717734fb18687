"""The networks that segment, by name, and their ONNX form.

In        options, number of classes
Out       a torch module (n, 1, window) -> (n, classes, window) of logits; the same as ONNX bytes, for any n
Source    MONAI `UNet` and `SwinUNETR`, and our `vit.py`; initial weights by the seed
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import Any

from bedside.core.lazy import need
from bedside.pillars.imaging.segment.options import SegmentOptions
from bedside.pillars.imaging.segment.vit import vit

OPSET = 17


def unet(options: SegmentOptions, classes: int) -> Any:
    """Residual U-Net whose first level keeps the full resolution: small structures are a few voxels wide."""
    nets = need("monai.networks.nets", extra="imaging")
    strides = (1,) + (2,) * (len(options.channels) - 1)
    return nets.UNet(spatial_dims=3, in_channels=1, out_channels=classes, channels=(*options.channels, options.channels[-1]), strides=strides,
                     num_res_units=1, norm=("instance", {"affine": True}))  # fmt: skip


def swinunetr(options: SegmentOptions, classes: int) -> Any:
    """Shifted-window transformer. MONAI's own needs einops besides."""
    need("einops", extra="imaging")
    nets = need("monai.networks.nets", extra="imaging")
    return nets.SwinUNETR(in_channels=1, out_channels=classes, feature_size=options.features, depths=(1, 1, 1, 1), num_heads=(2, 2, 4, 4), spatial_dims=3)


def transformer(options: SegmentOptions, classes: int) -> Any:
    """Vision transformer with a convolutional way up."""
    return vit(options.window, classes, options.features)


NETWORKS: dict[str, Callable[[SegmentOptions, int], Any]] = {"unet": unet, "vit": transformer, "swinunetr": swinunetr}


def network(options: SegmentOptions, classes: int, *, seed: int) -> Any:
    """A network with its initial weights."""
    torch = need("torch", extra="imaging")
    torch.manual_seed(seed)
    return NETWORKS[options.network](options, classes)


def exported(net: Any, options: SegmentOptions) -> bytes:
    """The network as ONNX. The exporter that traces needs nothing besides torch and onnx; the newer one wants onnxscript too."""
    torch = need("torch", extra="imaging")
    need("onnx", extra="imaging")
    net.eval()
    stream = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, (torch.zeros(1, 1, *options.window),), stream, input_names=["image"], output_names=["logits"],
                          dynamic_axes={"image": {0: "n"}, "logits": {0: "n"}}, opset_version=OPSET, dynamo=False)  # fmt: skip
    return stream.getvalue()
