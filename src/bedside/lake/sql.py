"""SQL over the lake: one SELECT, answered by DuckDB, which may read the lake's own files and nothing else.

In        a query, the tables as Parquet files, further frames
Out       a Polars frame
Refuses   anything that is not one SELECT; files, network and settings are closed before the query is seen
Bounds    ten minutes, a quarter of the memory, half of the free disk in a temporary folder that goes with the query, and five
          million rows: a join that forgot its condition ends in a sentence, and an interrupt ends it at once
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from bedside.core.errors import BedsideError, Refused, Unusable

if TYPE_CHECKING:
    import duckdb

_WHERE = "bedside sql"
_LESS = "count or group, join on a condition, or add a LIMIT"
_LEAST_MEMORY, _MEMORY_SHARE, _DISK_SHARE = 2**30, 4, 2
MOST_ROWS, MOST_SECONDS = 5_000_000, 600.0


class _Stream:
    """An Arrow stream for Polars, without pyarrow between. Holds only the capsule, so that DuckDB can go when it is done."""

    def __init__(self, capsule: object) -> None:
        self._capsule = capsule

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._capsule


def ask(
    query: str,
    tables: Mapping[str, Sequence[Path]],
    extra: Mapping[str, pl.DataFrame],
    *,
    seconds: float = MOST_SECONDS,
    rows: int = MOST_ROWS,
) -> pl.DataFrame:
    """Answer one SELECT.

    tables   name -> Parquet files of one schema
    extra    name -> frame, laid in a temporary folder for the time of the query
    seconds  how long it may take
    rows     how many rows an answer may have

    Raises `Refused` for anything that writes, `Unusable` for a query that cannot be answered within its bounds.
    """
    import duckdb

    with tempfile.TemporaryDirectory(prefix="bedside-sql-") as folder, duckdb.connect() as connection:
        _only_a_select(connection, query)
        _open(connection, {**tables, **_laid(extra, Path(folder))}, Path(folder))
        clock = threading.Timer(seconds, connection.interrupt)
        clock.daemon = True
        clock.start()
        try:
            return _bounded(_answer(connection, query, rows + 1), rows)
        except duckdb.InterruptException as error:
            raise Unusable(f"no answer within {seconds:g} seconds", where=_WHERE, do=_LESS) from error
        except RuntimeError as error:
            if "interrupted" in str(error):  # so DuckDB says that somebody pressed Ctrl-C
                raise KeyboardInterrupt from None
            raise
        except duckdb.OutOfMemoryException as error:
            raise Unusable("the query needs more memory and disk than it may take", where=_WHERE, do=_LESS) from error
        except duckdb.PermissionException as error:
            raise Refused("the query reaches outside the lake", where=_WHERE, do=_do(tables, extra)) from error
        except duckdb.Error as error:
            raise _told(error, tables, extra) from error
        finally:
            clock.cancel()


def _only_a_select(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    import duckdb

    try:
        statements = connection.extract_statements(query)
    except duckdb.Error as error:
        raise Unusable(_first_line(error), where=_WHERE, do="correct the SQL") from error
    if len(statements) != 1 or statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
        raise Refused("only one SELECT may be asked", where=_WHERE, do="write one SELECT; the lake is read-only")


def _laid(extra: Mapping[str, pl.DataFrame], folder: Path) -> dict[str, list[Path]]:
    for name, frame in extra.items():
        frame.write_parquet(folder / f"{name}.parquet", compression="uncompressed")
    return {name: [folder / f"{name}.parquet"] for name in extra}


def _open(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Sequence[Path]], folder: Path) -> None:
    """One view a table, then the door is shut."""
    for name, paths in tables.items():
        connection.execute(f'CREATE VIEW "{name}" AS SELECT * FROM read_parquet({_listed(paths)})')
    everything = [path for paths in tables.values() for path in paths]
    connection.execute(f"SET memory_limit = '{_memory()}B'")
    connection.execute(f"SET temp_directory = {_listed([folder / 'spilled'])[1:-1]}")
    connection.execute(f"SET max_temp_directory_size = '{shutil.disk_usage(folder).free // _DISK_SHARE}B'")
    connection.execute(f"SET allowed_paths = {_listed(everything)}")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _memory() -> int:
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return _LEAST_MEMORY
    return max(_LEAST_MEMORY, whole // _MEMORY_SHARE)


def _listed(paths: Sequence[Path]) -> str:
    return "[" + ", ".join("'" + str(path.resolve()).replace("'", "''") + "'" for path in paths) + "]"


def _bounded(answer: pl.DataFrame, rows: int) -> pl.DataFrame:
    if answer.height > rows:
        raise Unusable(f"the answer has more than {rows:,} rows", where=_WHERE, do=_LESS)
    return answer


def _answer(connection: duckdb.DuckDBPyConnection, query: str, most: int) -> pl.DataFrame:
    relation: Any = connection.sql(query).limit(most)
    spans = [name for name, kind in zip(relation.columns, relation.types, strict=True) if str(kind) == "INTERVAL"]
    if spans:  # Polars has no months, so that a stretch of time comes as microseconds; DuckDB counts a month as 30 days
        named = ", ".join(f'epoch_us("{name}") AS "{name}"' for name in (one.replace('"', '""') for one in spans))
        relation = relation.project(f"* REPLACE ({named})")
    found: Any = pl.DataFrame(_Stream(relation.__arrow_c_stream__()))
    return pl.DataFrame(found).with_columns(pl.col(spans).cast(pl.Duration("us")))


def _told(error: Exception, tables: Mapping[str, Sequence[Path]], extra: Mapping[str, pl.DataFrame]) -> BedsideError:
    text = _first_line(error)
    if "disabled by configuration" in str(error) or "does not exist" in text:
        return Unusable(text, where=_WHERE, do=_do(tables, extra))
    return Unusable(text, where=_WHERE, do="correct the SQL")


def _do(tables: Mapping[str, Sequence[Path]], extra: Mapping[str, pl.DataFrame]) -> str:
    return "ask of " + ", ".join([*tables, *extra])


def _first_line(error: Exception) -> str:
    """DuckDB's message without the excerpt of the query below it."""
    return str(error).splitlines()[0][:300]
