"""The made hospital's notes as text files: header, empty line, body. File names hold MRN and date, as such exports do."""

from __future__ import annotations

from pathlib import Path

from bedside.demo.records import Note, Person, Stay
from bedside.demo.times import local, plain


def add(folder: Path, person: Person) -> int:
    """Write a person's notes; how many."""
    pairs = [(stay, note) for stay in person.stays for note in stay.notes]
    for stay, note in pairs:
        name = f"{person.who.mrn}_{local(note.known):%Y%m%d_%H%M}_{note.loinc}.txt"
        (folder / name).write_bytes(text(person, stay, note).encode())
    return len(pairs)


def text(person: Person, stay: Stay, note: Note) -> str:
    header = {"Patient-ID": person.who.mrn, "Encounter-ID": stay.number, "Date": plain(note.known),
              "Type": f"{note.loinc} {note.title}",
              "Author": note.author.name, "Title": note.title}  # fmt: skip
    return "".join(f"{key}: {value}\n" for key, value in header.items()) + "\n" + note.body
