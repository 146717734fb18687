"""The passphrase of a keyring: asked for once a process, on the terminal or from an open file descriptor; never in an environment variable.

In        the keyring's file name
Out       the passphrase, kept in memory of this process only
Refuses   to wait for an answer where there is no terminal and no descriptor was named
"""

from __future__ import annotations

import getpass
import os
import sys

from bedside.core.errors import Misconfigured, Refused

_LONGEST = 1 << 16
_told: dict[str, str] = {}
_lines: list[str] = []
_given: list[int] = []


def from_descriptor(number: int) -> None:
    """Take passphrases from this descriptor, a line for each thing that asks, in the order of asking: `bedside --passphrase-fd 3 ... 3<file`.

    Raises `Misconfigured` when it cannot be read.
    """
    forget()
    try:
        with os.fdopen(os.dup(number), "rb") as stream:
            _lines.extend(stream.read(_LONGEST).decode("utf-8", "replace").splitlines())
    except OSError as error:
        raise Misconfigured(f"the passphrase cannot be read: {error.strerror}", where=f"descriptor {number}", do="open it: 3<file") from None
    _given.append(number)


def passphrase(name: str) -> str:
    """The passphrase that opens what is called `name`."""
    if name not in _told:
        _told[name] = _next(name) if _given else _typed(f"Passphrase of {name}: ")
    return _told[name]


def new_passphrase(name: str) -> str:
    """A passphrase to be set, asked for twice on a terminal."""
    if _given:
        return _next(name)
    first = _typed(f"New passphrase for {name}: ")
    if _typed("The same again: ") != first:
        raise Refused("the two passphrases differ", where=name, do="try again")
    return first


def forget() -> None:
    """Let go of every passphrase, as after one was changed."""
    _told.clear()
    _lines.clear()
    _given.clear()


def _next(name: str) -> str:
    if not _lines:
        raise Misconfigured("there is no further passphrase", where=f"descriptor {_given[0]}, for {name}", do="write one line for each")
    return _lines.pop(0)


def _typed(question: str) -> str:
    if not sys.stdin.isatty():
        raise Refused("a passphrase is needed, and there is no terminal to ask for it", where="passphrase",
                      do="run it on a terminal, or `bedside --passphrase-fd 3 ... 3<file`")  # fmt: skip
    return getpass.getpass(question)
