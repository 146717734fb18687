"""The networks for 2-D images, by name. Small ones train on one thread of a processor in minutes.

In        the options, how many answers
Out       a torch module: (n, channels, size, size) -> (n, answers), or for `Heat` (n, answers, size / 4, size / 4)
Source    DenseNet: Huang et al., CVPR 2017, and ResNet: He et al., CVPR 2016, as MONAI builds them; ViT: Dosovitskiy et al., ICLR 2021.
          Ordinal answers: Cao et al. 2020 (CORAL), their thresholds made to rise by sums of positive steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bedside.core.lazy import need
from bedside.pillars.imaging.planes.options import PlaneOptions

STRIDE = 4
"""Pixels of the square for one cell of a heat map."""
_PATCH, _LAYERS, _HEADS = 8, 4, 4
_RARE = -2.2
"""Bias of a heat map before training: one cell in ten (Lin et al., ICCV 2017, section 4.1)."""


def network(options: PlaneOptions, answers: int) -> Any:
    """The network that the options name, with random weights."""
    torch = need("torch", extra="imaging")
    nets = need("monai.networks.nets", extra="imaging")
    width, channels = options.width, options.channels
    made: dict[str, Callable[[], Any]] = {
        "densenet": lambda: nets.DenseNet(spatial_dims=2, in_channels=channels, out_channels=answers, init_features=width, growth_rate=max(width // 2, 4),
                                          block_config=(2, 4, 4, 2), bn_size=2),
        "densenet121": lambda: nets.DenseNet121(spatial_dims=2, in_channels=channels, out_channels=answers),
        "resnet": lambda: nets.ResNet("basic", (1, 1, 1, 1), [width * 2**step for step in range(4)], spatial_dims=2, n_input_channels=channels,
                                      conv1_t_size=3, conv1_t_stride=1, num_classes=answers),
        "vit": lambda: _vit(torch, options, answers),
    }  # fmt: skip
    return made[options.network]()


def ordinal(options: PlaneOptions, steps: int) -> Any:
    """A network with one score, and `steps` rising thresholds on it: logits (n, steps) that fall from step to step."""
    torch = need("torch", extra="imaging")

    class Ordinal(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.body = network(options, 1)
            self.first = torch.nn.Parameter(torch.tensor([-(steps - 1) / 2]))
            self.gaps = torch.nn.Parameter(torch.full((max(steps - 1, 0),), 0.54))  # softplus of it is 1

        def forward(self, image: Any) -> Any:
            rising = torch.cumsum(torch.cat([self.first, torch.nn.functional.softplus(self.gaps)]), 0)
            return self.body(image) - rising

    return Ordinal()


def heat(options: PlaneOptions, answers: int) -> Any:
    """A fully convolutional network on blocks of MONAI: down twice by two, then wide, then one map for each target."""
    torch = need("torch", extra="imaging")
    blocks = need("monai.networks.blocks", extra="imaging")
    width = options.width

    def step(old: int, new: int, stride: int) -> Any:
        return blocks.ResidualUnit(2, old, new, strides=stride, kernel_size=3, subunits=2, norm="batch", act="relu")

    wide = blocks.Convolution(2, 4 * width, 4 * width, kernel_size=3, dilation=2, norm="batch", act="relu")
    last = torch.nn.Conv2d(4 * width, answers, 1)
    torch.nn.init.constant_(last.bias, _RARE)
    return torch.nn.Sequential(step(options.channels, width, 1), step(width, 2 * width, 2), step(2 * width, 4 * width, 2), wide, last)


def _vit(torch: Any, options: PlaneOptions, answers: int) -> Any:
    """Patches of 8 x 8 as tokens, learned places, blocks with the norm first, the mean of the tokens."""
    size = options.width * _HEADS
    nn = torch.nn

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.before, self.after = nn.LayerNorm(size), nn.LayerNorm(size)
            self.attend = nn.MultiheadAttention(size, _HEADS, batch_first=True)
            self.think = nn.Sequential(nn.Linear(size, 2 * size), nn.GELU(), nn.Linear(2 * size, size))

        def forward(self, tokens: Any) -> Any:
            seen = self.before(tokens)
            tokens = tokens + self.attend(seen, seen, seen, need_weights=False)[0]
            return tokens + self.think(self.after(tokens))

    class Vit(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.cut = nn.Conv2d(options.channels, size, _PATCH, _PATCH)
            self.places = nn.Parameter(torch.randn(1, (options.size // _PATCH) ** 2, size) * 0.02)
            self.blocks, self.last = nn.Sequential(*(Block() for _ in range(_LAYERS))), nn.Linear(size, answers)

        def forward(self, image: Any) -> Any:
            tokens = self.cut(image).flatten(2).transpose(1, 2) + self.places
            return self.last(self.blocks(tokens).mean(1))

    return Vit()
