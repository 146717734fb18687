"""A text that a sender cut into lines, one a repetition or a segment: scrubbed as one, written back line by line.

In        the lines without escapes, and what scrubs a text
Out       as many lines. A name that ran over the end of one stands, as its tag, in the line where it began
Source    HL7 v2.8.2 sections 7.4.2 (OBX, one line a segment), 2.10 (NTE)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import takewhile

_LAST, _FIRST = re.compile(r"[^\W_]+\Z"), re.compile(r"[^\W_]+")
_MOST_LINES = 400


def scrub_lines(lines: list[str], scrub: Callable[[str], str], known: Callable[[str], bool]) -> list[str]:
    """Lines without identifiers.

    known   whether a word is known of somebody: asked for words that the end of a line may have cut in two

    >>> scrub_lines(["seen by Ann", "Lee today"], lambda text: text.replace("Ann\\nLee", "[NAME]"), lambda word: False)
    ['seen by [NAME]', ' today']
    """
    lines = _glued(lines, known)
    whole = "\n".join(lines)
    new = scrub(whole)
    if new == whole:
        return lines
    counts = [line.count("\n") + 1 for line in lines]
    parts = new.split("\n")
    if len(parts) == sum(counts):
        return _dealt(parts, counts)
    if len(lines) > _MOST_LINES:
        return [new] + [""] * (len(lines) - 1)
    return [line for group in _groups(lines, new, scrub) for line in group]


def _glued(lines: list[str], known: Callable[[str], bool]) -> list[str]:
    """Lines in which no word that somebody is known by is cut in two: such a word becomes [NAME] at the end of the first."""
    done = list(lines)
    for at in range(len(done) - 1):
        head, tail = _LAST.search(done[at]), _FIRST.match(done[at + 1])
        if head is None or tail is None or not known(head[0] + tail[0]) or known(head[0]) or known(tail[0]):
            continue
        done[at], done[at + 1] = done[at][: head.start()] + "[NAME]", done[at + 1][tail.end() :]
    return done


def _dealt(parts: list[str], counts: list[int]) -> list[str]:
    """The scrubbed lines, dealt to the pieces that they came from."""
    dealt, at = [], 0
    for count in counts:
        dealt.append("\n".join(parts[at : at + count]))
        at += count
    return dealt


def _groups(lines: list[str], new: str, scrub: Callable[[str], str]) -> list[list[str]]:
    """Lines between which something ran over the end: cut where the two halves, scrubbed alone, are the whole."""
    groups, start = list[list[str]](), 0
    for end in range(1, len(lines)):
        head, tail = scrub("\n".join(lines[start:end])), scrub("\n".join(lines[end:]))
        if new == f"{head}\n{tail}":
            groups.append(_parted(head, lines[start:end]))
            new, start = tail, end
    return [*groups, _parted(new, lines[start:])]


def _parted(text: str, lines: list[str]) -> list[str]:
    """The text of a group in as many lines: what the last line ends in as before stands there, the rest in the first."""
    if len(lines) == 1:
        return [text]
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(reversed(text), reversed(lines[-1]), strict=False)))
    return [text[: len(text) - same].removesuffix("\n"), *[""] * (len(lines) - 2), text[len(text) - same :]]
