"""The one door of a site: all that crosses is a `Message` of a declared kind, with declared names, of declared shapes.

In        a message and the door's rules (which arrays, of which dimensions; which facts)
Out       bytes; a journal of every crossing: kind, round, direction, size, SHA-256
Refuses   a name that is not declared, an array of another shape, a text that is none of the known ones: so no row, no identifier and
          no array as long as the cohort can leave, whatever the code behind the door does. Sizes do not depend on how many patients
          there are: a number of patients crosses as one float64 too.
Form      MessagePack of the record; arrays as little-endian float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from bedside.core.errors import Malformed, Refused
from bedside.core.federable import Shape
from bedside.core.ids import sha256

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SCHEMA_NAME = "bedside.crossing/1"
Kind = Literal["join", "statistics", "update", "summary", "test", "figures", "receipt", "no"]
Direction = Literal["to", "from"]
REASONS: Mapping[str, str] = {
    "other-task": "its study.toml asks another task, or fits another model",
    "other-features": "its cohort has other features, or in another order",
    "too-few": "it has fewer development subjects than least_subjects",
    "spent": "the rounds that its privacy allows are used up",
    "unusable": "its rows do not allow what was asked",
    "closed": "the run has ended, or has not begun, at this site",
}


class Array(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An array as bytes."""

    dims: list[int]
    data: bytes


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One crossing. `told`: facts by name, each of a fixed form; `files`: a bundle's files, from the coordinator only."""

    schema: str
    kind: Kind
    run: str
    number: int = 0
    arrays: dict[str, Array] = {}
    told: dict[str, str] = {}
    files: dict[str, bytes] = {}


class Crossed(msgspec.Struct, frozen=True):
    """One line of the journal, from the site's side: `direction` is "to" the site or "from" it."""

    direction: Direction
    kind: str
    number: int
    size: int
    sha256: str


class Rules(msgspec.Struct, frozen=True):
    """What one kind of message may hold: arrays by name, facts by name with the most characters, files or not."""

    arrays: Mapping[str, Shape] = {}
    told: Mapping[str, int] = {}
    files: bool = False


class Channel:
    """Packs and unpacks; everything passes its rules, and its journal. `tap` sees the bytes as they cross, for whoever audits."""

    def __init__(self, site: str, tap: Callable[[Direction, bytes], None] | None = None) -> None:
        self.site, self._tap = site, tap
        self.journal: list[Crossed] = []

    def pack(self, kind: Kind, run: str, rules: Rules, *, number: int = 0, arrays: Mapping[str, Floats] | None = None,
             told: Mapping[str, str] | None = None, files: Mapping[str, bytes] | None = None, direction: Direction) -> bytes:  # fmt: skip
        """The bytes of a message; `Refused` when it holds what its kind may not."""
        packed = {name: Array(list(one.shape), np.ascontiguousarray(one, dtype="<f8").tobytes()) for name, one in sorted((arrays or {}).items())}
        message = Message(SCHEMA_NAME, kind, run, number, packed, dict(sorted((told or {}).items())), dict(sorted((files or {}).items())))
        faults = breaches(message, rules)
        if faults:
            raise Refused(f"a message may not cross: {faults[0]}", where=f"site {self.site!r}, {kind}",
                          do="report this: what a model declares and what it sends do not agree")  # fmt: skip
        data = msgspec.msgpack.encode(message)
        self._note(direction, message, data)
        return data

    def unpack(self, data: bytes, rules: Mapping[Kind, Rules], *, direction: Direction) -> Message:
        """The message in these bytes; `Malformed` when it is none, or holds what its kind may not."""
        try:
            message = msgspec.msgpack.decode(data, type=Message)
        except (msgspec.DecodeError, ValueError) as error:
            raise Malformed("not a message", where=f"site {self.site!r}", do="use the same version of bedside on both sides") from error
        own = rules.get(message.kind)
        faults = breaches(message, own) if own is not None else [f"kind {message.kind} was not asked for"]
        if message.schema != SCHEMA_NAME or faults:
            raise Malformed(f"the message breaks its rules: {faults[0] if faults else 'another schema'}",
                            where=f"site {self.site!r}, {message.kind}", do="use the same version of bedside on both sides")  # fmt: skip
        self._note(direction, message, data)
        return message

    def _note(self, direction: Direction, message: Message, data: bytes) -> None:
        self.journal.append(Crossed(direction, message.kind, message.number, len(data), sha256(data)))
        if self._tap is not None:
            self._tap(direction, data)


def breaches(message: Message, rules: Rules) -> list[str]:
    """What a message holds that it may not, or lacks."""
    found = [f"array {name} is not declared" for name in message.arrays.keys() - rules.arrays.keys()]
    found += [f"array {name} is missing" for name in rules.arrays.keys() - message.arrays.keys()]
    found += [f"array {name} is not {shape.dims}" for name, shape in rules.arrays.items()
              if name in message.arrays and not _fits(message.arrays[name], shape)]  # fmt: skip
    found += [f"{name} is not declared" for name in message.told.keys() - rules.told.keys()]
    found += [f"{name} is too long" for name, text in message.told.items() if len(text) > rules.told.get(name, 0)]
    found += ["files may not cross here"] * bool(message.files and not rules.files)
    if message.kind == "no" and message.told.get("reason") not in REASONS:
        found.append("a refusal without a known reason")
    return found


def floats(array: Array) -> Floats:
    """The array itself."""
    return np.frombuffer(array.data, dtype="<f8").reshape(array.dims).astype(np.float64)


def _fits(array: Array, shape: Shape) -> bool:
    dims = tuple(array.dims)
    if len(array.data) != 8 * int(np.prod(dims, dtype=np.int64)) or len(dims) != len(shape.dims) or min(dims, default=0) < 0:
        return False
    return dims == shape.dims or (shape.most and dims[1:] == shape.dims[1:] and dims[0] <= shape.dims[0])
