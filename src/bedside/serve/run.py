"""Serve a bundle until interrupted.

Announces its address on standard output before the first request can be lost, also when port 0 asks for a free one.
"""

from __future__ import annotations

import gc
import socket
from pathlib import Path
from typing import Any

import msgspec

from bedside.core.errors import Misconfigured
from bedside.core.lazy import need
from bedside.serve.app import application

_GARBAGE_AFTER = 50_000


def run(
    bundle_folder: Path, host: str = "127.0.0.1", port: int = 8000, *, policy: str = "expert-determination", replay: bool = False,
    threshold: float | None = None, log: Path | None = None, service_id: str | None = None, announce_json: bool = False,
) -> None:  # fmt: skip
    """Serve. Arguments as `serve.app.application`.

    announce_json   print {"host": ..., "port": ..., "url": ...} in place of a sentence
    """
    uvicorn: Any = need("uvicorn", extra="serve")
    app = application(bundle_folder, policy=policy, replay=replay, threshold=threshold, log=log, service_id=service_id)
    with _listening(host, port) as listener:
        gc.collect()
        gc.freeze()  # what stays for good is not looked through again while a request waits
        gc.set_threshold(_GARBAGE_AFTER, 20, 20)  # a request makes some thousand objects and no cycle: looking after every 700 costs a fifth
        _announce(host, listener.getsockname()[1], announce_json)
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, ws="none", lifespan="on",
                                timeout_graceful_shutdown=5)  # fmt: skip
        uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        raise Misconfigured(f"cannot listen there: {error.strerror}", where=f"{host} port {port}",
                            do="choose another --port, or 0 for a free one") from None  # fmt: skip


def _announce(host: str, port: int, as_json: bool) -> None:
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/cds-services"
    told = msgspec.json.encode({"host": host, "port": port, "url": url}).decode()
    print(told if as_json else f"CDS Hooks at {url} (interrupt to stop)", flush=True)
