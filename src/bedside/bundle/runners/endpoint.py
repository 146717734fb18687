"""Runner "endpoint": a note to spans by a language model behind a local, OpenAI-compatible server. What it cannot quote is not kept.

In        endpoint.json: address, model name, targets in words; the note goes to that address and nowhere else
Out       spans: the exact places of quotes. The n-th mention of a quote is its n-th place in the note
Counts    `counts`: requests, retries, answers that were no JSON, quotes that are not in the note, types not asked for, quotes said once
          too often; a part of a note without an answer gives nothing and is counted
Refuses   an address that is neither this machine nor named in allowed_hosts; a redirect; another machine without TLS. No proxy is used.
Raises    `Unusable` when nothing listens at the address.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import msgspec

from bedside.bundle.runners.endpoint_prompt import Quote, messages, parts, places, quotes
from bedside.bundle.runners.text_spans import Span, apart
from bedside.core.errors import Malformed, Refused, Unusable

VERSION, SETTINGS = "1", "endpoint.json"
_PAUSE_S, _MOST_BYTES = 0.2, 4_000_000
WHERE = "study.toml, [model] url"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """endpoint.json. `targets`: what is looked for, with what it means in words; the rest as in `pillars/text/options.py`."""

    url: str
    model: str
    targets: dict[str, str]
    allowed_hosts: list[str] = []
    timeout_s: float = 60.0
    retries: int = 2
    longest: int = 6000
    schema: str = "bedside.endpoint/1"


def allowed(url: str, hosts: list[str], *, where: str = WHERE) -> None:
    """`Refused` when notes must not be sent there.

    >>> allowed("http://127.0.0.1:8080/v1", [])
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.query or parts.fragment:
        raise Refused("the address is no plain http or https address", where=where, do='write "http://127.0.0.1:8080/v1"')
    if _loopback(host):
        return
    if host not in hosts:
        raise Refused("notes would leave this machine", where=where, do="run the model here, or name its host in allowed_hosts if you may send notes there")
    if parts.scheme != "https":
        raise Refused("notes would cross the network unencrypted", where=where, do="use https for another machine")


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class Endpoint:
    """A sealed endpoint."""

    version = VERSION

    def __init__(self, files: Mapping[str, bytes], *, where: str) -> None:
        try:
            self.settings = msgspec.json.decode(files[SETTINGS], type=Settings)
        except (KeyError, msgspec.DecodeError) as error:
            raise Malformed("endpoint.json is absent or not readable", where=where, do="seal the bundle again") from error
        allowed(self.settings.url, self.settings.allowed_hosts, where=where)
        self.counts: Counter[str] = Counter()
        self._web = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())

    def tag(self, text: str) -> list[Span]:
        told: list[Span] = []
        for start, end in parts(text, self.settings.longest):
            said = self._asked(text[start:end])
            kept = [quote for quote in said if quote.type in self.settings.targets]
            self._count("type not asked for: dropped", len(said) - len(kept))
            found, absent, again = places(text[start:end], kept)
            self._count("quote not in the note: dropped", absent)
            self._count("quote said more often than it stands in the note: dropped", again)
            told += [span._replace(start=span.start + start, end=span.end + start) for span in found]
        return sorted(span for kind in self.settings.targets for span in apart(one for one in told if one.kind == kind))

    def _asked(self, text: str) -> list[Quote]:
        """What the model says of one part of a note; nothing when it gave no answer that can be read."""
        body = msgspec.json.encode({"model": self.settings.model, "temperature": 0, "seed": 1, "response_format": {"type": "json_object"},
                                    "messages": messages(text, self.settings.targets)})  # fmt: skip
        for turn in range(self.settings.retries + 1):
            self._count("retries", int(turn > 0))
            try:
                answer = self._sent(body)
            except TimeoutError:
                self._count("no answer in time", 1)
            except urllib.error.HTTPError as error:
                self._count(f"answered with HTTP {error.code}", 1)
                if error.code < 500 and error.code != 429:
                    break
            else:
                said = quotes(answer)
                if said is not None:
                    return said
                self._count("answer is not the JSON asked for", 1)
            time.sleep(_PAUSE_S * turn)
        self._count("parts of notes without an answer", 1)
        return []

    def _sent(self, body: bytes) -> bytes:
        self._count("requests", 1)
        request = urllib.request.Request(self.settings.url.rstrip("/") + "/chat/completions", body, {"Content-Type": "application/json"})
        try:
            with self._web.open(request, timeout=self.settings.timeout_s) as reply:
                return bytes(reply.read(_MOST_BYTES))
        except urllib.error.HTTPError:
            raise
        except (urllib.error.URLError, ConnectionError) as error:
            if isinstance(getattr(error, "reason", error), TimeoutError):
                raise TimeoutError from None
            raise Unusable("nothing answers at the endpoint's address", where=urlsplit(self.settings.url).netloc, do="start the server, then run again") from None

    def _count(self, what: str, many: int) -> None:
        if many:
            self.counts[what] += many
