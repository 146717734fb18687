"""A study behind NVIDIA FLARE's client. Loaded by FLARE alone: nothing of ours imports this module.

In        tasks whose only content is bytes for the site's channel
Out       the site's answers. Where the study lies is said by the site itself: {"study": "<folder>"} in local/bedside.json of its FLARE
          folder; only the simulator's job says it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nvflare.apis.executor import Executor  # noqa: TID253 (FLARE is there, since it loads this)
from nvflare.apis.fl_constant import ReturnCode  # noqa: TID253
from nvflare.apis.shareable import Shareable, make_reply  # noqa: TID253

from bedside.core.errors import BedsideError
from bedside.federate.flare import MESSAGE, SITE_FILE, TASK
from bedside.federate.site import Site
from bedside.study.federate_site import open_site


class BedsideExecutor(Executor):  # type: ignore[misc]
    """Hands each task's bytes to the site, which is opened at the first one."""

    def __init__(self, study: str | None = None) -> None:
        super().__init__()
        self._study = study
        self._opened: Site | None = None

    def execute(self, task_name: str, shareable: Any, fl_ctx: Any, abort_signal: Any) -> Any:
        """One answer; a site that cannot give one says so without words, since words might tell."""
        if task_name != TASK or not isinstance(shareable.get(MESSAGE), bytes):
            return make_reply(ReturnCode.TASK_UNKNOWN)
        try:
            answer = self._open(fl_ctx).answer(shareable[MESSAGE])
        except (BedsideError, OSError):
            return make_reply(ReturnCode.EXECUTION_EXCEPTION)
        reply = Shareable()
        reply[MESSAGE] = answer
        reply.set_return_code(ReturnCode.OK)
        return reply

    def _open(self, fl_ctx: Any) -> Site:
        if self._opened is None:
            self._opened = open_site(Path(self._study or self._declared(fl_ctx)))
        return self._opened

    def _declared(self, fl_ctx: Any) -> str:
        workspace = fl_ctx.get_engine().get_workspace()
        told = json.loads((Path(workspace.get_site_config_dir()) / SITE_FILE).read_text(encoding="utf-8"))
        return str(told["study"])
