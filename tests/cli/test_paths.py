"""What cannot be read or written is told by what was typed, never by the name of a raw file."""

from __future__ import annotations

import sys

import pytest

from bedside.cli.group import guarded


@pytest.mark.parametrize(("typed", "shown"), [("/data/study", "/data/study"), ("/elsewhere", "a file")])
def test_a_file_that_fails_is_shown_as_far_as_it_was_typed(monkeypatch, capsys, typed, shown):
    def failing(**_: object) -> None:
        raise OSError(13, "Permission denied", "/data/study/raw/Zanzibarius_1234567.txt")

    monkeypatch.setattr(sys, "argv", ["bedside", "run", typed])
    with pytest.raises(SystemExit) as ended:
        guarded(type("Command", (), {"main": staticmethod(failing)}))
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert f"at  {shown}\n" in said
    assert "Zanzibarius" not in said
