"""The same fact through two feeds is one fact; a fact that one feed repeats stays repeated."""

from __future__ import annotations

from collections import Counter

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from tests.lake.told import HOUR, fact

from bedside.core.events import COLUMNS, Event, frame
from bedside.lake.feeds import FACT, merge


def told(*feeds: list[Event]) -> pl.DataFrame:
    return pl.concat(frame(events).with_columns(pl.lit(n, dtype=pl.UInt16).alias("feed")) for n, events in enumerate(feeds))


def test_a_result_that_two_feeds_tell_is_kept_once_at_its_earliest_knowing() -> None:
    late, early = fact(1, 3, known_at=5 * HOUR, unit="mmol/L"), fact(1, 3, known_at=4 * HOUR, encounter_id="V1")
    kept, lost = merge(told([late], [early]), FACT)
    assert kept.height == 1
    assert (kept["known_at"].to_physical()[0], kept["unit"][0], kept["encounter_id"][0]) == (4 * HOUR, "mmol/L", "V1")
    assert lost == {0: 1}


def test_two_equal_results_of_one_feed_stay_two() -> None:
    kept, lost = merge(told([fact(1, 3), fact(1, 3)], [fact(1, 3)]), FACT)
    assert (kept.height, lost) == (2, {1: 1})


def test_a_correction_is_another_fact_than_what_it_corrects() -> None:
    kept, _ = merge(told([fact(1, 3)], [fact(1, 3, status="corrected", known_at=9 * HOUR)]), FACT)
    assert sorted(kept["status"]) == ["corrected", "final"]


def test_another_value_or_time_is_another_fact() -> None:
    kept, lost = merge(told([fact(1, 3)], [fact(1, 3, value=2.1), fact(1, 4), fact(2, 3), fact(1, None)]), FACT)
    assert (kept.height, lost) == (5, {})


def test_a_fact_without_a_time_was_always_known() -> None:
    kept, _ = merge(told([fact(1, None, "SEX//male", None, known_at=7 * HOUR)], [fact(1, None, "SEX//male", None)]), FACT)
    assert kept["known_at"].to_list() == [None]


FACTS = st.builds(fact, st.integers(1, 2), st.sampled_from([None, 1, 2]), st.just("LOINC//1"), st.sampled_from([None, 1.0, 2.0]))


@given(st.lists(st.lists(FACTS, max_size=6), min_size=1, max_size=3))
def test_each_fact_is_kept_as_often_as_its_most_talkative_feed_says_it(feeds: list[list[Event]]) -> None:
    said = [Counter((e.subject_id, e.time, e.numeric_value) for e in events) for events in feeds]
    wanted = Counter[tuple[int, int | None, float | None]]()
    for one in said:
        wanted |= one
    wanted = Counter({key: 1 if key[1] is None else count for key, count in wanted.items()})
    whole = told(*feeds)
    kept, lost = merge(whole, FACT)
    assert Counter(kept.select("subject_id", pl.col("time").to_physical(), "numeric_value").iter_rows()) == wanted
    assert kept.height + sum(lost.values()) == whole.height


def test_sex_birth_and_death_are_kept_once_however_often_one_feed_says_them() -> None:
    often = [fact(1, None, "SEX//male", None), fact(1, 2, "MEDS_BIRTH", None), fact(1, 9, "MEDS_DEATH", None)]
    kept, lost = merge(told(often * 3), FACT)
    assert (sorted(kept["code"]), lost) == (["MEDS_BIRTH", "MEDS_DEATH", "SEX//male"], {0: 6})


def test_a_fact_of_each_encounter_stays_with_each() -> None:
    two = [fact(1, None, "CINC2019//AGE", 73.0, encounter_id=visit) for visit in ("V1", "V2")]
    assert merge(told(two), FACT)[0].height == 2


def test_a_single_feed_is_left_as_it_is() -> None:
    one = told([fact(2, 3), fact(1, 3), fact(1, 3)])
    assert merge(one, FACT)[0].select(COLUMNS).equals(one.select(COLUMNS))
