"""One function a kind of HL7 v2 message: what it adds to what is known.

In        a `Letter`: the message, whose it is, which encounter, and when it was sent
Out       events in the message's order, and note rows; `Nothing` with the reason when a sound message states no fact
Source    HL7 v2.5.1 sections 3.3 (ADT triggers), 4.13-4.15 (RDE, RDS, RAS), 7.3 (ORU), 9.6 (MDM).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bedside.core.errors import Malformed
from bedside.core.events import Event, Status
from bedside.core.time import DAY_US, Instant
from bedside.formats.hl7v2 import Message, Segment
from bedside.readers.hl7v2_elements import (
    TEXTUAL,
    code,
    encounter,
    first,
    number,
    patient_class,
    result_status,
    said,
    subject,
    unit,
    values,
    when,
)  # fmt: skip
from bedside.readers.pieces import Context, Nothing
from bedside.readers.reading import NoteRow
from bedside.readers.times import available
from bedside.readers.words import ethnicity_code, is_sex, location_code, race_code, sex_code, slug

Told = tuple[list[Event], list[NoteRow]]
Reader = Callable[["Letter"], Told]
_STOPPED = frozenset({"CA", "DC", "OC", "OD", "OR", "CR", "DR", "HD", "OH", "UA", "UC", "UD"})
_REPORTED = ("A", "C", "F", "P", "R")  # results stand in the message
_READ = frozenset({"MSH", "EVN", "PID", "PV1", "DG1", "AL1", "PR1", "IAM", "OBX", "OBR", "ORC", "RXO", "RXE", "RXA", "RXD", "TXA", "TQ1",
                   "SFT", "MSA", "RXR"})  # fmt: skip
_UNKNOWN_DOSE = "999"
# Segment, the field that dates it, what it says; its code is field 3. IAM-11 is the onset, and IAM-6 "D" takes an allergy back.
_CARRIED = (("DG1", "5", "diagnosis"), ("AL1", "6", "allergy"), ("IAM", "11", "allergy"), ("PR1", "5", "procedure"))


class Letter:
    """One message with what all its facts share."""

    def __init__(self, message: Message, context: Context) -> None:
        self.message, self.context = message, context
        self.who, self.within = subject(message, context), encounter(message)
        sent = first(when(message.segment("MSH"), "7", context), when(message.segment("EVN"), "2", context))
        if sent is None:
            raise Malformed("MSH-7 says no time of sending", where=context.where, do="fix the sender")
        self.sent: Instant = sent
        for segment in message.segments:
            if segment.name not in _READ:
                context.problem(f"segment {segment.name} not read")

    def event(self, time: Instant, name: str, value: float | None = None, text: str | None = None, *, status: Status = "final",
              known: Instant | None = None, lexeme: str | None = None, unit: str | None = None) -> Event:  # fmt: skip
        """A fact, known when the message was sent unless it says otherwise."""
        known_at, source = available(time, known or self.sent), self.context.source
        return Event(self.who, time.us, name, value, text, known_at, status, time.offset_min, lexeme, unit, self.within, source)

    def visit(self) -> Segment:
        found = self.message.segment("PV1")
        if found is None:
            raise Malformed("a message about a stay without PV1", where=self.context.where, do="fix the sender")
        return found

    def occurred(self) -> Instant:
        """When the trigger event happened: EVN-6, else when it was recorded, else when it was sent."""
        event = self.message.segment("EVN")
        return first(when(event, "6", self.context), when(event, "2", self.context)) or self.sent

    def snapshot(self) -> list[Event]:
        """Who the patient is: birth, death, sex, race, ethnicity. Known always, as in the FHIR reader."""
        person = self.message.segment("PID")
        return [] if person is None else list(self._person(person))

    def _person(self, person: Segment) -> Iterator[Event]:
        source, born, died = self.context.source, when(person, "7.1", self.context), when(person, "29.1", self.context)
        if born is not None:
            yield Event(self.who, born.local_us // DAY_US * DAY_US, "MEDS_BIRTH", source=source)
        if died is not None:
            yield Event(self.who, died.us, "MEDS_DEATH", known_at=available(died), utc_offset_min=died.offset_min, source=source)
        if sex := said(person, "8.1"):
            if not is_sex(sex):
                self.context.problem("sex in a word that no table has, kept as unknown")
            yield Event(self.who, None, sex_code(sex), source=source)
        for field, spell in ((10, race_code), (22, ethnicity_code)):
            for rep in range(len(person.repetitions(field))):
                word = said(person, f"{field}.1", rep), said(person, f"{field}.2", rep)
                if any(word):
                    yield Event(self.who, None, spell(*word), source=source)


def reader_of(kind: str, trigger: str) -> Reader | None:
    """The function that reads such messages, None when there is none."""
    return _ADT.get(trigger) if kind == "ADT" else _OTHER.get(kind)


def _admit(letter: Letter) -> Told:
    visit = letter.visit()
    began = when(visit, "44", letter.context) or letter.occurred()
    return [*_start(letter, began), *_place(letter, began), *_carried(letter)], []


def _class_change(letter: Letter) -> Told:
    """A06, A07: an outpatient becomes an inpatient, or the reverse; the new kind of stay starts now."""
    now = letter.occurred()
    return [*_start(letter, now), *_place(letter, now), *_carried(letter)], []


def _transfer(letter: Letter) -> Told:
    return [*_place(letter, letter.occurred()), *_carried(letter)], []


def _discharge(letter: Letter) -> Told:
    ended = when(letter.visit(), "45", letter.context) or letter.occurred()
    return [letter.event(ended, f"ENCOUNTER_END//{patient_class(letter.visit())}", known=ended), *_carried(letter)], []


def _update(letter: Letter) -> Told:
    return _carried(letter), []


def _cancel_admit(letter: Letter) -> Told:
    began = _cancelled(letter, "44")
    return [letter.event(began, f"ENCOUNTER_START//{patient_class(letter.visit())}", status="retracted")], []


def _cancel_transfer(letter: Letter) -> Told:
    moved = letter.occurred()
    letter.visit()
    return [letter.event(moved, event.code, status="retracted") for event in _place(letter, moved)], []


def _cancel_discharge(letter: Letter) -> Told:
    ended = _cancelled(letter, "45")
    return [letter.event(ended, f"ENCOUNTER_END//{patient_class(letter.visit())}", status="retracted")], []


def _planned(letter: Letter) -> Told:
    raise Nothing("planned or pending: not a fact yet")


def _merged_before(letter: Letter) -> Told:
    raise Nothing("a merge of patients, applied when subjects were named")


def _results(letter: Letter) -> Told:
    events = list(_observations(letter))
    if not events and letter.message.segment("OBX") is None:
        _expected(letter)
    if not events:
        raise Nothing("no result yet, or none that is a value or text")
    return events, []


def _expected(letter: Letter) -> None:
    """`Malformed` when an order says that it has results (OBR-25, HL7 table 0123) and the message ends before any."""
    order = letter.message.segment("OBR")
    if order is not None and said(order, "25") in _REPORTED:
        raise Malformed("OBR-25 says that there are results, and no OBX follows: the message is cut off", where=letter.context.where,
                        do="ask for the message again")  # fmt: skip


def _orders(letter: Letter) -> Told:
    """Orders: pharmacy (RXE, or RXO where the pharmacy has not encoded it) and services (OBR)."""
    events = [event for group in _groups(letter.message) for event in _ordered(letter, group)]
    if not events:
        raise Nothing("only orders that were cancelled, discontinued or held")
    return [*events, *_observations(letter)], []


def _administrations(letter: Letter) -> Told:
    """RXA: given medication or vaccine; not what was refused or not given (RXA-20), nor complete silence."""
    events = []
    for given in letter.message.all("RXA"):
        name, time = code(given, 5, letter.context, prefer="RXNORM"), when(given, "3", letter.context) or letter.sent
        if name is not None and said(given, "20") not in ("RE", "NA"):
            status: Status = "retracted" if said(given, "21") == "D" else "final"
            events.append(_dose(letter, given, time, f"{name}//administered", (6, 7), status=status))
    if not events:
        raise Nothing("nothing was given")
    return [*events, *_observations(letter)], []


def _dispenses(letter: Letter) -> Told:
    events = []
    for supplied in letter.message.all("RXD"):
        name, time = code(supplied, 2, letter.context, prefer="RXNORM"), when(supplied, "3", letter.context) or letter.sent
        if name is not None:
            events.append(_dose(letter, supplied, time, f"{name}//dispensed", (4, 5)))
    if not events:
        raise Nothing("nothing was dispensed")
    return [*events, *_observations(letter)], []


def _document(letter: Letter) -> Told:
    """MDM: that a document exists, and its text when the message carries it."""
    about = letter.message.segment("TXA")
    if about is None:
        raise Malformed("a document message without TXA", where=letter.context.where, do="fix the sender")
    time = first(*(when(about, field, letter.context) for field in ("4", "6", "7", "8"))) or letter.sent
    withdrawn = (said(letter.message.segments[0], "9.2") or "") == "T11"
    event = letter.event(time, _note_code(about), status="retracted" if withdrawn else "final")
    lines = [text for result in letter.message.all("OBX") for _, text, _ in values(result, letter.context) if text]
    if not lines:
        return [event], []
    note_id, text = said(about, "12.1") or event.source, "\n".join(lines)
    return [event], [NoteRow(note_id, letter.who, letter.within, event.time, event.known_at, event.code, text, event.source)]


_ADT: dict[str, Reader] = {
    "A01": _admit, "A04": _admit, "A06": _class_change, "A07": _class_change, "A02": _transfer, "A03": _discharge,
    "A08": _update, "A28": _update, "A31": _update, "A60": _update,
    "A11": _cancel_admit, "A12": _cancel_transfer, "A13": _cancel_discharge,
    **dict.fromkeys(("A05", "A14", "A15", "A16", "A25", "A26", "A27", "A38"), _planned),
    **dict.fromkeys(("A18", "A34", "A35", "A36", "A39", "A40", "A41", "A42"), _merged_before),
}  # fmt: skip
_OTHER: dict[str, Reader] = {
    "ORU": _results, "OUL": _results, **dict.fromkeys(("RDE", "OMP", "ORM", "OML", "OMG", "OMI"), _orders),
    "RAS": _administrations, "VXU": _administrations, "RDS": _dispenses, "MDM": _document,
}  # fmt: skip


def _start(letter: Letter, began: Instant) -> Iterator[Event]:
    yield letter.event(began, f"ENCOUNTER_START//{patient_class(letter.visit())}", known=began)


def _place(letter: Letter, since: Instant) -> Iterator[Event]:
    """PV1-3: point of care, else room, with the description as a hint."""
    visit = letter.visit()
    name = location_code(said(visit, "3.1.1"), said(visit, "3.9"), said(visit, "3.2"))
    if name is None:
        letter.context.problem("a place without a name, left out")
    else:
        yield letter.event(since, name, known=since)


def _cancelled(letter: Letter, field: str) -> Instant:
    """The time that is taken back; what a sender leaves out is dated by the cancelling event, and counted."""
    time = when(letter.visit(), field, letter.context)
    if time is None:
        letter.context.problem("a cancellation that does not say which time it cancels")
    return time or letter.occurred()


def _carried(letter: Letter) -> list[Event]:
    """Diagnoses, allergies, procedures and results that any ADT message may carry along."""
    admitted = when(letter.message.segment("PV1"), "44", letter.context)
    fallback = admitted or letter.sent
    events = []
    for name, dated, sense in _CARRIED:
        for segment in letter.message.all(name):
            found = code(segment, 3, letter.context, prefer="ICD10CM")
            status: Status = "retracted" if name == "IAM" and said(segment, "6.1") == "D" else "final"
            if found is not None:
                events.append(letter.event(when(segment, dated, letter.context) or fallback, f"{found}//{sense}", status=status))
    return [*events, *_observations(letter)]


def _observations(letter: Letter) -> Iterator[Event]:
    """Every OBX under its OBR; lines of one text are one fact."""
    report: Segment | None = None
    lines: list[Event] = []
    for segment in letter.message.segments:
        if segment.name == "OBR":
            report = segment
        if segment.name != "OBX":
            continue
        events = list(_observation(letter, segment, report))
        textual = said(segment, "2") in TEXTUAL
        if lines and not (textual and events and events[0].code == lines[0].code and events[0].time == lines[0].time):
            yield _joined(lines)
            lines = []
        if textual:
            lines += events
        else:
            yield from events
    if lines:
        yield _joined(lines)


def _observation(letter: Letter, result: Segment, report: Segment | None) -> Iterator[Event]:
    context = letter.context
    status, name = result_status(result), code(result, 3, context, prefer="LOINC")
    if status is None or name is None:
        context.problem("a result that is not there yet, or without a name, left out")
        return
    dated = first(when(result, "14", context), when(report, "7", context), when(report, "22", context))
    if dated is None:
        context.problem("a result without a time of its own: dated by its message")
    time = dated or letter.sent
    known = when(report, "22", context) or letter.sent
    found = values(result, context) or ([(None, None, None)] if status == "retracted" else [])
    for value, text, lexeme in found:
        written = unit(result, 6, context) if value is not None or said(result, "6") else None
        yield letter.event(time, name, value, text, status=status, known=known, lexeme=lexeme, unit=written)


def _joined(lines: list[Event]) -> Event:
    """The lines of one text as one event."""
    if len(lines) == 1:
        return lines[0]
    text = "\n".join(event.text_value or "" for event in lines)
    one = lines[0]
    return Event(one.subject_id, one.time, one.code, None, text, one.known_at, one.status, one.utc_offset_min, None, one.unit,
                 one.encounter_id, one.source)  # fmt: skip


def _groups(message: Message) -> Iterator[list[Segment]]:
    """The segments of each order; one order begins with each ORC, or is the whole message where there is none."""
    group: list[Segment] = []
    for segment in message.segments:
        if segment.name == "ORC" and group:
            yield group
            group = []
        if segment.name == "ORC" or group or message.segment("ORC") is None:
            group.append(segment)
    if group:
        yield group


def _ordered(letter: Letter, group: list[Segment]) -> Iterator[Event]:
    by_name: dict[str, list[Segment]] = {}
    for segment in group:
        by_name.setdefault(segment.name, []).append(segment)
    control, timing = (by_name[name][0] if name in by_name else None for name in ("ORC", "TQ1"))
    if control is not None and said(control, "1") in _STOPPED:
        letter.context.problem("an order that was cancelled, discontinued or held, left out")
        return
    placed = first(when(control, "9", letter.context), when(control, "15", letter.context), when(timing, "7", letter.context))
    time = placed or letter.sent
    for name, coded, amount in (("RXE", 2, (3, 5)), ("RXO", 1, (2, 4)), ("OBR", 4, None)):
        for segment in by_name.get(name, []):
            found = code(segment, coded, letter.context, prefer="RXNORM" if amount else "LOINC")
            if found is not None and amount is not None:
                yield _dose(letter, segment, time, f"{found}//ordered", amount)
            elif found is not None:
                yield letter.event(time, f"{found}//ordered")
        if name in by_name:
            return


def _dose(
    letter: Letter, segment: Segment, time: Instant, name: str, amount: tuple[int, int], *, status: Status = "final"
) -> Event:
    text = said(segment, f"{amount[0]}.1")
    if text is None or text == _UNKNOWN_DOSE:
        return letter.event(time, name, status=status)
    (value, lexeme), measure = number(text), unit(segment, amount[1], letter.context)
    return letter.event(time, name, value, None if value is not None else text, status=status, lexeme=lexeme, unit=measure)


def _note_code(about: Segment) -> str:
    """NOTE//<LOINC code>, else the sender's document type (table 0270)."""
    if said(about, "2.3") in ("LN", "LOINC"):
        return f"NOTE//{said(about, '2.1')}"
    return "NOTE//" + slug(said(about, "2.1") or said(about, "2.2") or "unnamed")
