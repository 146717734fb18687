"""Runner "encoder": a note to spans by a BERT-class token classifier, from files alone: nothing is fetched, no code of the model is run.

In        encoder.json, config.json, tokenizer.json or vocab.txt, and model.onnx (onnxruntime) or model.safetensors (numpy)
Out       spans; a word's label is that of its first piece; the score of a span is the least probability among its words
Labels    of config.json's id2label, with B- and I- or without; `labels` in encoder.json says which target each is, "O" is none
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from bedside.bundle.runners.crf_labels import chunks
from bedside.bundle.runners.crf_words import sentences
from bedside.bundle.runners.encoder_words import WordPieces, windows
from bedside.bundle.runners.text_spans import Span
from bedside.core.errors import Malformed
from bedside.core.lazy import need

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Logits = Callable[[NDArray[np.int64]], NDArray[np.float32]]

VERSION = "1"
SETTINGS, CONFIG, ONNX, SAFE = "encoder.json", "config.json", "model.onnx", "model.safetensors"
TOKENIZERS = ("tokenizer.json", "vocab.txt", "tokenizer_config.json")
_OUTSIDE, _AROUND, _MOST = "O", 2, 512


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """encoder.json. labels: label of the model, without B- and I-, to target."""

    labels: dict[str, str]
    schema: str = "bedside.encoder/1"


class Encoder:
    """A sealed encoder."""

    version = VERSION

    def __init__(self, files: Mapping[str, bytes], *, where: str) -> None:
        try:
            self._settings = msgspec.json.decode(files[SETTINGS], type=Settings)
            config: dict[str, Any] = msgspec.json.decode(files[CONFIG], type=dict[str, Any])
            named = {int(number): str(name) for number, name in config["id2label"].items()}
            self._names = [self._target(named[i]) for i in range(len(named))]
        except (KeyError, ValueError, AttributeError, msgspec.DecodeError) as error:
            raise Malformed("encoder.json or config.json is not readable, or names no labels", where=where, do="seal the bundle again") from error
        self._pieces = WordPieces.load(files, where=where)
        self._logits, most = _network(files, config, where)
        self._most = min(most, _MOST) - _AROUND

    def tag(self, text: str) -> list[Span]:
        ends = [sentence[-1].end for sentence in sentences(text)]
        found: list[Span] = []
        for run in windows(self._pieces.words(text), self._most, ends):
            flat = [piece for word in run for piece in word.pieces][: self._most]
            logits = self._logits(np.array([self._pieces.first, *flat, self._pieces.last], dtype=np.int64))
            firsts = np.cumsum([1] + [len(word.pieces) for word in run[:-1]])
            chance = _softmax(logits[np.minimum(firsts, len(logits) - 1)])
            best = chance.argmax(axis=1)
            labels = [self._names[i] for i in best.tolist()]
            sure = chance[np.arange(len(best)), best]
            found += [Span(run[a].start, run[b - 1].end, kind, float(sure[a:b].min())) for a, b, kind in chunks(labels)]
        return found

    def _target(self, name: str) -> str:
        """A label of the model as B-, I- of a target, or O."""
        place, dash, kind = name.partition("-")
        place, kind = (place, kind) if dash and place in ("B", "I") else ("I", name)
        target = self._settings.labels.get(kind)
        return f"{place}-{target}" if target is not None else _OUTSIDE


def _network(files: Mapping[str, bytes], config: Mapping[str, Any], where: str) -> tuple[Logits, int]:
    """From piece numbers to logits, and the longest sequence."""
    if ONNX in files:
        return _onnx(files[ONNX], where), int(config.get("max_position_embeddings", _MOST))
    if SAFE not in files:
        raise Malformed("neither model.onnx nor model.safetensors is there", where=where, do="seal the bundle again")
    from bedside.bundle.runners.encoder_bert import Bert

    bert = Bert(files[SAFE], config, where=where)
    return bert.logits, bert.most


def _onnx(data: bytes, where: str) -> Logits:
    library: Any = need("onnxruntime", extra="text")
    options = library.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = library.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise Malformed("onnxruntime cannot open model.onnx", where=where, do="export the model again") from error
    wanted = [one.name for one in session.get_inputs()]

    def logits(pieces: NDArray[np.int64]) -> NDArray[np.float32]:
        row = pieces[None, :]
        given = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
        answer: NDArray[np.float32] = session.run(None, {name: given[name] for name in wanted})[0][0]
        return answer

    return logits


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    high = np.exp((logits - logits.max(axis=-1, keepdims=True)).astype(np.float64))
    share: NDArray[np.float64] = high / high.sum(axis=-1, keepdims=True)
    return share
