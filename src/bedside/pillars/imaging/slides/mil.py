"""Attention over the tiles of a slide: which of them speak for the whole is learned from labels of slides alone.

In        numbers of tiles (tiles, 22), standardised; what each slide should say
Out       a torch module: (tiles, 22) -> answers (1, answers), attention (tiles,); ONNX of it for any number of tiles
Source    Ilse, Tomczak & Welling, ICML 2018: gated attention, equation 9
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.core.lazy import need
from bedside.pillars.imaging.planes.learn import OPSET
from bedside.pillars.imaging.slides.options import SlideOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


def network(numbers: int, answers: int, hidden: int, *, rising: bool) -> Any:
    """The module; with `rising` its answers are one score less thresholds that rise, as for grades."""
    torch = need("torch", extra="imaging")
    nn = torch.nn

    class Attention(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.see = nn.Sequential(nn.Linear(numbers, hidden), nn.ReLU())
            self.content, self.gate, self.weigh = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 1)
            self.say = nn.Linear(hidden, 1 if rising else answers)
            self.first = nn.Parameter(torch.tensor([-(answers - 1) / 2]))
            self.gaps = nn.Parameter(torch.full((max(answers - 1, 0),), 0.54))

        def forward(self, tiles: Any) -> tuple[Any, Any]:
            seen = self.see(tiles)
            attention = torch.softmax(self.weigh(torch.tanh(self.content(seen)) * torch.sigmoid(self.gate(seen))), 0)
            said = self.say((attention * seen).sum(0, keepdim=True))
            if rising:
                said = said - torch.cumsum(torch.cat([self.first, nn.functional.softplus(self.gaps)]), 0)
            return said, attention[:, 0]

    return Attention()


def fit(torch: Any, net: Any, bags: list[Floats], wanted: Floats, train: list[int], tune: list[int], loss: Any, options: SlideOptions, *, seed: int) -> dict[str, object]:
    """Train in place, a slide at a time, some slides a step; the best epoch on the tune slides stays. Within `learn.steady`."""
    draw = np.random.default_rng(seed)
    optimiser = torch.optim.AdamW(net.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay)
    best, kept, waited, epoch, better = np.inf, weights(net), 0, 0, 0
    for epoch in range(1, options.epochs + 1):
        net.train()
        order = draw.permutation(train)
        for at in range(0, len(order), options.batch):
            optimiser.zero_grad()
            said = [net(torch.from_numpy(_some(bags[slide], options.drop, draw)))[0] for slide in order[at : at + options.batch]]
            loss(torch.cat(said), torch.from_numpy(wanted[order[at : at + options.batch]])).backward()
            optimiser.step()
        net.eval()
        with torch.no_grad():
            now = float(loss(torch.cat([net(torch.from_numpy(bags[slide]))[0] for slide in tune]), torch.from_numpy(wanted[tune])))
        best, kept, waited, better = (now, weights(net), 0, epoch) if now < best else (best, kept, waited + 1, better)
        if waited >= options.patience:
            break
    net.load_state_dict(kept)
    net.eval()
    return {"epochs": epoch, "best_epoch": better, "loss_on_tune": round(float(best), 6), "weights": sum(one.numel() for one in net.parameters()),
            "training_slides": len(train), "tune_slides": len(tune)}  # fmt: skip


def onnx(torch: Any, net: Any, numbers: int, outputs: tuple[str, ...] = ("answer", "attention")) -> bytes:
    """The module as ONNX, for any number of tiles; the last of its outputs has one row a tile."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter without further libraries is the older one, and says so
        torch.onnx.export(net, (torch.zeros(3, numbers),), stream, input_names=["tiles"], output_names=list(outputs), opset_version=OPSET,
                          dynamic_axes={"tiles": {0: "n"}, outputs[-1]: {0: "n"}}, dynamo=False)  # fmt: skip
    return stream.getvalue()


def weights(net: Any) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def _some(bag: Floats, drop: float, draw: np.random.Generator) -> Floats:
    """The bag without some of its tiles, never without all."""
    kept = draw.random(len(bag)) >= drop
    return bag[kept] if kept.any() else bag
