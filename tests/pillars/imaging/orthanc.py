"""A real Orthanc on loopback, with free ports, in a folder of its own: started for a test, ended after it."""

from __future__ import annotations

import gc
import json
import socket
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

from pydicom import Dataset

from bedside.core.errors import Unusable
from bedside.pillars.imaging.exchange.send import Peer, send

PROGRAM = Path("/usr/sbin/Orthanc")
_PLUGINS = (Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so"), Path("/usr/lib/orthanc/plugins/libOrthancDicomWeb.so"))
_PATIENCE_S = 60.0


class Orthanc(NamedTuple):
    """Where it listens."""

    http: int
    dicom: int
    ae_title: str = "ARCHIVE"

    @property
    def dicomweb(self) -> str:
        return f"http://127.0.0.1:{self.http}/dicom-web"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.dicom}:{self.ae_title}"


def missing() -> str | None:
    """Why there is no Orthanc here, None when there is one."""
    if not PROGRAM.exists() or not any(plugin.exists() for plugin in _PLUGINS):
        return "Orthanc with its DICOMweb plugin is not installed: scripts/debian-packages installs them"
    return None


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(folder: Path) -> Iterator[Orthanc]:
    told = Orthanc(free_port(), free_port())
    plugin = next(plugin for plugin in _PLUGINS if plugin.exists())
    config = {
        "Name": "test", "StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db"), "Plugins": [str(plugin)],
        "HttpPort": told.http, "DicomPort": told.dicom, "DicomAet": told.ae_title, "RemoteAccessAllowed": False, "AuthenticationEnabled": False,
        "DicomAlwaysAllowStore": True, "UnknownSopClassAccepted": True, "DicomCheckCalledAet": True, "StableAge": 1,
        "HttpServerEnabled": True, "DicomServerEnabled": True, "DicomThreadsCount": 1, "ConcurrentJobs": 1, "HttpThreadsCount": 4,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": False},
    }  # fmt: skip
    (folder / "orthanc.json").write_text(json.dumps(config))
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen([PROGRAM, folder / "orthanc.json"], stdout=log, stderr=log, cwd=folder)
        try:
            _wait(process, told, folder / "orthanc.log")
            yield told
        finally:
            process.terminate()
            process.wait(30)


def _wait(process: subprocess.Popen[bytes], told: Orthanc, log: Path) -> None:
    last = time.monotonic() + _PATIENCE_S
    while time.monotonic() < last and process.poll() is None:
        try:
            urlopen(f"http://127.0.0.1:{told.http}/system", timeout=5).read()
        except (URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"Orthanc did not start: {log.read_text(errors='replace')[-800:]}")


def turned_away(objects: Sequence[Dataset], peer: Peer, **more: Any) -> str:
    """What `send` says of a peer that cannot be reached."""
    try:
        send(objects, peer, timeout_s=3, **more)
    except Unusable as error:
        return error.what
    raise AssertionError("it was taken")


UNCLOSED = "ignore:unclosed <socket:ResourceWarning"
"""pynetdicom 3.0.4 does not close a socket whose peer was gone first (transport.py, _shutdown_socket): the collector does."""


def swept() -> Iterator[None]:
    """Afterwards no thread of pynetdicom is left, and what it left unclosed is collected here and not in somebody else's test."""
    yield
    last = time.monotonic() + 10
    while time.monotonic() < last and any(type(one).__module__.startswith("pynetdicom") for one in threading.enumerate()):
        time.sleep(0.05)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
