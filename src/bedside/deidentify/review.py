"""A person's check of de-identified texts: a drawn sample, and what the verdicts on it prove.

In        de-identified texts with the spans that were replaced; later the verdicts file that the review page exports
Out       `Sample`s drawn by a seed, and `Judged`: leak rates per text and per identifier with the exact upper bound
Source    Clopper and Pearson, Biometrika 1934;26:404: the one-sided bound p solves P(X <= leaks | n, p) = 1 - level
Elsewhere the page itself: `bedside.report.review`. It shows de-identified text only; original text is PHI, and only where it is asked for.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from math import exp, lgamma, log, log1p
from typing import TypeVar

import msgspec

from bedside.core.errors import Malformed, Unusable
from bedside.deidentify.spans import Span

SCHEMA_NAME = "bedside.review-verdicts/1"
_HALVINGS = 200
T = TypeVar("T")


class Sample(msgspec.Struct, frozen=True):
    """One text for review. `spans` are offsets of `text`; `original` is PHI and empty unless the reviewer asked for it."""

    id: str
    text: str
    spans: list[Span]
    group: str = ""
    original: str | None = None
    original_spans: list[Span] = []


class Verdict(msgspec.Struct, frozen=True):
    """What a person said of one text: identifiers that are still in it, and clinical words that were taken out of it."""

    id: str
    judged: bool
    leaks: int = 0
    over: int = 0
    replaced: int = 0


class Verdicts(msgspec.Struct, frozen=True):
    """The file that the review page exports: no text, only counts."""

    schema: str
    policy: str
    digest: str
    texts: list[Verdict]


class Bound(msgspec.Struct, frozen=True):
    """A rate and the greatest one that still agrees with what was seen."""

    leaks: int
    n: int
    rate: float
    upper: float
    level: float

    def said(self, what: str) -> str:
        """As a sentence, such as "0 of 200 texts: at most 1.5 % (one-sided 95 %)"."""
        return f"{self.leaks} of {self.n} {what}: at most {self.upper:.1%} (one-sided {self.level:.0%})".replace("%", " %")


class Judged(msgspec.Struct, frozen=True):
    """What a review came to. Identifiers of one text are not independent: their bound is for orientation."""

    policy: str
    digest: str
    sampled: int
    unjudged: int
    texts: Bound
    identifiers: Bound
    over_redacted: Bound

    @property
    def leaking(self) -> int:
        """Texts in which an identifier was found."""
        return self.texts.leaks

    def lines(self) -> list[str]:
        """For people."""
        told = [f"leaking texts {self.texts.said('texts')}", f"missed identifiers {self.identifiers.said('identifiers')}"]
        told.append(f"texts with clinical words taken out {self.over_redacted.said('texts')}")
        return [*told, f"{self.unjudged} of {self.sampled} texts have no verdict"] if self.unjudged else told


def draw(items: Sequence[T], n: int, seed: int, *, stratum: Callable[[T], str] | None = None) -> list[T]:
    """A simple random sample without replacement, in the order of the items; the same seed draws the same.

    stratum   draws from each group in proportion to its size, at least one of each (largest remainders)

    >>> draw(range(100), 3, 7) == draw(range(100), 3, 7), len(draw([1, 2], 5, 1))
    (True, 2)
    """
    if n < 1:
        raise Unusable("a sample holds at least one text", where="--sample", do="give the number of texts to review, such as 200")
    if n >= len(items):
        return list(items)
    chance = random.Random(f"bedside.review {seed}")
    if stratum is None:
        return [items[at] for at in sorted(chance.sample(range(len(items)), n))]
    groups: dict[str, list[int]] = defaultdict(list)
    for at, item in enumerate(items):
        groups[stratum(item)].append(at)
    drawn = [at for name, share in _shares(groups, n, len(items)).items() for at in chance.sample(groups[name], share)]
    return [items[at] for at in sorted(drawn)]


def _shares(groups: dict[str, list[int]], n: int, whole: int) -> dict[str, int]:
    exact = {name: n * len(held) / whole for name, held in sorted(groups.items())}
    shares = {name: min(len(groups[name]), max(1, int(want))) for name, want in exact.items()}
    for name in sorted(exact, key=lambda one: (shares[one] - exact[one], one)):
        if sum(shares.values()) < n and shares[name] < len(groups[name]):
            shares[name] += 1
    for name in sorted(exact, key=lambda one: (exact[one] - shares[one], one)):
        while sum(shares.values()) > n and shares[name] > 1:
            shares[name] -= 1
    return shares


def placed(original: str, spans: Sequence[Span], result: str) -> list[Span]:
    """Where in the de-identified text the replacements stand: what lies between them is as it was.

    >>> placed("seen by Ann Smith today", [Span(8, 17, "NAME")], "seen by [NAME] today")
    [Span(start=8, end=14, kind='NAME')]
    """
    found, at = list[Span](), spans[0].start if spans else 0
    for one, after in zip(spans, [*spans[1:], None], strict=False):
        kept = original[one.end : after.start if after else len(original)]
        end = len(result) - len(kept) if after is None else result.find(kept, at + 1) if kept else at
        end = end if at <= end <= len(result) else at
        found.append(Span(at, end, one.kind))
        at = end + len(kept)
    return found


def bound(leaks: int, n: int, level: float = 0.95) -> Bound:
    """The exact one-sided upper bound of a rate.

    leaks   texts or identifiers that leaked, of n looked at

    >>> bound(0, 200).said("texts"), round(bound(3, 50).upper, 4)
    ('0 of 200 texts: at most 1.5 % (one-sided 95 %)', 0.1478)
    """
    if n < 1 or not 0 <= leaks <= n or not 0 < level < 1:
        raise Unusable(
            "a bound needs at least one judged text, and no more leaks than texts", where="review", do="judge the texts first"
        )
    if leaks == n:
        return Bound(leaks, n, 1.0, 1.0, level)
    low, high = leaks / n, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(leaks, n, middle) > 1 - level else (low, middle)
    return Bound(leaks, n, leaks / n, high, level)


def _at_most(leaks: int, n: int, rate: float) -> float:
    """Binomial chance of so many or fewer."""
    if rate <= 0:
        return 1.0
    if rate >= 1:
        return 0.0
    chosen = (lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) for k in range(leaks + 1))
    return sum(exp(ways + k * log(rate) + (n - k) * log1p(-rate)) for k, ways in enumerate(chosen))


def judge(exported: bytes, level: float = 0.95) -> Judged:
    """What the verdicts of a review page come to. Raises `Malformed` for what is no such file."""
    try:
        told = msgspec.json.decode(exported, type=Verdicts)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("not a file of verdicts", where="--verdicts", do="save it from the review page again") from error
    if told.schema != SCHEMA_NAME:
        raise Malformed(
            "a file of verdicts of another version", where="--verdicts, schema", do="save it from the review page again"
        )
    held = [one for one in told.texts if one.judged]
    if any(one.leaks < 0 or one.over < 0 or one.replaced < 0 for one in held) or len({one.id for one in told.texts}) < len(
        told.texts
    ):
        raise Malformed(
            "verdicts with counts below 0, or two on one text", where="--verdicts", do="save it from the review page again"
        )
    leaks, replaced = sum(one.leaks for one in held), sum(one.replaced for one in held)
    return Judged(
        told.policy,
        told.digest,
        len(told.texts),
        len(told.texts) - len(held),
        bound(sum(one.leaks > 0 for one in held), len(held), level),
        bound(leaks, max(1, replaced + leaks), level),
        bound(sum(one.over > 0 for one in held), len(held), level),
    )
