"""A C-STORE service class provider: takes studies in, hands each whole one on, and goes on whatever comes.

In        who may call, how much is kept (`inbox.Limits`), what to do with a whole study
Out       until it is stopped: C-ECHO and C-STORE answered; studies handed on one after the other, in a thread of their own
Refuses   callers that are not on the list, other called titles, instances too large: with the reject or abort of the standard
Source    DICOM PS3.4 annexes A and B, PS3.7 section 9.1, PS3.8 section 9.3.4 (A-ASSOCIATE-RJ); carried by pynetdicom
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from bedside.core.errors import Misconfigured, Refused
from bedside.core.lazy import need
from bedside.core.progress import say
from bedside.pillars.imaging.exchange.inbox import NOT_UNDERSTOOD, Inbox, Limits, Received

if TYPE_CHECKING:
    from ssl import SSLContext

PDU_BYTES = 1 << 17
_LOOK_EVERY_S = 0.05
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SYNTAXES = (
    "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91",
)  # fmt: skip


class Listener:
    """Listens from `start` to `stop`.

    callers   AE titles that may send; everyone when empty, which is `Refused` unless it listens on loopback only, or by TLS
    handle    what to do with a whole study; one on which it fails is counted in `failures`, by the kind of error (what an error says
              may name the patient), and the next is handled. What is no error but an end (`SystemExit`) ends the work with `failed`
    """

    def __init__(self, *, ae_title: str, callers: Sequence[str] = (), limits: Limits | None = None, handle: Callable[[Received], None]) -> None:
        self.ae_title, self.callers, self.limits = ae_title, tuple(callers), limits or Limits()
        self.inbox, self._handle = Inbox(self.limits), handle
        self.failed: BaseException | None = None
        self.failures: Counter[str] = Counter()
        self._stopping, self._hand = threading.Event(), threading.Thread(target=self._work, name="studies", daemon=True)
        self._arriving: dict[int, int] = {}
        self._server: Any = None

    def start(self, host: str, port: int, *, tls: SSLContext | None = None) -> int:
        """Begin; the port that it listens on (a free one when `port` is 0).

        tls   from `secure.Certificates.listening`: callers are then known by their certificates
        """
        if not self.callers and tls is None and host not in _LOOPBACK:
            raise Refused("anyone who reaches this port could send patients' images", where=f"{host}:{port}",
                          do="name the AE titles that may send, with --from, use TLS, or listen on 127.0.0.1")  # fmt: skip
        entity = self._entity()
        try:
            self._server = entity.start_server((host, port), block=False, evt_handlers=self._handlers(), ssl_context=tls)
        except OSError as error:
            raise Misconfigured(f"cannot listen there: {error.strerror}", where=f"{host} port {port}",
                                do="choose another --port, or 0 for a free one") from None  # fmt: skip
        self._hand.start()
        return int(self._server.socket.getsockname()[1])

    def wait(self) -> None:
        """Until the work has ended; an interrupt passes through."""
        while not self._stopping.wait(1.0):
            pass

    def stop(self) -> list[Received]:
        """End; whole studies are still handled. Returns what had not wholly arrived, to be counted."""
        self._stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._hand.join()
        return self.inbox.left()

    def _entity(self) -> Any:
        pynetdicom: Any = need("pynetdicom", extra="imaging")
        entity = pynetdicom.AE(ae_title=self.ae_title)
        entity.supported_contexts = [pynetdicom.presentation.build_context(one.abstract_syntax, list(_SYNTAXES))
                                     for one in pynetdicom.AllStoragePresentationContexts]  # fmt: skip
        entity.add_supported_context("1.2.840.10008.1.1")
        entity.require_called_aet, entity.require_calling_aet = True, list(self.callers)
        entity.maximum_pdu_size, entity.maximum_associations = PDU_BYTES, self.limits.associations
        entity.network_timeout = entity.dimse_timeout = self.limits.idle_s
        entity.acse_timeout = min(30.0, self.limits.idle_s)
        return entity

    def _handlers(self) -> list[tuple[Any, Callable[[Any], Any]]]:
        from pynetdicom import evt

        return [
            (evt.EVT_C_STORE, self._stored), (evt.EVT_C_ECHO, lambda event: 0), (evt.EVT_DATA_RECV, self._arrived),
            (evt.EVT_RELEASED, self._ended), (evt.EVT_ABORTED, self._ended), (evt.EVT_CONN_CLOSE, self._ended),
        ]  # fmt: skip

    def _stored(self, event: Any) -> int:
        self._arriving[id(event.assoc)] = 0
        try:
            data = event.encoded_dataset()
        except (AttributeError, ValueError):
            return NOT_UNDERSTOOD
        return self.inbox.put(id(event.assoc), str(event.request.AffectedSOPClassUID), data)

    def _arrived(self, event: Any) -> None:
        """Count what comes before an instance is whole: one that is too large is not waited for."""
        key = id(event.assoc)
        self._arriving[key] = self._arriving.get(key, 0) + len(event.data)
        if self._arriving[key] > self.limits.instance_bytes:
            event.assoc.abort()

    def _ended(self, event: Any) -> None:
        self._arriving.pop(id(event.assoc), None)
        self.inbox.ended(id(event.assoc))

    def _work(self) -> None:
        try:
            while not self._stopping.wait(_LOOK_EVERY_S):
                self._look()
            self._look()
        except BaseException as error:  # noqa: BLE001 (kept for the thread that waits, which raises it)
            self.failed = error
            self._stopping.set()

    def _look(self) -> None:
        while (study := self.inbox.next_whole()) is not None:
            try:
                self._handle(study)
            except Exception as error:  # noqa: BLE001 (whatever one study breaks, the next sender is still heard)
                self.failures[type(error).__name__] += 1
                say(f"a study of {len(study.instances)} instances failed with {type(error).__name__}; it is forgotten")
