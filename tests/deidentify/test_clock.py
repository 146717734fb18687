"""Time under a policy: whole weeks, the offset of the true date, and ages that stay what they were."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core.errors import Malformed
from bedside.core.time import DAY_US, HOUR_US, compact_instant, iso_instant
from bedside.deidentify.clock import Clock, age_years, relative_shift, weeks
from bedside.deidentify.keyring import Keyring
from bedside.deidentify.patients import Subject

WEEK = Clock(shift_us=7 * DAY_US)


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    return Keyring.create(tmp_path_factory.mktemp("k") / "k", seed=b"c", made=True)


@given(code=st.integers(0, (1 << 60) - 1))
def test_a_shift_is_one_to_104_weeks_either_way(ring, code):
    assert 1 <= abs(weeks(ring, Subject(0, code), 104)) <= 104


def test_shifts_go_both_ways_and_reach_far(ring):
    drawn = [weeks(ring, Subject(0, code), 104) for code in range(2000)]
    assert min(drawn) == -104
    assert max(drawn) == 104
    assert 0 not in drawn
    assert abs(sum(drawn) / len(drawn)) < 6


@pytest.mark.parametrize(
    ("true", "moved"),
    [
        ("2026-01-13", "2026-01-20"),
        ("2026-01", "2026-01"),
        ("2026-12", "2026-12"),
        ("2026", "2026"),
        ("2026-01-13T10:00:00Z", "2026-01-20T10:00:00Z"),
        ("2026-01-13T10:00:00.123+05:30", "2026-01-20T10:00:00.123+05:30"),
        ("2026-03-05T12:00:00", "2026-03-12T12:00:00-05:00"),
        ("2026-03-05T12:00", "2026-03-12T12:00-05:00"),
        ("9999-12-31", "9999-12-31"),
    ],
)
def test_fhir_times_keep_their_precision_and_offset(true, moved):
    assert WEEK.iso(true, where="x", timezone="America/New_York") == moved


@pytest.mark.parametrize(
    ("true", "moved"),
    [
        ("20260113", "20260120"),
        ("202601", "202601"),
        ("2026", "2026"),
        ("202603051200", "202603121200-0500"),
        ("20260305120000.5-0800", "20260312120000.5-0800"),
        ("2026030512", "2026031212-0500"),
    ],
)
def test_hl7_times_keep_their_precision_and_gain_an_offset(true, moved):
    assert WEEK.compact(true, where="x", timezone="America/New_York") == moved


def test_a_time_of_day_without_any_zone_is_refused():
    with pytest.raises(Malformed, match="without a zone"):
        WEEK.iso("2026-03-05T12:00:00", where="x", timezone=None)
    with pytest.raises(Malformed, match="without a zone"):
        WEEK.compact("202603051200", where="x", timezone=None)


@given(a=st.integers(0, 500_000), b=st.integers(0, 500_000), shift=st.integers(-104, 104).filter(bool))
def test_intervals_between_any_two_formats_are_kept(a, b, shift):
    clock = Clock(shift_us=shift * 7 * DAY_US)
    start = iso_instant("1990-01-01T00:00:00Z", where="x").us
    one, other = (iso_text(start + hours * HOUR_US) for hours in (a, b))
    compact = other.replace("-", "").replace(":", "").replace("T", "").replace("Z", "+0000")
    moved = iso_instant(clock.iso(one, where="x", timezone=None), where="x").us
    moved_other = compact_instant(clock.compact(compact, where="x", timezone=None), where="x").us
    assert moved_other - moved == (b - a) * HOUR_US


@given(born=st.dates(date(1930, 1, 1), date(2025, 12, 31)), days=st.integers(0, 30000), shift=st.integers(-104, 104))
def test_age_is_the_same_after_the_shift(born, days, shift):
    clock = Clock(shift_us=shift * 7 * DAY_US)
    at = born + timedelta(days=days)
    moved = [iso_instant(clock.iso(day.isoformat(), where="x", timezone=None), where="x").us for day in (born, at)]
    true = [iso_instant(day.isoformat(), where="x").us for day in (born, at)]
    assert age_years(*moved) == age_years(*true)


@given(born=st.dates(date(1900, 1, 1), date(1935, 1, 1)))
def test_a_capped_birth_date_reads_90_at_the_last_event_and_says_no_more(born):
    last = iso_instant("2026-06-01T00:00:00Z", where="x").us
    clock = Clock(cap=89, last_us=last)
    read = iso_instant(clock.birth(born.isoformat(), where="x"), where="x").us
    assert age_years(read, last) == 90
    assert clock.birth(born.isoformat(), where="x") == clock.birth("1911-11-11", where="x")


def test_an_age_of_89_keeps_its_birth_date():
    clock = Clock(cap=89, last_us=iso_instant("2026-06-01T00:00:00Z", where="x").us)
    assert clock.birth("1936-07-01", where="x") == "1936-07-01"
    assert clock.compact_birth("19360701", where="x") == "19360701"


def test_relative_time_starts_in_2000_in_utc():
    clock = relative_clock("2026-01-13T10:00:00-05:00")
    assert clock.iso("2026-01-13T10:00:00-05:00", where="x", timezone=None) == "2000-01-01T15:00:00Z"
    assert clock.compact("20260113110030-0500", where="x", timezone=None) == "20000101160030+0000"


def test_a_relative_day_does_not_end_before_a_result_of_that_day():
    clock = relative_clock("2026-01-13T15:00:00Z")
    day, hour = (iso_instant(clock.iso(f"2026-01-13{rest}", where="x", timezone=None), where="x").us for rest in ("", "T15:00:00Z"))
    assert hour - day == 15 * 3600 * 1_000_000


def test_a_year_of_birth_keeps_its_distance_to_the_record():
    clock = Clock(shift_us=-52 * 7 * 86_400_000_000)
    assert clock.birth("1932", where="x") == "1931-01-02"
    assert clock.compact_birth("1932", where="x") == "19310102"
    assert Clock().birth("1932", where="x") == "1932"


def relative_clock(first: str) -> Clock:
    return Clock(shift_us=relative_shift(iso_instant(first, where="x").us), relative=True)


def iso_text(us: int) -> str:
    from bedside.core.time import utc_text

    return utc_text(us)


def test_a_subject_without_any_event_has_no_date_under_safe_harbor(tmp_path):
    from bedside.deidentify.policy import policy
    from bedside.deidentify.text import scrub

    clock = Clock.of(Subject(0, 1), policy("safe-harbor"), Keyring.create(tmp_path / "key"))
    assert scrub("Seen 3/15/2021, born 1/2/1950, in 2019.", clock=clock).text == "Seen [DATE], born [DATE], in 2019."
    with pytest.raises(Malformed, match="met none"):
        clock.iso("2021-03-15", where="x", timezone=None)
    assert clock.birth("1950-01-02", where="x") == "1950"
