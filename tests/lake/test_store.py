"""The lake holds every fact in one fixed order, whatever the size, and says what it did not keep."""

from __future__ import annotations

import random
from pathlib import Path

import polars as pl
import pytest
from tests.lake.told import HOUR, fact, reading

from bedside.core.accounts import Reject
from bedside.core.errors import Unusable
from bedside.core.events import check
from bedside.lake.store import Lake, write
from bedside.readers.reading import NoteRow


def note(source: str, text: str = "The same words.") -> NoteRow:
    return NoteRow(f"n-{source}", 1, "V1", 3 * HOUR, 3 * HOUR, "NOTE//34117-2", text, f"{source}#1")


def some(seed: int, count: int = 400) -> list:
    rng = random.Random(seed)
    return [
        fact(
            rng.randrange(1, 9), rng.choice([None, *range(9)]), f"LOINC//{rng.randrange(4)}", rng.randrange(5) / 2, source=f"f#{n}"
        )
        for n in range(count)
    ]


def test_events_are_sorted_by_subject_then_time_with_static_facts_first(tmp_path: Path) -> None:
    write([reading("a", *some(1))], tmp_path / "lake", name="t")
    events = Lake(tmp_path / "lake").events()
    assert events.equals(events.sort("subject_id", "time", "code", "known_at", "source", nulls_last=False))
    assert events.group_by("subject_id", maintain_order=True).first()["time"].null_count() == 8
    check(events, where="lake")


def test_a_subject_lies_in_one_shard_and_sharding_changes_no_fact(tmp_path: Path) -> None:
    readings = [reading("a", *some(1)), reading("b", *some(2)), reading("c", *some(1))]
    whole = write(readings, tmp_path / "one", name="t")
    parts = write(readings, tmp_path / "many", name="t", shard_rows=300)
    lake = Lake(tmp_path / "many")
    assert len(lake.shards) == 4
    subjects = [set(pl.read_parquet(shard)["subject_id"]) for shard in lake.shards]
    assert sum(map(len, subjects)) == len(set.union(*subjects))
    assert lake.events().equals(Lake(tmp_path / "one").events())
    assert (whole.events, whole.merged, whole.merged_by_source) == (parts.events, parts.merged, parts.merged_by_source)
    assert not (tmp_path / "many" / ".spool").exists()


def test_the_same_readings_give_the_same_content_and_the_same_bytes(tmp_path: Path) -> None:
    first, second = (write([reading("a", *some(3)), reading("b", *some(4))], tmp_path / n / "lake", name="t") for n in "xy")
    assert first == second
    assert set(first.content) == {
        f"lake/{p.relative_to(tmp_path / 'x' / 'lake').as_posix()}" for p in (tmp_path / "x" / "lake").rglob("*.*")
    }
    for path in (tmp_path / "x").rglob("*.parquet"):
        assert path.read_bytes() == (tmp_path / "y" / path.relative_to(tmp_path / "x")).read_bytes()


def test_facts_told_twice_are_counted_for_the_feed_that_came_later(tmp_path: Path) -> None:
    written = write(
        [reading("fhir", fact(1, 3)), reading("hl7", fact(1, 3, known_at=9 * HOUR), fact(1, 4))], tmp_path / "lake", name="t"
    )
    assert (written.events, written.merged, written.merged_by_source) == (2, 1, {"fhir": 0, "hl7": 1})


def test_a_retracted_fact_stays_with_its_status(tmp_path: Path) -> None:
    write([reading("a", fact(1, 3), fact(1, 3, status="retracted", known_at=8 * HOUR))], tmp_path / "lake", name="t")
    assert Lake(tmp_path / "lake").events()["status"].to_list() == ["final", "retracted"]


def test_the_same_note_from_two_feeds_is_one_note(tmp_path: Path) -> None:
    write(
        [reading("fhir", notes=(note("fhir"),)), reading("notes", notes=(note("notes"), note("notes", "Other words.")))],
        tmp_path / "lake",
        name="t",
    )
    assert sorted(Lake(tmp_path / "lake").notes()["text"]) == ["Other words.", "The same words."]


def test_what_was_quarantined_before_and_in_reading_stands_side_by_side(tmp_path: Path) -> None:
    before = Reject("a", "file", "line 7", "not JSON", "0")
    write([reading("a", fact(1, 3), rejects=2)], tmp_path / "lake", name="t", rejects=[before])
    assert Lake(tmp_path / "lake").quarantine()["step"].to_list() == ["deidentify", "read", "read"]


def test_the_counts_come_back_as_the_tallies_that_went_in(tmp_path: Path) -> None:
    written = write([reading("a", fact(1, 3), rejects=2), reading("b", fact(1, 3), file="other")], tmp_path / "lake", name="t")
    lake = Lake(tmp_path / "lake")
    assert lake.tallies() == written.tallies
    assert [(tally.source, tally.read) for tally in lake.totals()] == [("a", 3), ("b", 1)]


def test_events_of_some_codes_only(tmp_path: Path) -> None:
    write([reading("a", fact(1, 3), fact(1, 4, "LOINC//8867-4", 80.0))], tmp_path / "lake", name="t")
    assert Lake(tmp_path / "lake").events(["LOINC//8867-4"])["code"].to_list() == ["LOINC//8867-4"]


def test_made_data_says_so(tmp_path: Path) -> None:
    write([reading("a", fact(1, 3))], tmp_path / "lake", name="t", made=True)
    assert Lake(tmp_path / "lake").made
    assert "made data" in str(Lake(tmp_path / "lake").dataset()["dataset_name"])


def test_an_empty_lake_is_a_lake(tmp_path: Path) -> None:
    written = write([reading("a")], tmp_path / "lake", name="t")
    assert (written.events, Lake(tmp_path / "lake").events().height) == (0, 0)


def test_a_reading_that_breaks_the_contract_is_named(tmp_path: Path) -> None:
    broken = reading("a", fact(1, 3))
    broken.events = broken.events.with_columns(pl.col("subject_id").cast(pl.Int32))
    with pytest.raises(Unusable, match="subject_id is Int32"):
        write([broken], tmp_path / "lake", name="t")


def test_a_folder_without_a_lake_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="there is no lake here"):
        Lake(tmp_path)
