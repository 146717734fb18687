"""The imaging pillar: which part answers, and what a declaration may not ask."""

from __future__ import annotations

import msgspec
import polars as pl
import pytest

from bedside.cohort.plan import YEAR_US
from bedside.core.errors import Misconfigured
from bedside.core.events import Event, frame
from bedside.core.split import Split
from bedside.core.target import Target
from bedside.core.task_image import ImageTask
from bedside.pillars.imaging.index import subgroups
from bedside.pillars.imaging.pillar import PILLAR, part_of

REGION = Target("liver", "region")


def test_the_question_and_the_unit_choose_the_part() -> None:
    assert type(part_of(ImageTask("x", "segment", [REGION]))).__name__ == "Segment"
    assert type(part_of(ImageTask("x", "classify", [Target("mass", "yes-no")], unit="image"))).__name__ == "Planes"


def test_a_question_that_no_part_answers_says_which_can_be_asked() -> None:
    with pytest.raises(Misconfigured, match="nothing here can segment with one decision a slide"):
        part_of(ImageTask("x", "segment", [REGION], unit="slide"))


@pytest.mark.parametrize(("task", "reason"), [
    (ImageTask("x", "segment", []), "asks for nothing"),
    (ImageTask("x", "segment", [REGION, REGION]), "twice"),
    (ImageTask("x", "segment", [Target("mass", "yes-no")]), "of kind 'yes-no'"),
    (ImageTask("x", "segment", [REGION], segments={"spleen": ["Spleen"]}), "no target"),
    (ImageTask("x", "segment", [REGION], split=Split(folds=5)), "folds must be 0"),
    (ImageTask("x", "segment", [REGION], split=Split(by="scaffold")), "by subject"),
])  # fmt: skip
def test_a_task_that_cannot_be_is_told_before_anything_runs(task: ImageTask, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        PILLAR.check(task, {}, policy=None)


def test_a_task_comes_back_from_its_plain_form() -> None:
    task = ImageTask("x", "segment", [REGION], segments={"liver": ["SCT:10200004"]})
    assert msgspec.convert(msgspec.to_builtins(task), ImageTask) == task


def test_subgroups_come_from_the_events_first_then_from_the_headers_else_are_unknown() -> None:
    when = 1_700_000_000_000_000
    events = frame([Event(1, None, "SEX//female", source="x"), Event(1, when - 50 * YEAR_US, "MEDS_BIRTH", source="x")])
    units = pl.DataFrame(
        {"subject_id": [1, 2, 3], "prediction_time": [when] * 3, "sex": ["male", "male", None], "age_years": [None, 90, None],
         "manufacturer": ["Maker", "Maker", None], "model": ["One", None, None]},
        schema_overrides={"prediction_time": pl.Datetime("us"), "age_years": pl.Int64},
    )  # fmt: skip
    assert subgroups(events, units).select("sex", "age_band", "scanner").rows() == [
        ("female", "40-64", "Maker One"), ("male", "80+", "Maker"), ("unknown", "unknown", "unknown")]  # fmt: skip
