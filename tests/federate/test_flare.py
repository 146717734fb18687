"""The same run over real processes of NVIDIA FLARE: the same weights, and nothing more crosses."""

from __future__ import annotations

import json
import os
import sys

import msgspec
import numpy as np
import pytest
from tests.federate.conftest import copied, named

from bedside.core.errors import Refused
from bedside.federate.channel import Message
from bedside.federate.flare import collect, job, simulate
from bedside.study.federate import columns_of, federate
from bedside.study.federate_site import plan_of
from bedside.study.study import Study

pytest.importorskip("nvflare")
pytestmark = pytest.mark.xdist_group("federated")

LISTENER = '''
import json, pathlib
from nvflare.apis.fl_constant import ReservedKey
from bedside.study.flare_site import BedsideExecutor

class Listening(BedsideExecutor):
    """Writes down all that FLARE is given to carry away from a site."""

    def execute(self, task_name, shareable, fl_ctx, abort_signal):
        reply = super().execute(task_name, shareable, fl_ctx, abort_signal)
        place = pathlib.Path(__file__).parent / "heard"
        place.mkdir(exist_ok=True)
        name = f"{fl_ctx.get_identity_name()}-{len(list(place.iterdir())):04d}"
        (place / f"{name}.message").write_bytes(reply["message"])
        (place / f"{name}.rest").write_text(repr({key: value for key, value in reply.items() if key != "message"}))
        return reply
'''


@pytest.mark.slow
def test_flare_and_the_loop_in_one_process_give_the_same_weights_and_the_same_crossings(ran, tmp_path, monkeypatch):
    sites = copied(ran, tmp_path / "flare")
    there = {Study(site).file.site: site for site in sites}
    agreed = plan_of(Study(sites[0]).file)
    (tmp_path / "listening.py").write_text(LISTENER)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]))
    over = simulate(agreed, there, tmp_path / "out", rounds=1, made=True, columns=columns_of(agreed), site="listening.Listening")

    here = federate(tmp_path / "here/study.toml", copied(ran, tmp_path / "here"), out=tmp_path / "here-out", rounds=1, quiet=True).run
    assert over.state.keys() == here.state.keys()
    assert max(np.abs(np.subtract(over.state[name], here.state[name])).max() for name in here.state) <= 1e-6
    assert [one.state for one in over.rounds] == [one.state for one in here.rounds]
    _only_updates(tmp_path / "heard", agreed, over)
    carried = b"\n".join(path.read_bytes() for path in (tmp_path / "heard").iterdir())
    assert not [word for word in named(sites) if word.encode() in carried]


def _only_updates(heard, agreed, run):
    """Every byte that FLARE carried away from a site is a message of the channel, by its rules, and is in the journal."""
    rules, journal = agreed.from_site(), {crossed.sha256 for one in run.sites for crossed in one.crossings}
    from bedside.core.ids import sha256

    messages = sorted(heard.glob("*.message"))
    assert len(messages) == 3 * 5  # statistics, one update, summary, figures, receipt
    for path in messages:
        data = path.read_bytes()
        message = msgspec.msgpack.decode(data, type=Message)
        assert sha256(data) in journal
        assert message.arrays.keys() <= rules[message.kind].arrays.keys()
        assert message.files == {}
    for path in heard.glob("*.rest"):
        told = path.read_text()
        assert len(told) < 2000
        assert "matrix" not in told
        assert "subject" not in told


def test_a_jobs_configuration_is_what_flare_reads(ran, tmp_path):
    agreed = plan_of(Study(ran.sites[0]).file)
    job(agreed, ["b", "a"], tmp_path / "job", rounds=3, made=True, columns="c", site="bedside.study.flare_site.BedsideExecutor")
    meta = json.loads((tmp_path / "job/meta.json").read_text())
    server = json.loads((tmp_path / "job/app_server/config/config_fed_server.json").read_text())
    client = json.loads((tmp_path / "job/app_a/config/config_fed_client.json").read_text())
    assert meta["min_clients"] == 2
    assert server["workflows"][0]["path"] == "bedside.federate.flare_server.BedsideController"
    assert client["executors"][0]["executor"] == {"path": "bedside.study.flare_site.BedsideExecutor", "args": {}}


def test_what_stopped_the_server_is_raised_here_as_what_it_was(tmp_path):
    place = tmp_path / "server/simulate_job/bedside"
    place.mkdir(parents=True)
    (place / "fault.json").write_text(json.dumps({"kind": "Refused", "what": "valley: too few", "where": "1 of 3 sites", "do": "leave it out"}))
    with pytest.raises(Refused, match="valley: too few"):
        collect(tmp_path)


def test_nothing_of_flare_is_loaded_until_it_is_asked_for():
    import subprocess

    code = "import sys, bedside.study.federate, bedside.federate.flare; print('nvflare' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"
