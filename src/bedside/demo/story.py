"""Notes that tell a stay in prose, with the names, numbers, dates and phones that notes are full of.

In        a person and one stay whose facts are drawn already
Out       history and physical, progress notes, transfer note, discharge or death summary; the last line of each says made
LOINC     34117-2 History and physical, 11506-3 Progress, 18761-7 Transfer summary, 18842-5 Discharge summary
"""

from __future__ import annotations

from datetime import date
from random import Random

from bedside.demo import people
from bedside.demo.records import Clinician, Draw, Note, Person, Round, Stay
from bedside.demo.times import DAY, HOUR, american, clear, local
from bedside.demo.vocabulary import DEPARTMENTS, PROCEDURES, TESTS, WARDS

LAST_LINE = "This note is made data; no real person is described."
_PROGRESS_HOURS = 44
_SAID = ("slept poorly", "feels a little better", "reports no new complaints", "is tired")
_NOTICED = ("good intake", "poor appetite", "one episode of confusion overnight", "no events")
_WORK = ("a teacher", "a bus driver", "a nurse", "a cook", "an electrician", "a clerk")
_WORTH_TELLING = ("Lactate", "Creatinine", "WBC", "CRP", "K", "Na", "Hb", "Plt", "Glucose", "BUN", "T_Bil")


def notes(person: Person, stay: Stay, draw: Random) -> list[Note]:
    """The notes of a stay on a ward; visits have none."""
    if stay.kind != "IMP":
        return []
    made = [_history(person, stay, draw)]
    when, number = stay.start + _PROGRESS_HOURS * HOUR, 1
    while when < stay.end - 6 * HOUR:
        made.append(_progress(person, stay, clear(when + draw.randrange(-90, 90)), number, draw))
        when, number = when + _PROGRESS_HOURS * HOUR, number + 1
    if stay.icu is not None:
        made.append(_transfer(person, stay, clear(stay.icu - draw.randrange(5, 25)), draw))
    made.append(_summary(person, stay, draw))
    return sorted(made, key=lambda note: note.at)


def _note(stay: Stay, at: int, delay: int, loinc: str, title: str, author: Clinician, lines: list[str]) -> Note:
    body = "\n".join([*lines, "", f"Electronically signed by {author.name}, {american(at + delay)}.", LAST_LINE, ""])
    return Note(f"{stay.number}-{loinc}-{at - stay.start}", at, clear(at + delay), loinc, title, author, body)


def _history(person: Person, stay: Stay, draw: Random) -> Note:
    who, at = person.who, clear(min(stay.start + draw.randrange(60, 180), stay.end - 60))
    past = ", ".join(words.lower() for _, words in person.chronic) or "nothing of note"
    age, kin = _age(person, at), draw.choice(["spouse", "sibling", "adult child"])
    lines = [
        f"HISTORY AND PHYSICAL - {DEPARTMENTS.get(stay.department, 'Internal medicine')}", "",
        f"Patient: {who.family}, {who.given} {who.middle}    MRN: {who.mrn}    DOB: {_slashed(who.birth_date)}",
        f"Admitted {american(stay.start)} to {WARDS[stay.moves[0].place]}, bed {stay.moves[0].bed}. "
        f"Attending: Dr. {stay.doctor.family}.", "",
        f"{who.given} {who.family} is {_article(age)} {age}-year-old {_noun(who.sex)} from {who.address.city} "
        f"who presents with {_lower(stay.complaint)}.",
        f"Past history: {past}.", _lived(person, draw),
        f"Contact: {who.kin_name} ({kin}), {who.kin_phone}. Home phone {who.phone}, cell {who.mobile}.",
        "", "Vital signs: " + _signs(_latest(stay.rounds, at)), "Laboratory: " + _values([d for d in stay.draws if d.known < at]),
        "",
        f"Impression: {stay.diagnoses[0][1]} ({stay.diagnoses[0][0]}).",
        "Plan: " + _plan(stay) + f" Discussed with {_title(who.sex)} {who.family} and {who.kin_name}, who agree.",
    ]  # fmt: skip
    return _note(stay, at, draw.randrange(10, 60), "34117-2", "History and physical note", stay.doctor, lines)


def _progress(person: Person, stay: Stay, at: int, number: int, draw: Random) -> Note:
    who, author = person.who, draw.choice(people.clinicians()["MD"])
    nurse = draw.choice(people.clinicians()["RN"])
    seen = _latest(stay.rounds, at)
    place = next((move for move in stay.moves if move.start <= at < move.end), stay.moves[-1])
    lines = [
        f"PROGRESS NOTE - hospital day {(at - stay.start) // DAY + 1}, {american(at)}", "",
        f"S: {_title(who.sex)} {who.family} {draw.choice(_SAID)}. "
        f"{nurse.given} ({nurse.credential}) notes {draw.choice(_NOTICED)}.",
        f"O: {_signs(seen)}", f"   {_values([d for d in stay.draws if at - 2 * DAY < d.known < at])}",
        f"A: {stay.diagnoses[0][1]}, {_trend(seen)}.",
        f"P: {_plan(stay)} {WARDS[place.place]}, bed {place.bed}."
        + (f" {who.kin_name} updated by phone at {who.kin_phone}." if draw.random() < 0.5 else ""),
    ]  # fmt: skip
    return _note(stay, at, draw.randrange(5, 50), "11506-3", f"Progress note {number}", author, lines)


