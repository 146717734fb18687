"""What a federated run says of itself: schema "bedside.federation/1"."""

from __future__ import annotations

import msgspec

from bedside.federate.channel import Crossed
from bedside.federate.receipt import Signed

SCHEMA_NAME = "bedside.federation/1"


class Round(msgspec.Struct, frozen=True):
    """One round: who was asked, who did not answer, whose update was quarantined and why, and the digest of the state it led to."""

    number: int
    asked: list[str]
    vanished: list[str]
    quarantined: dict[str, str]
    state: str


class SiteResult(msgspec.Struct, frozen=True):
    """What is known of a site at the end. `figures`: name to value, low, high, n; null where it could not be estimated.

    counts     of each threshold: true positives, false positives, true negatives, false negatives of the site's test; empty where
               the site has too few test subjects with or without the outcome, and then no figure is told either
    apart      columns whose mean lies more than three of the others' standard deviations away: perhaps another unit
    """

    site: str
    rows: int
    subjects: int
    figures: dict[str, tuple[float | None, float | None, float | None, float | None]]
    counts: dict[str, tuple[int, int, int, int]]
    without_values: list[str]
    apart: list[str]
    signed: Signed | None
    crossings: list[Crossed]
    vanished: list[str]


class Federation(msgspec.Struct, frozen=True):
    """A finished run. `files`: the sealed bundle; `state`: the last shared weights; `absent`: sites that were asked and never joined."""

    schema: str
    run: str
    plan: str
    rounds: list[Round]
    sites: list[SiteResult]
    bundle: str
    files: dict[str, bytes]
    state: dict[str, list[float]]
    absent: list[str] = []
