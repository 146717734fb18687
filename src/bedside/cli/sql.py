"""Query the lake with SQL."""

from __future__ import annotations

import json
import sys

import click

from bedside.cli.say import as_json, following, quoted


@click.command("sql")
@click.argument("study", type=click.Path())
@click.argument("query")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values on standard output.")
@as_json
def run(study: str, query: str, as_csv: bool, as_json: bool) -> None:
    """Query the lake with SQL (DuckDB): tables events, notes, images, quarantine, counts, decisions, features, predictions.

    With --json: {"columns": [names in order], "rows": [one object a row]}.

    Example: bedside sql my-study "select code, count(*) n from events group by code order by n desc limit 10"
    """
    import polars as pl

    from bedside.study import Study

    found = Study(study).sql(query)
    if as_json:
        click.echo(f'{{"columns": {json.dumps(found.columns)}, "rows": {found.write_json()}}}')
    elif as_csv:
        found.write_csv(sys.stdout)
    else:
        with pl.Config(
            tbl_rows=100, tbl_cols=-1, fmt_str_lengths=60, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True
        ):
            click.echo(str(found))
        click.echo(f"{found.height} rows")
        following(f"bedside sql {quoted(study)} 'show tables'", f"bedside check {quoted(study)}")
