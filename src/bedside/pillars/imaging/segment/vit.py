"""A vision transformer that segments: tokens of 4 x 4 x 4 voxels attend to each other, convolutions bring the answer back to voxels.

In        (n, 1, window), the window a multiple of 4 along each axis
Out       (n, classes, window) of logits
Source    tokens and blocks: Dosovitskiy et al., ICLR 2021; tokens joined with convolutional features on the way up: Hatamizadeh et
          al., WACV 2022 (UNETR), here with one skip at each of two scales
"""

from __future__ import annotations

from typing import Any

from bedside.core.lazy import need

PATCH = 4
_BLOCKS, _HEADS, _WIDER = 3, 4, 2


def vit(window: tuple[int, int, int], classes: int, width: int) -> Any:
    """The network; `width` channels a token, a multiple of 4."""
    torch = need("torch", extra="imaging")
    nn = torch.nn

    def convolution(inside: int, outside: int) -> Any:
        return nn.Sequential(nn.Conv3d(inside, outside, 3, padding=1), nn.InstanceNorm3d(outside, affine=True), nn.LeakyReLU(0.01))

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        """Attention of all tokens to all, then each token by itself."""

        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
            self.asks, self.gives = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.alone = nn.Sequential(nn.Linear(width, _WIDER * width), nn.GELU(), nn.Linear(_WIDER * width, width))

        def forward(self, tokens: Any) -> Any:
            n, count, _ = tokens.shape
            query, key, value = self.asks(self.first(tokens)).reshape(n, count, 3, _HEADS, width // _HEADS).permute(2, 0, 3, 1, 4)
            attended = torch.softmax(query @ key.transpose(-1, -2) / (width // _HEADS) ** 0.5, -1) @ value
            tokens = tokens + self.gives(attended.transpose(1, 2).reshape(n, count, width))
            return tokens + self.alone(self.second(tokens))

    class Vit(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.grid = tuple(size // PATCH for size in window)
            narrow = max(width // PATCH, 4)
            self.cut = nn.Conv3d(1, width, PATCH, PATCH)
            self.places = nn.Parameter(torch.randn(1, self.grid[0] * self.grid[1] * self.grid[2], width) * 0.02)
            self.blocks, self.last = nn.Sequential(*(Block() for _ in range(_BLOCKS))), nn.LayerNorm(width)
            self.fine, self.halved = convolution(1, narrow), nn.Sequential(nn.Conv3d(narrow, 2 * narrow, 2, 2), convolution(2 * narrow, 2 * narrow))
            self.up, self.upper = nn.ConvTranspose3d(width, 2 * narrow, 2, 2), nn.ConvTranspose3d(2 * narrow, narrow, 2, 2)
            self.joined, self.whole = convolution(4 * narrow, 2 * narrow), convolution(2 * narrow, narrow)
            self.says = nn.Conv3d(narrow, classes, 1)

        def forward(self, image: Any) -> Any:
            tokens = self.blocks(self.cut(image).flatten(2).transpose(1, 2) + self.places)
            coarse = self.last(tokens).transpose(1, 2).reshape(-1, width, *self.grid)
            fine = self.fine(image)
            middle = self.joined(torch.cat([self.up(coarse), self.halved(fine)], 1))
            return self.says(self.whole(torch.cat([self.upper(middle), fine], 1)))

    return Vit()
