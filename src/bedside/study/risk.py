"""The risk of one table: measured, made smaller where that is asked, and written down for an expert to sign.

In        a table (CSV, TSV, Parquet; no study around it), its quasi-identifiers and sensitive columns, what is asked of it
Out       `Judged`: before and after, what was chosen, population uniques; the generalised table and the report as files
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bedside.core.errors import Malformed, Misconfigured, Refused, Unusable
from bedside.deidentify.risk import SCHEMA_NAME, Risk
from bedside.deidentify.risk_judged import Judged, Table
from bedside.deidentify.risk_search import Asked, Chosen

if TYPE_CHECKING:
    import polars as pl


def judge(
    path: Path,
    quasi: Sequence[str],
    sensitive: Sequence[str] = (),
    *,
    population: Path | None = None,
    fraction: float | None = None,
    asked: Asked | None = None,
    hierarchies: Mapping[str, Path] | None = None,
    out: Path | None = None,
) -> Judged:
    """Measure a table; with `asked`, search for the least lossy generalisation that gives it, and write that to `out`."""
    from bedside.deidentify.risk import risk
    from bedside.deidentify.risk_population import uniques

    if out is not None and ((out.exists() and out.samefile(path)) or not out.parent.is_dir()):
        raise Refused("the table would be written over, or its folder is not there", where="--out", do="give another path, in a folder that is there")
    frame = read(path)
    others = read(population) if population is not None else None
    before = risk(frame, quasi, sensitive, population=others, sampling_fraction=fraction)
    estimated = uniques(before.sizes, fraction) if fraction is not None and fraction < 1 else None
    chosen = after = None
    if asked is not None:
        made, chosen = _generalised(frame, quasi, sensitive, asked, hierarchies or {})
        after = risk(made, quasi, sensitive, sampling_fraction=fraction)
        if out is not None:
            _write(made, out)
    table = Table(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), frame.height, frame.width)
    last = after or before
    return Judged(SCHEMA_NAME, table, last.k, last.least_diversity, last.greatest_distance, before, estimated, asked, chosen, after)


def _generalised(
    frame: pl.DataFrame, quasi: Sequence[str], sensitive: Sequence[str], asked: Asked, given: Mapping[str, Path]
) -> tuple[pl.DataFrame, Chosen]:
    from bedside.deidentify.risk_hierarchy import hierarchy
    from bedside.deidentify.risk_search import generalised, search

    if strange := [name for name in given if name not in quasi]:
        raise Misconfigured(
            f"a hierarchy of {strange[0]!r}, which is no quasi-identifier", where="--hierarchy", do="name it in --quasi too"
        )
    levels = [hierarchy(frame[name], given.get(name)) for name in quasi]
    found = search(levels, asked, [frame[name] for name in sensitive])
    if found is None:
        raise Unusable(
            "no generalisation of this table gives what is asked, even with every quasi-identifier taken out",
            where=f"{frame.height} records, k {asked.k}, at most {asked.suppress:.0%} left out",
            do="ask for less, or leave sensitive columns out",
        )
    return generalised(frame, levels, *found), found[0]


def read(path: Path) -> pl.DataFrame:
    """A table of texts; CSV and TSV are told apart by their first line, Parquet by its mark."""
    import polars as pl

    if not path.is_file():
        raise Misconfigured("no such table", where="TABLE", do="correct the path")
    with path.open("rb") as stream:
        head = stream.read(1 << 16)
    try:
        if head.startswith(b"PAR1"):
            frame = pl.read_parquet(path)
            return frame.with_columns(pl.col(name).cast(pl.String, strict=False) for name in frame.columns)
        separator = _separator(head)
        names = pl.read_csv(path, separator=separator, infer_schema=False, has_header=False, n_rows=1).row(0)
        frame = pl.read_csv(path, separator=separator, infer_schema=False)
    except (pl.exceptions.PolarsError, UnicodeDecodeError, ValueError) as error:
        raise Malformed(
            "not a table that can be read", where=path.name, do="give CSV or TSV with a header in UTF-8, or Parquet"
        ) from error
    if len(set(names)) < len(names):
        raise Malformed("two columns are called alike, and only one of them would be judged", where=path.name, do="give each a name of its own")
    return frame


def _separator(head: bytes) -> str:
    line = head.split(b"\n", 1)[0].decode("utf-8", "replace")
    try:
        return csv.Sniffer().sniff(line, ",;\t|").delimiter
    except csv.Error:
        return ","


def _write(frame: pl.DataFrame, out: Path) -> None:
    if out.suffix in (".parquet", ".pq"):
        frame.write_parquet(out)
    else:
        frame.write_csv(out, separator="\t" if out.suffix == ".tsv" else ",")


def as_text(judged: Judged) -> str:
    """For people: counts and rates, no value."""
    told = [f"{judged.table.records} records, {judged.table.columns} columns, quasi-identifiers {', '.join(judged.before.quasi)}"]
    told += _measures("as it is" if judged.after else "", judged.before)
    if judged.chosen is not None and judged.after is not None:
        levels = ", ".join(f"{name} {level} of {of - 1}" for name, (level, of, _) in judged.chosen.levels.items())
        told += [f"generalised: levels {levels}; {judged.chosen.suppressed} records left out; loss {judged.chosen.loss:.3f} of 1"]
        told += _measures("generalised", judged.after)
    if judged.uniques is not None:
        one = getattr(judged.uniques, judged.uniques.chosen)
        if one.share is not None:
            told.append(
                f"unique in the population: {one.share:.2%} ({one.low:.2%} to {one.high:.2%}), model {judged.uniques.chosen}"
            )
    return "\n".join(told)


def _measures(called: str, found: Risk) -> list[str]:
    over = ", ".join(f"{share:.1%} above {line}" for line, share in found.prosecutor.over.items())
    told = [f"{called + ': ' if called else ''}k {found.k}, {found.classes} classes, {found.uniques} records alone in theirs"]
    told.append(f"  prosecutor {found.prosecutor.maximum:.3f} at most, {found.prosecutor.average:.3f} on average; {over}")
    if found.journalist is not None:
        told.append(
            f"  journalist {found.journalist.maximum:.3f} at most, {found.journalist.average:.3f} on average ({found.journalist_basis})"
        )
    told.append(f"  marketer {found.marketer:.3f} of records matched on average")
    for name, one in found.diversity.items():
        distance = one.t_equal if one.t_ordered is None else one.t_ordered
        told.append(f"  {name}: l {one.distinct} distinct, {one.entropy:.2f} by entropy; t {distance:.3f}")
    return told
