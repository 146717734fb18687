"""Files of a study's sources: raw ones under their pseudonymous names, safe ones as the readers take them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bedside.core.accounts import Reject, Tally
from bedside.core.errors import Unusable
from bedside.core.ids import keyed_file
from bedside.core.receipt import Item
from bedside.formats.files import RawFile, Source, paths, unread
from bedside.study.plan import Context

if TYPE_CHECKING:
    from bedside.deidentify.keyring import Keyring

AS_RECEIVED, UNREAD = "as-received", "unread"


class Safe(msgspec.Struct, frozen=True):
    """safe/deidentify.json: what the transform did, in counts and under pseudonymous names."""

    schema: str
    policy: str
    keyring: str
    tallies: list[Tally]
    rejects: list[Reject]
    actions: dict[str, int]
    residue: dict[str, object]


def load_safe(context: Context) -> Safe:
    return msgspec.json.decode(context.path("safe/deidentify.json").read_bytes(), type=Safe)


def raw_files(context: Context) -> list[RawFile]:
    """Every raw file under its pseudonymous name, source by source."""
    policy = context.study.deidentify.policy
    return [
        RawFile(source.name, source.format, path, relative, called(relative), source.encoding)
        for source in context.study.source
        for called in [naming(source, policy, context.keyring, context.root)]
        for path, relative in paths(source, context.root)
    ]


def raw_items(context: Context) -> list[Item]:
    """What lies in the sources, as ledger items: data under a keyed digest, the rest by name alone."""
    policy = context.study.deidentify.policy
    return [item for source in context.study.source for item in source_items(source, policy, context.keyring, context.root)]


def source_items(source: Source, policy: str, keyring: Keyring, root: Path) -> list[Item]:
    """Items of one source: raw:<source>/<alias> of what is read, unread:<source>/<alias> of what only lies there."""
    called = naming(source, policy, keyring, root)
    read = [Item(f"raw:{source.name}/{called(name)}", _digest(path, keyring, source.name, called(name))) for path, name in paths(source, root)]
    return read + [Item(f"unread:{source.name}/{called(name)}", UNREAD) for _, name in unread(source, root)]


def naming(source: Source, policy: str, keyring: Keyring, root: Path) -> Callable[[str], str]:
    """What the files of a source are called in public, by their names inside the source."""
    from bedside.deidentify.transform import alias, mapping_patterns, mapping_words
    from bedside.readers.mapping import load

    if policy == AS_RECEIVED:
        return str
    mapping = load(source.mapping, root) if source.mapping else None
    words, patterns = mapping_words(mapping), mapping_patterns(mapping)
    return lambda relative: alias(relative, keyring, words=words, patterns=patterns)


def _digest(path: Path, keyring: Keyring, source: str, called: str) -> str:
    """Keyed digest of a raw file; one that cannot be opened is told under its alias, as the system would tell its true name."""
    try:
        return keyed_file(keyring.file_key, path)
    except OSError as error:
        raise Unusable(f"a raw file cannot be read: {error.strerror or type(error).__name__}", where=f"source {source!r}, {called}",
                       do="check the rights of the files in this source") from None  # fmt: skip


def safe_files(context: Context) -> list[RawFile]:
    """The de-identified files, as the readers take them."""
    found: list[RawFile] = []
    for source in context.study.source:
        top = context.root / "safe" / source.name
        inner = Source(source.name, source.format, str(top))
        found += (
            [
                RawFile(source.name, source.format, path, relative, relative, source.encoding)
                for path, relative in paths(inner, context.root)
            ]
            if top.exists()
            else []
        )
    return found


def mappings(context: Context) -> dict[str, dict[str, Any]]:
    """The table mapping of each source that names one."""
    from bedside.readers.mapping import load

    return {source.name: load(source.mapping, context.root) for source in context.study.source if source.mapping}


def timezones(context: Context) -> dict[str, str | None]:
    """The zone of each source's zoneless times: its own, else the study's."""
    return {source.name: source.timezone or context.study.timezone for source in context.study.source}
