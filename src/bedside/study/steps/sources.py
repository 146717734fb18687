"""Files of a study's sources: raw ones under their pseudonymous names, safe ones as the readers take them."""

from __future__ import annotations

from typing import Any

import msgspec

from bedside.core.accounts import Reject, Tally
from bedside.core.ids import keyed_file
from bedside.core.receipt import Item
from bedside.formats.files import RawFile, Source, paths
from bedside.study.plan import Context

AS_RECEIVED = "as-received"


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
    from bedside.deidentify.transform import alias, mapping_words

    received, maps = context.study.deidentify.policy == AS_RECEIVED, mappings(context)
    words = {name: mapping_words(mapping) for name, mapping in maps.items()}
    return [
        RawFile(
            source.name,
            source.format,
            path,
            relative,
            relative if received else alias(relative, context.keyring, words=words.get(source.name, ())),
            source.encoding,
        )
        for source in context.study.source
        for path, relative in paths(source, context.root)
    ]


def raw_items(context: Context) -> list[Item]:
    """Raw files as ledger items: pseudonymous name, keyed digest."""
    key = context.keyring.file_key
    return [Item(f"raw:{file.source}/{file.alias}", keyed_file(key, file.path)) for file in raw_files(context)]


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
