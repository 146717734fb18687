"""The patient bootstrap: whole patients are drawn, seeded, paired, and as wide as theory says."""

from __future__ import annotations

import numpy as np
import pytest

from bedside.evaluate import cluster
from bedside.evaluate.cluster import Bootstrap, codes_of, sums
from bedside.evaluate.discrimination import Ranking, delong, delong_covariance


def test_every_resample_draws_as_many_subjects_as_there_are():
    drawn = np.concatenate(list(Bootstrap(20, 5).draws(31)))
    assert drawn.shape == (20, 31)
    assert (drawn.sum(axis=1) == 31).all()


def test_the_same_seed_draws_the_same_and_another_seed_does_not():
    first, again, other = (next(iter(Bootstrap(5, seed).draws(40))) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_draws_made_in_blocks_are_the_draws_made_at_once(monkeypatch):
    whole = np.concatenate(list(Bootstrap(30, 8).draws(50)))
    monkeypatch.setattr(cluster, "_KEPT_CELLS", 0)
    monkeypatch.setattr(cluster, "_BLOCK_CELLS", 350)
    blocks = list(Bootstrap(30, 8).draws(50))
    assert len(blocks) == 5
    assert (np.concatenate(blocks) == whole).all()


def test_the_error_of_a_mean_is_the_textbook_one():
    values = np.random.default_rng(3).normal(0, 2, 300)
    table = sums(np.arange(300), 300, values, np.ones(300))
    spread = Bootstrap(2000, 4).spread(lambda draws: (draws @ table[:, :1]) / (draws @ table[:, 1:]), 300)
    assert spread.std() == pytest.approx(values.std() / np.sqrt(300), rel=0.06)


def test_with_one_row_a_subject_it_agrees_with_delong():
    random = np.random.default_rng(5)
    outcome = random.random(600) < 0.3
    score = random.normal(0, 1, 600) + 0.8 * outcome
    spread = Bootstrap(2000, 6).spread(Ranking(outcome, score, np.arange(600)), 600)[:, 0]
    assert spread.std() == pytest.approx(np.sqrt(delong_covariance(outcome, score[None, :])[1][0, 0]), rel=0.06)


def test_rows_that_only_repeat_a_subject_add_nothing_though_delong_believes_so():
    random = np.random.default_rng(7)
    outcome = random.random(150) < 0.4
    score = random.normal(0, 1, 150) + outcome
    once = Bootstrap(500, 1).spread(Ranking(outcome, score, np.arange(150)), 150)[:, 0]
    often = [np.repeat(column, 20) for column in (outcome, score, np.arange(150))]
    again = Bootstrap(500, 1).spread(Ranking(*often), 150)[:, 0]
    assert again == pytest.approx(once, abs=1e-9)
    naive = delong(*often[:2])
    assert naive.high - naive.low < 0.3 * (np.quantile(once, 0.975) - np.quantile(once, 0.025))


def test_too_few_resamples_with_both_outcomes_give_no_interval():
    found = Bootstrap(4, 1).estimate(0.7, np.array([0.6, np.nan, np.nan, np.nan]), n=9)
    assert (found.value, found.low) == (0.7, None)
    assert "no interval" in found.method


def test_names_become_codes_whatever_they_are():
    codes, count = codes_of(np.array(["b", "a", "b"]))
    assert (codes.tolist(), count) == ([1, 0, 1], 2)
