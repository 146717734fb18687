"""The one error tree: what is wrong, where, and what to do; the place, never the patient.

    BedsideError
    +-- Malformed       the bytes break the standard that they claim to follow
    +-- Unusable        well formed, but the question has no answer on it
    +-- Misconfigured   study.toml or an argument asks for what cannot be
    +-- Missing         an optional library is not installed
    +-- Refused         a safety or privacy rule says no

Exit codes of the command line: 0 done, 1 findings, 2 usage or configuration, 3 refused.
"""

from __future__ import annotations


class BedsideError(Exception):
    """What is wrong, where, and what to do: in that order, without the patient."""

    exit_code = 1

    def __init__(self, what: str, *, where: str, do: str) -> None:
        super().__init__(f"{what}\n  at  {where}\n  do  {do}")
        self.what, self.where, self.do = what, where, do

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, self.where, self.do))


class Malformed(BedsideError):
    """The bytes break the standard that they claim to follow."""


class Unusable(BedsideError):
    """Well formed, but the question has no answer on it."""


class Misconfigured(BedsideError):
    """study.toml, a mapping or an argument asks for what cannot be."""

    exit_code = 2


class Missing(BedsideError):
    """An optional library is not installed; `do` holds the line to type."""

    exit_code = 2


class Refused(BedsideError):
    """A safety or privacy rule says no."""

    exit_code = 3


def _rebuild(kind: type[BedsideError], what: str, where: str, do: str) -> BedsideError:
    return kind(what, where=where, do=do)


def raised_at(error: BaseException) -> str:
    """File and line of our code, or another's, that an error came from: its place without its words, which may quote a record."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.replace(chr(92), '/').rsplit('/', 1)[-1]} line {trace.tb_lineno}" if trace is not None else "nowhere"


def shape_of(value: object) -> str:
    """Describe a value without showing it: its type, length and the classes of its characters.

    >>> shape_of("12 May")
    '6 characters of digits, letters and spaces'
    >>> shape_of(17)
    'a value of type int'
    """
    if not isinstance(value, str):
        return f"a value of type {type(value).__name__}"
    kinds = {
        "digits": any(c.isdigit() for c in value),
        "letters": any(c.isalpha() for c in value),
        "spaces": any(c.isspace() for c in value),
        "signs": any(not (c.isalnum() or c.isspace()) for c in value),
    }
    named = [kind for kind, there in kinds.items() if there]
    listed = " and ".join(filter(None, [", ".join(named[:-1]), named[-1]])) if named else "nothing"
    return f"{len(value)} characters of {listed}"
