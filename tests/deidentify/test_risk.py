"""k, l, t and the adversaries' risks are those of the papers that defined them; generalisation gives what was asked at the least loss."""

from __future__ import annotations

import json
from itertools import product
from math import log
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.cli.group import bedside
from bedside.core.errors import Malformed, Refused, Unusable
from bedside.deidentify.risk import expected_risk, quick, risk
from bedside.deidentify.risk_hierarchy import hierarchy
from bedside.deidentify.risk_population import pitman, pitman_likelihood, uniques, zayatz
from bedside.deidentify.risk_search import Asked, generalised, search


def table(rows, *names):
    return pl.DataFrame(rows, schema=list(names), orient="row")


# Sweeney 2002, figure 2: race, birth, gender and zip as quasi-identifiers, k = 2.
SWEENEY = table(
    [("Black", "1965", "m", "0214*", "short breath"), ("Black", "1965", "m", "0214*", "chest pain"),
     ("Black", "1965", "f", "0213*", "hypertension"), ("Black", "1965", "f", "0213*", "hypertension"),
     ("Black", "1964", "f", "0213*", "obesity"), ("Black", "1964", "f", "0213*", "chest pain"),
     ("White", "1964", "m", "0213*", "chest pain"), ("White", "1964", "m", "0213*", "obesity"),
     ("White", "1964", "m", "0213*", "short breath"), ("White", "1967", "m", "0213*", "chest pain"),
     ("White", "1967", "m", "0213*", "chest pain")], "race", "birth", "gender", "zip", "problem",
)  # fmt: skip
# Machanavajjhala et al. 2007, figure 2 (4-anonymous) and figure 4 (3-diverse).
FOUR_ANONYMOUS = table(
    [("130**", "<30", one) for one in ("heart", "heart", "viral", "viral")]
    + [("1485*", ">=40", one) for one in ("cancer", "heart", "viral", "viral")]
    + [("130**", "3*", "cancer")] * 4, "zip", "age", "condition",
)  # fmt: skip
THREE_DIVERSE = table(
    [("1305*", "<=40", one) for one in ("heart", "viral", "cancer", "cancer")]
    + [("1485*", ">40", one) for one in ("cancer", "heart", "viral", "viral")]
    + [("1306*", "<=40", one) for one in ("heart", "viral", "cancer", "cancer")], "zip", "age", "condition",
)  # fmt: skip
# Li et al. 2007, table 4 (3-diverse) and table 5 (0.167-close in salary).
LI_4 = table([("476**", "2*", pay) for pay in (3, 4, 5)] + [("4790*", ">=40", pay) for pay in (6, 11, 8)] + [("476**", "3*", pay) for pay in (7, 9, 10)],
             "zip", "age", "salary")  # fmt: skip
LI_5 = table([("4767*", "<=40", pay) for pay in (3, 5, 9)] + [("4790*", ">=40", pay) for pay in (6, 11, 8)] + [("4760*", "<=40", pay) for pay in (4, 7, 10)],
             "zip", "age", "salary")  # fmt: skip


def test_sweeneys_table_is_2_anonymous():
    found = risk(SWEENEY, ["race", "birth", "gender", "zip"], ["problem"])
    assert (found.k, found.classes, found.sizes) == (2, 5, {2: 4, 3: 1})
    assert found.least_diversity == 1
    assert found.prosecutor.maximum == 0.5
    assert found.prosecutor.average == pytest.approx(5 / 11)
    assert found.marketer == pytest.approx(5 / 11)


def test_the_quick_figures_are_those_of_the_whole():
    for frame, secret in ((SWEENEY, "problem"), (LI_4, "salary")):
        found = risk(frame, [name for name in frame.columns if name != secret], [secret])
        told = quick(frame, found.quasi, secret)
        assert told == (found.k, found.least_diversity, found.prosecutor.maximum, found.prosecutor.average)


def test_the_4_anonymous_table_tells_everything_of_one_class_and_the_other_is_3_diverse():
    assert risk(FOUR_ANONYMOUS, ["zip", "age"], ["condition"]).diversity["condition"].distinct == 1
    found = risk(THREE_DIVERSE, ["zip", "age"], ["condition"])
    one = found.diversity["condition"]
    assert (found.k, one.distinct) == (4, 3)
    assert one.entropy == pytest.approx(2 * 2**0.5)  # exp of 1.0397: shares of a half and two quarters
    assert one.recursive == {"2": 1.0, "3": 2.0}


