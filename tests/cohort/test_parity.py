"""What the model learned from is, bit for bit, what the bedside sees: random charts through both back ends."""

from __future__ import annotations

import struct

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.cohort.chart import HEART, LACTATE, START, TEMPERATURE, at, chart

from bedside.cohort.features import FeatureSet
from bedside.cohort.plan import BIRTH
from bedside.core.events import Event, rows
from bedside.core.task import Features, Signal

SUMMARIES = ["last", "age", "count", "mean", "min", "max", "range", "delta"]
FEATURES = FeatureSet(
    Features(
        [
            Signal("heart_rate", [HEART, "LOINC//8889-8"], low=-1000, high=1000),
            Signal("temperature", [TEMPERATURE], unit="Cel", windows_hours=[3, 30, 100], kind="workup"),
            Signal("lactate", [LACTATE], values={"high": 4.0, "LOINC//never": 1.0}, summaries=["delta", "last", "mean"]),
            Signal("heart_again", [HEART], summaries=["age"]),
            Signal("consciousness", ["A", "B"], values={"A": 0, "B": 1, "drowsy": 0.5}, summaries=["mean", "count", "range"]),
        ],
        windows_hours=[2, 12],
        summaries=SUMMARIES,
        lookback_hours=20,
        static_codes={"age_years": "AGE", "weight": "WEIGHT"},
    )
)
CODES = [HEART, "LOINC//8889-8", TEMPERATURE, LACTATE, "A", "B", "LOINC//other"]

# Few distinct hours, values and delays: histories full of ties, and knowledge that comes in another order than the facts.
hours = st.one_of(st.integers(-30, 40).map(float), st.floats(-150, 60))
values = st.one_of(
    st.none(), st.sampled_from([0.0, -0.0, 1.0, 37.2, 98.6, 0.1, 1e-7, 3e9, float("nan")]), st.floats(-200, 200, width=32)
)
delays = st.one_of(st.none(), st.sampled_from([0.0, 1.0, 5.0, -1.0]), st.floats(-2, 50))
statuses = st.sampled_from(["final"] * 5 + ["corrected", "retracted"])
units = st.sampled_from([None, "Cel", "[degF]", "furlong"])


@st.composite
def observations(draw: st.DrawFn, subject: int) -> Event:
    hour, delay = draw(hours), draw(delays)
    return Event(
        subject,
        at(hour),
        draw(st.sampled_from(CODES)),
        draw(values),
        draw(st.sampled_from([None, None, "high", "drowsy", "no word"])),
        None if delay is None else at(hour + delay),
        draw(statuses),
        unit=draw(units),
        source="chart",
    )


@st.composite
def statics(draw: st.DrawFn, subject: int) -> Event:
    code = draw(st.sampled_from([BIRTH, BIRTH, "SEX//male", "SEX//female", "SEX//other", "AGE", "WEIGHT", HEART]))
    time = at(-draw(st.floats(-100, 1_000_000))) if code == BIRTH else draw(st.sampled_from([None, None, None, at(1)]))
    known = draw(st.one_of(st.none(), st.sampled_from([at(0), at(5)])))
    return Event(subject, time, code, draw(values), None, known, draw(statuses), source="chart")


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    told = [
        event for subject in (1, 2, 5) for event in draw(st.lists(st.one_of(observations(subject), statics(subject)), max_size=25))
    ]
    repeats = draw(st.lists(st.sampled_from(told), max_size=4)) if told else []
    return told + repeats


@st.composite
def plans(draw: st.DrawFn) -> pl.DataFrame:
    """Decisions of three subjects, one of whom may have no events, in any order, some at the same time."""
    told = draw(
        st.lists(st.tuples(st.sampled_from([1, 2, 9]), hours, st.sampled_from([START, at(-3.3), None])), min_size=1, max_size=12)
    )
    when = pl.Datetime("us")
    schema = {"unit_id": pl.String, "subject_id": pl.Int64, "prediction_time": when, "encounter_start": when}
    return pl.DataFrame([(str(i), s, at(h), start) for i, (s, h, start) in enumerate(told)], schema=schema, orient="row")


def bits(row: tuple[float | None, ...]) -> list[bytes]:
    """The 32 bits of every number, one nan for everything missing."""
    return [b"missing" if value is None or value != value else struct.pack("<f", value) for value in row]


def live_rows(events: list[Event], decisions: pl.DataFrame, *, only_known: bool = False) -> list[list[bytes]]:
    made = []
    for subject, now, start in decisions.select(
        "subject_id", pl.col("prediction_time", "encounter_start").to_physical()
    ).iter_rows():
        own = [event for event in events if event.subject_id == subject]
        told = [event for event in own if known(event) < now] if only_known else own
        made.append(bits(tuple(FEATURES.live(told, prediction_time=now, encounter_start=start))))
    return made


def known(event: Event) -> float:
    if event.known_at is not None:
        return event.known_at
    return float("-inf") if event.time is None or event.code == BIRTH else event.time


def columnar_rows(events: list[Event], decisions: pl.DataFrame) -> list[list[bytes]]:
    made = FEATURES.columnar(chart(*events), decisions)
    assert made.columns == ["unit_id", *FEATURES.names]
    assert not any(made[name].is_nan().any() for name in FEATURES.names)
    return [bits(row) for row in made.drop("unit_id").iter_rows()]


slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
many, few = (
    settings(max_examples=120, deadline=None, suppress_health_check=slow),
    settings(max_examples=40, deadline=None, suppress_health_check=slow),
)


@many
@given(histories(), plans())
def test_columns_and_bedside_agree_in_every_bit(events, decisions):
    assert columnar_rows(events, decisions) == live_rows(list(rows(chart(*events))), decisions)


@few
@given(histories(), plans())
def test_the_bedside_may_be_fed_unrounded_numbers_in_any_order(events, decisions):
    unrounded = [
        Event(e.subject_id, e.time, e.code, e.numeric_value, e.text_value, e.known_at, e.status, unit=e.unit)
        for e in reversed(events)
    ]
    assert live_rows(unrounded, decisions) == live_rows(list(rows(chart(*events))), decisions)


@few
@given(histories(), plans())
def test_taking_away_what_was_not_yet_known_changes_nothing(events, decisions):
    assert live_rows(events, decisions, only_known=True) == live_rows(events, decisions)
    one = decisions[:1]
    now = one["prediction_time"].to_physical().item()
    assert columnar_rows([e for e in events if known(e) < now], one) == columnar_rows(events, one)


@few
@given(histories(), plans(), st.randoms(use_true_random=False))
def test_the_order_of_events_and_decisions_does_not_matter(events, decisions, chance):
    shuffled = chance.sample(events, len(events))
    order = chance.sample(range(decisions.height), decisions.height)
    straight = columnar_rows(events, decisions)
    assert columnar_rows(shuffled, decisions[order]) == [straight[i] for i in order]