def _transfer(person: Person, stay: Stay, at: int, draw: Random) -> Note:
    who, nurse = person.who, draw.choice(people.clinicians()["RN"])
    lines = [
        f"TRANSFER TO INTENSIVE CARE - {american(at)} {local(at):%H:%M}", "",
        f"{who.given} {who.family} (MRN {who.mrn}, visit {stay.number}) is moved from {WARDS[stay.moves[0].place]} "
        f"because of worsening over the last hours. Called by {nurse.name}, "
        f"seen at the bedside by Dr. {stay.doctor.family}, pager {stay.doctor.phone}.",
        "Vital signs: " + _signs(_latest(stay.rounds, at)), "Laboratory: " + _values([d for d in stay.draws
                if at - DAY < d.known < at]),
        f"{who.kin_name} was told by phone ({who.kin_phone}) at {local(at + 10):%I:%M %p}.",
    ]  # fmt: skip
    return _note(stay, at, draw.randrange(5, 30), "18761-7", "Transfer note", stay.doctor, lines)


def _summary(person: Person, stay: Stay, draw: Random) -> Note:
    who, at = person.who, clear(stay.end + draw.randrange(30, 240))
    died = stay.died is not None
    lines = [
        ("DEATH SUMMARY" if died else "DISCHARGE SUMMARY") + f" - {who.name}", "",
        f"MRN {who.mrn}    SSN {who.ssn}    DOB {_slashed(who.birth_date)}    Visit {stay.number}",
        f"Admitted {american(stay.start)}, {'died' if died else 'discharged'} {american(stay.end)}. "
        f"Insurance: {who.payer}, member {who.member}.", "",
        f"Course: {_title(who.sex)} {who.family} came with {_lower(stay.complaint)} and was treated for "
        f"{stay.diagnoses[0][1].lower()}. {_course(stay)}",
        "Diagnoses: " + "; ".join(f"{words} ({code})" for code, words in stay.diagnoses) + ".",
        "Procedures: " + (", ".join(PROCEDURES.get(code, code).lower() for _, code in stay.procedures[1:]) or "none") + ".",
        "Last values: " + _values([d for d in stay.draws if d.known < stay.end][-4:]),
    ]  # fmt: skip
    if not died:
        home = who.new_address or who.address
        lines += ["Medication: " + (", ".join(dict.fromkeys(order.drug for order in stay.orders[:6])) or "none") + ".",
                  f"Follow-up with Dr. {stay.doctor.given} {stay.doctor.family}, {stay.doctor.phone}, within two weeks; "
                  f"letter to {home.street}, {home.city}, "
                  f"{home.state} {home.postal_code}, and {who.email}."]  # fmt: skip
    return _note(stay, at, draw.randrange(20, 400), "18842-5", "Death summary" if died else "Discharge summary", stay.doctor, lines)


def _course(stay: Stay) -> str:
    if stay.icu is None:
        return "The patient died on the ward with family present." if stay.died is not None else "The stay was uneventful."
    told = f"On {american(stay.icu)} the patient worsened and was moved to intensive care."
    back = next((move for move in stay.moves[1:] if move.place != "ICU"), None)
    return told + (f" Back on the ward on {american(back.start)}." if back else " The patient died there.")


def _latest(rounds: list[Round], at: int) -> Round | None:
    before = [one for one in rounds if one.known <= at]
    return before[-1] if before else rounds[0] if rounds and rounds[0].at <= at else None


def _signs(seen: Round | None) -> str:
    if seen is None:
        return "not yet charted."
    warm = f"T {seen.celsius:.1f} C, " if seen.celsius is not None else ""
    air = "" if seen.oxygen is None else " on air" if not seen.oxygen else f" on {seen.oxygen:g} L/min oxygen"
    awake = f", ACVPU {seen.awake}" if seen.awake else ""
    pressure = f"BP {seen.systolic}/{seen.diastolic} mmHg"
    return f"{warm}HR {seen.heart}/min, RR {seen.breath}/min, {pressure}, SpO2 {seen.saturation}%{air}{awake}."


def _values(draws: list[Draw]) -> str:
    last = {result.test: result.text for one in draws for result in one.results if result.test in _WORTH_TELLING}
    told = [f"{TESTS[name].name.lower()} {last[name]} {TESTS[name].unit}" for name in _WORTH_TELLING if name in last]
    return (", ".join(told) or "no new results") + "."


def _trend(seen: Round | None) -> str:
    if seen is None or (seen.heart < 105 and seen.breath < 22 and seen.saturation > 92):
        return "stable"
    return "not yet improving, to be watched closely"


def _plan(stay: Stay) -> str:
    drugs = list(dict.fromkeys(order.drug.lower() for order in stay.orders))[:3]
    return f"Continue {', '.join(drugs)}." if drugs else "Supportive care."


def _lived(person: Person, draw: Random) -> str:
    who = person.who
    lived = draw.choice(["Lives alone", "Lives with family", "Lives in assisted living"])
    worked = "Retired from work as" if _age(person, person.stays[0].start) > 66 else "Works as"
    return f"Social: {lived} at {who.address.street}, {who.address.city}. {worked} {draw.choice(_WORK)}."


def _age(person: Person, at: int) -> int:
    return int((local(at).date() - date.fromisoformat(person.who.birth_date)).days / 365.2425)


def _article(age: int) -> str:
    return "an" if str(age).startswith(("8", "11", "18")) else "a"


def _title(sex: str) -> str:
    return "Mr." if sex == "M" else "Ms."


def _noun(sex: str) -> str:
    return "man" if sex == "M" else "woman"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:] if text else "general decline"


def _slashed(day: str) -> str:
    """US form of an ISO date.

    >>> _slashed("1941-05-02")
    '05/02/1941'
    """
    year, month, of_month = day.split("-")
    return f"{month}/{of_month}/{year}"
