"""Trials and targets: what was known then decides, what is known since is refused or withheld."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from tests.pillars.molecules import frozen_studies as made

from bedside import Study
from bedside.bundle.runners.linear_text import Linear, Term, terms
from bedside.core.errors import Misconfigured, Refused, Unusable
from bedside.pillars.molecules.frozen.fit import _vocabulary, fit, out_of_fold
from bedside.pillars.molecules.targets.pillar import harmonic

pytest.importorskip("sklearn")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = Study(made.trials(tmp_path_factory.mktemp("trials") / "study"))
    study.run(quiet=True)
    return study


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = Study(made.evidence(tmp_path_factory.mktemp("pairs") / "study"))
    study.run(quiet=True)
    return study


def counts(study: Study, step: str) -> dict:
    return next(entry.receipt.counts for entry in reversed(study.ledger()) if entry.receipt.step == step)


def ranking(study: Study) -> dict[str, float]:
    from sklearn.metrics import roc_auc_score

    rows = study.predictions()
    return {output: roc_auc_score(part["label"], part["value"]) for (output,), part in rows.partition_by("output", as_dict=True).items()}


def test_a_trial_is_judged_by_what_its_registration_said(trials):
    told = ranking(trials)
    assert set(told) == {"model", "fields", "text", "base rate"}
    assert told["model"] > 0.65
    assert told["base rate"] == 0.5
    assert trials.verify().findings == []


def test_a_field_as_it_stands_today_is_withheld_and_counted(trials):
    # The number of sites was written over when the trial ended; a model that saw it would be perfect.
    later = (trials.events().filter(pl.col("code") == "TRIAL//sites", pl.col("time") != pl.col("time").min().over("subject_id"))).height
    leakage = (trials.root / "cohort" / "leakage.json").read_text()
    assert later > 300
    assert f'"facts known only after the registration, withheld":{later}' in leakage
    assert trials.features()["n:sites"].max() <= 40


def test_trials_that_were_not_watched_for_as_long_are_left_out_and_counted_however_they_ended(trials):
    flow = counts(trials, "cohort")["flow"]
    late = trials.events().filter(pl.col("code") == "TRIAL//registered", pl.col("time") > pl.datetime(2017, 1, 1)).height
    assert flow["not watched for as long, left out"] == pytest.approx(late, abs=1)
    assert late > 20
    assert sum(flow[name] for name in ("not watched for as long, left out", "answer not known when the test begins, left out", "decisions")) == 400


def test_nobody_learns_from_an_answer_that_was_not_known_when_the_test_begins(trials):
    rows = pl.read_parquet(trials.root / "cohort" / "decisions.parquet")
    begins = rows.filter(split="test")["prediction_time"].min()
    learned = rows.filter(pl.col("split") == "train", pl.col("label"))
    assert learned["event_time"].max() < begins
    assert counts(trials, "cohort")["flow"]["answer not known when the test begins, left out"] > 10


def test_a_trial_and_a_pair_are_no_patients(trials, pairs):
    for study in (trials, pairs):
        assert study.predictions()["subject_id"].null_count() == study.predictions().height


def test_the_test_trials_are_the_latest(trials):
    rows = pl.read_parquet(trials.root / "cohort" / "decisions.parquet")
    first = dict(rows.group_by("split").agg(pl.col("prediction_time").min()).iter_rows())
    last = dict(rows.group_by("split").agg(pl.col("prediction_time").max()).iter_rows())
    assert last["train"] < first["test"]


@pytest.mark.parametrize("field", ["why_stopped", "OverallStatus", "actual_enrollment", "completion-date", "results_first_posted", "outcome"])
def test_a_field_that_only_time_tells_is_refused(tmp_path, field):
    root = made.trials(tmp_path / "study", n=20)
    text = (root / "study.toml").read_text().replace("fields = { sites", f'fields = {{ "{field}" = "TRIAL//x", sites')
    (root / "study.toml").write_text(text)
    with pytest.raises(Refused, match="known only after the fact"):
        Study(root).run(quiet=True)


def test_a_trial_task_must_say_who_froze_the_fields(tmp_path):
    root = made.trials(tmp_path / "study", n=20)
    (root / "study.toml").write_text((root / "study.toml").read_text().replace('"made: every field carries the day of registration"', '" "'))
    with pytest.raises(Misconfigured, match="frozen_by is empty"):
        Study(root).run(quiet=True)


def test_a_registry_that_was_watched_for_too_short_a_time_says_so(tmp_path):
    root = made.trials(tmp_path / "study", n=20)
    (root / "study.toml").write_text((root / "study.toml").read_text().replace('until = "2021-01-01"', 'until = "2006-01-01"'))
    with pytest.raises(Unusable, match="no trial was watched for 4 years before 2006-01-01"):
        Study(root).run(quiet=True)


@pytest.mark.parametrize(("change", "said"), [
    (('until = "2021-01-01"', 'until = "2019-06-01"'), "not watched for 5 years"), (('as_of = "2015-01-01"', 'as_of = "soon"'), "as_of is not a day"),
    (('until = "2021-01-01"', 'until = "2021-01-01"\nyears = 1e9'), "years must lie"),
])  # fmt: skip
def test_a_horizon_that_the_data_do_not_cover_is_told(tmp_path, change, said):
    root = made.evidence(tmp_path / "study", genes=10)
    (root / "study.toml").write_text((root / "study.toml").read_text().replace(*change))
    with pytest.raises(Misconfigured, match=said):
        Study(root).run(quiet=True)


def test_a_score_that_is_no_share_is_no_evidence_and_counted(tmp_path):
    root = made.evidence(tmp_path / "study", genes=40)
    with (root / "raw" / "evidence.csv").open("a") as stream:
        stream.write("G900-D0,genetic_association,1e30,2011-03-01\nG901-D0,genetic_association,-5,2011-03-01\nG902-D0,genetic_association,nan,2011-03-01\n")
    study = Study(root)
    study.run(quiet=True)
    assert study.features().select(pl.col("^n:.*$")).max().transpose().to_series().max() < 5
    told = (study.root / "cohort" / "leakage.json").read_text()
    assert '"pieces whose score is not from 0 to 1, not used":3' in told


def test_evidence_of_later_years_is_withheld_and_pairs_that_had_succeeded_are_left_out(pairs):
    late = pairs.events().filter(pl.col("code") == "EVIDENCE//literature", pl.col("time").dt.year() == 2018).height
    assert f'withheld":{late}' in (pairs.root / "cohort" / "leakage.json").read_text()
    assert counts(pairs, "cohort")["flow"]["succeeded before, left out"] > 0
    assert pairs.predictions()["event_time"].dt.year().drop_nulls().min() >= 2015


def test_all_pairs_of_a_target_stay_in_one_split(pairs):
    rows = pl.read_parquet(pairs.root / "cohort" / "decisions.parquet")
    assert rows.group_by("group_id").agg(pl.col("split").n_unique())["split"].max() == 1
    assert rows["group_id"].n_unique() < rows.height


def test_the_literature_stands_beside_the_model_and_never_in_it(pairs):
    from bedside.bundle.sealed import Sealed

    card = Sealed.open(pairs.root / "bundles" / "model").card
    assert not any("literature" in column for column in card["outputs"]["model"])
    assert any("literature" in column for column in card["outputs"]["with literature"])
    assert set(ranking(pairs)) == {"model", "genetic", "composite", "with literature", "base rate"}


@pytest.mark.parametrize("kind", ["known_drug", "clinical_precedence", "chembl"])
def test_evidence_that_is_the_outcome_under_another_name_is_refused(tmp_path, kind):
    root = made.evidence(tmp_path / "study", genes=10)
    (root / "study.toml").write_text((root / "study.toml").read_text().replace("evidence = { genetic", f'evidence = {{ {kind} = "EVIDENCE//x", genetic'))
    with pytest.raises(Refused, match="known only after the fact"):
        Study(root).run(quiet=True)


def test_the_harmonic_sum_of_three_scores_is_that_of_the_paper():
    # Koscielny et al., Nucleic Acids Res 2017;45:D985: score_i / i^2 over falling scores; here over its limit.
    assert harmonic([0.2, 0.9, 0.5]) == pytest.approx((0.9 + 0.5 / 4 + 0.2 / 9) / (np.pi**2 / 6))


def test_term_weights_are_those_of_scikit_learn():
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = ["stage ii breast-cancer, stage iii", "renal function stage ii", "renal function and breast-cancer"]
    theirs = TfidfVectorizer(analyzer=terms)
    matrix = theirs.fit_transform(texts).toarray()
    idf = _vocabulary(texts, 1)
    assert idf == pytest.approx(dict(zip(theirs.get_feature_names_out(), theirs.idf_, strict=True)))
    ours = Linear(0.0, {}, {}, {"x": {term: Term(weight, float(place)) for place, (term, weight) in enumerate(idf.items())}})
    odds = matrix @ np.arange(len(idf))
    assert ours.probabilities(pl.DataFrame({"t:x": texts})) == pytest.approx(1 / (1 + np.exp(-odds)))


def test_a_sealed_model_says_what_the_fitted_one_said():
    import msgspec

    random = np.random.default_rng(2)
    rows = pl.DataFrame({"n:a": random.normal(size=80), "c:b": random.choice(["x", "y", None], 80).tolist(), "t:c": random.choice(["one two", "two three", ""], 80).tolist()})
    label = (rows["n:a"].to_numpy() + random.normal(size=80)) > 0
    model = fit(rows, label)
    again = msgspec.json.decode(msgspec.json.encode(model), type=Linear)
    assert (model.probabilities(rows) == again.probabilities(rows)).all()
    said = out_of_fold(rows, label, [str(row // 2) for row in range(80)])
    assert not np.isnan(said).any()
    assert abs(said - model.probabilities(rows)).max() > 0


def registry_row(number: int, status: str, later: int | None) -> str:
    ended = f"{2010 + number % 9 + later}-05-30" if later else ""
    return (f'NCT{number:08},"Made trial {number}",url,,{status},summary,NO,Asthma|COPD,DRUG: Salbutamol,"FEV1, 12 weeks",,,Made Sponsor,,ALL,ADULT,PHASE2,{100 + number},INDUSTRY,'
            f"INTERVENTIONAL,design,,{2010 + number % 9}-03,,{ended},{2010 + number % 9}-02-01,,2024-01-01,,")  # fmt: skip


def test_the_registry_s_own_download_becomes_events_and_what_it_shows_of_the_end_is_dated_by_the_end(tmp_path):
    from bedside.study.new import new

    head = ("NCT Number,Study Title,Study URL,Acronym,Study Status,Brief Summary,Study Results,Conditions,Interventions,Primary Outcome Measures,Secondary Outcome Measures,"
            "Other Outcome Measures,Sponsor,Collaborators,Sex,Age,Phases,Enrollment,Funder Type,Study Type,Study Design,Other IDs,Start Date,Primary Completion Date,Completion Date,"
            "First Posted,Results First Posted,Last Update Posted,Locations,Study Documents")  # fmt: skip
    root = new(tmp_path / "study", task="trial-outcome").root
    rows = [registry_row(n, ["COMPLETED", "TERMINATED", "RECRUITING"][n // 9 % 3], [1, 2, None][n // 9 % 3]) for n in range(90)]
    (root / "raw").mkdir()
    (root / "raw" / "ctg-studies.csv").write_text("\n".join([head, *rows]) + "\n")
    study = Study(root)
    study.run(quiet=True)
    events = study.events()
    assert events.filter(pl.col("code") == "TRIAL//stopped-early").height == 27
    assert events.filter(pl.col("code") == "TRIAL//ended")["time"].dt.year().min() == 2011
    flow = counts(study, "cohort")["flow"]
    assert (flow["trials registered"], flow["not watched for as long, left out"]) == (90, 0)
    assert 10 < flow["yes"] <= 27
    assert not any("Enrollment" in code for code in events["code"].unique())


def test_evidence_in_the_shape_of_open_targets_becomes_a_study(tmp_path):
    from bedside.study.new import new

    root = new(tmp_path / "study", task="target-success").root
    made.evidence(tmp_path / "other", genes=60)
    pieces = pl.read_csv(tmp_path / "other" / "raw" / "evidence.csv").with_columns(pl.col("pair").str.split("-").alias("both"))
    named = pieces.select(targetId=pl.col("both").list.get(0), diseaseId=pl.col("both").list.get(1), datatypeId="type", score="score", date=pl.col("day").str.slice(0, 4))
    won = pl.read_csv(tmp_path / "other" / "raw" / "pairs.csv").select(targetId="target", diseaseId=pl.col("pair").str.split("-").list.get(1), passed="passed")
    (root / "raw").mkdir()
    named.write_csv(root / "raw" / "evidence.csv")
    won.write_csv(root / "raw" / "pairs.csv")
    study = Study(root)
    study.run(quiet=True)
    assert study.events()["subject_id"].n_unique() == 180
    assert ranking(study)["model"] > 0.5
