"""The made hospital as HL7 v2.5.1: admissions, results and drug orders, one file each.

In        persons, one after another
Out       <folder>/adt.hl7 (A01 A02 A03 A08 A40), oru.hl7 (R01), rde.hl7 (O11): CR between segments, a blank line between messages
Source    HL7 v2.5.1 chapters 2, 3, 4, 7. MSH-11 is T (training) and a ZMD segment says made.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from bedside.demo.records import Address, Clinician, Draw, Move, Order, Person, Stay
from bedside.demo.times import HOUR, clear, hl7
from bedside.demo.vocabulary import MADE, TESTS

_CLASS = {"IMP": "I", "EMER": "E", "AMB": "O"}
_AUTHORITY = "HOSP", "CLIN", "SSA"
_MERGE_HOURS = 20
_HEAD = "MSH|^~\\&|MADE|MADEGENERAL|BEDSIDE|BEDSIDE|"


class Hl7Folder:
    """The three open feeds; use as a context."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._feeds: dict[str, BinaryIO] = {kind: (folder / f"{kind}.hl7").open("wb") for kind in ("adt", "oru", "rde")}
        self._sent = 0
        self.first: dict[str, bytes] = {}

    def __enter__(self) -> Hl7Folder:
        return self

    def __exit__(self, *problem: object) -> None:
        for stream in self._feeds.values():
            stream.close()

    def write_raw(self, kind: str, message: bytes) -> None:
        self._feeds[kind].write(message + b"\r\n")

    def message(self, trigger: str, sent: int, segments: list[str]) -> bytes:
        """The bytes of one message, its control number the next."""
        self._sent += 1
        head = f"{_HEAD}{hl7(clear(sent))}||{trigger}|MSG{self._sent:08d}|T|2.5.1||||||UNICODE UTF-8"
        return "".join(segment + "\r" for segment in [head, *segments, f"ZMD|{MADE}"]).encode()

    def put(self, kind: str, trigger: str, sent: int, segments: list[str]) -> None:
        whole = self.message(trigger, sent, segments)
        self.first.setdefault(kind, whole)
        self.write_raw(kind, whole)

    def add(self, person: Person) -> None:
        """Everything of one person, in order of time within each feed."""
        inpatient = [stay for stay in person.stays if stay.kind == "IMP"]
        merge = merged_at(person)
        for stay in inpatient:
            self._admission(person, stay, moved=stay is inpatient[-1])
        if merge is not None:
            event = ["EVN|A40|" + hl7(merge), _pid(person, merge), f"MRG|{person.who.merged_mrn}^^^HOSP^MR"]
            self.put("adt", "ADT^A40^ADT_A39", merge + 1, event)
        for stay in person.stays:
            for draw in stay.draws:
                self.put("oru", "ORU^R01^ORU_R01", draw.known, results(person, stay, draw))
            for order in stay.orders:
                self.put("rde", "RDE^O11^RDE_O11", order.at + 1, _order(person, stay, order))

    def _admission(self, person: Person, stay: Stay, *, moved: bool) -> None:
        self._adt("A01", "ADT^A01^ADT_A01", person, stay, stay.start, stay.moves[0], insured=True)
        if moved and person.who.new_address is not None:
            self._adt("A08", "ADT^A08^ADT_A01", person, stay, clear(stay.start + 2 * HOUR), stay.moves[0])
        for move in stay.moves[1:]:
            self._adt("A02", "ADT^A02^ADT_A02", person, stay, move.start, move)
        self._adt("A03", "ADT^A03^ADT_A03", person, stay, stay.end, stay.moves[-1], diagnosed=True)

    def _adt(self, event: str, trigger: str, person: Person, stay: Stay, at: int, move: Move, *, insured: bool = False,
             diagnosed: bool = False) -> None:  # fmt: skip
        ended = event == "A03"
        segments = [f"EVN|{event}|{hl7(clear(at + 2))}||||{hl7(at)}", _pid(person, at, dead=ended and stay.died is not None),
                    _kin(person),
                    _visit(stay, move, ended=ended)]  # fmt: skip
        if diagnosed:
            segments += [f"DG1|{place}||{code}^{_escaped(words)}^I10||{hl7(stay.end)}|F" for place,
                         (code, words) in enumerate(stay.diagnoses, 1)]  # fmt: skip
        if insured:
            segments.append(_insurance(person))
        self.put("adt", trigger, at + 3, segments)


def merged_at(person: Person) -> int | None:
    """When the patient's two records were merged: in the first stay on a ward."""
    first = next((stay for stay in person.stays if stay.kind == "IMP"), None)
    if person.who.merged_mrn is None or first is None:
        return None
    return clear(min(first.start + _MERGE_HOURS * HOUR, first.end - HOUR))


def mrn_at(person: Person, at: int) -> str:
    """The number that the house used then."""
    merge = merged_at(person)
    return person.who.merged_mrn if merge is not None and at < merge and person.who.merged_mrn else person.who.mrn