def test_the_salaries_of_li_are_as_close_as_printed():
    far, near = risk(LI_4, ["zip", "age"], ["salary"]), risk(LI_5, ["zip", "age"], ["salary"])
    assert far.diversity["salary"].t_ordered == pytest.approx(0.375)
    assert near.diversity["salary"].t_ordered == pytest.approx(0.1667, abs=5e-5)
    assert far.diversity["salary"].t_equal == pytest.approx(2 / 3)  # three of nine values, equally far apart


def test_thresholds_count_records_and_not_classes():
    frame = table([("a",)] * 4 + [("b",)] * 6 + [("c",)] * 30, "q")
    found = risk(frame, ["q"]).prosecutor
    assert found.over == {"0.05": 10 / 40, "0.09": 10 / 40, "0.2": 4 / 40}
    assert found.average == 3 / 40


def test_a_population_table_makes_the_journalist_and_lets_missing_values_be_values():
    frame, everybody = table([("a",), ("a",), (None,)], "q"), table([("a",)] * 20 + [(None,)] * 4 + [("b",)], "q")
    found = risk(frame, ["q"], population=everybody)
    assert found.journalist.maximum == 0.25
    assert found.journalist.average == pytest.approx((2 / 20 + 1 / 4) / 3)


def test_the_expected_risk_has_the_closed_forms_of_benedetti_and_franconi():
    for p in (0.01, 0.1, 0.5, 0.9):
        assert expected_risk(1, p) == pytest.approx(-p * log(p) / (1 - p), rel=1e-9)
        assert expected_risk(2, p) == pytest.approx(p / (1 - p) ** 2 * (p * log(p) + 1 - p), rel=1e-8)
    assert expected_risk(40, 0.1) == pytest.approx(1 / 400, rel=0.05)


def _drawn(theta, alpha, people, rng):
    """Classes of a population by the Pitman-Yor process: each person founds a class or joins one."""
    sizes = np.zeros(people)
    of = np.zeros(people, int)
    classes = 0
    for n in range(people):
        weights = np.append(sizes[:classes] - alpha, theta + alpha * classes)
        of[n] = rng.choice(classes + 1, p=weights / weights.sum())
        classes += of[n] == classes
        sizes[of[n]] += 1
    return of


def test_population_uniques_are_near_the_truth_of_a_made_population():
    rng = np.random.default_rng(7)
    of = _drawn(30.0, 0.5, 3000, rng)
    truth = (np.bincount(of) == 1).sum() / 3000
    sample = np.bincount(of[rng.permutation(3000)[:300]])
    sizes = {int(k): int(c) for k, c in zip(*np.unique(sample[sample > 0], return_counts=True), strict=True)}
    found = uniques(sizes, 0.1)
    assert found.chosen == "pitman"
    assert found.pitman.share == pytest.approx(truth, rel=0.35)
    assert found.pitman.low < found.pitman.share < found.pitman.high
    assert 0 < found.zayatz.share < 1
    assert uniques(sizes, 0.1) == found


def test_a_whole_population_has_as_many_uniques_as_it_has():
    assert zayatz({1: 10, 2: 5}, 1.0) == 0.5
    assert pitman({1: 10}, 0.1) is None
    assert pitman({3: 10}, 0.1) is None
    best = max(
        pitman_likelihood({1: 20, 2: 5, 3: 2}, 36, a, t) for a in np.linspace(0.05, 0.95, 19) for t in np.geomspace(0.1, 1000, 30)
    )
    assert np.isfinite(best)


AGES = pl.Series("age", ["3", "17", "19", "42", "88", "91", "105", ""])


def test_ages_dates_and_zip_codes_are_told_in_the_usual_steps():
    ages = hierarchy(AGES)
    assert ages.labels[1][ages.labels[0].index("17")] == "15-19"
    assert ages.labels[2][ages.labels[0].index("88")] == "80-89"
    assert ages.labels[1][ages.labels[0].index("91")] == ages.labels[1][ages.labels[0].index("105")] == "90+"
    days = hierarchy(pl.Series("seen", ["2021-02-03", "2021-02-09", "2021-03-01", "2021-05-01", "2024-01-01"]))
    assert [level[0] for level in days.labels] == ["2021-02-03", "2021-02", "2021-Q1", "2021", "2020s"]
    zips = hierarchy(pl.Series("zip", ["10301", "10302", "10400", "20000"]))
    assert [level[0] for level in zips.labels] == ["10301", "1030*", "10***", "*"] or zips.labels[1][0] == "1030*"


