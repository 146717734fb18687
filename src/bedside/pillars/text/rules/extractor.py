"""Rules that read a note: from its text to its facts, without a learned part and without an extra.

In        the text of a note
Out       facts, sorted by start, then end; every span is a slice of the text
Never     raises for what a text holds, and writes no log.
Time      linear: every pattern has a bounded reach, and each word is looked up once.
Elsewhere words: `terms.py`; the parts of a fact: `medications.py`, `measurements.py`, `pathology.py`, `dates.py`; axes: `context.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from bedside.core.canonical import digest
from bedside.pillars.text.context import axes
from bedside.pillars.text.fact import Fact
from bedside.pillars.text.rules import dates, measurements, medications, pathology
from bedside.pillars.text.rules.asserted import asserted
from bedside.pillars.text.rules.heads import names_something_else
from bedside.pillars.text.rules.note import Draft, Note
from bedside.pillars.text.rules.terms import UPPER, Term, lexicon, tables_digest
from bedside.pillars.text.rules.widen import first_word
from bedside.pillars.text.tokens import Found, Words

VERSION = "rules/3"
_ALLERGY = re.compile(r"(?:allerg\w{0,6} to|intoleran\w{0,3} (?:to|of)|anaphylaxis to|reaction to|hypersensitiv\w{0,4} to|allerg(?:y|ies):)[^.;\n]{0,60}\Z")
_RELEASE = re.compile(r"[ -](?:xr|xl|er|sr|cr|la|ec|dr|cd|hfa|patch(?:es)?)(?![^\W_])")
_TUMOUR = re.compile(r"carcinoma|melanoma|sarcoma|lymphoma|adenoma|site:")
_SIDE = re.compile(r"(?<![^\W_])(?:(?:right|left|bilateral|rt|lt|upper|lower|mid|middle|distal|proximal|outer|inner|central)[ -]){1,3}(?:quadrant[ -]?(?:of (?:the )?)?)?\Z")
_GLUED = re.compile(r"(?<![^\W_])(bp|hr|rr|temp|spo2|sao2|tmax|wt|t(?=\d\d\.\d))(?=\d)")
_ALSO = re.compile(r", | of (?:the )?(?:left |right )?")
_NEAR = 200


class RuleExtractor:
    """The rules, with the words of a person's own terminologies in front of ours.

    terms   (phrase, kind, name, event code) of each, as `codes.terminology` gives them

    >>> found = RuleExtractor().extract("Denies chest pain. Lisinopril 20 mg PO daily.")
    >>> [(fact.kind, fact.text, fact.negated) for fact in found]
    [('problem', 'chest pain', True), ('medication', 'Lisinopril', False)]
    >>> {name: part.text for name, part in found[1].attributes.items()}
    {'dose': '20 mg', 'route': 'PO', 'frequency': 'daily'}
    """

    def __init__(self, terms: Iterable[tuple[str, str, str, str]] = ()) -> None:
        told = list(terms)
        self._phrases = lexicon(told)
        shipped = f"{VERSION}-{tables_digest()[:12]}"
        self._name = shipped if not told else f"{shipped}+{digest([list(term) for term in told])[:12]}"

    @property
    def name(self) -> str:
        return self._name

    def extract(self, text: str) -> list[Fact]:
        """The facts of a text."""
        note = Note(text)
        termed = list(self._termed(note))
        drafts = _unlike(note, [*termed, *_bare_pressures(note, termed), *self._glued(note), *pathology.drafts(note, tissue=note.is_pathology), *dates.drafts(note)])
        drafts = dates.dated(note, drafts)
        spans = [(draft.start, draft.end) for draft in drafts]
        return [asserted(note, draft, one) for draft, one in zip(drafts, axes(note.words, note.sentences, spans, parts=_results(drafts)), strict=True)]

    def _glued(self, note: Note) -> Iterator[Draft]:
        """Vital signs whose value is written without a blank: "BP138/85 HR79"."""
        for found in _GLUED.finditer(note.low):
            start, end = found.span(1)
            name = Words(note.low, [found[1]], [start], [end])
            for one in self._phrases.find(name):
                term = next((term for term in one.meaning if term.kind == "vital"), None)
                told = measurements.vital(note, term, start, end, note.sentence_at(start)[1]) if term else None
                if term and told:
                    yield Draft("vital", start, end, term.name, term.code, told)

    def _termed(self, note: Note) -> Iterator[Draft]:
        """What the words of the lexicon say."""
        found = [one for one in self._phrases.find(note.words) if not _in_heading(note, one)]
        tissue = note.is_pathology
        starts = [note.words.starts[one.first] for one in found]
        floor = 0
        for index, one in enumerate(found):
            start, end = starts[index], note.words.ends[one.last - 1]
            if one.meaning[0].kind == "problem":
                start = note.words.starts[first_word(note, one.first, one.last, max(floor, 0))]
            floor = one.last
            stop = note.sentence_at(start)[1]
            if end <= stop:
                draft = _draft(note, one.meaning, start, end, stop, found[index + 1 :index + 9], tissue)
                if draft is not None and not (draft.kind == "problem" and names_something_else(note, start, end)):
                    yield draft


def _bare_pressures(note: Note, termed: Sequence[Draft]) -> Iterator[Draft]:
    """Blood pressures that stand without a name among the vital signs."""
    named = {draft.attributes["systolic"].start for draft in termed if "systolic" in draft.attributes}
    for section in note.sections:
        if section.name == "vitals":
            for begin, last, told in measurements.bare_pressures(note, section.body, min(section.end, section.body + _NEAR)):
                if begin not in named:
                    yield Draft("vital", begin, last, "blood pressure", "LOINC//55284-4", told)


def _draft(note: Note, terms: Sequence[Term], start: int, end: int, stop: int, following: Sequence[Found[tuple[Term, ...]]], tissue: bool) -> Draft | None:
    """The first reading of a phrase that its surroundings allow."""
    surface = note.text[start:end]
    shouted = surface.isupper() or note.low[start:end] not in UPPER
    for term in sorted(terms, key=_tissue_first) if tissue and len(terms) > 1 else terms:
        draft = _read(note, term, start, end, stop, following, tissue=tissue, shouted=shouted, surface=surface, drug=len(terms) > 1 and any(other.kind == "medication" for other in terms))
        if draft is not None:
            return draft
    return None


def _tissue_first(term: Term) -> bool:
    """PR is a receptor in a report of a tissue, and a pulse elsewhere; a carcinoma is what the tissue shows there, and a problem elsewhere."""
    return term.kind not in ("biomarker", "histology")


def _read(note: Note, term: Term, start: int, end: int, stop: int, following: Sequence[Found[tuple[Term, ...]]], *, tissue: bool, shouted: bool, surface: str, drug: bool) -> Draft | None:
    kind = term.kind
    if kind in ("lab", "vital"):
        if surface == "EGFR" and tissue:
            return None
        if kind == "lab" and drug and not measurements.concentration(note, end, stop):
            return None
        told = (measurements.laboratory if kind == "lab" else measurements.vital)(note, term, start, end, stop)
        return Draft(kind, start, end, term.name, term.code, told) if told else None
    if kind == "biomarker":
        told = pathology.biomarker(note, start, end, stop) if shouted else None
        return Draft(kind, start, end, term.name, term.code, told) if told else None
    if not shouted:
        return None
    if kind == "medication":
        return _medication(note, term, start, end, stop, following)
    if kind == "tumour-site":
        return _site(note, term, start, end, tissue)
    if kind == "histology" and not tissue:
        return None
    return Draft(kind, start, end, term.name, term.code)


def _medication(note: Note, term: Term, start: int, end: int, stop: int, following: Sequence[Found[tuple[Term, ...]]]) -> Draft | None:
    """A drug that is taken, given or stopped; one that a person is allergic to is none of these."""
    section = note.section_at(start)
    if (section and section.name == "allergies") or _ALLERGY.search(note.low, max(start - 80, 0), start):
        return None
    for one in following:
        begin = note.words.starts[one.first]
        if begin >= end and any(other.kind == "medication" for other in one.meaning):
            stop = min(stop, begin)
            break
    release = _RELEASE.match(note.low, end, stop)
    end = release.end() if release else end
    return Draft("medication", start, end, term.name, term.code, medications.attributes(note, start, end, stop))


def _site(note: Note, term: Term, start: int, end: int, tissue: bool) -> Draft | None:
    """Where a tumour is, as the diagnosis names it: in the line that says which tumour, or that heads it. Its side belongs to it."""
    if not tissue:
        return None
    begin, stop = note.sentence_at(start)
    line = note.low[max(begin, start - _NEAR) : min(stop, start + _NEAR)]
    section = note.section_at(start)
    heads = section is not None and section.name in ("diagnosis", "pathology") and line.endswith(":")
    if "node" in note.low[max(start - 30, begin) : start] or not (heads or _TUMOUR.search(line)):
        return None
    side = _SIDE.search(note.low, max(start - 40, 0), start)
    return Draft("tumour-site", side.start() if side else start, end, term.name, term.code)


def _in_heading(note: Note, one: Found[tuple[Term, ...]]) -> bool:
    start = note.words.starts[one.first]
    section = note.section_at(start)
    return section is not None and start < section.body


def _unlike(note: Note, drafts: Iterable[Draft]) -> list[Draft]:
    """Drafts in the order of their places; of two of one kind that overlap, the longer. The value of a marker ("MSI: MSI-high") is no
    second one, and a site is told where it is named first."""
    kept: list[Draft] = []
    last: dict[str, int] = {}
    sites: set[str | None] = set()
    for draft in sorted(drafts, key=lambda one: (one.start, -one.end, one.kind)):
        if draft.kind == "tumour-site":
            if draft.name in sites:
                continue
            sites.add(draft.name)
            if kept and kept[-1].kind == "tumour-site" and _ALSO.fullmatch(note.low, kept[-1].end, draft.start):
                kept[-1] = kept[-1]._replace(end=draft.end)
                continue
        if draft.start >= last.get(draft.kind, 0):
            kept.append(draft)
            last[draft.kind] = max(draft.end, draft.attributes["value"].end) if draft.kind == "biomarker" else draft.end
    return sorted(kept, key=lambda one: (one.start, one.end, one.kind))


def _results(drafts: Sequence[Draft]) -> list[tuple[int, int]]:
    """Where the results of markers, margins and measurements stand: "negative" there is a value, and no cue."""
    return [(draft.attributes["value"].start, draft.attributes["value"].end) for draft in drafts if "value" in draft.attributes]
