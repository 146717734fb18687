"""From the bytes of a resource to the bytes of the changed one, without reading what is known already.

A resource is taken apart one level deep; each element's bytes are looked up among those that were changed before, and only what is
new is read, changed and written. Most elements of a file repeat: codes, categories, units, references, an encounter's times.

In        a node, and an object of that type as JSON
Out       the members of the changed object as JSON; what was remembered for all, for a file or for a person is told by `Rule.reach`
Elsewhere the plainest times, references, identifiers and quantities, which are new in most resources: `fhir_quick.py`
Never     bytes that were not read: what is handed on was written anew from what JSON said, so that a second key of one name is gone
"""

from __future__ import annotations

from typing import Any

import msgspec

from bedside.deidentify.fhir_numbers import decode, encode
from bedside.deidentify.fhir_quick import QUICK, Hit
from bedside.deidentify.fhir_tree import REMOVED, UNKNOWN, Beside, Node, Rule
from bedside.deidentify.fhir_values import remove
from bedside.deidentify.fhir_work import ALL, ALONE, FILE, PERSON, Work, Wrong

Members = dict[str, msgspec.Raw]
_LONGEST, _LONGEST_ITEM, _OF_AN_ENTRY, _MOST_BYTES = 2000, 600, 250, 64_000_000
_MEMBERS = msgspec.json.Decoder(Members)
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_LIST, _OBJECT, _NULL = b"["[0], b"{"[0], b"null"


class Lazy:
    """The elements of an object that are read when asked for."""

    __slots__ = ("_members",)

    def __init__(self, members: Members) -> None:
        self._members = members

    def get(self, name: str, /) -> Any:
        """The element of that name, None where there is none."""
        raw = self._members.get(name)
        return None if raw is None else decode(raw)


class Memory:
    """What was changed before: each rule's memo is of the present file and person, but for rules whose results hold for all.

    One for all files of a desk, since its rules are. It holds so many bytes and no more, however much is read.
    """

    def __init__(self) -> None:
        self._of: tuple[object, str] = (None, "")
        self._kept: dict[int, list[tuple[dict[bytes, Hit], bytes]]] = {ALL: [], FILE: [], PERSON: []}
        self._size = 0

    def turn_to(self, file: object, name: str) -> None:
        """The file and the person whose elements come next; what holds for others only is forgotten."""
        before, self._of = self._of, (file, name)
        if before[0] is not file:
            self._forget(FILE, PERSON)
        elif before[1] != name:
            self._forget(PERSON)

    def keep(self, rule: Rule, said: bytes, hit: Hit, reach: int) -> None:
        """Remember a result for as long as it holds."""
        rule.memo[said] = hit
        self._kept[reach].append((rule.memo, said))
        self._size += len(said) + len(hit[0]) + _OF_AN_ENTRY
        if self._size > _MOST_BYTES:
            self._forget(ALL, FILE, PERSON)
            self._size = 0

    def _forget(self, *reaches: int) -> None:
        for reach in reaches:
            for memo, said in self._kept[reach]:
                memo.pop(said, None)
            self._kept[reach].clear()


def members_of(raw: bytes | msgspec.Raw) -> Members:
    """An object, one level deep."""
    return _MEMBERS.decode(raw)


def change_members(work: Work, memory: Memory, node: Node, members: Members, beside: Beside) -> list[bytes]:
    """The members of an object changed, as JSON, in their order."""
    pieces: list[bytes] = []
    find, lost, actions = node.parts.get, False, work.desk.actions
    for name, view in members.items():
        rule = find(name) or node.rule(name)
        if rule is None:
            if name[:1] == "_":
                return _whole(work, node, members)
            work.did(UNKNOWN)
            continue
        said = bytes(view)
        hit = rule.memo.get(said) or _changed(work, memory, rule, view, said, beside)
        piece, told = hit
        if told:
            for what in told:
                actions[what] += 1
        if piece:
            pieces.append(piece)
        elif rule.required:
            lost = True
    return [*pieces, *_stand_ins(node, pieces, members)] if lost and pieces else pieces


