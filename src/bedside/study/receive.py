"""`bedside receive`: images in by C-STORE, the study's bundle asked, SEG and SR back; each study in the ledger, without a name in it.

Privacy   what arrives stays in memory and is forgotten once it is answered; the study folder, the ledger and the log get counts, verdicts
          and keyed digests of study UIDs, never a name, a number, a date or a UID of a patient
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bedside.core.errors import BedsideError, Misconfigured, Refused, Unusable
from bedside.core.ids import keyed_hex
from bedside.core.progress import say
from bedside.core.receipt import Item, Receipt
from bedside.study.study import Study

if TYPE_CHECKING:
    from ssl import SSLContext

    from bedside.bundle.sealed import Sealed
    from bedside.pillars.imaging.exchange.answer import Answer, Thinker
    from bedside.pillars.imaging.exchange.inbox import Limits, Received
    from bedside.pillars.imaging.exchange.listener import Listener
    from bedside.pillars.imaging.exchange.secure import Certificates
    from bedside.pillars.imaging.exchange.segmentation import Kind
    from bedside.pillars.imaging.exchange.send import Peer

BUNDLE = "bundles/model"
_TRIES, _PAUSE_S, _NAME = 3, 2.0, 16


def receive(
    root: Path, *, host: str = "127.0.0.1", port: int = 11112, ae_title: str = "BEDSIDE", send_to: str, callers: tuple[str, ...] = (),
    kind: Kind = "BINARY", limits: Limits | None = None, tls: Certificates | None = None, announce: Callable[[str, int], None] | None = None,
) -> None:  # fmt: skip
    """Listen until interrupted.

    send_to    host:port:AETITLE of the archive that gets SEG and SR
    callers    AE titles that may send; all when empty, on loopback or by TLS only
    tls        both ways, to us and to the archive
    announce   told host and port once it listens
    """
    with_ = reception(root, ae_title=ae_title, send_to=send_to, callers=callers, kind=kind, limits=limits, tls=tls)
    listening = with_.listener.start(host, port, tls=tls.listening() if tls else None)
    (announce or _announced)(host, listening)
    try:
        with_.listener.wait()
    except KeyboardInterrupt:
        say("stopping: studies that are whole are answered")
    finally:
        _uninterrupted(with_.stop)
    if with_.listener.failed is not None:
        raise with_.listener.failed


def reception(
    root: Path, *, ae_title: str, send_to: str, callers: tuple[str, ...] = (), kind: Kind = "BINARY", limits: Limits | None = None,
    tls: Certificates | None = None,
) -> Reception:  # fmt: skip
    """Everything that `receive` needs, not yet listening."""
    from bedside.bundle.sealed import Sealed
    from bedside.pillars.imaging.exchange.listener import Listener
    from bedside.pillars.imaging.exchange.send import Peer, title

    study = Study(root)
    sealed = Sealed.open(study._made(BUNDLE, "train"))
    titles = tuple(title(one, where="--from") for one in callers)
    made = Reception(study, sealed, _thinker(sealed, kind), Peer.parse(send_to), title(ae_title, where="--ae-title"),
                     tls.sending() if tls else None)  # fmt: skip
    made.listener = Listener(ae_title=made.ae_title, callers=titles, limits=limits, handle=made.handle)
    return made


def _thinker(sealed: Sealed, kind: Kind) -> Thinker:
    """The bundle as a model of volumes; `Misconfigured` for one of another kind."""
    from bedside.bundle.runners.onnx_image import NAME, OnnxImage
    from bedside.core.task_image import ImageTask
    from bedside.pillars.imaging.exchange.answer import Thinker
    from bedside.pillars.imaging.exchange.author import Author
    from bedside.pillars.imaging.exchange.structures import structures

    task = sealed.task
    if not isinstance(task, ImageTask) or sealed.manifest.runner != NAME:
        raise Misconfigured("this study's model does not segment volumes, so there is nothing to answer images with", where=sealed.where,
                            do='train a study of [task] kind = "image", question = "segment"')  # fmt: skip
    model = OnnxImage(sealed)
    targets = {target.name: target for target in task.targets}
    named = structures([targets[name] for name in model.preprocess.labels], task.structures)
    return Thinker(model, Author(sealed.manifest.name, sealed.digest, sealed.manifest.made), named, task.modalities, task.irregular, kind)


@dataclass
class Reception:
    """A listener with its study: each whole study is answered, sent, and written down. `pending`: receipts that wait for the ledger, kept by what."""

    study: Study
    sealed: Sealed
    thinker: Thinker
    peer: Peer
    ae_title: str
    tls: SSLContext | None = None
    listener: Listener = field(init=False)
    pending: list[Receipt] = field(default_factory=list)
    kept_by: str = ""

    def handle(self, received: Received) -> None:
        """One whole study. What it breaks, nobody foresaw: it is written down by its kind alone, since its words may name the patient."""
        from bedside.pillars.imaging.exchange.answer import answer

        name = self._name(received)
        try:
            said = answer(received, self.thinker)
            sent = self._send(said)
        except Exception as error:  # noqa: BLE001 (the next study is answered all the same)
            self._record(name, received, {}, 0, f"failed with {type(error).__name__}")
            say(f"study {name}: {len(received.instances)} instances; failed with {type(error).__name__}")
            return
        say(f"study {name}: {len(received.instances)} instances; {_told(said)}; {sent}")
        self._record(name, received, said.counts(), len(said.objects) if sent == "sent" else 0, sent)

    def stop(self) -> None:
        """End the listener; what had not wholly arrived, and instances that could not be read, are counted and forgotten."""
        for received in self.listener.stop():
            self._record(self._name(received), received, {"refused: not whole when the listener stopped": 1}, 0, "nothing to send")
        told = {"instances_unread": self.listener.inbox.unread, "studies_failed": self.listener.failures}
        if any(told.values()):
            counts: dict[str, object] = {what: dict(sorted(count.items())) for what, count in told.items() if count}
            self._write(Receipt("receive", inputs=self._inputs(), counts=counts))
        self._flush()
        if self.pending:
            say(f"{len(self.pending)} entries could not be written to the ledger: {self.kept_by}")

    def _name(self, received: Received) -> str:
        return keyed_hex(self.study.keyring().file_key, "received study", received.uid, length=_NAME)

    def _send(self, said: Answer) -> str:
        """ "sent", or what became of it in words."""
        from bedside.pillars.imaging.exchange.send import send

        if not said.objects:
            return "nothing to send"
        for attempt in range(1, _TRIES + 1):
            try:
                send(said.objects, self.peer, ae_title=self.ae_title, tls=self.tls)
            except Unusable as error:
                told = error.what
                if attempt < _TRIES:
                    threading.Event().wait(_PAUSE_S)
            else:
                return "sent"
        return f"not sent: {told}"

    def _record(self, name: str, received: Received, series: dict[str, int], objects: int, sent: str) -> None:
        counts: dict[str, object] = {
            "instances": len(received.instances), "instances_repeated": received.repeated,
            "instances_refused": dict(sorted(received.refused.items())), "series": series, "objects_sent": objects, "sent": sent,
        }  # fmt: skip
        self._write(Receipt("receive", inputs=self._inputs(), parameters={"study": name}, counts=counts))

    def _inputs(self) -> list[Item]:
        return [Item(BUNDLE, self.sealed.digest)]

    def _write(self, receipt: Receipt) -> None:
        self.pending.append(receipt)
        self._flush()

    def _flush(self) -> None:
        """What waits goes to the ledger, in order; while another run holds the study, it waits on."""
        while self.pending:
            try:
                self.study.record(self.pending[0])
            except Refused as error:
                self.kept_by = error.what
                return
            self.pending.pop(0)


def _told(said: Answer) -> str:
    return "; ".join(f"{many} series {fate}" for fate, many in said.counts().items()) or "no series"


def _announced(host: str, port: int) -> None:
    say(f"DICOM C-STORE at {host}:{port} (interrupt to stop)")


def _uninterrupted(work: Callable[[], Any]) -> None:
    """A second interrupt does not cut off the end of the first."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    try:
        work()
    except BedsideError as error:
        say(f"{error.what} ({error.where})")
        raise
    finally:
        if main:
            signal.signal(signal.SIGINT, before)
