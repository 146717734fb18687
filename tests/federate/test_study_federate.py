"""`bedside federate` over study folders: what it writes, what each site keeps, and what it refuses."""

from __future__ import annotations

import json
import shutil

import msgspec
import pytest
from click.testing import CliRunner
from tests.federate.conftest import copied, named

from bedside.bundle.store import Bundle
from bedside.cli.group import bedside
from bedside.core.errors import BedsideError, Misconfigured, Refused
from bedside.federate.receipt import genuine
from bedside.ledger.log import Ledger
from bedside.study.federate import federate
from bedside.study.study import Study
from bedside.study.verify import verify

pytestmark = pytest.mark.xdist_group("federated")


def test_the_bundle_is_one_that_serves(ran):
    bundle = Bundle.open(ran.done.out / "bundles/model")
    row = [float("nan")] * len(bundle.names)
    assert 0 < bundle.predict_one(row) < 1
    assert set(bundle.beside) == {"physiology"}
    assert bundle.manifest.made


def test_the_folder_and_each_site_are_what_their_ledgers_say(ran):
    assert verify(ran.done.out).findings == []
    assert [verify(site).findings for site in ran.sites] == [[], [], []]


def test_each_sites_receipt_is_signed_by_the_key_of_its_own_ledger(ran):
    for entry in Ledger(ran.done.out / "ledger").entries():
        if entry.receipt.step.startswith("federate-site:"):
            site = ran.root / "sites" / entry.receipt.parameters["site"]
            signed = msgspec.convert(entry.receipt.parameters["signed"], type(ran.done.run.sites[0].signed))
            assert genuine(signed, (site / "ledger/key.pub").read_text().strip())
            head = Ledger(site / "ledger").head()
            assert (signed.told.ledger_size, signed.told.ledger_root) == (head.size, head.root)


def test_the_sites_own_ledger_holds_the_opening_of_its_labels_before_the_test(ran):
    steps = [entry.receipt.step for entry in Ledger(ran.sites[0] / "ledger").entries()]
    assert steps[-3:] == ["open-test-labels", "federate-test", "federate"]


