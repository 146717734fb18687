"""Contracts that every room stands on: ids, times, canonical bytes, counts, errors."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core import accounts, canonical, events, ids, time
from bedside.core.errors import BedsideError, Malformed, Misconfigured, Missing, Unusable, shape_of
from bedside.core.lazy import need
from bedside.core.registry import Registry


@given(st.integers(0, 2**60 - 1))
def test_a_pseudonym_is_its_subject_number(number):
    assert ids.is_pseudonym(ids.pseudonym(number))
    assert ids.subject_number(ids.pseudonym(number)) == number


@given(st.text(max_size=30))
def test_any_name_has_a_subject_number_that_fits(name):
    assert 0 <= ids.subject_number(name) < 2**60


def test_keyed_digests_do_not_run_parts_together():
    assert ids.keyed(b"k", "ab", "c") != ids.keyed(b"k", "a", "bc")


@given(st.binary(max_size=150), st.text(max_size=100), st.text(max_size=200))
def test_a_number_drawn_from_kept_states_is_that_of_the_whole_digest(key, first, last):
    assert ids.Keyed(key, first).drawn(last) == int.from_bytes(ids.keyed(key, first, last)[:8], "big") >> 4


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_iso_and_compact_times_name_the_same_instant(wall, offset):
    wall = wall.replace(microsecond=wall.microsecond // 1000 * 1000)
    sign, (hours, minutes) = ("-" if offset < 0 else "+"), divmod(abs(offset), 60)
    zone = f"{sign}{hours:02}{minutes:02}"
    iso = time.iso_instant(wall.isoformat(timespec="milliseconds") + zone[:3] + ":" + zone[3:], where="here")
    compact = time.compact_instant(wall.strftime("%Y%m%d%H%M%S.%f")[:-3].zfill(18) + zone, where="here")
    assert iso == compact
    assert iso.us == (wall.replace(tzinfo=UTC) - timedelta(minutes=offset) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        microseconds=1
    )


@given(st.text(max_size=40))
def test_text_that_is_no_time_is_malformed_and_not_repeated(text):
    for parse in (time.iso_instant, time.compact_instant):
        try:
            parse(text, where="row 1", timezone="UTC")
        except Malformed as error:
            assert len(text) < 8 or text not in str(error)


def test_a_time_of_day_without_zone_is_malformed_unless_the_source_declares_one():
    with pytest.raises(Malformed, match="without a zone"):
        time.iso_instant("2026-01-01T10:00:00", where="row 1")
    assert time.iso_instant("2026-07-01T10:00:00", where="row 1", timezone="America/New_York").offset_min == -240


@pytest.mark.parametrize(
    ("wall", "zone", "utc"),
    [
        ("2026-11-01T01:30:00", "America/New_York", "2026-11-01T05:30:00Z"),
        ("2026-11-01T02:30:00", "America/New_York", "2026-11-01T07:30:00Z"),
        ("2026-03-08T02:30:00", "America/New_York", "2026-03-08T07:30:00Z"),
        ("2026-10-25T02:30:00", "Europe/Paris", "2026-10-25T00:30:00Z"),
        ("2026-03-29T02:30:00", "Europe/Paris", "2026-03-29T01:30:00Z"),
    ],
)
def test_an_hour_that_clocks_show_twice_is_the_first_and_one_they_skip_keeps_the_offset_before_it(wall, zone, utc):
    compact = wall.replace("-", "").replace(":", "").replace("T", "")
    for read in (time.iso_instant(wall, where="x", timezone=zone), time.compact_instant(compact, where="x", timezone=zone)):
        assert read.us == time.iso_instant(utc, where="x").us


@pytest.mark.parametrize(
    ("text", "iso", "precision"),
    [
        ("2026", "2026-01-01T00:00:00Z", "year"),
        ("202602", "2026-02-01T00:00:00Z", "month"),
        ("20260228", "2026-02-28T00:00:00Z", "day"),
        ("2026022813", "2026-02-28T13:00:00Z", "time"),
        ("202602281305", "2026-02-28T13:05:00Z", "time"),
        ("20260228130509", "2026-02-28T13:05:09Z", "time"),
        ("20260228130509.1234", "2026-02-28T13:05:09.1234Z", "time"),
        ("20260228130509+0530", "2026-02-28T07:35:09Z", "time"),
        ("202602281305-0500", "2026-02-28T18:05:00Z", "time"),
    ],
)
def test_a_time_of_hl7_is_as_exact_as_it_is_written(text, iso, precision):
    read = time.compact_instant(text, where="PID-7", timezone="UTC")
    assert (read.us, read.precision) == (time.iso_instant(iso, where="x").us, precision)


@pytest.mark.parametrize("text", ["20260230", "202613", "2026022824", "202602281360", "2026-02-28", "20260228+0100x", "226"])
def test_no_calendar_holds_such_a_time(text):
    with pytest.raises(Malformed):
        time.compact_instant(text, where="PID-7", timezone="UTC")


def test_an_unknown_zone_is_misconfigured():
    with pytest.raises(Misconfigured):
        time.zone("Mars/Olympus")


def test_a_frame_digest_sees_values_nulls_order_and_types():
    frame = pl.DataFrame({"a": [1, None, 3], "b": ["x", "", None]})
    digests = {
        canonical.frame_digest(f)
        for f in (
            frame,
            frame.with_columns(pl.col("a").fill_null(0)),
            frame.reverse(),
            frame.with_columns(pl.col("a").cast(pl.Int32)),
            frame.with_columns(pl.col("b").fill_null("")),
            frame.rename({"a": "c"}),
        )
    }
    assert len(digests) == 6
    assert canonical.frame_digest(frame.clone()) == canonical.frame_digest(pl.concat([frame[:1], frame[1:]]))


def test_events_survive_the_frame_with_exact_float32_values():
    one = events.Event(7, 1_000_000, "LOINC//8867-4", 88.1, None, 2_000_000, "final", -300, "88.10", "/min", "E1", "k#1")
    frame = events.check(events.frame([one, events.Event(7, None, "SEX//female", source="k#2")]), where="test")
    back = list(events.rows(frame))
    assert back[0].numeric_value == float(np.float32(88.1))
    assert (back[0].known_at, back[0].lexeme, back[1].time) == (2_000_000, "88.10", None)


def test_a_frame_that_breaks_the_contract_names_every_breach():
    with pytest.raises(Unusable) as caught:
        events.check(events.frame([]).drop("code").with_columns(pl.col("time").cast(pl.Int64)), where="test")
    assert "code is missing" in str(caught.value)
    assert "time is Int64" in str(caught.value)


@given(st.lists(st.sampled_from(["write", "merge", "ignore", "quarantine"])))
def test_counts_always_add_up(calls):
    tally = accounts.Tally("s", "f")
    for call in calls:
        tally.write() if call == "write" else getattr(tally, call)("reason")
    assert tally.reconciles
    assert tally.read == len(calls)
    accounts.reconcile([tally])
    tally.read += 1
    with pytest.raises(Unusable):
        accounts.reconcile([tally])


@given(st.text(min_size=4, max_size=30))
def test_the_shape_of_a_value_never_shows_it(value):
    told = shape_of(value)
    assert value not in told or value in "characters of digits letters spaces signs and"


def test_errors_cross_processes_whole():
    error = pickle.loads(pickle.dumps(Malformed("what", where="where", do="do")))
    assert (type(error), error.what, error.where, error.do) == (Malformed, "what", "where", "do")
    assert isinstance(error, BedsideError)


def test_a_missing_library_says_what_to_type():
    with pytest.raises(Missing, match=r"pip install 'bedside\[risk\]'"):
        need("no_such_library_here", extra="risk")


def test_a_registry_suggests_the_nearest_name():
    with pytest.raises(Misconfigured, match="did you mean 'lightgbm'"):
        Registry("runner", {"lightgbm": "json:loads"}).get("lightgmb")
