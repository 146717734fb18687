"""Frames as the steps write and read them: Parquet, with the digest of their content."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from bedside.core import canonical
from bedside.core.events import MADE_METADATA
from bedside.study.plan import Context

if TYPE_CHECKING:
    import polars as pl


def write_frame(frame: pl.DataFrame, path: Path, *, made: bool) -> str:
    """Write a frame, marked in its metadata when its data are made; its content digest."""
    frame.write_parquet(path, compression="zstd", metadata=MADE_METADATA if made else None)
    return canonical.frame_digest(frame)


def frame_bytes(frame: pl.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.write_parquet(stream, compression="zstd")
    return stream.getvalue()


def decisions_and_features(context: Context) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Decisions, and the features of those decisions."""
    import polars as pl

    rows, features = (pl.read_parquet(context.path(f"cohort/{name}.parquet")) for name in ("decisions", "features"))
    return rows, features
