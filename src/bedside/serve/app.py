"""CDS Hooks 2.0 as a raw ASGI application: routes, limits and headers; what is clinical stands elsewhere in this room.

    GET  /health                        the bundle that answers
    GET  /cds-services                  discovery
    POST /cds-services/{id}             patient-view -> cards; 412 when the prefetch does not suffice
    POST /cds-services/{id}/feedback    what became of the cards

In        an opened bundle and the ASGI scope of each request
Out       JSON; errors are FHIR OperationOutcomes that name the place and never the patient
Speed     no framework: one decode into dicts, one prediction, one encode, all in the event loop (about a millisecond).
Trust     plain HTTP without authentication: put a TLS proxy that knows its clients in front of it.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import msgspec

from bedside.core.errors import Unusable
from bedside.readers.words import slug
from bedside.serve.card import Face, card
from bedside.serve.discovery import services
from bedside.serve.feedback import take
from bedside.serve.log import Log
from bedside.serve.outcome import Declined, Issue, outcome
from bedside.serve.request import opened, parse
from bedside.serve.service import Service

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_LIMIT = 8 << 20
_ROOT = "/cds-services"
_JSON: Headers = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))
_ENCODER = msgspec.json.Encoder()
_HORIZON = re.compile(r",? (?:with)?in (?:the next )?\d+ ?h(?:ours)?\Z")


def application(
    bundle_folder: Path, *, policy: str = "expert-determination", replay: bool = False, threshold: float | None = None,
    log: Path | None = None, service_id: str | None = None, body_limit: int = BODY_LIMIT, origin: str = "*",
) -> Application:  # fmt: skip
    """The ASGI application of one bundle.

    policy      de-identification policy of the training data; what it generalised is generalised in memory
    replay      take the prediction time from the request: for tests and silent replays, never for patients
    threshold   alert at or above this risk; the bundle's own when None
    log         file of served predictions, outside the study folder
    service_id  name in the URL; by default the bundle's
    origin      of browsers that may call (Access-Control-Allow-Origin)
    """
    return _Application(
        Service(bundle_folder, policy=policy, threshold=threshold), Log(log), service_id, replay, body_limit, origin
    )


class _Application:
    def __init__(self, service: Service, log: Log, service_id: str | None, replay: bool, body_limit: int, origin: str) -> None:
        manifest, task = service.bundle.manifest, service.task
        self.service, self.log, self.replay, self.body_limit = service, log, replay, body_limit
        self.id = service_id or slug(manifest.name)
        hours, name = task.outcome.to_hours, _HORIZON.sub("", task.outcome.name.replace("_", " "))
        title = f"{name[:1].upper()}{name[1:]}"
        self.face = Face(
            title, hours, f"Bedside, model {manifest.name} {service.bundle.digest[:12]}", service.bundle.digest, manifest.made
        )
        told = f"Risk of {name} in the next {hours:g} h, with what drove it and what was missing. Not a cleared medical device."
        self.discovery = _ENCODER.encode(services(self.id, title=f"{title} risk", description=told, loincs=service.loincs))
        self.health = _ENCODER.encode({"status": "ok", "service": self.id, "bundle": service.bundle.digest, "made": manifest.made})
        self.cors: Headers = ((b"access-control-allow-origin", origin.encode()), (b"vary", b"origin"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._respond(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self.log.close()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. What nobody foresaw is answered 500 and raised again without the words of the error, which may hold data."""
        status, body, more, broken = 500, b"", _JSON, None
        try:
            status, body, more = await self._answer(scope, receive)
        except Declined as declined:
            status, body, more = declined.status, _ENCODER.encode(outcome(declined.issues)), _JSON + declined.headers
        except Exception as error:  # noqa: BLE001  (raised again below, without its words)
            broken = _where(error)
            body = _ENCODER.encode(outcome((Issue("exception", "the service failed; its log says where"),)))
        await send({"type": "http.response.start", "status": status,
                    "headers": [*self.cors, *more, (b"content-length", str(len(body)).encode())]})  # fmt: skip
        await send({"type": "http.response.body", "body": body})
        if broken:
            raise Unusable("a request could not be answered", where=broken, do="report this line; it holds nothing of the patient")

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, bytes, Headers]:
        path, method = scope["path"].rstrip("/"), scope["method"]
        if method == "OPTIONS":
            return 204, b"", _preflight(self._allowed(path))
        allowed = self._allowed(path)
        if method not in allowed:
            raise Declined(405, Issue("not-supported", "this address answers " + " and ".join(allowed)), headers=(_allow(allowed),))
        if path == "/health":
            return 200, self.health, _JSON
        if path == _ROOT:
            return 200, self.discovery, _JSON
        body = await _body(scope, receive, self.body_limit)
        if path.endswith("/feedback"):
            take(body, self.log)
            return 200, b"{}", _JSON
        return 200, self._cards(body), _JSON

    def _allowed(self, path: str) -> tuple[str, ...]:
        """Methods of an address; 404 when there is none."""
        if path in ("/health", _ROOT):
            return ("GET",)
        if path in (f"{_ROOT}/{self.id}", f"{_ROOT}/{self.id}/feedback"):
            return ("POST",)
        raise Declined(404, Issue("not-found", f"no such address; see GET {_ROOT}"))

    def _cards(self, body: bytes) -> bytes:
        request = parse(body)
        answer = self.service.answer(opened(request, replay=self.replay))
        if answer is None:
            return b'{"cards":[]}'
        encounter = self.log.names.encounter(request.context.patient_id, answer.encounter)
        unit_id = self.log.names.unit(encounter, answer.at)
        made = card(answer, self.face, unit_id=unit_id)
        self.log.served(answer, unit_id=unit_id, encounter=encounter, bundle=self.face.bundle, card=made["uuid"])
        return _ENCODER.encode({"cards": [made]})


async def _body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The request's body, 413 as soon as it is known to be too large."""
    too_large = Declined(413, Issue("too-costly", f"the body is larger than {limit} bytes"), headers=((b"connection", b"close"),))
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or int(value) > limit):
            raise too_large
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Declined(400, Issue("incomplete", "the client went away"))
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise too_large
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _preflight(allowed: tuple[str, ...]) -> Headers:
    methods = ", ".join((*allowed, "OPTIONS")).encode()
    return ((b"access-control-allow-methods", methods), (b"access-control-allow-headers", b"content-type, authorization"),
            (b"access-control-max-age", b"600"))  # fmt: skip


def _allow(allowed: tuple[str, ...]) -> tuple[bytes, bytes]:
    return b"allow", ", ".join((*allowed, "OPTIONS")).encode()


def _where(error: Exception) -> str:
    """Kind and place of an error, without its words."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name} line {frames[-1].lineno}" if frames else "unknown place"
    return f"{type(error).__name__} in {place}"
