"""A BERT-class model in a local folder: its forward pass is torch's, both formats say the same, and what could run code is refused."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

import numpy as np
import pytest

from bedside.bundle.runners.encoder import Encoder
from bedside.bundle.runners.encoder_bert import Bert, arrays
from bedside.bundle.runners.encoder_words import WordPieces
from bedside.core.errors import Malformed, Misconfigured, Refused, Unusable
from bedside.core.target import Target
from bedside.core.task_note import NoteTask
from bedside.pillars.text.options import EncoderOptions
from bedside.pillars.text.tagger.encoder import sealed

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "no", "fever", "gou", "##t", "un", "##aff", "##able", ".", "cough"]
HIDDEN, HEADS, LAYERS, INNER = 8, 2, 2, 16
LABELS = ["O", "B-DIS", "I-DIS"]
CONFIG = {"model_type": "bert", "hidden_act": "gelu", "num_attention_heads": HEADS, "num_hidden_layers": LAYERS, "max_position_embeddings": 12,
          "layer_norm_eps": 1e-12, "id2label": {str(i): name for i, name in enumerate(LABELS)}}  # fmt: skip
TASK = NoteTask("diseases", [Target("disease", "found")])


def safetensors(weights: dict[str, np.ndarray]) -> bytes:
    header, body = {}, b""
    for name, array in weights.items():
        raw = array.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def random_weights() -> dict[str, np.ndarray]:
    draw = np.random.default_rng(7)
    shapes = {"embeddings.word_embeddings.weight": (len(VOCABULARY), HIDDEN), "embeddings.position_embeddings.weight": (12, HIDDEN),
              "embeddings.token_type_embeddings.weight": (2, HIDDEN)}  # fmt: skip
    linear = {f"attention.self.{n}": (HIDDEN, HIDDEN) for n in ("query", "key", "value")} | {
        "attention.output.dense": (HIDDEN, HIDDEN), "intermediate.dense": (INNER, HIDDEN), "output.dense": (HIDDEN, INNER)}  # fmt: skip
    for i in range(LAYERS):
        for name, shape in linear.items():
            shapes |= {f"encoder.layer.{i}.{name}.weight": shape, f"encoder.layer.{i}.{name}.bias": shape[:1]}
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"encoder.layer.{i}.{name}.weight": (HIDDEN,), f"encoder.layer.{i}.{name}.bias": (HIDDEN,)}
    shapes |= {"embeddings.LayerNorm.weight": (HIDDEN,), "embeddings.LayerNorm.bias": (HIDDEN,)}
    weights = {f"bert.{name}": draw.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}
    return weights | {"classifier.weight": draw.normal(0, 1, (len(LABELS), HIDDEN)).astype(np.float32), "classifier.bias": np.zeros(len(LABELS), np.float32)}


def spotting(*ill: str) -> dict[str, np.ndarray]:
    """Weights of a model without layers that says B-DIS of these pieces and O of all others."""
    words, zero = np.zeros((len(VOCABULARY), HIDDEN)), np.zeros((2, HIDDEN))
    words[:, 0], words[[VOCABULARY.index(piece) for piece in ill], :2] = 1.0, (0.0, 1.0)
    classifier = np.zeros((len(LABELS), HIDDEN))
    classifier[0, 0] = classifier[1, 1] = 4.0
    return {"bert.embeddings.word_embeddings.weight": words, "bert.embeddings.position_embeddings.weight": np.zeros((12, HIDDEN)),
            "bert.embeddings.token_type_embeddings.weight": zero, "bert.embeddings.LayerNorm.weight": np.ones(HIDDEN),
            "bert.embeddings.LayerNorm.bias": np.zeros(HIDDEN), "classifier.weight": classifier, "classifier.bias": np.zeros(len(LABELS))}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, "num_hidden_layers": 0}))
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY))
    (tmp_path / "model.safetensors").write_bytes(safetensors(spotting("fever", "gou")))
    return tmp_path


OPTIONS = EncoderOptions(".", {"DIS": "disease"})


def test_the_forward_pass_is_that_of_a_post_norm_transformer():
    torch = pytest.importorskip("torch")
    weights = random_weights()
    pieces = np.array([2, 4, 5, 6, 7, 11, 3])
    ours = Bert(safetensors(weights), CONFIG, where="test").logits(pieces)
    w = {name.removeprefix("bert."): torch.tensor(array) for name, array in weights.items()}
    x = w["embeddings.word_embeddings.weight"][pieces] + w["embeddings.position_embeddings.weight"][: len(pieces)] + w["embeddings.token_type_embeddings.weight"][0]
    x = torch.nn.functional.layer_norm(x, (HIDDEN,), w["embeddings.LayerNorm.weight"], w["embeddings.LayerNorm.bias"], 1e-12)
    for i in range(LAYERS):
        layer = torch.nn.TransformerEncoderLayer(HIDDEN, HEADS, INNER, 0.0, "gelu", 1e-12, batch_first=True).eval()
        at = f"encoder.layer.{i}."
        attention = [f"{at}attention.self.{name}" for name in ("query", "key", "value")]
        layer.load_state_dict({
            "self_attn.in_proj_weight": torch.cat([w[f"{name}.weight"] for name in attention]), "self_attn.in_proj_bias": torch.cat([w[f"{name}.bias"] for name in attention]),
            **{f"{theirs}.{part}": w[f"{at}{own}.{part}"] for part in ("weight", "bias") for theirs, own in (
                ("self_attn.out_proj", "attention.output.dense"), ("linear1", "intermediate.dense"), ("linear2", "output.dense"),
                ("norm1", "attention.output.LayerNorm"), ("norm2", "output.LayerNorm"))},
        })  # fmt: skip
        x = layer(x[None])[0]
    theirs = (x @ w["classifier.weight"].T + w["classifier.bias"]).detach().numpy()
    assert np.abs(ours - theirs).max() < 1e-4


def test_words_become_the_pieces_that_bert_was_trained_on():
    pieces = WordPieces({piece: i for i, piece in enumerate(VOCABULARY)}, lower=True, where="test")
    said = [[VOCABULARY[i] for i in word.pieces] for word in pieces.words("Unaffable, Gôut.")]
    assert said == [["un", "##aff", "##able"], ["[UNK]"], ["gou", "##t"], ["."]]


def test_spans_lie_on_whole_words_wherever_they_are_in_a_long_note(folder):
    text = "No fever. " * 9 + "Gout."
    found = Encoder(sealed(OPTIONS, TASK, folder), where="test").tag(text)
    assert [text[span.start : span.end] for span in found] == ["fever"] * 9 + ["Gout"]
    assert {span.kind for span in found} == {"disease"}
    assert all(0.5 < span.score <= 1 for span in found)


def test_onnx_and_safetensors_of_one_model_say_the_same(folder):
    onnx = pytest.importorskip("onnx")
    safe = Encoder(sealed(OPTIONS, TASK, folder), where="test")
    weights = spotting("fever", "gou")
    table, classifier = weights["bert.embeddings.word_embeddings.weight"], weights["classifier.weight"]
    helper, kind = onnx.helper, onnx.TensorProto
    norm = helper.make_node("LayerNormalization", ["x", "one", "zero"], ["n"], epsilon=1e-12)
    graph = helper.make_graph(
        [helper.make_node("Gather", ["words", "input_ids"], ["x"]), norm, helper.make_node("MatMul", ["n", "c"], ["logits"])], "made",
        [helper.make_tensor_value_info("input_ids", kind.INT64, [1, "n"])], [helper.make_tensor_value_info("logits", kind.FLOAT, [1, "n", 3])],
        [onnx.numpy_helper.from_array(array.astype(np.float32), name)
         for name, array in (("words", table), ("c", classifier.T.copy()), ("one", np.ones(HIDDEN)), ("zero", np.zeros(HIDDEN)))],
    )  # fmt: skip
    (folder / "model.onnx").write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString())
    files = sealed(OPTIONS, TASK, folder)
    assert "model.safetensors" not in files
    text = "No cough. Fever and gout."
    ours, theirs = safe.tag(text), Encoder(files, where="test").tag(text)
    assert [span[:3] for span in ours] == [span[:3] for span in theirs]
    assert all(math.isclose(a.score, b.score, abs_tol=1e-5) for a, b in zip(ours, theirs, strict=True))


def test_pickled_weights_are_refused_and_never_opened(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(Refused, match="pickled"):
        sealed(OPTIONS, TASK, folder)


def test_what_a_folder_lacks_is_told_at_once(folder):
    for name in ("model.safetensors", "vocab.txt"):
        (folder / name).unlink()
    with pytest.raises(Misconfigured, match=r"model\.onnx or model\.safetensors, tokenizer\.json or vocab\.txt"):
        sealed(OPTIONS, TASK, folder)


def test_a_target_without_a_label_is_told_with_the_labels_there_are(folder):
    with pytest.raises(Misconfigured, match="it has DIS"):
        sealed(EncoderOptions("."), TASK, folder)


@pytest.mark.parametrize("data", [b"", b"\xff" * 40, struct.pack("<Q", 4) + b"nope", safetensors({"a": np.zeros(2)})[:-3]])
def test_broken_weights_are_malformed(data):
    with pytest.raises(Malformed):
        arrays(data, where="test") and Bert(data, CONFIG, where="test")


def test_other_architectures_and_other_pieces_are_told_what_to_do(folder):
    (folder / "config.json").write_text(json.dumps({**CONFIG, "model_type": "roberta"}))
    with pytest.raises(Unusable, match="roberta"):
        sealed(OPTIONS, TASK, folder)
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"type": "BPE", "vocab": {}}}))
    with pytest.raises(Unusable, match="BPE"):
        sealed(OPTIONS, TASK, folder)
