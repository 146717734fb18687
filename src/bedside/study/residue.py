"""The residue proof alone, on any folder with any list of known patients; and what a person's review of a sample came to.

In        a folder, a file of known patients; a file of verdicts from the review page
Out       `Residue`, `Bound`, and both as text: files, kinds, places and counts, never content
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bedside.core.errors import Misconfigured

if TYPE_CHECKING:
    from bedside.deidentify.residue import Hit, Residue
    from bedside.deidentify.review import Judged

_SHOWN, _PLACES = 20, 5


def found(folder: Path, known: Path) -> Residue:
    """Search every file of a folder, hidden ones too, for everybody of a list."""
    from bedside.deidentify.known_file import read
    from bedside.deidentify.residue import prove

    if not folder.exists():
        raise Misconfigured("no such folder", where="FOLDER", do="correct the path")
    return prove(_files(folder), known=read(known))


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    if folder.is_file():
        yield folder.name, folder
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path


def judged(verdicts: Path) -> Judged:
    """The leak rate of a reviewed sample."""
    from bedside.deidentify.review import judge

    if not verdicts.is_file():
        raise Misconfigured("no such file of verdicts", where="--verdicts", do="save it from the review page")
    return judge(verdicts.read_bytes())


def as_text(residue: Residue | None, review: Judged | None) -> str:
    """Both for people."""
    told = [] if residue is None else list(_residue(residue))
    return "\n".join([*told, *([] if review is None else review.lines())])


def _residue(found: Residue) -> Iterator[str]:
    yield (
        f"{found.files} files, {found.searched_bytes / 1e6:.1f} MB, searched for {found.needles} writings of the identifiers of "
        f"{found.subjects} people"
    )
    yield f"{found.strong} strong hits" + ("" if found.strong else ": none of these identifiers stands in these files")
    yield from _hits(found.strong_hits)
    yield f"{found.weak} weak hits" + (", for a person to look at" if found.weak else "")
    yield from _hits(found.weak_hits)
    if found.unsearched:
        yield f"{len(found.unsearched)} files or layers could not be searched in full"
        yield from (f"  {one.file}: {one.reason}" for one in found.unsearched[:_SHOWN])


def _hits(hits: list[Hit]) -> Iterator[str]:
    for hit in hits[:_SHOWN]:
        places = ", ".join(hit.places[:_PLACES]) + (" and more" if len(hit.places) > _PLACES else "")
        yield f"  {hit.file}: {hit.count} {hit.kind} ({places})"
    if len(hits) > _SHOWN:
        yield f"  and {len(hits) - _SHOWN} more, see --json"
