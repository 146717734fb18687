"""A local folder of a BERT-class model to the files of runner "encoder". Nothing is downloaded, and pickled weights are refused."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bedside.bundle.runners.encoder import CONFIG, ONNX, SAFE, SETTINGS, TOKENIZERS, VERSION, Encoder, Settings
from bedside.core import canonical
from bedside.core.errors import Malformed, Misconfigured, Refused
from bedside.core.task_note import NoteTask
from bedside.pillars.text.options import WHERE, EncoderOptions

_PICKLED = ("pytorch_model.bin", "model.pt", "model.pkl")


def sealed(options: EncoderOptions, task: NoteTask, root: Path) -> dict[str, bytes]:
    """The files of the folder, with what each label means; the model is opened once, so that a broken one stops here.

    root   what a relative folder is relative to
    """
    folder = root / options.folder
    weights = next((name for name in (ONNX, SAFE) if (folder / name).is_file()), None)
    if weights is None and any((folder / name).exists() for name in _PICKLED):
        raise Refused("the folder's weights are pickled, and opening them would run whatever is in them", where=f"{WHERE} folder",
                      do="convert them to model.safetensors or model.onnx on a machine that you can lose")  # fmt: skip
    tokenizer = [name for name in TOKENIZERS if (folder / name).is_file()]
    lacking = ["model.onnx or model.safetensors"] * (weights is None) + ["config.json"] * (not (folder / CONFIG).is_file())
    lacking += ["tokenizer.json or vocab.txt"] * (not set(tokenizer) & set(TOKENIZERS[:2]))
    if lacking or weights is None:
        raise Misconfigured(f"the folder lacks {', '.join(lacking)}", where=f"{WHERE} folder", do="point at a local folder of a token classifier")
    files = {name: (folder / name).read_bytes() for name in (CONFIG, weights, *tokenizer)}
    files[SETTINGS] = canonical.dumps(Settings(_labels(files[CONFIG], options, task)))
    Encoder(files, where=f"{WHERE} folder")
    return files


def _labels(config: bytes, options: EncoderOptions, task: NoteTask) -> dict[str, str]:
    """Label of the model to target; `Misconfigured` when a target has none."""
    try:
        names = msgspec.json.decode(config)["id2label"].values()
    except (KeyError, TypeError, AttributeError, msgspec.DecodeError) as error:
        raise Malformed("config.json names no labels (id2label)", where=f"{WHERE} folder", do="point at a token classifier, not at a bare encoder") from error
    kinds = {name[2:] if name[:2] in ("B-", "I-") else name for name in names}
    targets = {target.name for target in task.asks}
    labels = {kind: target for kind in kinds if (target := options.labels.get(kind, kind)) in targets}
    if silent := sorted(targets - set(labels.values())):
        raise Misconfigured(f"no label of the model is {', '.join(silent)}; it has {', '.join(sorted(kinds - {'O'}))}", where=f"{WHERE} labels",
                            do="say which label is which target")  # fmt: skip
    return labels


__all__ = ["VERSION", "sealed"]
