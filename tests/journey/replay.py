"""One keep-alive connection to a CDS Hooks service over real HTTP."""

from __future__ import annotations

import http.client
import json
from datetime import datetime
from typing import Any

from bedside.demo.replay import request


class Hook:
    """Asks the first service that is listed."""

    def __init__(self, host: str, port: int) -> None:
        self._link = http.client.HTTPConnection(host, port, timeout=30)
        self._link.request("GET", "/cds-services")
        self.service = json.loads(self._link.getresponse().read())["services"][0]["id"]

    def ask(self, prefetch: dict[str, Any], at: datetime) -> tuple[int, dict[str, Any]]:
        self._link.request("POST", f"/cds-services/{self.service}", json.dumps(request(prefetch, at)), {"Content-Type": "application/json"})
        answer = self._link.getresponse()
        return answer.status, json.loads(answer.read())

    def close(self) -> None:
        self._link.close()
