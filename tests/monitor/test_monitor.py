"""A service is watched: inputs and risks against training, promises against outcomes, alerts against patient-days."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from tests.monitor.service import NAMES, line, risk, sealed, stays, usual, written

from bedside.bundle.reference import sketch
from bedside.bundle.store import Bundle
from bedside.core.errors import Misconfigured, Unusable
from bedside.monitor.drift import Limits, Size, drift
from bedside.monitor.replay import monitor
from bedside.monitor.served import ASKED_AGAIN, BROKEN, OTHER_BUNDLE
from bedside.report.monitoring import monitor_page

FIRST = NAMES[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("model") / "model"


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Bundle:
    return sealed(folder)


def faster(random: np.random.Generator) -> list[float]:
    return [usual(random)[0] + 25, *usual(random)[1:]]


def unmeasured(random: np.random.Generator) -> list[float]:
    return [float("nan"), *usual(random)[1:]]


def test_a_service_that_meets_the_patients_of_training_is_left_alone(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    found = monitor(written(tmp_path / "log", stays(bundle.digest)), folder)
    assert not found.alarm
    assert found.whole.judged
    assert found.whole.burden.predictions == 1200
    assert "nothing drifted" in found.to_text()
    assert "made data" in found.to_text()


def test_an_input_that_moved_is_named(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    found = monitor(written(tmp_path / "log", stays(bundle.digest, faster)), folder)
    moved = {one.name: one.why for one in found.whole.features if one.drifted}
    assert moved == {FIRST: "distribution"}
    assert f"{FIRST} has moved (distribution)" in found.to_text()
    assert any("the risk has moved" in one.what for one in found.findings)


def test_an_input_that_is_no_longer_measured_is_named(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    found = monitor(written(tmp_path / "log", stays(bundle.digest, unmeasured)), folder)
    one = next(one for one in found.whole.features if one.name == FIRST)
    assert (one.drifted, one.why, one.psi, one.missing_now) == (True, "missing share", None, 1.0)
    assert one.missing_then == pytest.approx(0.1, abs=0.02)


def test_few_patients_are_not_judged(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    found = monitor(written(tmp_path / "log", stays(bundle.digest, faster, encounters=5)), folder)
    assert not found.alarm
    assert not found.whole.judged


def test_chance_alone_cries_wolf_less_than_once_in_a_hundred_windows() -> None:
    random, then = np.random.default_rng(4), sketch(np.random.default_rng(3).normal(size=20_000))
    cries = [drift("x", then, random.normal(size=30), Size(30, 30), Limits(psi=0.0)).drifted for _ in range(1000)]
    assert sum(cries) <= 10


def test_hours_of_one_stay_are_not_independent_evidence() -> None:
    random, then = np.random.default_rng(4), sketch(np.random.default_rng(3).normal(size=20_000))
    repeated = np.repeat(random.normal(size=(1000, 25)), 24, axis=1)
    cries = [drift("x", then, values, Size(25, 600), Limits(psi=0.0)).drifted for values in repeated]
    assert sum(cries) <= 10


def test_a_reference_of_few_stays_is_itself_uncertain() -> None:
    random = np.random.default_rng(4)
    then, cries = [sketch(random.normal(size=40)) for _ in range(500)], 0
    for one in then:
        cries += drift("x", one, random.normal(size=40), Size(40, 40, then=40), Limits(psi=0.0)).drifted
    assert cries <= 10


def test_a_real_shift_in_a_hundred_stays_is_seen() -> None:
    random, then = np.random.default_rng(4), sketch(np.random.default_rng(3).normal(size=20_000))
    assert all(drift("x", then, random.normal(1.0, 1.0, size=100), Size(100, 100), Limits()).drifted for _ in range(100))


def test_windows_show_when_it_began(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    lines = [*stays(bundle.digest, day=0), *stays(bundle.digest, day=8, seed=3), *stays(bundle.digest, faster, day=16, seed=4)]
    found = monitor(written(tmp_path / "log", lines), folder, window_days=7)
    assert [any(one.drifted for one in window.features) for window in found.windows] == [False, False, True]
    assert [window.burden.predictions for window in found.windows] == [1200, 1200, 1200]
    assert any(one.window.startswith("window from 2026") for one in found.findings)


def test_alerts_are_counted_per_100_patient_days(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    high, low = [140.0] * len(NAMES), [60.0] * len(NAMES)
    lines = [line(bundle.digest, 1, hour, high if hour < 3 else low) for hour in range(12)]
    lines += [line(bundle.digest, 2, hour, low) for hour in range(36)]
    told = monitor(written(tmp_path / "log", lines), folder).whole.burden
    # stay 1: eleven gaps of an hour and the last prediction's own hour; stay 2: 35 and one; 48 hours are two days
    assert (told.patient_days, told.alerts, told.alerted_encounters, told.encounters) == (2.0, 3, 1, 2)
    assert told.alerts_per_100_patient_days == 150.0


def test_promises_that_are_kept_give_a_ratio_near_one(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    lines, random = stays(bundle.digest, hours=3), np.random.default_rng(5)
    labels = pl.DataFrame({"unit_id": [one["unit_id"] for one in lines],
    "label": [random.random() < one["value"] for one in lines]})
    found = monitor(written(tmp_path / "log", lines), folder, labels)
    told = found.whole.promises
    assert told is not None
    assert told.events == labels["label"].sum()
    assert (told.observed_to_expected.low or 9) < 1 < (told.observed_to_expected.high or 0)
    assert (told.slope.low or 9) < 1 < (told.slope.high or 0)
    assert told.auroc.value is not None
    assert not found.alarm
    assert found.unlabelled == 0


def test_promises_that_are_not_kept_raise_the_alarm(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    lines, random = stays(bundle.digest, hours=3), np.random.default_rng(5)
    labels = pl.DataFrame({"unit_id": [one["unit_id"] for one in lines],
    "label": [int(random.random() < one["value"] / 3) for one in lines]})
    found = monitor(written(tmp_path / "log", lines), folder, labels)
    assert any("fewer events than promised" in one.what for one in found.findings)


def test_the_ratio_is_observed_over_expected_events(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    lines = stays(bundle.digest, encounters=30, hours=1)
    labels = pl.DataFrame({"unit_id": [one["unit_id"] for one in lines], "label": ["1"] * 10 + ["0"] * 20})
    told = monitor(written(tmp_path / "log", lines), folder, labels).whole.promises
    assert told is not None
    assert told.observed_to_expected.value == pytest.approx(10 / sum(float(str(one["value"])) for one in lines))


def test_outcomes_may_come_late(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    lines = stays(bundle.digest, encounters=30, hours=1)
    log = written(tmp_path / "log", lines)
    few = pl.DataFrame({"unit_id": [lines[0]["unit_id"], "unknown", lines[1]["unit_id"]], "label": [False, True, None]})
    assert monitor(log, folder, few).unlabelled == 29
    none = pl.DataFrame({"unit_id": ["x"], "label": [True]})
    assert monitor(log, folder, none).whole.promises is None
    assert "none known yet" in monitor(log, folder).to_text()


def test_labels_without_their_columns_are_refused(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    log = written(tmp_path / "log", stays(bundle.digest, encounters=2))
    with pytest.raises(Unusable, match="unit_id and label"):
        monitor(log, folder, pl.DataFrame({"id": ["1"]}))
    with pytest.raises(Unusable, match="neither true nor false"):
        monitor(log, folder, pl.DataFrame({"unit_id": ["1"], "label": ["perhaps"]}))


def test_lines_that_cannot_be_used_are_counted_not_dropped(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    lines = stays(bundle.digest, encounters=3, hours=2)
    log = written(tmp_path / "log", [*lines, lines[0] | {"value": 0.99}, line("another", 9, 9, [80.0] * len(NAMES))])
    log.write_bytes(log.read_bytes() + b'not json\n\n{"time":"noon"}\n{"time":"2026-03-08T10:00:00Z","unit_')
    found = monitor(log, folder)
    assert found.left_out == {BROKEN: 3, OTHER_BUNDLE: 1, ASKED_AGAIN: 1}
    assert found.whole.burden.predictions == len(lines)


def test_a_log_of_another_bundle_is_no_evidence(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="no prediction of this bundle"):
        monitor(written(tmp_path / "log", stays("another", encounters=2)), folder)
    with pytest.raises(Misconfigured, match="cannot read"):
        monitor(tmp_path / "nowhere", folder)


def test_the_same_log_gives_the_same_report(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    lines = stays(bundle.digest, encounters=30)
    labels = pl.DataFrame({"unit_id": [one["unit_id"] for one in lines], "label": [n % 7 == 0 for n in range(len(lines))]})
    one = monitor(written(tmp_path / "a", lines), folder, labels)
    two = monitor(written(tmp_path / "b", reversed(lines)), folder, labels)
    assert msgspec.json.encode(one) == msgspec.json.encode(two)
    assert risk([80.0] * len(NAMES)) > 0


def test_windows_grow_until_they_can_be_judged(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    few = [one for week in range(16) for one in stays(bundle.digest, encounters=6, day=7 * week, seed=week)]
    found = monitor(written(tmp_path / "log", few), folder)
    assert [window.burden.encounters for window in found.windows] == [24, 24, 24, 24]
    assert all(window.judged for window in found.windows)


def test_the_page_shows_what_the_record_says_and_fetches_nothing(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    lines = [one for week in range(2) for one in stays(bundle.digest, faster, encounters=25, day=7 * week, seed=week)]
    labels = pl.DataFrame({"unit_id": [str(one["unit_id"]) for one in lines], "label": [one["alert"] for one in lines]})
    found = monitor(written(tmp_path / "log", lines), folder, labels)
    page = monitor_page(found, title="a <ward>")
    assert "a &lt;ward&gt;" in page
    assert f"{found.whole.burden.alerts_per_100_patient_days:.1f} alerts per 100 patient-days" in page
    assert all(one.what in page for one in found.findings)
    assert 'data-figure="monitor/slope"' in page
    assert not any(word in page.replace("http://www.w3.org/2000/svg", "") for word in ("http://", "<script"))


def test_a_log_without_outcomes_has_a_page_that_asks_for_them(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    found = monitor(written(tmp_path / "log", stays(bundle.digest, encounters=3)), folder)
    assert "give them with --labels" in monitor_page(found, title="few")
