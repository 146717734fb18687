"""The forward pass of a BERT token classifier in numpy, from safetensors: no library that could run what it loads.

In        model.safetensors and config.json of the published layout (bert.embeddings..., bert.encoder.layer.<i>..., classifier...)
Out       logits (n pieces, labels)
Source    Devlin et al., NAACL 2019; post-norm transformer of Vaswani et al., 2017. safetensors: 8 bytes length, JSON header, raw arrays.
          erf of the GELU: Abramowitz & Stegun 7.1.26, error below 1.5e-7.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from bedside.core.errors import Malformed, Unusable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_TYPES = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "I64": "<i8"}
_LONGEST_HEADER = 100_000_000


def arrays(data: bytes, *, where: str) -> dict[str, Floats]:
    """The arrays of a safetensors file as float32, views where they are so already."""
    try:
        length = int.from_bytes(data[:8], "little")
        if length > min(len(data) - 8, _LONGEST_HEADER):
            raise ValueError("header")
        header: dict[str, Any] = msgspec.json.decode(data[8 : 8 + length])
        return {name: _array(memoryview(data)[8 + length :], told) for name, told in header.items() if name != "__metadata__"}
    except (ValueError, KeyError, TypeError, msgspec.DecodeError) as error:
        raise Malformed("not a safetensors file", where=where, do="export the model's weights again") from error


def _array(body: memoryview, told: Mapping[str, Any]) -> Floats:
    start, end = told["data_offsets"]
    raw = body[start:end]
    if told["dtype"] == "BF16":
        wide = np.frombuffer(raw, dtype="<u2").astype("<u4") << 16
        return wide.view("<f4").reshape(told["shape"])
    return np.frombuffer(raw, dtype=_TYPES[told["dtype"]]).reshape(told["shape"]).astype(np.float32, copy=False)


class Bert:
    """A classifier of word pieces."""

    def __init__(self, weights: bytes, config: Mapping[str, Any], *, where: str) -> None:
        if config.get("model_type") != "bert" or config.get("hidden_act", "gelu") != "gelu":
            raise Unusable(f"safetensors of a {config.get('model_type')} model with {config.get('hidden_act', 'gelu')} are not read here", where=where,
                           do="export it to model.onnx and point at that")  # fmt: skip
        named = arrays(weights, where=where)
        self._w = {name.removeprefix("bert.").replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias"): array
                   for name, array in named.items()}  # fmt: skip
        try:
            self.heads, self.layers = int(config["num_attention_heads"]), int(config["num_hidden_layers"])
            self.most = int(config.get("max_position_embeddings", 512))
            self._epsilon = float(config.get("layer_norm_eps", 1e-12))
            self.logits(np.zeros(1, dtype=np.int64))
        except (KeyError, ValueError) as error:
            raise Malformed("weights and config.json do not belong together", where=where, do="copy both from one folder") from error

    def logits(self, pieces: NDArray[np.int64]) -> Floats:
        """Logits of each piece of one sequence."""
        w = self._w
        x = w["embeddings.word_embeddings.weight"][pieces] + w["embeddings.position_embeddings.weight"][: len(pieces)]
        x = self._norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for i in range(self.layers):
            at = f"encoder.layer.{i}."
            x = self._norm(x + self._linear(self._attended(x, at), at + "attention.output.dense"), at + "attention.output.LayerNorm")
            inner = _gelu(self._linear(x, at + "intermediate.dense"))
            x = self._norm(x + self._linear(inner, at + "output.dense"), at + "output.LayerNorm")
        return self._linear(x, "classifier")

    def _attended(self, x: Floats, at: str) -> Floats:
        def split(name: str) -> Floats:
            projected = self._linear(x, f"{at}attention.self.{name}")
            return projected.reshape(len(x), self.heads, -1).transpose(1, 0, 2)

        query, key, value = (split(name) for name in ("query", "key", "value"))
        score = query @ key.transpose(0, 2, 1) / np.float32(math.sqrt(query.shape[-1]))
        weight = np.exp(score - score.max(axis=-1, keepdims=True))
        mixed = (weight / weight.sum(axis=-1, keepdims=True)) @ value
        return np.ascontiguousarray(mixed.transpose(1, 0, 2).reshape(len(x), -1))

    def _linear(self, x: Floats, name: str) -> Floats:
        out: Floats = x @ self._w[f"{name}.weight"].T + self._w[f"{name}.bias"]
        return out

    def _norm(self, x: Floats, name: str) -> Floats:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(self._epsilon))
        out: Floats = scaled * self._w[f"{name}.weight"] + self._w[f"{name}.bias"]
        return out


def _gelu(x: Floats) -> Floats:
    out: Floats = x * np.float32(0.5) * (1 + _erf(x / np.float32(math.sqrt(2)))).astype(np.float32)
    return out


def _erf(x: Floats) -> Floats:
    """
    >>> bool(abs(_erf(np.array([0.5], dtype=np.float32))[0] - math.erf(0.5)) < 1e-6)
    True
    """
    size = np.abs(x)
    t = 1 / (1 + 0.3275911 * size)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    out: Floats = np.sign(x) * (1 - series * np.exp(-size * size))
    return out
