"""The data-quality record counts every oddity with its denominator, and shows no single patient."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.lake.told import DAY, HOUR, fact, reading

from bedside.core.accounts import Reject
from bedside.core.events import Event
from bedside.lake.quality import Quality, quality, table
from bedside.lake.store import Lake, write

Look = Callable[..., Quality]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    def one(*events: Event, **more: object) -> Quality:
        write([reading("a", *events)], tmp_path / "lake", name="t")
        return quality(Lake(tmp_path / "lake"), **more)  # type: ignore[arg-type]

    return one


def odd(found: Quality, name: str) -> tuple[int, int]:
    return next((oddity.count, oddity.of) for oddity in found.oddities if name in oddity.name)


def birth(subject: int, day: int) -> Event:
    return Event(subject, day * DAY, "MEDS_BIRTH", known_at=day * DAY, source="f#1")


def test_facts_outside_a_life_are_counted(look: Look) -> None:
    died = Event(1, 10 * DAY, "MEDS_DEATH", known_at=10 * DAY, source="f#1")
    found = look(birth(1, 2), died, fact(1, 24 * 1), fact(1, 24 * 5), fact(1, 24 * 10.5), fact(1, 24 * 12), fact(2, 1))
    assert odd(found, "before the subject's birth") == (1, 6)
    assert odd(found, "after death") == (1, 6)
    assert odd(found, "without a birth date") == (1, 2)
    assert odd(found, "without a sex") == (2, 2)


def test_facts_known_before_they_happened_are_counted(look: Look) -> None:
    found = look(fact(1, 3, known_at=2 * HOUR), fact(1, 3, known_at=None), fact(1, 3), fact(1, None))
    assert odd(found, "known before they happened") == (1, 3)
    assert odd(found, "no time of knowing") == (1, 3)


def test_encounters_must_start_and_end_in_that_order(look: Look) -> None:
    def edge(kind: str, visit: str, hour: float) -> Event:
        return fact(1, hour, f"ENCOUNTER_{kind}//IMP", None, encounter_id=visit)

    found = look(edge("START", "open", 1), edge("END", "unopened", 1), edge("START", "back", 5), edge("END", "back", 4),
                 edge("START", "good", 1), edge("END", "good", 2))  # fmt: skip
    assert [odd(found, f"encounters {what}") for what in ("without an end", "without a start", "that end")] == [(1, 4)] * 3


def test_values_that_nobody_has_are_counted_in_their_unit_only(look: Look) -> None:
    pulses = [fact(1, h, "LOINC//8867-4", v, unit=u) for h, v, u in ((1, 80, "/min"), (2, 800, "/min"), (3, 800, "furlong"))]
    found = look(*pulses)
    assert odd(found, "no living patient") == (1, 2)
    assert odd(found, "several units") == (1, 1)
    assert found.top[0].units == {"/min": 2, "furlong": 1}


def test_repeats_of_a_fact_are_counted_beyond_the_first(look: Look) -> None:
    assert odd(look(fact(1, 3), fact(1, 3), fact(1, 3), fact(1, 4)), "same fact again") == (2, 4)


def test_values_and_their_absence_are_counted(look: Look) -> None:
    found = look(fact(1, 1), fact(1, 2, value=None), fact(1, 3, value=None, text_value="hemolysed"))
    assert odd(found, "neither number nor text") == (1, 3)
    assert odd(found, "numbers without a unit") == (1, 1)
    assert found.top[0].missing == pytest.approx(1 / 3)


def test_quantiles_are_shown_only_where_no_single_value_can_be_seen(look: Look) -> None:
    few = look(*[fact(1, h, value=float(h)) for h in range(19)]).top[0]
    assert (few.numeric, few.q01, few.median, few.q99) == (19, None, None, None)


def test_quantiles_are_those_of_linear_interpolation(look: Look) -> None:
    many = look(*[fact(1, h, value=float(h)) for h in range(101)]).top[0]
    assert (many.q01, many.q25, many.median, many.q75, many.q99) == (1, 25, 50, 75, 99)


def test_the_future_is_asked_for_only_when_now_is_told(look: Look) -> None:
    assert not any("future" in oddity.name for oddity in look(fact(1, 3)).oddities)
    assert odd(look(fact(1, 3), fact(1, 5), now=4 * HOUR), "in the future") == (1, 2)


def test_quarantine_of_both_steps_is_told_by_reason(tmp_path: Path) -> None:
    write([reading("a", fact(1, 3), rejects=2)], tmp_path / "lake", name="t", rejects=[Reject("a", "f", "line 1", "not JSON", "0")])
    found = quality(Lake(tmp_path / "lake"))
    assert [(b.step, b.reason, b.records) for b in found.quarantine] == [("deidentify", "not JSON", 1), ("read", "broken", 2)]
    assert found.reconciled


def test_the_record_survives_json_and_shows_itself_as_text(look: Look) -> None:
    found = look(birth(1, 2), *[fact(1, h, unit="mmol/L") for h in range(30)])
    assert msgspec.json.decode(msgspec.json.encode(found), type=Quality) == found
    text = found.to_text()
    assert "counts reconcile" in text
    assert "LOINC//2524-7" in text
    assert "facts known before they happened" in text


def test_a_lake_without_events_has_a_record_too(look: Look) -> None:
    assert look().events == 0


def test_a_table_aligns_numbers_to_the_right() -> None:
    assert table(["n"], [[5], [1234]]) == "    n\n    5\n1,234"
