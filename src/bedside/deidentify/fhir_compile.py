"""Rules made into handlers: for each type of FHIR R4 a table of its elements, made once for a desk when the type is first met.

In        the desk (its policy, and so its rules)
Out       `Tree.resource("Patient")`: the node that changes a Patient
Elsewhere the handlers: `fhir_values.py` (primitives), `fhir_types.py` (datatypes), `fhir_people.py`, `fhir_parts.py` (what holds resources, texts,
          extensions)
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from bedside.deidentify import fhir_parts as parts
from bedside.deidentify import fhir_people as people
from bedside.deidentify import fhir_types as types
from bedside.deidentify import fhir_values as values
from bedside.deidentify.desk import Desk
from bedside.deidentify.fhir_definitions import PRIMITIVES, Element, elements
from bedside.deidentify.fhir_json import Memory
from bedside.deidentify.fhir_rules import Rules
from bedside.deidentify.fhir_tree import Handler, Node, Rule
from bedside.deidentify.fhir_work import ALL, ALONE, FILE, PERSON
from bedside.deidentify.policy import Action

_QUANTITIES = frozenset({"Quantity", "Age", "Count", "Distance", "Duration"})
_FORMED = frozenset({"HumanName", "ContactPoint"})
_ALIKE = frozenset({"boolean", "integer", "positiveInt", "unsignedInt", "decimal", "time", "code", "uri", "canonical", "oid", "uuid", "id"})
_OF_FILE = frozenset({"Reference", "Identifier", "url"})
_ASKED = ("QuestionnaireResponse.item.answer", "Observation", "Observation.component", "Parameters.parameter", "Task.input", "Task.output")
"""Nodes whose value answers a question that stands beside it."""
_QUICK = frozenset({"Period", "Reference", "Identifier", "Quantity"})
_WHOLE = frozenset({"QuestionnaireResponse.item", "QuestionnaireResponse.item.answer", *_ASKED[2:]})
"""Backbones that are read whole, since their elements must be seen together."""
_OF_PLACES = frozenset({
    "Encounter.location.physicalType", "Location.type", "Location.physicalType", "ServiceRequest.locationCode", "Claim.item.locationCodeableConcept",
    "ExplanationOfBenefit.item.locationCodeableConcept",
})  # fmt: skip
"""Concepts that say what a place is."""
_AGES = frozenset({"FamilyMemberHistory.ageString", "FamilyMemberHistory.deceasedString", "FamilyMemberHistory.condition.onsetString"})
"""Words that tell an age."""
_TREES: WeakKeyDictionary[Desk, Tree] = WeakKeyDictionary()


def tree_of(desk: Desk) -> Tree:
    """The handlers of a desk, made once."""
    found = _TREES.get(desk)
    if found is None:
        found = _TREES[desk] = Tree(Rules(desk.policy))
    return found


class Tree:
    """The nodes of one policy, by type."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._nodes: dict[str, Node] = {}
        self.contained, self.nested, self.memory = parts.contained(self), parts.nested(self), Memory()

    def resource(self, kind: str) -> Node:
        """The node of a resource type, or of a datatype where no place of its own is asked for."""
        return self._nodes.get(kind) or self.node(kind, kind)

    def node(self, kind: str, at: str) -> Node:
        """The node of a type that stands at a path; where no rule is about that very path, all places share one."""
        key = at if self.rules.speaks_below(at) else kind
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = Node(kind)
            self._fill(found, kind, key)
        return found

    def _fill(self, node: Node, kind: str, at: str) -> None:
        extensions, known = parts.extensions(self), elements(kind)
        node.extensions = extensions
        node.make = lambda name: self._rule(known[name], kind, at) if name in known else None
        for name in ("extension", "modifierExtension"):
            node.parts[name] = Rule(name, parts.by_list(extensions), reach=PERSON)
        node.parts["id"] = Rule("id", values.nothing)
        if kind == "Coding":
            node.first = types.published_coding
        elif kind in _QUANTITIES:
            node.first, node.last = types.published_quantity, types.capped

    def _rule(self, element: Element, kind: str, at: str) -> Rule:
        path = f"{at}.{element.name}"
        action, own = self.rules.action(at, kind, element)
        one = self._handler(element, path, action, own)
        primitive = element.kind in PRIMITIVES
        if kind in _ASKED and element.choice == "value[x]" and (primitive and element.kind not in ("boolean", "code")) and action != "remove":
            one = values.answer(one, element.kind)
            return Rule(element.name, one, reach=ALONE, primitive=primitive, required=element.required)
        if path in ("Location.name", "Location.description") and action == "scrub" and not own:
            return Rule(element.name, values.name_of_place, reach=ALONE, primitive=True)
        inside, reach = self._inside(element, action), _reach(element.kind, action)
        rule = Rule(element.name, one, reach=reach, node=inside, primitive=primitive, required=element.required)
        rule.quick, rule.apart = self._quick(element, path, one), path == "Observation.component"
        return rule

    def _quick(self, element: Element, path: str, one: Handler) -> str | None:
        """Whether the plainest form of an element can be changed without reading it: a date, or what no rule is about."""
        if one is values.date:
            return "date"
        if element.kind in _QUICK and one not in (values.remove, parts.as_is) and not self.rules.speaks_below(path) and not self.rules.speaks_below(element.kind):
            return element.kind.lower()
        return None

    def _inside(self, element: Element, action: Action | None) -> Node | None:
        """The node of a backbone, whose elements can be changed one by one."""
        if action is not None or "." not in element.kind or element.kind in _WHOLE:
            return None
        return self.node(element.kind, element.kind)

    def _handler(self, element: Element, path: str, action: Action | None, own: bool) -> Handler:
        kind = element.kind
        if action == "remove":
            return values.remove
        if path == "SampledData.data":
            return values.samples
        if path in _AGES and not own:
            return values.age_in_words
        if path in ("Patient.birthDate", "FamilyMemberHistory.bornDate") and action == "generalise":
            return values.birth if path.startswith("Family") else values.birth_of_patient
        if path.startswith("Bundle.") and kind == "uri" and action == "pseudonymise":
            return values.pointing
        if kind in PRIMITIVES and kind != "xhtml":
            if action == "surrogate":
                return people.surrogate("a text", own)
            return self._special(path) or values.primitive(action or "scrub", element, own)
        if own and action == "keep":
            return parts.as_is
        return self._complex(element, path, action, own)

    def _special(self, path: str) -> Handler | None:
        """Elements that must see what stands beside them."""
        kind, _, name = path.rpartition(".")
        if kind == "Coding" or kind.endswith(".coding"):
            return {"code": types.code_of_coding, "display": types.words_of_coding}.get(name)
        return None

    def _complex(self, element: Element, path: str, action: Action | None, own: bool) -> Handler:
        kind = element.kind
        if kind == "Reference":
            return self._reference(element.name, path)
        if kind == "Identifier":
            return types.identifier(self.node("CodeableConcept", path + ".type"))
        if kind == "Address":
            coarse = people.postal_address(self.node("Period", path + ".period"))
            return coarse if action != "surrogate" else people.surrogate("Address", own, coarse)
        if kind in _FORMED and action == "surrogate":
            return people.surrogate(kind, own)
        if kind in ("Attachment", "Narrative", "Meta"):
            return {"Attachment": parts.attachment(self), "Narrative": parts.narrative(path), "Meta": parts.labels(self)}[kind]
        if kind in ("Resource", "OperationOutcome"):
            return self.contained if element.name == "contained" else self.nested
        if kind == "QuestionnaireResponse.item.answer":
            return parts.answers(self.node(kind, kind))
        return self._through(kind, path)

    def _reference(self, name: str, path: str) -> Handler:
        """References differ by the name of their element, which may tell what they point at."""
        key = f"{path}?{name}" if self.rules.speaks_below(path) else f"Reference?{name}"
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = Node("Reference")
            self._fill(found, "Reference", path if self.rules.speaks_below(path) else "Reference")
            found.first = types.bare_reference if not self.rules.speaks_below(path) else None
            for part, one in (("reference", types.pointer), ("type", types.kind_of_reference), ("display", types.words_of_reference(name))):
                if not self.rules.action(path, "Reference", elements("Reference")[part])[1]:
                    found.parts[part] = Rule(part, one, primitive=True)
        return found.change

    def _through(self, kind: str, path: str) -> Handler:
        """A datatype or backbone whose own elements decide; its node is looked up when first met, since types hold each other."""
        if kind == "CodeableConcept":
            node = self.node(kind, path)
            if self.rules.action(path, kind, elements(kind)["text"]) == ("scrub", False):
                node.parts["text"] = Rule("text", types.words_of_concept, primitive=True)
            return types.concept_of_place(node.change) if path in _OF_PLACES and not self.rules.speaks_below(path) else node.change
        return parts.later(lambda: self.node(kind, kind if "." in kind else path))


def _reach(kind: str, action: Action | None) -> int:
    """How far a result holds at most, by its datatype. What was really asked of a person is watched while it is done."""
    if action == "remove" or kind in _ALIKE or kind in ("CodeableConcept", "Coding", *_QUANTITIES, "Money", "Range", "Ratio", "Observation.component"):
        return ALL
    if kind in _OF_FILE:
        return FILE
    return ALONE if kind == "Attachment" else PERSON