def test_a_receipt_that_was_altered_is_found(ran, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(ran.done.out, out)
    lines = (out / "ledger/entries.jsonl").read_text().splitlines(keepends=True)
    told = json.loads(lines[1])
    told["receipt"]["parameters"]["signed"]["receipt"] = told["receipt"]["parameters"]["signed"]["receipt"].replace('"rounds":12', '"rounds":11')
    lines[1] = json.dumps(told) + "\n"
    (out / "ledger/entries.jsonl").write_text("".join(lines))
    assert "its receipt is not signed by its key" in {finding.detail for finding in verify(out).findings}


def test_cards_and_reports_name_sites_and_no_patient(ran):
    pages = [path.read_text() for path in ran.done.out.rglob("*.html")]
    raw = "\n".join((site / "raw/stays.csv").read_text() for site in ran.sites).splitlines()
    people = {cell for line in raw if line and not line.startswith("mrn") for cell in line.split(",")[:3]}
    everything = "\n".join(path.read_text(errors="replace") for path in ran.done.out.rglob("*") if path.is_file())
    assert len(pages) == 4
    assert not [one for one in people if one in everything]


def test_nothing_that_left_a_site_names_a_patient_a_pseudonym_or_an_encounter(ran, tmp_path):
    """The real sites again, with somebody listening at the door."""
    import polars as pl

    from bedside.federate.coordinator import Coordinator
    from bedside.federate.transport import InProcess
    from bedside.study.federate import columns_of
    from bedside.study.federate_site import open_site, plan_of

    sites, heard = copied(ran, tmp_path / "again"), []
    opened = [open_site(site) for site in sites]
    for one in opened:
        one.channel._tap = lambda direction, data: heard.append(data) if direction == "from" else None
    agreed = plan_of(Study(sites[0]).file)
    Coordinator(agreed, InProcess(opened)).federate(columns_of(agreed), tmp_path / "model")
    heard_all = b"\n".join(heard)
    assert not [word for word in named(sites) if word.encode() in heard_all]
    for site in sites:
        rows = pl.read_parquet(site / "cohort/decisions.parquet")
        numbers = [int(one) for one in rows["subject_id"].unique()]
        assert not [one for one in numbers if str(one).encode() in heard_all or one.to_bytes(8, "little") in heard_all or one.to_bytes(8, "big") in heard_all]


def test_the_same_sites_give_the_same_bundle(ran, tmp_path):
    sites = copied(ran, tmp_path / "again")
    again = federate(tmp_path / "again/study.toml", sites, out=tmp_path / "out", quiet=True)
    assert again.run.bundle == ran.done.run.bundle
    assert again.run.state == ran.done.run.state


def test_figures_of_sites_cross_and_curves_do_not(ran):
    told = json.loads((ran.done.out / "reports/federation.json").read_bytes())
    assert {name for one in told["sites"] for name in one["figures"]} >= {"test/risk/auroc", "test/risk/at/alert/sensitivity", "test/physiology/auroc"}
    assert not any("roc_curve" in name or "histogram" in name for one in told["sites"] for name in one["figures"])


def test_summed_counts_give_what_the_pooled_test_gives(ran):
    """Sensitivity from four counts a site equals that of all rows together, which only made data allow to check."""
    entry = Ledger(ran.done.out / "ledger").latest("federate")
    figures = {figure.name: figure.value for figure in entry.receipt.figures}
    for share in ("sensitivity", "specificity", "ppv", "npv"):
        assert figures[f"all-sites/risk/at/alert/{share}"] == pytest.approx(figures[f"pooled/risk/at/alert/{share}"])


def test_pooled_rows_are_marked_as_such(ran):
    assert "could not be had at real sites" in (ran.done.out / "reports/federated.html").read_text()


def test_test_rows_of_private_sites_are_not_pooled(ran, tmp_path):
    sites = copied(ran, tmp_path / "again")
    path = sites[0] / "study.toml"
    path.write_text(path.read_text().replace("made = true", "made = false"))
    with pytest.raises(Refused, match="may not be put together"):
        federate(tmp_path / "again/study.toml", sites, out=tmp_path / "out", pool_test=True, quiet=True)


@pytest.mark.parametrize(("old", "new", "part"), [
    ('unit = "mmol/L"', 'unit = "mg/dL"', "task.features.signals[3].unit"), ("first_hours = 4", "first_hours = 5", "task.prediction.first_hours"),
    ("penalty = 10.0", "penalty = 9.0", "model.penalty"), ("local_steps = 2", "local_steps = 3", "model.federated.local_steps"),
])  # fmt: skip
def test_a_site_that_asks_otherwise_is_refused_and_told_where(ran, tmp_path, old, new, part):
    sites = copied(ran, tmp_path / "again")
    path = sites[1] / "study.toml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(Refused, match="sites do not ask the same") as told:
        federate(tmp_path / "again/study.toml", sites, out=tmp_path / "out", quiet=True)
    assert f"harbour: {part}" in told.value.what


def test_two_sites_of_one_name_and_a_single_site_are_no_federation(ran, tmp_path):
    shared = ran.root / "study.toml"
    with pytest.raises(Misconfigured, match="two sites are called"):
        federate(shared, [ran.sites[0], ran.sites[0]], out=tmp_path / "out")
    with pytest.raises(Misconfigured, match="at least two sites"):
        federate(shared, ran.sites[:1], out=tmp_path / "out")


def test_a_fault_of_the_shared_file_is_told_alone(ran, tmp_path):
    copied(ran, tmp_path / "again")
    shared = tmp_path / "again/study.toml"
    shared.write_text(shared.read_text().replace("seed = ", "sead = ", 1))
    with pytest.raises(Misconfigured, match="sead: no such key") as told:
        federate(shared, [tmp_path / "again/sites" / name for name in ("north", "valley")], out=tmp_path / "out", quiet=True)
    assert "has 1 problem" in told.value.what
    assert "no source is declared" not in str(told.value)


@pytest.mark.parametrize("content", [b"\x00\xff\xfegarbage\n" * 50, b"", b"a,b\n1,2\n", b"mrn\n\"never closed"])
def test_raw_tables_that_are_garbage_are_told_with_the_name_of_their_site(ran, tmp_path, content):
    sites = copied(ran, tmp_path / "again")
    (sites[1] / "raw/stays.csv").write_bytes(content)
    with pytest.raises(BedsideError) as told:
        federate(tmp_path / "again/study.toml", sites, out=tmp_path / "out", quiet=True)
    assert told.value.where.startswith("site harbour, ")


def test_a_fault_in_the_study_file_of_a_site_is_told_with_the_name_of_its_folder(ran, tmp_path):
    sites = copied(ran, tmp_path / "again")
    (sites[2] / "study.toml").write_text("schema = 1")
    with pytest.raises(Misconfigured) as told:
        federate(tmp_path / "again/study.toml", sites, out=tmp_path / "out", quiet=True)
    assert told.value.where.startswith("site valley, study.toml")


def test_a_run_that_is_refused_leaves_no_result(ran, tmp_path):
    sites = copied(ran, tmp_path / "again")
    for path in [tmp_path / "again/study.toml", *(site / "study.toml" for site in sites)]:
        path.write_text(path.read_text() + "least_subjects = 90\n")
    with pytest.raises(Refused, match="valley: it has fewer development subjects than least_subjects"):
        federate(tmp_path / "again/study.toml", sites, out=tmp_path / "out", quiet=True)
    assert [path.name for path in tmp_path.iterdir()] == ["again"]


def test_a_result_is_not_written_over(ran):
    with pytest.raises(Refused, match="holds something else"):
        federate(ran.root / "study.toml", ran.sites, out=ran.done.out, quiet=True)


def test_on_the_command_line_a_machine_gets_one_object(ran, tmp_path):
    copied(ran, tmp_path / "again")
    told = CliRunner().invoke(bedside, ["federate", str(tmp_path / "again/study.toml"), "--sites", "north,harbour,valley", "--rounds", "2", "--json"])
    record = json.loads(told.stdout)
    assert told.exit_code == 0
    assert record["rounds"] == 2
    assert [one["site"] for one in record["sites"]] == ["harbour", "north", "valley"]
    assert (tmp_path / "again/federated/bundles/model/manifest.json").is_file()


def test_a_job_for_real_sites_names_no_path_of_this_machine(ran, tmp_path):
    told = CliRunner().invoke(bedside, ["federate", str(ran.root / "study.toml"), "--sites", "st-anna,harbour", "--job", str(tmp_path / "job")])
    assert told.exit_code == 0
    text = "\n".join(path.read_text() for path in (tmp_path / "job").rglob("*.json"))
    assert json.loads((tmp_path / "job/meta.json").read_text())["deploy_map"] == {"app_server": ["server"], "app_st-anna": ["st-anna"], "app_harbour": ["harbour"]}
    assert str(ran.root) not in text
