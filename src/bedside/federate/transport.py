"""How questions reach sites. In one process for development; `flare.py` for sites that are elsewhere.

A transport returns what came back in time, whole; a site that is not among the answers has vanished, for this question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from bedside.federate.site import Site


class Transport(Protocol):
    """The wire."""

    @property
    def sites(self) -> Sequence[str]:
        """Names of the sites."""

    def ask(self, questions: Mapping[str, bytes], *, timeout_s: float) -> dict[str, bytes]:
        """Answers by site, of those that answered within the time."""


class InProcess:
    """Sites of one process, asked one after the other; one that fails as a file system does (its folder went away) has vanished."""

    def __init__(self, sites: Sequence[Site]) -> None:
        self._sites = {site.who.name: site for site in sites}
        self.sites = sorted(self._sites)

    def ask(self, questions: Mapping[str, bytes], *, timeout_s: float) -> dict[str, bytes]:
        """Time does not run out here: a site in this process either answers or fails."""
        answers: dict[str, bytes] = {}
        for name in sorted(questions):
            try:
                answers[name] = self._sites[name].answer(questions[name])
            except OSError:
                continue
        return answers
