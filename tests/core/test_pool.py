"""Several processes for one step: order, errors, and a process that dies."""

from __future__ import annotations

import sys
import textwrap

import pytest

from bedside.core.errors import Malformed, Unusable
from bedside.core.pool import Pool


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "toy_worker.py").write_text(textwrap.dedent("""
        import os, time
        from bedside.core.errors import Malformed
        from bedside.core.pool import serve

        def begin(start):
            state = {"add": start}
            def work(name, about):
                if name == "set": state["add"] = about
                if name == "fail": raise Malformed("broken", where="record 3", do="mend it")
                if name == "odd": raise ValueError("Mrs Smith")
                if name == "die": os._exit(9)
                print("a library that prints")
                time.sleep(0.01 * (about % 3 if name == "add" else 0))
                return about + state["add"], os.getpid()
            return work

        if __name__ == "__main__":
            serve(begin)
    """))
    monkeypatch.syspath_prepend(str(tmp_path))
    return "toy_worker"


def test_results_come_in_the_order_of_the_jobs_from_several_processes(module):
    with Pool(module, 100, 2) as pool:
        answers = list(pool.ordered(("add", n) for n in range(40)))
    assert [value for value, _ in answers] == [100 + n for n in range(40)]
    assert len({process for _, process in answers}) == 2


def test_every_worker_hears_what_is_told_to_each(module):
    with Pool(module, 0, 2) as pool:
        pool.each(("set", 7))
        assert {value for value, _ in pool.ordered(("add", 0) for _ in range(20))} == {7}


def test_an_error_of_ours_is_raised_as_it_was_and_another_without_its_words(module):
    with Pool(module, 0, 1) as pool, pytest.raises(Malformed, match="record 3"):
        list(pool.ordered([("fail", 0)]))
    with Pool(module, 0, 1) as pool, pytest.raises(RuntimeError, match=r"ValueError in a worker, toy_worker\.py line") as caught:
        list(pool.ordered([("odd", 0)]))
    assert "Smith" not in str(caught.value)


def test_a_worker_that_dies_is_an_error_and_not_a_wait_without_end(module):
    with Pool(module, 0, 2) as pool, pytest.raises(Unusable, match="worker process ended"):
        list(pool.ordered([("add", 1), ("die", 0), *[("add", 2)] * 5]))


def test_jobs_are_taken_only_a_few_ahead_of_the_results(module):
    taken = 0

    def jobs():
        nonlocal taken
        for n in range(100):
            taken += 1
            yield "add", n

    with Pool(module, 0, 2) as pool:
        next(iter(pool.ordered(jobs())))
        assert taken <= 2 * 32 + 1
    assert sys.modules.get("toy_worker") is None
