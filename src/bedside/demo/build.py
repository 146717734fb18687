"""One made patient whole: a course, varied or as shipped, with deteriorations, numbers, delays, orders and notes.

In        a `Deal` and the seed
Out       a `Person`, whose facts every format then writes; nothing is drawn after this
"""

from __future__ import annotations

from random import Random

import numpy as np

from bedside.demo import drift, people, story
from bedside.demo.courses import Course, Deal, DrugOrder, LabValue, StayCourse, shipped, varied
from bedside.demo.drift import Charted, Deterioration
from bedside.demo.records import Draw, Move, Order, Person, Result, Round, Stay
from bedside.demo.times import HOUR, clear, minute_of
from bedside.demo.vocabulary import CHRONIC, COMPLICATIONS, DRUGS, PRESSORS, TESTS, Test

_SPECIMEN_HOURS = 4
_DOSES_WRITTEN = 3
_GAP = 8 * HOUR
_RECHART_HOURS = 12
_TEMPERATURE_SHARE = 0.55


def person(dealt: Deal, seed: int) -> Person:
    """The patient of a deal; the same deal and seed give the same patient."""
    draw = np.random.Generator(np.random.PCG64([seed, dealt.patient]))
    course = varied(shipped()[dealt.course], draw) if dealt.fresh else shipped()[dealt.course]
    born = people.birth_date(course.age, course.stays[0].start.date(), dealt.patient, seed)
    who = people.identity(dealt.patient, seed, sex=course.sex, born=born, insurance=course.insurance)
    made = Person(dealt.patient, who, [(code, CHRONIC.get(code, "Chronic condition")) for code in course.chronic], [])
    _Numbers(dealt.patient, seed, Random(f"bedside facts {seed} {dealt.patient}")).add_stays(made, course, dealt.fresh, draw)
    for stay in made.stays:
        stay.notes = story.notes(made, stay, Random(f"bedside notes {seed} {stay.number}"))
    return made


class _Numbers:
    """Hands out a patient's visit, accession and order numbers, in order of time."""

    def __init__(self, index: int, seed: int, random: Random) -> None:
        self.index, self.seed, self.random = index, seed, random
        self.visits = self.accessions = self.orders = 0

    def _next(self, kind: str, letter: str, count: int) -> str:
        return f"{letter}{people.number_of(self.index, self.seed, kind)}{count:03d}"

    def add_stays(self, made: Person, course: Course, fresh: bool, draw: np.random.Generator) -> None:
        """Stays in order of time, none before the one before has ended, none after a death."""
        free = -(10**9)
        for stay in course.stays:
            start = clear(max(minute_of(stay.start), free))
            made.stays.append(self._inpatient(stay, start, course.age, fresh, draw) if stay.kind == "IMP"
                              else self._visit(stay, start))  # fmt: skip
            free = made.stays[-1].end + _GAP
            if made.stays[-1].died is not None:
                return

    def _visit(self, stay: StayCourse, start: int) -> Stay:
        made = self._stay(stay, start, clear(start + max(stay.minutes, 15)))
        made.draws = self._draws(stay.labs, start, made.end, scale=True)
        made.procedures = [(clear(start + 5), "99284" if stay.kind == "EMER" else "99213"), *self._procedures(stay, made)]
        return made

    def _inpatient(self, stay: StayCourse, start: int, age: float, fresh: bool, draw: np.random.Generator) -> Stay:
        steady, awake = drift.steadied(stay, draw, vary=fresh), drift.dimmed(stay.awake, draw)
        fated = drift.fate(stay, steady, awake, age, draw)
        charted = drift.chart(stay, steady, awake, fated, draw)
        made = self._stay(stay, start, clear(start + round(fated.end)))
        made.died = made.end if fated.died is not None else None
        made.moves = _moves(stay, fated, made, self.random)
        made.rounds = self._rounds(charted, made)
        made.draws = self._draws(charted.labs, start, made.end, scale=False)
        made.orders = self._orders(stay, made)
        made.procedures = [(clear(start + 30), "99223"), *self._procedures(stay, made)]
        return made

    def _stay(self, stay: StayCourse, start: int, end: int) -> Stay:
        self.visits += 1
        codes = [(stay.icd10, stay.diagnosis)] if stay.icd10 else [("R69", "Illness, unspecified")]
        codes += [(COMPLICATIONS[name], name.replace("_", " ").capitalize()) for name in stay.complications
                  if name in COMPLICATIONS]  # fmt: skip
        diagnoses = {code: words or "Illness, unspecified" for code, words in codes if code}
        return Stay(self._next("visit", "V", self.visits), stay.kind, start, end, stay.department,
                    stay.complaint,
                    list(diagnoses.items()), people.doctor(self.index, self.visits))  # fmt: skip

    def _rounds(self, charted: Charted, made: Stay) -> list[Round]:
        """Temperature is taken in most rounds; oxygen and alertness are charted when they change, and twice a day."""
        found: dict[int, Round] = {}
        flow, level = _Charting(), _Charting()
        for minute, signs, awake in zip(charted.at, charted.signs.tolist(), charted.awake, strict=True):
            at = clear(made.start + int(minute))
            if at >= made.end or at in found:
                continue
            heart, breath, saturation, celsius, systolic, diastolic, oxygen = signs
            warm = round(celsius, 1) if not found or self.random.random() < _TEMPERATURE_SHARE or celsius > 38.5 else None
            found[at] = Round(at, at + self.random.randrange(2, 11), int(heart), int(breath), int(saturation), warm, int(systolic),
                              int(diastolic),
                              oxygen if flow.due(at, oxygen) else None, awake if level.due(at, awake) else None)  # fmt: skip
        return [found[at] for at in sorted(found)]

    def _draws(self, labs: list[LabValue], start: int, end: int, *, scale: bool) -> list[Draw]:
        """Results that lie close together come from one specimen; a test done twice comes from two."""
        made: list[Draw] = []
        for group in _specimens(labs):
            delay = self.random.randrange(30, 121)
            at = clear(max(start + group[0].minute - delay, start + 3 + len(made)))
            if at >= end:
                continue
            self.accessions += 1
            results = [_result(lab, scale) for lab in group]
            made.append(Draw(self._next("accession", "A", self.accessions), at, clear(at + delay), results, *self._remark(results)))
        return made

    def _remark(self, results: list[Result]) -> tuple[str, str]:
        """A comment for panic values, and now and then for the specimen; and who measured."""
        staff = people.clinicians()
        technician, caller = self.random.choice(staff["MT"]), self.random.choice(staff["MD"])
        if any(len(result.flag) == 2 for result in results):
            return f"Critical value called to Dr. {caller.given} {caller.family} ({caller.phone}), read back.", technician.name
        return ("Specimen slightly hemolyzed." if self.random.random() < 0.03 else ""), technician.name

    def _orders(self, stay: StayCourse, made: Stay) -> list[Order]:
        found = [self._order(one, made) for one in stay.orders]
        return [order for order in found if order is not None]

    def _order(self, one: DrugOrder, made: Stay) -> Order | None:
        """Drugs that hold the circulation are given in intensive care only, so that they do not tell of it beforehand."""
        shift = 0
        if one.drug in PRESSORS:
            if made.icu is None:
                return None
            shift = made.icu - made.start + 20 - one.first
        at = clear(made.start + max(one.first + shift - self.random.randrange(12, 60), 2))
        begin = clear(max(made.start + one.first + shift, at + 5))
        end = clear(min(made.start + one.last + shift, made.end - 5))
        if begin > end or end > made.end - 5:
            return None
        self.orders += 1
        count = min(one.doses, _DOSES_WRITTEN)
        given = sorted({clear(begin + round((end - begin) * step / max(count - 1, 1))) for step in range(count)})
        unit = {"mcg": "ug"}.get(one.unit or "", one.unit or "")
        return Order(self._next("order", "O", self.orders), one.drug, DRUGS.get(one.drug), _plain(one.dose), unit if one.dose
                     else "", one.route,
                     one.often, at, begin, end, clear(at + self.random.randrange(5, 12)),
                     [minute for minute in given if minute <= made.end])  # fmt: skip

    def _procedures(self, stay: StayCourse, made: Stay) -> list[tuple[int, str]]:
        done = [(clear(made.start + minute), code) for minute, code in stay.procedures]
        return [pair for pair in done if pair[0] < made.end]


