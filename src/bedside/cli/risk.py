"""Measure how well a table hides its people, and generalise it."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.say import as_json, following, quoted, show


@click.command("risk")
@click.argument("table", type=click.Path())
@click.option("--quasi", required=True, help="Columns that an outsider may know, with commas between.")
@click.option("--sensitive", default="", help="Columns that must stay secret, with commas between.")
@click.option("--population", type=click.Path(), help="A table of everybody whom the records may be of: journalist risk.")
@click.option(
    "--sampling-fraction", type=float, help="Share of the population in the table: journalist risk and uniques, estimated."
)
@click.option("--k", type=click.IntRange(min=1), help="Generalise until every class has as many records.")
@click.option(
    "--l", "diversity", type=click.IntRange(min=1), default=1, help="With --k: fewest distinct sensitive values in a class."
)
@click.option(
    "--t", "distance", type=click.FloatRange(0, 1), default=1.0, help="With --k: greatest distance of a class from the table."
)
@click.option(
    "--suppress", type=click.FloatRange(0, 1), default=0.05, show_default=True, help="With --k: greatest share of records left out."
)
@click.option("--hierarchy", multiple=True, metavar="COLUMN=FILE", help="Levels of a column as CSV: the value, then its levels.")
@click.option("--out", type=click.Path(), help="With --k: where the generalised table goes.")
@click.option(
    "--report", type=click.Path(), help="A page for an expert's determination: a draft to be judged and signed by a person."
)
@as_json
def run(table: str, quasi: str, sensitive: str, population: str | None, sampling_fraction: float | None, k: int | None, diversity: int,
        distance: float, suppress: float, hierarchy: tuple[str, ...], out: str | None, report: str | None, as_json: bool) -> None:  # fmt: skip
    """Measure how well a table hides its people: k-anonymity, l-diversity, t-closeness, and the risk of three adversaries.

    TABLE is CSV, TSV or Parquet. With --k the least lossy generalisation is searched for and written to --out. Values are never shown.
    """
    from bedside.deidentify.risk_search import Asked
    from bedside.study.risk import as_text, judge

    if k is None and (out is not None or hierarchy or diversity > 1 or distance < 1):
        raise click.UsageError("--l, --t, --hierarchy and --out are of a generalisation: give --k too")
    given = {name: Path(file) for name, _, file in (one.partition("=") for one in hierarchy)}
    asked = None if k is None else Asked(k=k, suppress=suppress, diversity=diversity, distance=distance)
    judged = judge(Path(table), _names(quasi), _names(sensitive), population=None if population is None else Path(population),
                   fraction=sampling_fraction, asked=asked, hierarchies=given, out=None if out is None else Path(out))  # fmt: skip
    if report is not None:
        from bedside.report.determination import determination

        Path(report).write_text(determination(judged), encoding="utf-8")
    show(judged, as_text(judged), as_json)
    base = f"bedside risk {quoted(table)} --quasi {quoted(quasi)}"
    following(
        f"{base} --k 11 --out FILE --report FILE.html" if k is None else f"{base} --k {k} --report FILE.html", machine=as_json
    )


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
