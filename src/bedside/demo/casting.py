"""Who is in the made hospital: patients as dealt, and in a small one enough of them who deteriorate.

In        how many patients, and a seed
Out       people, each whole. About one in five deteriorates; a hospital of fewer than SMALL could by chance hold none or one, and then
          nothing could be learned or tested. So in a small one calm patients give their place to others who deteriorate, until
          FEWEST do: its rate of outcomes is then made as well, and its study.toml says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from bedside.demo.build import person as build
from bedside.demo.courses import DEFAULT_SEED, Deal, deal, shipped
from bedside.demo.records import Person

SMALL, FEWEST = 100, 9
_RESERVE = 300


def cast(patients: int | None, seed: int) -> Iterator[Person]:
    """The people of a hospital, in the order of their numbers; the same arguments give the same people."""
    dealt = deal(patients, seed)
    if len(dealt) >= SMALL:
        return (build(one, seed) for one in dealt)
    people = [build(one, seed) for one in dealt]
    ill = [person for person in people if person.deteriorated]
    calm = [person for person in people if not person.deteriorated]
    lacking = min(max(FEWEST - len(ill), 0), len(calm))
    others = islice((person for one in _reserve(dealt, seed) if (person := build(one, seed)).deteriorated), lacking)
    return iter(sorted([*ill, *calm[lacking:], *others], key=lambda person: person.index))


def _reserve(dealt: list[Deal], seed: int) -> list[Deal]:
    """Those who were not dealt: the rest of the shipped patients, or the next ones of another seed."""
    there = {one.patient for one in dealt}
    wanted = len(shipped()) if seed == DEFAULT_SEED else len(dealt) + _RESERVE
    return [one for one in deal(wanted, seed) if one.patient not in there]
