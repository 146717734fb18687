"""The made hospitals of the demo: the same call makes the same files, and every row says that it is made."""

from __future__ import annotations

from bedside.demo.federated import SITES, write


def contents(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_the_same_seed_makes_the_same_files_and_another_seed_others(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write(tmp_path / name, seed=seed)
    first, second, third = (contents(tmp_path / name) for name in "abc")
    assert first == second
    assert first["sites/north/raw/stays.csv"] != third["sites/north/raw/stays.csv"]


def test_every_row_says_that_it_is_made_and_no_site_has_another_sites_patients(tmp_path):
    write(tmp_path / "a")
    numbers = []
    for name in SITES:
        rows = (tmp_path / "a/sites" / name / "raw/stays.csv").read_text().splitlines()[1:]
        assert all(row.endswith(",made") for row in rows)
        numbers += [row.split(",")[0] for row in rows]
    assert len(set(numbers)) == len(numbers)
