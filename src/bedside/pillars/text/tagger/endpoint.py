"""[model] kind = "endpoint" to the file of runner "endpoint"."""

from __future__ import annotations

from bedside.bundle.runners.endpoint import SETTINGS, VERSION, Settings, allowed
from bedside.core import canonical
from bedside.core.task_note import NoteTask
from bedside.pillars.text.options import EndpointOptions


def sealed(options: EndpointOptions, task: NoteTask) -> dict[str, bytes]:
    """What is asked, and where; `Refused` when notes must not be sent there."""
    allowed(options.url, options.allowed_hosts)
    targets = {target.name: options.describe.get(target.name, target.label or "") for target in task.asks}
    told = Settings(options.url, options.model, targets, options.allowed_hosts, options.timeout_s, options.retries, options.longest)
    return {SETTINGS: canonical.dumps(told)}


__all__ = ["VERSION", "sealed"]
