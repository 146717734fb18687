"""A small server on loopback: named things under a secret path, and the headers that keep a page to itself.

In        `Site`: name to a kind of content and a function that gives its bytes
Out       HTTP/1.1 on 127.0.0.1 until it is stopped; 404 for all that has no name, whatever the path looks like
Secret    the path begins with a token that only the printed address names: no other page or user of the machine can guess it
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from bedside.core.errors import BedsideError, Misconfigured

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
}  # fmt: skip


class Content(NamedTuple):
    """One thing: its media type, and its bytes when asked for."""

    kind: str
    data: Callable[[], bytes]


Site = Mapping[str, Content]


class Server:
    """Serves a site; `address` is where."""

    def __init__(self, site: Site, port: int = 0) -> None:
        self.token = secrets.token_urlsafe(16)
        try:
            self._http = ThreadingHTTPServer(("127.0.0.1", port), _handler(site, f"/{self.token}/"))
        except OSError as error:
            raise Misconfigured(f"cannot listen there: {error.strerror}", where=f"127.0.0.1 port {port}",
                                do="choose another --port, or 0 for a free one") from None  # fmt: skip
        self._http.daemon_threads = True

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/{self.token}/"

    def run(self) -> None:
        """Until interrupted, or stopped from another thread."""
        with self._http:
            self._http.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        self._http.shutdown()


def _handler(site: Site, prefix: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """GET and HEAD of the names of the site."""

        protocol_version = "HTTP/1.1"
        timeout = 30
        server_version, sys_version = "bedside", ""

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            found = site.get(path.removeprefix(prefix)) if path.startswith(prefix) else None
            if found is None:
                self._send(404, "text/plain", b"not here")
                return
            try:
                self._send(200, found.kind, found.data())
            except BedsideError as error:
                self._send(409, "text/plain; charset=utf-8", f"{error.what}: {error.do}".encode())

        do_HEAD = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: names of units stand in the paths."""

        def _send(self, status: int, kind: str, data: bytes) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **_HEADERS}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

    return Handler
