"""The one file walk: a source's files in a fixed order, and their bytes, gzip opened on the way.

A `Source` is declared in study.toml; a `RawFile` is one of its files. Everything that opens clinical
files (survey, transform, readers, verification) starts here, so that no file is seen by one and missed by another.
"""

from __future__ import annotations

import fnmatch
import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from bedside.core.errors import Malformed, Misconfigured, Unusable

Format = Literal["fhir", "hl7v2", "tables", "dicom", "notes"]


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One [[source]] of study.toml.

    path      folder or file, relative to study.toml
    mapping   tables only: name of a shipped mapping ("mimic-iv", "physionet-2019", ...) or path of a TOML file
    timezone  zone of times that carry none
    encoding  text tables only: what their bytes are, such as "latin-1"; never guessed
    include   glob patterns of file names inside `path`; all files when empty
    """

    name: str
    format: Format
    path: str
    mapping: str | None = None
    timezone: str | None = None
    encoding: str = "utf-8"
    include: list[str] = []


class RawFile(msgspec.Struct, frozen=True):
    """One file of a source. `alias` is its pseudonymous name, the only one written anywhere after this point."""

    source: str
    format: Format
    path: Path
    relative: str
    alias: str
    encoding: str = "utf-8"

    def read(self) -> bytes:
        """The bytes, decompressed when the name ends in .gz; `Malformed` when gzip breaks off."""
        data = self.path.read_bytes()
        if not self.relative.endswith(".gz"):
            return data
        try:
            return gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise Malformed("gzip stream is truncated or damaged", where=f"{self.source}/{self.alias}",
                            do="fetch the file again from its sender") from error  # fmt: skip


def pack(data: bytes, name: str) -> bytes:
    """The bytes as the name says: gzip for .gz, without time or name inside, so that the same data packs the same."""
    return gzip.compress(data, compresslevel=6, mtime=0) if name.endswith(".gz") else data


Found = list[tuple[Path, str]]


def paths(source: Source, root: Path) -> Found:
    """Every file of a source as (path, path relative to the source), sorted; hidden files are not data."""
    return _divided(source, root)[0]


def unread(source: Source, root: Path) -> Found:
    """What else lies in a source and is never opened: hidden files, names outside `include`, links to folders or to nothing."""
    return _divided(source, root)[1]


def _divided(source: Source, root: Path) -> tuple[Found, Found]:
    """All that lies in a source and is no plain folder: what is data, and what is not."""
    top = (root / source.path).resolve()
    if top.is_file():
        return [(top, top.name)], []
    if not top.is_dir():
        raise Misconfigured(f"source {source.name!r} has no such folder or file", where=f"study.toml, source {source.name!r}, path",
                            do="correct the path; it is relative to study.toml")  # fmt: skip
    read, other = Found(), Found()
    for path in _lying(top, source.name):
        relative = path.relative_to(top).as_posix()
        (read if path.is_file() and _data(relative, source.include) else other).append((path, relative))
    return sorted(read, key=lambda pair: pair[1]), sorted(other, key=lambda pair: pair[1])


def _lying(top: Path, source: str) -> Iterator[Path]:
    """Everything below a folder but plain folders; links to folders are not followed. A folder that cannot be listed is an error."""

    def closed(error: OSError) -> None:
        raise Unusable(f"a folder of source {source!r} cannot be listed: {error.strerror}", where=f"study.toml, source {source!r}, path",
                       do="give the one who runs bedside the right to read every folder of this source") from None  # fmt: skip

    for below, folders, names in os.walk(top, onerror=closed):
        yield from (Path(below) / name for name in [*names, *(name for name in folders if (Path(below) / name).is_symlink())])


def _data(relative: str, patterns: list[str]) -> bool:
    return not any(part.startswith(".") for part in relative.split("/")) and _wanted(relative, patterns)


def _wanted(relative: str, patterns: list[str]) -> bool:
    name = relative.rsplit("/", 1)[-1]
    return not patterns or any(fnmatch.fnmatch(name, p) or fnmatch.fnmatch(relative, p) for p in patterns)
