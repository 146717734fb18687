"""[model] of study.toml for a note task: which tagger, and how it is fitted or where it lies.

kind = "crf"         fitted from the development notes alone                          (`tagger/crf.py`)
       "rules"       the rules of this package, as they are; nothing is learned       (`tagger/rules.py`)
       "encoder"     a local folder of a BERT-class token classifier                  (`tagger/encoder.py`)
       "endpoint"    a local server that speaks the OpenAI chat protocol              (`tagger/endpoint.py`)
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from bedside.core.errors import Misconfigured

WHERE = "study.toml, [model]"


class CrfOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="crf"):
    """A CRF.

    iterations    of L-BFGS; l1, l2: its penalties
    passes        2: a second pass reads what the first said elsewhere in the note
    folds         of the development notes, for what must not come from the note itself
    """

    iterations: int = 100
    l1: float = 0.03
    l2: float = 0.1
    passes: int = 2
    folds: int = 5


class RulesOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="rules"):
    """The rule path.

    kinds   fact kind (or kind.attribute) to target, where they are not called alike
    """

    kinds: dict[str, str] = {}


class EncoderOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="encoder"):
    """A BERT-class token classifier in a local folder: config.json, tokenizer.json or vocab.txt, and model.onnx or model.safetensors.

    labels   label of the model (without B-, I-) to target, where they are not called alike
    """

    folder: str
    labels: dict[str, str] = {}


class EndpointOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="endpoint"):
    """A server of a language model.

    url        up to and including /v1; its host is this machine, or is named in allowed_hosts by whoever answers for sending notes there
    describe   target to what it means, in words, for the prompt
    """

    url: str
    model: str
    describe: dict[str, str] = {}
    allowed_hosts: list[str] = []
    timeout_s: float = 60.0
    retries: int = 2
    longest: int = 6000


ModelOptions = CrfOptions | RulesOptions | EncoderOptions | EndpointOptions
_RANGES = {"iterations": (1, 10_000), "l1": (0.0, 1000.0), "l2": (0.0, 1000.0), "passes": (1, 2), "folds": (2, 100),
           "timeout_s": (0.001, 86_400.0), "retries": (0, 100), "longest": (200, 1_000_000)}  # fmt: skip
_KINDS = ("crf", "rules", "encoder", "endpoint")


def options(model: Mapping[str, object]) -> ModelOptions:
    """[model] as options; `Misconfigured` names every fault. A CRF when no kind is said.

    >>> options({"passes": 1}).passes
    1
    """
    try:
        told: ModelOptions = msgspec.convert({"kind": "crf", **model}, ModelOptions)
    except msgspec.ValidationError as error:
        raise Misconfigured(str(error), where=WHERE, do=f"kind is one of {', '.join(_KINDS)}; see docs/text-tagger.md") from error
    if faults := _faults(told):
        raise Misconfigured("; ".join(faults), where=WHERE, do="correct the values above")
    return told


def _faults(told: ModelOptions) -> list[str]:
    return [f"{name} must be a number from {low:g} to {high:g}" for name, (low, high) in _RANGES.items()
            if hasattr(told, name) and not (low <= getattr(told, name) <= high)]  # fmt: skip  (so that nan, which is in no order, is outside)