@given(
    st.lists(st.one_of(st.integers(-50, 200).map(str), st.sampled_from(["", "x", "y", "z"])), min_size=1, max_size=40),
    st.sampled_from(["age", "zip", "other"]),
)
def test_every_level_only_merges_groups_of_the_one_before(values, name):
    made = hierarchy(pl.Series(name, values))
    for fine, coarse in zip(made.labels, made.labels[1:], strict=False):
        assert len(set(zip(fine, coarse, strict=True))) == len(set(fine)) > len(set(coarse))
    assert len(set(made.labels[-1])) == 1
    assert (made.loss >= 0).all()
    assert (made.loss <= 1).all()


def test_a_hierarchy_of_the_users_is_taken_and_one_that_does_not_fit_is_refused_without_its_values(tmp_path):
    file = tmp_path / "h.csv"
    file.write_text("flu;lung;*\nasthma;lung;*\nulcer;gut;*\n")
    column = pl.Series("dx", ["flu", "ulcer", "asthma"])
    assert [sorted(set(level)) for level in hierarchy(column, file).labels[1:]] == [["gut", "lung"], ["*"]]
    file.write_text("flu;lung;a\nasthma;lung;b\nulcer;gut;b\n")
    with pytest.raises(Malformed, match="does not nest"):
        hierarchy(column, file)
    file.write_text("flu;lung\n")
    with pytest.raises(Malformed, match="2 of 3 values") as caught:
        hierarchy(column, file)
    assert "ulcer" not in str(caught.value)


_ROWS = st.lists(
    st.tuples(
        st.integers(20, 40), st.sampled_from(["10301", "10302", "10444", "20001"]), st.sampled_from("mf"), st.sampled_from("abc")
    ),
    min_size=8,
    max_size=40,
)


@settings(max_examples=40, deadline=None)
@given(_ROWS, st.integers(2, 5), st.sampled_from([0.0, 0.1, 0.3]), st.sampled_from([1, 2]))
def test_what_is_found_is_the_best_of_all_levels_and_holds_what_was_asked(rows, k, suppress, diversity):
    frame = table([(str(age), zip_code, sex, dx) for age, zip_code, sex, dx in rows], "age", "zip", "sex", "dx")
    made = [hierarchy(frame[name]) for name in ("age", "zip", "sex")]
    asked = Asked(k=k, suppress=suppress, diversity=diversity)
    found = search(made, asked, [frame["dx"]])
    losses = [
        loss
        for node in product(*(range(one.levels) for one in made))
        if (loss := _loss(made, node, frame["dx"].to_list(), asked)) is not None
    ]
    assert (found is None) == (not losses)
    if found is not None:
        chosen, kept = found
        assert chosen.loss == pytest.approx(min(losses), abs=1e-6)
        told = generalised(frame, made, chosen, kept)
        assert told.height == frame.height - chosen.suppressed >= (1 - suppress) * frame.height - 1e-9
        if told.height:
            after = risk(told, ["age", "zip", "sex"], ["dx"])
            assert after.k >= k
            assert after.least_diversity >= diversity
        assert told["dx"].to_list() == frame["dx"].filter(pl.Series(kept)).to_list()


def _loss(made, node, secret, asked):
    """The loss of a node by counting in plain Python; None when it leaves out too many."""
    keys = list(zip(*(one.codes[level].tolist() for one, level in zip(made, node, strict=True)), strict=True))
    classes: dict[tuple[int, ...], list[str]] = {}
    for key, value in zip(keys, secret, strict=True):
        classes.setdefault(key, []).append(value)
    bad = [key for key in keys if len(classes[key]) < asked.k or len(set(classes[key])) < asked.diversity]
    if len(bad) > asked.suppress * len(keys) + 1e-9:
        return None
    out = set(bad)
    each = [
        sum(float(one.loss[level][at]) for one, level in zip(made, node, strict=True)) / len(made) if key not in out else 1.0
        for at, key in enumerate(keys)
    ]
    return sum(each) / len(each)


def test_distance_and_entropy_can_be_asked_too():
    frame = LI_4.with_columns(pl.col("salary").cast(pl.String))
    made = [hierarchy(frame["zip"]), hierarchy(frame["age"])]
    assert search(made, Asked(k=3, suppress=0.0), [frame["salary"]])[0].loss == 0.0
    close = search(made, Asked(k=3, suppress=0.0, distance=0.5), [frame["salary"]])
    told = generalised(frame, made, *close)
    assert risk(told, ["zip", "age"], ["salary"]).diversity["salary"].t_equal <= 0.5
    spread = search(made, Asked(k=3, suppress=0.0, entropy=4.0), [frame["salary"]])
    assert risk(generalised(frame, made, *spread), ["zip", "age"], ["salary"]).diversity["salary"].entropy >= 4.0


