"""A page in real Chromium, driven over its debugging pipe (Chrome DevTools Protocol): no port, no driver, no further package."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-pipe", "--hide-scrollbars",
)  # fmt: skip
_WEBGL = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
_PATIENCE_S = 60


def executable() -> str | None:
    """Chromium of this machine, None when there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Page:
    """One tab. What it asked of the network and what it complained of is kept from the start."""

    def __init__(self, pipe: _Pipe) -> None:
        self._pipe = pipe
        self.said: list[str] = []
        self.asked: list[str] = []
        target = pipe.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = pipe.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def open(self, address: str, *, width: int, media: str = "", dark: bool = False) -> None:
        """Load the address in a window so wide, and wait until it is there."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=1000, deviceScaleFactor=1, mobile=False)
        self._call("Emulation.setEmulatedMedia", media=media, features=scheme)
        self._call("Page.navigate", url=address)
        self._pipe.wait("Page.loadEventFired", self._session)
        self._keep()

    def evaluate(self, script: str) -> Any:
        """The value of a script, as JSON has it."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"]["exception"].get("description", "the script failed"))
        self._keep()
        return answer["result"].get("value")

    def press(self, key: str, code: int, text: str = "") -> None:
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                       **({"text": text} if text and kind == "keyDown" else {}))  # fmt: skip

    def accessible(self, role: str) -> list[str]:
        """Accessible names of all elements of this role, as assistive technology is told them."""
        nodes = self._call("Accessibility.getFullAXTree")["nodes"]
        ours = (node for node in nodes if node.get("role", {}).get("value") == role and not node.get("ignored"))
        return [node.get("name", {}).get("value", "") for node in ours]

    def picture(self, file: Path) -> None:
        """The whole page as PNG: for people."""
        data = self._call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        file.write_bytes(base64.b64decode(data))

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        return self._pipe.call(method, self._session, **params)

    def _keep(self) -> None:
        for event in self._pipe.heard(self._session):
            told = event["params"]
            if event["method"] == "Network.requestWillBeSent":
                self.asked.append(told["request"]["url"])
            elif event["method"] == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
                self.said.append(told["entry"]["text"])
            elif event["method"] == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
                self.said.append(str(told["args"]))
            elif event["method"] == "Runtime.exceptionThrown":
                self.said.append(told["exceptionDetails"]["text"])


class _Pipe:
    """Messages of JSON, each ended by a zero byte, there and back."""

    def __init__(self, write: int, read: int) -> None:
        os.set_blocking(read, False)
        self._write, self._read, self._rest, self._last = write, read, b"", 0
        self._events: list[dict[str, Any]] = []
        self._answers: dict[int, dict[str, Any]] = {}

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        self._last += 1
        message = {"id": self._last, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self._write, json.dumps(message).encode() + b"\0")
        self._until(lambda: self._last in self._answers, method)
        answer = self._answers.pop(self._last)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def wait(self, method: str, session: str) -> None:
        def here(event: dict[str, Any]) -> bool:
            return event["method"] == method and event.get("sessionId") == session

        self._until(lambda: any(map(here, self._events)), method)
        self._events = [event for event in self._events if not here(event)]

    def heard(self, session: str) -> list[dict[str, Any]]:
        found, self._events = [event for event in self._events if event.get("sessionId") == session], []
        return found

    def _until(self, done: Any, method: str) -> None:
        last = time.monotonic() + _PATIENCE_S
        while not done():
            try:
                piece = os.read(self._read, 1 << 20)
            except BlockingIOError:
                time.sleep(0.005)
                piece = b" "
                if time.monotonic() > last:
                    raise AssertionError(f"Chromium does not answer {method}") from None
                continue
            if not piece:
                raise AssertionError(f"Chromium ended during {method}")
            *whole, self._rest = (self._rest + piece).split(b"\0")
            for text in whole:
                message = json.loads(text)
                if "id" in message:
                    self._answers[message["id"]] = message
                else:
                    self._events.append(message)


@contextmanager
def browser(*, webgl: bool = False) -> Iterator[Page]:
    """A Chromium of its own with an empty profile, gone afterwards; with WebGL drawn by its software when asked for."""
    program = executable()
    assert program is not None
    ours, theirs = os.pipe(), os.pipe()
    script = f'exec "$0" "$@" 3<&{ours[0]} 4>&{theirs[1]}'
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            ["bash", "-c", script, program, *_FLAGS, *(_WEBGL if webgl else ()), f"--user-data-dir={profile}"],
            pass_fds=(ours[0], theirs[1]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(ours[0])
        os.close(theirs[1])
        try:
            yield Page(_Pipe(ours[1], theirs[0]))
        finally:
            process.terminate()
            process.wait(timeout=_PATIENCE_S)
            os.close(ours[1])
            os.close(theirs[0])
