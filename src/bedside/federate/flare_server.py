"""The coordinator inside NVIDIA FLARE's server. Loaded by FLARE alone: nothing of ours imports this module.

In        a job's configuration (`flare.job`)
Out       federation.msgpack in the job's run folder; or fault.json, with what, where and what to do
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from nvflare.apis.controller_spec import ClientTask, Task  # noqa: TID253 (FLARE is there, since it loads this)
from nvflare.apis.fl_constant import ReturnCode  # noqa: TID253
from nvflare.apis.impl.controller import Controller  # noqa: TID253
from nvflare.apis.shareable import Shareable  # noqa: TID253

from bedside.core.errors import BedsideError
from bedside.federate.coordinator import Coordinator
from bedside.federate.flare import FAULT, MESSAGE, RESULT, TASK, Fault, agreed_from


class BedsideController(Controller):  # type: ignore[misc]
    """A FLARE workflow: the coordinator's questions are tasks, the sites' answers their results."""

    def __init__(self, plan: str, columns: str, sites: list[str], rounds: int | None = None, made: bool = False) -> None:
        super().__init__(task_check_period=0.1)
        self._plan, self._columns, self._names = plan, columns, sites
        self._rounds, self._made = rounds, made

    def start_controller(self, fl_ctx: Any) -> None:
        """Nothing to prepare."""

    def stop_controller(self, fl_ctx: Any) -> None:
        """Nothing to let go."""

    def process_result_of_unknown_task(self, client: Any, task_name: str, client_task_id: str, result: Any, fl_ctx: Any) -> None:
        """An answer after its time: the site has vanished for that question."""

    def control_flow(self, abort_signal: Any, fl_ctx: Any) -> None:
        """The whole run."""
        place = Path(fl_ctx.get_engine().get_workspace().get_run_dir(fl_ctx.get_job_id())) / "bedside"
        place.mkdir(parents=True, exist_ok=True)
        try:
            wire = FlareWire(self, self._names, abort_signal, fl_ctx)
            coordinator = Coordinator(agreed_from(self._plan), wire, rounds=self._rounds, made=self._made)
            found = coordinator.federate(self._columns, place / "model")
            (place / RESULT).write_bytes(msgspec.msgpack.encode(found))
        except BedsideError as error:
            (place / FAULT).write_bytes(msgspec.json.encode(Fault(type(error).__name__, error.what, error.where, error.do)))
            self.system_panic("the federated run stopped: see fault.json", fl_ctx)


class FlareWire:
    """A `Transport` over FLARE tasks."""

    def __init__(self, controller: Controller, sites: list[str], abort_signal: Any, fl_ctx: Any) -> None:
        self._controller, self.sites, self._abort, self._context = controller, sorted(sites), abort_signal, fl_ctx

    def ask(self, questions: Mapping[str, bytes], *, timeout_s: float) -> dict[str, bytes]:
        """One task to all sites that are asked the same; what comes back in time and in order is an answer."""
        answers: dict[str, bytes] = {}

        def take(client_task: ClientTask, fl_ctx: Any) -> None:
            result = client_task.result
            if result is not None and result.get_return_code() == ReturnCode.OK and isinstance(result.get(MESSAGE), bytes):
                answers[client_task.client.name] = result[MESSAGE]

        for question in sorted(set(questions.values())):
            names = [site for site in self.sites if questions.get(site) == question]
            data = Shareable()
            data[MESSAGE] = question
            task = Task(name=TASK, data=data, timeout=max(1, round(timeout_s)), result_received_cb=take)
            self._controller.broadcast_and_wait(task=task, fl_ctx=self._context, targets=names, min_responses=len(names), abort_signal=self._abort)
        return answers