@pytest.fixture
def people(tmp_path: Path) -> Path:
    rows = [
        "age,zip,sex,disease",
        *(f"{20 + at % 30},{10000 + at % 7},{'mf'[at % 2]},d{at % 5}" for at in range(400)),
        "97,99999,Canaryvalue,d1",
    ]
    path = tmp_path / "people.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def asked(*args):
    return CliRunner().invoke(bedside, ["risk", *map(str, args)])


def told(*args):
    done = asked(*args)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_the_verb_tells_measures_as_json_and_never_a_value(people):
    found = json.loads(told(people, "--quasi", "age,zip,sex", "--sensitive", "disease", "--sampling-fraction", "0.05", "--json"))
    assert (found["schema"], found["k"], found["l"]) == ("bedside.risk/1", 1, 1)
    assert found["before"]["prosecutor"]["maximum"] == 1.0
    assert 0 < found["before"]["journalist"]["maximum"] < 1
    assert found["uniques"]["chosen"] == "pitman" or found["uniques"]["pitman"]["share"] is None
    assert "Canaryvalue" not in json.dumps(found)


def test_the_verb_writes_a_table_that_is_as_anonymous_as_asked_and_the_same_each_time(people, tmp_path):
    for name in ("one.csv", "two.csv"):
        told(people, "--quasi", "age,zip,sex", "--sensitive", "disease", "--k", 11, "--suppress", ".05", "--out", tmp_path / name)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    after = json.loads(told(tmp_path / "one.csv", "--quasi", "age,zip,sex", "--sensitive", "disease", "--json"))
    assert after["k"] >= 11
    assert "Canaryvalue" not in (tmp_path / "one.csv").read_text()


def test_parquet_and_tsv_are_tables_too(people, tmp_path):
    frame = pl.read_csv(people)
    frame.write_parquet(tmp_path / "p.parquet")
    frame.write_csv(tmp_path / "p.tsv", separator="\t")
    told_of = [
        json.loads(told(path, "--quasi", "age,zip,sex", "--json"))["before"]
        for path in (people, tmp_path / "p.parquet", tmp_path / "p.tsv")
    ]
    assert told_of[0] == told_of[1] == told_of[2]


def test_the_expert_report_has_its_pictures_its_blanks_and_no_value(people, tmp_path):
    page = tmp_path / "r.html"
    told(people, "--quasi", "age,zip,sex", "--sensitive", "disease", "--sampling-fraction", ".05", "--k", 5, "--report", page)
    text = page.read_text("utf-8")
    for said in (
        "Draft for a person",
        "164.514(b)(1)",
        "Signature",
        "Qualification",
        "Prosecutor",
        "Journalist",
        "Marketer",
        "Pitman",
        "<svg",
        "Methods",
    ):
        assert said in text
    assert "Canaryvalue" not in text
    assert "99999" not in text
    assert "<script" not in text


def test_a_column_that_is_not_there_and_an_empty_table_are_told(people, tmp_path):
    with pytest.raises(Unusable, match="no such column: 'zup'"):
        told(people, "--quasi", "age,zup")
    (tmp_path / "e.csv").write_text("a,b\n")
    with pytest.raises(Unusable, match="holds no record"):
        told(tmp_path / "e.csv", "--quasi", "a")
    with pytest.raises(Unusable, match="no generalisation"):
        told(people, "--quasi", "age", "--k", 1000)


@pytest.mark.parametrize(("quasi", "sensitive"), [("zip,zip", ""), ("zip,sex", "sex")])
def test_a_column_that_is_named_twice_is_told(people, quasi, sensitive):
    assert "named twice" in str(asked(people, "--quasi", quasi, "--sensitive", sensitive).exception)


def test_two_columns_of_one_name_are_no_table(tmp_path):
    (tmp_path / "t.csv").write_text("zip,zip\n1,2\n1,3\n")
    assert "called alike" in str(asked(tmp_path / "t.csv", "--quasi", "zip").exception)


@pytest.mark.parametrize("option", [("--t", "0.1"), ("--l", "2"), ("--out", "made.csv"), ("--hierarchy", "zip=levels.csv")])
def test_what_is_asked_of_a_generalisation_is_not_silently_left_undone(people, option):
    assert asked(people, "--quasi", "zip", *option).exit_code == 2


def test_the_table_itself_is_never_written_over(people):
    before = people.read_bytes()
    assert isinstance(asked(people, "--quasi", "zip", "--k", 2, "--out", people).exception, Refused)
    assert isinstance(asked(people, "--quasi", "zip", "--k", 2, "--out", people.parent / "nowhere" / "made.csv").exception, Refused)
    assert people.read_bytes() == before