class _Charting:
    """Whether a value is written down: when it has changed, or has not been written for half a day."""

    def __init__(self) -> None:
        self._last: object = None
        self._at = -(10**9)

    def due(self, at: int, value: object) -> bool:
        due = value != self._last or at - self._at >= _RECHART_HOURS * HOUR
        if due:
            self._last, self._at = value, at
        return due


def _moves(stay: StayCourse, fated: Deterioration, made: Stay, random: Random) -> list[Move]:
    """The ward, intensive care, the ward again: as far as it went."""
    ward, bed = stay.ward or "4W", f"{stay.ward or '4W'}-{stay.bed or '01'}"
    if fated.icu is None:
        return [Move(ward, bed, made.start, made.end)]
    into = clear(made.start + round(fated.icu))
    back = made.end if fated.icu_end is None else clear(made.start + round(fated.icu_end))
    moves = [Move(ward, bed, made.start, into), Move("ICU", f"ICU-{random.randrange(1, 17):02d}", into, back)]
    return moves if fated.icu_end is None else [*moves, Move(ward, f"{ward}-{random.randrange(1, 29):02d}", back, made.end)]


def _specimens(labs: list[LabValue]) -> list[list[LabValue]]:
    groups: list[list[LabValue]] = []
    for lab in labs:
        if lab.name not in TESTS:
            continue
        near = groups and lab.minute - groups[-1][0].minute <= _SPECIMEN_HOURS * HOUR
        if not near or any(lab.name == other.name for other in groups[-1]):
            groups.append([])
        groups[-1].append(lab)
    return groups


def _result(lab: LabValue, scale: bool) -> Result:
    test = TESTS[lab.name]
    value = lab.value * (drift.SCALE.get(lab.name, 1.0) if scale else 1.0)
    lowest = 10.0 ** -test.digits
    text = f"{max(value, lowest):.{test.digits}f}"
    return Result(lab.name, text, _flag(float(text), test))


def _flag(value: float, test: Test) -> str:
    if value < test.panic_low or value > test.panic_high:
        return "LL" if value < test.panic_low else "HH"
    return "L" if value < test.low else "H" if value > test.high else ""


def _plain(dose: float | None) -> str:
    """3.375, 500 or nothing.

    >>> _plain(500.0), _plain(3.375), _plain(None)
    ('500', '3.375', '')
    """
    return "" if dose is None else f"{dose:.4f}".rstrip("0").rstrip(".")