def _changed(work: Work, memory: Memory, rule: Rule, view: msgspec.Raw, said: bytes, beside: Beside) -> Hit:
    """One element changed, and remembered where it is short and holds for others. What was done is told, and not yet counted."""
    if rule.one is remove:
        return b"", (REMOVED,)
    if rule.quick is not None and (hit := QUICK[rule.quick](work, rule, said)) is not None:
        memory.keep(rule, said, hit, rule.reach)
        return hit
    if (rule.node is not None and len(said) > _LONGEST_ITEM) or (rule.apart and said[0] == _LIST):
        return _inside(work, memory, rule, rule.node, view), ()
    hit = _read(work, rule, said, beside)
    reach = max(work.reach, rule.reach)
    if reach < ALONE and len(said) <= _LONGEST:
        memory.keep(rule, said, hit, reach)
    return hit


def _read(work: Work, rule: Rule, said: bytes, beside: Beside) -> Hit:
    """One element read, changed and written; `work.reach` then tells how far it holds."""
    if said == _NULL:
        return b"", ()
    desk, apart = work.desk, work.apart
    before, desk.actions = desk.actions, apart
    work.reach = ALL
    try:
        new = rule.change(work, decode(said), beside)
        told = tuple(apart.elements()) if apart else ()
    finally:
        desk.actions = before
        apart.clear()
    return (b"" if new is None else rule.prefix + encode(new)), told


def _inside(work: Work, memory: Memory, rule: Rule, node: Node | None, view: msgspec.Raw) -> bytes:
    """A backbone or a list of them, each taken apart in its turn."""
    first = bytes(memoryview(view)[:1])[0]
    if first == _OBJECT and node is not None:
        new = _object(work, memory, node, view)
        return rule.prefix + new if new else b""
    if first != _LIST:
        raise Wrong
    done = [new for item in _ITEMS.decode(view) if (new := _item(work, memory, rule, node, item))]
    return rule.prefix + b"[" + b",".join(done) + b"]" if done else b""


def _item(work: Work, memory: Memory, rule: Rule, node: Node | None, view: msgspec.Raw) -> bytes:
    """One of a list: short ones repeat, and are remembered whole, as if they came alone."""
    said = bytes(view)
    if node is not None and len(said) > _LONGEST_ITEM:
        return _object(work, memory, node, view)
    hit = rule.memo.get(said)
    if hit is None:
        if said[0] == _LIST:
            raise Wrong
        hit = _read(work, rule, said, Lazy({}))
        reach = max(work.reach, rule.reach)
        if reach < ALONE and len(said) <= _LONGEST:
            memory.keep(rule, said, hit, reach)
    for what in hit[1]:
        work.desk.actions[what] += 1
    return hit[0][len(rule.prefix) :]


def _object(work: Work, memory: Memory, node: Node, view: msgspec.Raw) -> bytes:
    try:
        members = _MEMBERS.decode(view)
    except msgspec.ValidationError:
        raise Wrong from None
    pieces = change_members(work, memory, node, members, Lazy(members))
    return b"{" + b",".join(pieces) + b"}" if pieces else b""


def _whole(work: Work, node: Node, members: Members) -> list[bytes]:
    """An object with extensions of primitives: read whole, since those stand side by side with the values."""
    value = {name: decode(raw) for name, raw in members.items()}
    new = node.change(work, value, value)
    return [_member(name, one) for name, one in new.items()] if new else []


def _stand_ins(node: Node, pieces: list[bytes], members: Members) -> list[bytes]:
    """Members for required elements that were taken away."""
    done: dict[str, Any] = dict.fromkeys(piece[1 : piece.index(b'":')].decode() for piece in pieces)
    node.complete(done, members.keys())
    return [_member(name, value) for name, value in done.items() if value is not None]


def _member(name: str, value: Any) -> bytes:
    return b'"' + name.encode() + b'":' + encode(value)
