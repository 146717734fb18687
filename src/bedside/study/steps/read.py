"""Safe files to the lake, every record accounted for."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bedside.core.accounts import reconcile, total
from bedside.core.progress import track
from bedside.study.plan import Context, Done
from bedside.study.steps.sources import load_safe, mappings, safe_files, timezones


def read(context: Context, out: Path) -> Done:
    """Every safe file to events, merged over feeds and written as the lake."""
    from bedside.lake.store import write
    from bedside.readers.read import read as read_file

    maps, zones = mappings(context), timezones(context)
    safe = load_safe(context)
    readings = (
        read_file(file, mapping=maps.get(file.source), timezone=zones.get(file.source))
        for file in track(safe_files(context), "read")
    )
    written = write(readings, out / "lake", name=context.study.name, rejects=safe.rejects, made=context.study.made)
    reconcile(written.tallies)
    return Done(content=written.content, rows=written.rows, counts={"records": msgspec.to_builtins(total(written.tallies)), "events": written.events,
                "merged_facts": written.merged, "tallies": msgspec.to_builtins(written.tallies)})  # fmt: skip
