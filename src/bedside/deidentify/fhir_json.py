"""From the bytes of a resource to the bytes of the changed one, without reading what is known already.

A resource is taken apart one level deep; each element's bytes are looked up among those that were changed before, and only what is
new is read, changed and written. Most elements of a file repeat: codes, categories, units, references, an encounter's times.

In        a node, and an object of that type as JSON
Out       the members of the changed object as JSON; what was remembered for all, for a file or for a person is told by `Rule.reach`
Never     bytes that were not read: what is handed on was written anew from what JSON said, so that a second key of one name is gone
"""

from __future__ import annotations

from typing import Any

import msgspec

from bedside.deidentify.fhir_numbers import decode, encode
from bedside.deidentify.fhir_tree import REMOVED, UNKNOWN, Beside, Node, Rule
from bedside.deidentify.fhir_values import remove
from bedside.deidentify.fhir_work import ALL, ALONE, FILE, PERSON, Work, Wrong

Hit = tuple[bytes, tuple[str, ...]]
Members = dict[str, msgspec.Raw]
_LONGEST, _LONGEST_ITEM, _MOST, _MOST_PEOPLE = 2000, 600, 50_000, 64
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
    """What was changed before: for this file, and for the people met last."""

    def __init__(self) -> None:
        self._file: dict[Rule, dict[bytes, Hit]] = {}
        self._people: dict[str, dict[Rule, dict[bytes, Hit]]] = {}
        self._own: dict[Rule, dict[bytes, Hit]] = {}

    def turn_to(self, name: str) -> None:
        """The person whose elements come next."""
        if name not in self._people:
            if len(self._people) >= _MOST_PEOPLE:
                self._people.clear()
            self._people[name] = {}
        self._own = self._people[name]

    def of(self, rule: Rule) -> dict[bytes, Hit]:
        """What is remembered of a rule."""
        if rule.reach == ALL:
            return rule.memo
        kept = self._file if rule.reach == FILE else self._own
        found = kept.get(rule)
        if found is None:
            found = kept[rule] = {}
        return found


def members_of(raw: bytes | msgspec.Raw) -> Members:
    """An object, one level deep."""
    return _MEMBERS.decode(raw)


def change_members(work: Work, memory: Memory, node: Node, members: Members, beside: Beside, skip: frozenset[str] = frozenset()) -> list[bytes]:
    """The members of an object changed, as JSON, in their order."""
    pieces: list[bytes] = []
    kept: list[str] = []
    parts = node.parts
    for name, view in members.items():
        rule = parts.get(name)
        if name in skip:
            continue
        if rule is None:
            if name[:1] == "_":
                return _whole(work, node, members, skip)
            work.did(UNKNOWN)
            continue
        if rule.one is remove:
            work.did(REMOVED)
            continue
        said = bytes(view)
        if len(said) <= _LONGEST and rule.reach != ALONE and (rule.node is None or len(said) <= _LONGEST_ITEM):
            memo = memory.of(rule)
            hit = memo.get(said)
            if hit is None:
                hit = _changed(work, rule, said, beside)
                if work.reach <= rule.reach and len(memo) < _MOST:
                    memo[said] = hit
            piece, told = hit
            if told:
                for what in told:
                    work.desk.actions[what] += 1
        elif rule.node is not None:
            piece = _inside(work, memory, rule, rule.node, view)
        else:
            piece, told = _changed(work, rule, said, beside)
            work.desk.actions.update(told)
        if piece:
            pieces.append(piece)
            kept.append(name)
    if node.needs and kept:
        pieces += _stand_ins(node, kept, members)
    return pieces


def _changed(work: Work, rule: Rule, said: bytes, beside: Beside) -> Hit:
    """One element read, changed and written; `work.reach` then tells how far it holds. What was done is told, and not yet counted."""
    if said == _NULL:
        return b"", ()
    before = work.desk.actions
    work.desk.actions = type(before)()
    work.reach = ALL
    try:
        new = rule.change(work, decode(said), beside)
        told = tuple(work.desk.actions.elements())
    finally:
        work.desk.actions = before
    return (b"" if new is None else rule.prefix + encode(new)), told


def _inside(work: Work, memory: Memory, rule: Rule, node: Node, view: msgspec.Raw) -> bytes:
    """A backbone or a list of them, each taken apart in its turn."""
    first = bytes(memoryview(view)[:1])[0]
    if first == _OBJECT:
        new = _object(work, memory, node, view)
        return rule.prefix + new if new else b""
    if first != _LIST:
        raise Wrong
    done = [new for item in _ITEMS.decode(view) if (new := _object(work, memory, node, item))]
    return rule.prefix + b"[" + b",".join(done) + b"]" if done else b""


def _object(work: Work, memory: Memory, node: Node, view: msgspec.Raw) -> bytes:
    try:
        members = _MEMBERS.decode(view)
    except msgspec.ValidationError:
        raise Wrong from None
    pieces = change_members(work, memory, node, members, Lazy(members))
    return b"{" + b",".join(pieces) + b"}" if pieces else b""


def _whole(work: Work, node: Node, members: Members, skip: frozenset[str]) -> list[bytes]:
    """An object with extensions of primitives: read whole, since those stand side by side with the values."""
    value = {name: decode(raw) for name, raw in members.items() if name not in skip}
    new = node.change(work, value, value)
    return [b'"' + name.encode() + b'":' + encode(one) for name, one in new.items()] if new else []


def _stand_ins(node: Node, kept: list[str], members: Members) -> list[bytes]:
    done: dict[str, Any] = dict.fromkeys(kept)
    node.complete(done, members.keys())
    return [b'"' + name.encode() + b'":' + encode(value) for name, value in done.items() if value is not None]


__all__ = ["PERSON", "Lazy", "Memory", "change_members", "members_of"]
