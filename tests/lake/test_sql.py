"""SQL may ask the lake anything and change nothing, and sees no other file."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from tests.lake.told import fact, reading

from bedside.core.errors import Refused, Unusable
from bedside.lake import sql
from bedside.lake.sql import ask
from bedside.lake.store import Lake, write


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    out = tmp_path_factory.mktemp("sql") / "it's a lake"
    write([reading("a", fact(1, 3), fact(2, 4, value=3.5), rejects=1)], out, name="t", shard_rows=1)
    return Lake(out)


def test_one_question_is_answered_over_all_shards(lake: Lake) -> None:
    assert len(lake.shards) == 2
    assert lake.sql("select count(*) as n, max(numeric_value) as top from events").rows() == [(2, 3.5)]


def test_the_stretch_between_two_times_is_an_answer(lake: Lake) -> None:
    found = lake.sql("""select interval 90 minute as "how ""long", 1 as n, (timestamp '2026-01-02' - timestamp '2026-01-01')""")
    assert found.row(0) == (timedelta(minutes=90), 1, timedelta(days=1))


def test_quarantine_counts_and_codes_are_tables_too(lake: Lake) -> None:
    assert lake.sql("with q as (select * from quarantine) select reason from q").item() == "broken"
    assert lake.sql("select sum(count)::int from counts where kind = 'read'").item() == 3
    assert lake.sql("select code from codes").item() == "LOINC//2524-7"


def test_a_frame_handed_in_is_a_table(lake: Lake) -> None:
    handed = {"predictions": pl.DataFrame({"subject_id": [2], "value": [0.7]})}
    assert lake.sql("select value from predictions join events using (subject_id)", extra=handed).item() == 0.7


@pytest.mark.parametrize(
    "query",
    [
        "drop view events",
        "create table x (a int)",
        "delete from events",
        "set threads = 1",
        "attach 'x.db'",
        "install httpfs",
        "copy (select 1) to 'out.csv'",
        "copy events to 'out.parquet'",
        "select 1; select 2",
        "",
        "pragma database_list",
        "load parquet",
    ],
)
def test_anything_but_one_select_is_refused(lake: Lake, query: str) -> None:
    with pytest.raises(Refused, match="only one SELECT"):
        lake.sql(query)


@pytest.mark.parametrize(
    "query",
    [
        "select * from '{file}'",
        "select * from read_csv('{file}')",
        "select * from read_text('{file}')",
        "select content from read_blob('{file}')",
        "select * from glob('{folder}/*')",
        "select * from read_parquet('{folder}/other.parquet')",
    ],
)
def test_no_other_file_can_be_read(lake: Lake, tmp_path: Path, query: str) -> None:
    (tmp_path / "secret.csv").write_text("canary\n1\n")
    pl.DataFrame({"canary": [1]}).write_parquet(tmp_path / "other.parquet")
    with pytest.raises((Refused, Unusable)) as caught:
        lake.sql(query.format(file=tmp_path / "secret.csv", folder=tmp_path))
    assert "canary" not in str(caught.value)


def test_settings_are_locked_before_the_query_is_seen(lake: Lake) -> None:
    with pytest.raises((Refused, Unusable)):
        lake.sql("select * from query('set enable_external_access = true')")


_ENDLESS = "select count(*) from range(1000000) a, range(1000000) b where hash(a.range + b.range) % 7 = 3"


def test_a_query_that_takes_too_long_is_ended_with_a_sentence() -> None:
    with pytest.raises(Unusable, match=r"no answer within 0\.2 seconds"):
        ask(_ENDLESS, {}, {}, seconds=0.2)


def test_an_answer_of_too_many_rows_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(Unusable, match="more than 1,000 rows"):
        ask("select * from range(10000000) a, range(10000000) b", {}, {}, rows=1000)
    assert ask("select * from range(1000) order by 1 desc", {}, {}, rows=1000)["range"].to_list() == list(range(999, -1, -1))
    assert ask("explain select 1", {}, {}).height == 1


def test_what_does_not_fit_the_memory_spills_outside_the_working_folder_and_is_removed(tmp_path, monkeypatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sql, "_memory", lambda: 2**26)
    found = ask("select sum(m) from (select range % 5000000 k, max(range) m from range(6000000) group by k)", {}, {})
    assert found.item() == 12_499_997_500_000 + 5_000_000 * 1_000_000
    assert [path.name for path in tmp_path.rglob("*")] == ["here"]


def test_an_interrupt_ends_a_query_as_an_interrupt() -> None:
    ended = threading.Event()

    def interrupt() -> None:  # again and again: one in the middle of a clean-up of Python's own is lost
        while not ended.wait(1.5):
            os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            ask(_ENDLESS, {}, {}, seconds=30)
    finally:
        ended.set()


def test_a_wrong_column_is_one_clear_line(lake: Lake) -> None:
    with pytest.raises(Unusable) as caught:
        lake.sql("select cod from events")
    assert 'Referenced column "cod" not found' in caught.value.what
    assert "\n" not in caught.value.what


def test_a_wrong_table_is_told_with_the_tables_there_are(lake: Lake) -> None:
    with pytest.raises(Unusable, match="ask of events, notes, images, quarantine, counts, codes"):
        lake.sql("select * from event")


def test_broken_sql_is_one_clear_line(lake: Lake) -> None:
    with pytest.raises(Unusable, match="syntax error"):
        lake.sql("select from where")