def results(person: Person, stay: Stay, draw: Draw) -> list[str]:
    """The segments of one specimen's results."""
    lines = [_pid(person, draw.known), _visit(stay, _where(stay, draw.at))]
    lines += [f"ORC|RE||{draw.accession}",
              f"OBR|1||{draw.accession}|LABS^Laboratory panel^L|||{hl7(draw.at)}" + "|" * 9 + _xcn(stay.doctor)
              + "|" * 6 + f"{hl7(draw.known)}|||F"]  # fmt: skip
    for place, result in enumerate(draw.results, 1):
        test = TESTS[result.test]
        lines.append(f"OBX|{place}|NM|{test.loinc}^{_escaped(test.name)}^LN||{result.text}|{_escaped(test.unit)}|{test.low:g}-{test.high:g}"
                     f"|{result.flag}|||F|||{hl7(draw.at)}||{_escaped(draw.technician)}")  # fmt: skip
    return lines + ([f"NTE|1|L|{_escaped(draw.comment)}"] if draw.comment else [])


def _order(person: Person, stay: Stay, order: Order) -> list[str]:
    drug = f"{order.rxcui or ''}^{_escaped(order.drug)}^{'RXNORM' if order.rxcui else ''}"
    return [
        _pid(person, order.at), _visit(stay, _where(stay, order.at)),
        f"ORC|NW|{order.number}" + "|" * 7 + f"{hl7(order.at)}|||{_xcn(stay.doctor)}",
        f"TQ1|1||{order.frequency}||||{hl7(order.start)}|{hl7(order.end)}", f"RXE||{drug}|{order.dose}||{_escaped(order.unit)}",
        f"RXR|{order.route}",
    ]  # fmt: skip


def _where(stay: Stay, at: int) -> Move | None:
    return next((move for move in reversed(stay.moves) if move.start <= at), None)


def _pid(person: Person, at: int, *, dead: bool = False) -> str:
    who = person.who
    numbers = [f"{mrn_at(person, at)}^^^HOSP^MR"] + ([f"{who.clinic_mrn}^^^CLIN^MR"] if who.clinic_mrn
                                                     else []) + [f"{who.ssn}^^^SSA^SS"]  # fmt: skip
    last = next((stay for stay in reversed(person.stays) if stay.kind == "IMP"), person.stays[-1])
    home = who.new_address if who.new_address is not None and at >= last.start + 2 * HOUR else who.address
    died = f"{hl7(person.died)}|Y" if dead and person.died is not None else "|"
    fields = ["PID", "1", "", "~".join(numbers), "", f"{_escaped(who.family)}^{who.given}^{who.middle}", "",
              who.birth_date.replace("-", ""), who.sex, "",
              f"{who.race[0]}^{who.race[1]}^CDCREC", _address(home), "",
              f"{who.phone}~{who.mobile}^PRN^CP~^NET^Internet^{who.email}", "", "", who.marital,
              "", "", who.ssn, "", "", f"{who.ethnicity[0]}^{who.ethnicity[1]}^CDCREC", "", "", "", "", "", "", died]  # fmt: skip
    return "|".join(fields)


def _kin(person: Person) -> str:
    given, family = person.who.kin_name.split(" ", 1)
    return f"NK1|1|{_escaped(family)}^{given}|FAM^Family^L||{person.who.kin_phone}"


def _insurance(person: Person) -> str:
    who, payer = person.who, _escaped(person.who.payer)
    return f"IN1|1|{payer}||{payer}" + "|" * 12 + f"{_escaped(who.family)}^{who.given}" + "|" * 20 + who.member


def _visit(stay: Stay, move: Move | None, *, ended: bool = False) -> str:
    place = f"{move.place}^{move.bed}^1^MADE" if move is not None else "CLINIC^^^MADE"
    fields = [""] * 46
    fields[0], fields[1], fields[2], fields[3], fields[7] = "PV1", "1", _CLASS[stay.kind], place, _xcn(stay.doctor)
    fields[19], fields[44] = stay.number, hl7(stay.start)
    if ended:
        fields[36], fields[45] = "20" if stay.died is not None else "01", hl7(stay.end)
    return "|".join(fields).rstrip("|")


def _xcn(one: Clinician) -> str:
    return f"{one.npi}^{_escaped(one.family)}^{one.given}^^^^{one.credential}"


def _address(home: Address) -> str:
    return f"{_escaped(home.street)}^^{home.city}^{home.state}^{home.postal_code}^USA^H"


def _escaped(text: str) -> str:
    """HL7 v2.5.1 section 2.7.

    >>> _escaped("A & B")
    'A \\\\T\\\\ B'
    """
    return text.replace("\\", "\\E\\").replace("|", "\\F\\").replace("^", "\\S\\").replace("&", "\\T\\").replace("~", "\\R\\")
