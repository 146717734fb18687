"""Handlers of what holds other things: extensions, attachments, narratives, contained and nested resources, a questionnaire's answers.

In        the element, and the tree whose other handlers it needs
Out       the element without identifiers; None where nothing is left
Source    HL7 FHIR R4 2.5 (extensions), 2.4 (narrative), 2.3.1 (contained), 2.36 (Bundle), 2.24.0.9 (Attachment)
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bedside.deidentify.attachments import attached, content_type, html_of, html_text, written
from bedside.deidentify.fhir_definitions import resource_types
from bedside.deidentify.fhir_tree import Beside, Handler, Node
from bedside.deidentify.fhir_values import coded, link, question, said
from bedside.deidentify.fhir_work import Json, Work, Wrong

if TYPE_CHECKING:
    from bedside.deidentify.fhir_compile import Tree


def later(find: Callable[[], Node]) -> Handler:
    """Handler of a type that is looked up when its first value comes, since types hold each other."""
    found: list[Handler] = []

    def change(work: Work, value: Any, beside: Beside) -> Any:
        if not found:
            found.append(find().change)
        return found[0](work, value, beside)

    return change


def extensions(tree: Tree) -> Handler:
    """Handler of a list of extensions: those that may stay, their values changed like any other."""

    def change(work: Work, value: Any, beside: Beside) -> list[Json] | None:
        kept = [one for one in value if type(one) is dict and tree.rules.allows(one.get("url"))]
        if len(kept) < len(value):
            work.desk.actions["fhir: extension removed"] += len(value) - len(kept)
        changed = [_extension(tree, work, one) for one in kept]
        done = [one for one in changed if one is not None]
        return value if len(done) == len(value) and all(new is old for new, old in zip(done, value, strict=True)) else done or None

    return change


def _extension(tree: Tree, work: Work, one: Json) -> Json | None:
    """One extension with its parts, which are named within it; an extension that says nothing is none (ext-1)."""
    inner = {name: value for name, value in one.items() if name not in ("url", "extension", "id")}
    done: Json = {"url": one["url"]}
    changed = tree.resource("Extension").change(work, inner, inner) if inner else None
    if type(one.get("extension")) is list:
        below = [_extension(tree, work, part) for part in one["extension"] if type(part) is dict and _is_part(tree, part.get("url"))]
        done |= {"extension": kept} if (kept := [part for part in below if part is not None]) else {}
    done |= changed or {}
    return one if done == one else done if len(done) > 1 else None


def _is_part(tree: Tree, url: object) -> bool:
    return isinstance(url, str) and (url.replace("-", "").isalnum() or tree.rules.allows(url))


def by_list(change: Handler) -> Handler:
    """A handler of whole lists, for a rule that gives it one by one."""

    def one(work: Work, value: Any, beside: Beside) -> Any:
        if type(value) is not dict:
            raise Wrong
        done = change(work, [value], beside)
        return done[0] if done else None

    return one


def attachment(tree: Tree) -> Handler:
    """Handler of an Attachment, and of a Binary's content."""

    def change(work: Work, node: Any, beside: Beside) -> Json | None:
        if type(node) is not dict:
            raise Wrong
        return attached_again(tree, work, node) or None

    return change


def attached_again(tree: Tree, work: Work, node: Json) -> Json:
    """Text decoded, scrubbed and encoded again, in UTF-8; what is not text is dropped, since nobody has read it."""
    kept: Json = {}
    rule = tree.resource("Attachment").rule("title")
    title = rule.change if rule is not None else coded
    if kind := content_type(node.get("contentType")) if "contentType" in node else None:
        kept["contentType"] = kind
    for name, one in (("language", coded), ("title", title), ("url", link)):
        if node.get(name) is not None and (new := one(work, node[name], node)):
            kept[name] = new
    if node.get("creation") is not None and (moved := work.date(said(node["creation"]))):
        kept["creation"] = moved
    if "data" in node:
        kept |= _text_again(work, node)
    return kept


def _text_again(work: Work, node: Json) -> Json:
    found = attached(node)
    if found is None:
        work.did("fhir: attachment without readable text dropped")
        return {}
    kind = found.kind + ("; charset=utf-8" if found.said else "")
    if found.charset not in ("utf-8", "ascii"):
        work.did("fhir: attachment in another character set, now in UTF-8")
    return {"contentType": kind, "data": b64encode(written(work.text(found.text) or "", found.kind).encode()).decode()}


def narrative(path: str) -> Handler:
    """Handler of a Narrative: what it shows, scrubbed, in plain paragraphs; nothing where the policy removes narratives.

    The text of a document's section is what the document says, and stays under every policy.
    """

    def change(work: Work, value: Any, beside: Beside) -> Any:
        if type(value) is not dict:
            raise Wrong
        if work.desk.policy.narrative == "remove" and path != "Composition.section.text":
            work.did("fhir: narrative removed")
            return None
        shown = html_text(value["div"]) if type(value.get("div")) is str else ""
        if not shown:
            work.did("fhir: narrative removed")
            return None
        status = value.get("status")
        return {"status": status if status in ("generated", "extensions", "additional") else "additional", "div": html_of(work.text(shown) or "")}

    return change


def labels(tree: Tree) -> Handler:
    """Handler of the `meta` of a resource within another; that of the outermost says what was done, and is written in `fhir.py`."""

    def change(work: Work, value: Any, beside: Beside) -> Any:
        return tree.resource("Meta").change(work, value, beside)

    return change


def contained(tree: Tree) -> Handler:
    """Handler of a contained resource: it is about whom its container is about, and has no `meta` of its own."""

    def change(work: Work, one: Any, beside: Beside) -> Any:
        kind = _kind(one)
        if kind is None:
            work.did("fhir: contained resource of an unknown type removed")
            return None
        outer, work.kind = work.kind, kind
        inside = {name: inner for name, inner in one.items() if name not in ("id", "meta", "resourceType")}
        new = tree.resource(kind).change(work, inside, one) if inside else {}
        work.kind = outer
        named = {"id": work.desk.number(one["id"])} if isinstance(one.get("id"), str) else {}
        return {"resourceType": kind} | named | (new or {})

    return change


def nested(tree: Tree) -> Handler:
    """Handler of a resource inside a Bundle or Parameters: about its own subject, changed as if it came alone."""

    def change(work: Work, one: Any, beside: Beside) -> Any:
        if _kind(one) is None:
            work.did("fhir: nested resource of an unknown type removed")
            return None
        return work.inner(one)

    return change


def answers(node: Any) -> Handler:
    """Handler of the answers to one item of a questionnaire, with its question in mind."""

    def change(work: Work, value: Any, beside: Beside) -> Any:
        before, work.asked = work.asked, question(beside)
        try:
            return node.change(work, value, beside)
        finally:
            work.asked = before

    return change


def as_is(work: Work, value: Any, beside: Beside) -> Any:
    """What a policy of the site's own keeps, whatever it holds: without what is known of its own person."""
    if type(value) is str:
        return work.kept(value)
    if type(value) is dict:
        return {name: new for name, one in value.items() if (new := as_is(work, one, beside)) is not None}
    if type(value) is list:
        return [as_is(work, one, beside) for one in value]
    return value


def _kind(one: Any) -> str | None:
    """The type of a resource, None where R4 has none of that name."""
    if type(one) is not dict:
        raise Wrong
    kind = one.get("resourceType")
    return kind if type(kind) is str and kind in resource_types() else None
