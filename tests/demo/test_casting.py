"""A small made hospital holds patients who deteriorate, whatever the seed; a large one is as dealt."""

from __future__ import annotations

import pytest

from bedside.core.errors import Misconfigured
from bedside.demo.casting import FEWEST, cast
from bedside.demo.courses import deal
from bedside.study.demo import LEAST, demo


@pytest.mark.parametrize("seed", [1, 2, 5])
@pytest.mark.parametrize("patients", [LEAST, 24, 60])
def test_a_small_hospital_has_enough_patients_who_deteriorate(patients, seed):
    people = list(cast(patients, seed))
    assert len(people) == patients == len({person.index for person in people})
    assert sum(person.deteriorated for person in people) >= FEWEST


def test_a_large_hospital_is_as_dealt():
    assert [person.index for person in cast(120, 2)] == [one.patient for one in deal(120, 2)]


def test_too_few_patients_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(Misconfigured, match="give 20 or more"):
        demo(tmp_path / "few", patients=LEAST - 1, quiet=True)
    assert not (tmp_path / "few").exists()
