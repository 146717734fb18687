"""Fuzz a parser, or a whole transform, with atheris (a libFuzzer for Python: `pip install atheris`; not a dependency of the package).

    python scripts/fuzz.py fhir|hl7v2|notes|tables|dicom|sniff|known|transform --seconds 300 [--corpus FOLDER]

What may happen: a value, or `Malformed`. Anything else stops the run and leaves the input as crash-*. Where nothing is changed the bytes
that come out must be those that went in; what `transform` lets out may hold no strong identifier of the one patient that the map knows.
The corpus begins with the made hospital's files, one record each; what covers new code is added to FOLDER.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["bedside"]):
    from bedside.core.errors import BedsideError, Malformed
    from bedside.deidentify import known_file
    from bedside.deidentify.keyring import Keyring
    from bedside.deidentify.patients import KnownIdentifiers
    from bedside.deidentify.policy import policy
    from bedside.deidentify.residue import prove
    from bedside.deidentify.survey import begin, collect, settle
    from bedside.deidentify.transform import transform
    from bedside.formats import dicom, fhir, hl7v2, notes, sniff, tables
    from bedside.formats.chunks import Chunk

WHO = KnownIdentifiers()
WHO.name(["Xandra"], "Quillfeather")
WHO.records |= {"40012345"}
WHO.phones |= {"(617) 555-0142"}


def _chunk(data: bytes, format: str, name: str) -> Chunk:
    return Chunk("files", format, Path("nowhere"), name, name, data=data)  # type: ignore[arg-type]


def _fhir(data: bytes) -> None:
    found = list(fhir.pieces(data))
    fhir.full_urls(data)
    assert fhir.rebuild(data, [one.raw for one in found]) == data
    for one in found:
        fhir.dump(fhir.parse(one.raw, where=one.place))


def _hl7v2(data: bytes) -> None:
    found = list(hl7v2.pieces(data))
    assert hl7v2.rebuild(data, [one.raw for one in found]) == data
    for one in found:
        message = hl7v2.Message.parse(one.raw, where=one.place)
        assert message.encode() == one.raw
        for segment in message.segments:
            for number in range(1, len(segment) + 1):
                segment.get(f"{number}.1")


def _notes(data: bytes) -> None:
    for one in notes.pieces(data):
        note = notes.parse(one.raw, where=one.place)
        if not note.names:
            assert notes.dump(note) == one.raw


def _tables(data: bytes) -> None:
    read = tables.read(_chunk(data, "tables", "a.csv"))
    tables.write(read)


def _dicom(data: bytes) -> None:
    dicom.dump(dicom.parse(data, where="x"))


def _sniff(data: bytes) -> None:
    sniff.format_of_bytes(data, "a.txt")
    sniff.format_of_bytes(data)


def _known(data: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".ndjson") as place:
        place.write(data)
        place.flush()
        known_file.read(place.name)


class _Transform:
    """The first byte says which format the rest is."""

    def __init__(self) -> None:
        self.keyring = Keyring.create(Path(tempfile.mkdtemp()) / "key", seed=b"fuzz", made=True)
        self.rules = policy("expert-determination")
        self.base = begin(self.keyring)

    def __call__(self, data: bytes) -> None:
        formats = (("fhir", "a.ndjson"), ("hl7v2", "a.hl7"), ("notes", "a.txt"), ("notes", "a.jsonl"), ("dicom", "a.dcm"))
        if not data:
            return
        format, name = formats[data[0] % len(formats)]
        chunk = _chunk(data[1:], format, name)
        settle([collect(chunk, self.base, self.keyring, {}, {"files": ""})], self.keyring, self.base, [("40012345", WHO)])
        made = transform(chunk, policy=self.rules, keyring=self.keyring, timezone="", nobody=True)
        assert made.tally.reconciles
        if made.data is not None:
            strong = [hit.kind for hit in prove([(name, made.data)], self.keyring).strong_hits]
            assert not strong, strong


TARGETS: dict[str, Callable[[], Callable[[bytes], None]]] = {
    "fhir": lambda: _fhir, "hl7v2": lambda: _hl7v2, "notes": lambda: _notes, "tables": lambda: _tables, "dicom": lambda: _dicom,
    "sniff": lambda: _sniff, "known": lambda: _known, "transform": _Transform,
}  # fmt: skip


def corpus(target: str, folder: Path) -> None:
    """The made hospital's records, one a file, where the folder is empty."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        return
    from bedside.demo.hospital import write

    with tempfile.TemporaryDirectory() as name:
        write(Path(name) / "h", patients=20, seed=3)
        kinds = {".ndjson": 0, ".hl7": 1, ".txt": 2, ".dcm": 4, ".csv": 9}
        for at, path in enumerate(sorted((Path(name) / "h" / "raw").rglob("*"))):
            if path.suffix in kinds and at < 400:
                for number, part in enumerate(_records(path)[:20]):
                    first = bytes([kinds[path.suffix]]) if target == "transform" else b""
                    (folder / f"{at}-{number}").write_bytes(first + part)
    (folder / "known").write_bytes(b'\x03{"id":"n1","text":"Xandra Quillfeather, MRN 40012345, (617) 555-0142","subject":"40012345"}\n')


def _records(path: Path) -> list[bytes]:
    data = path.read_bytes()[: 1 << 16]
    if path.suffix == ".ndjson":
        return data.split(b"\n")[:-1]
    return [one.raw for one in hl7v2.pieces(data)] if path.suffix == ".hl7" else [data]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path)
    asked = parser.parse_args()
    folder = asked.corpus or Path(tempfile.mkdtemp())
    corpus(asked.target, folder)
    work = TARGETS[asked.target]()

    def one(data: bytes) -> None:
        try:
            work(data)
        except Malformed:
            return
        except BedsideError as error:
            raise AssertionError(type(error).__name__) from error

    atheris.Setup([sys.argv[0], str(folder), f"-max_total_time={asked.seconds}", "-max_len=65536", "-timeout=20", "-rss_limit_mb=4000", "-print_final_stats=1"], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
