"""The lake to the data-quality page."""

from __future__ import annotations

from pathlib import Path

from bedside.core import canonical
from bedside.study.plan import Context, Done


def check(context: Context, out: Path) -> Done:
    """The data-quality page and its record."""
    from bedside.lake.quality import quality
    from bedside.lake.store import Lake
    from bedside.report.quality import quality_page

    found = quality(Lake(context.path("lake")))
    (out / "reports").mkdir()
    (out / "reports" / "quality.json").write_bytes(canonical.dumps(found))
    (out / "reports" / "quality.html").write_text(quality_page(found, made=context.study.made))
    return Done()
