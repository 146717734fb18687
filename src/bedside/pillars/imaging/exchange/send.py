"""C-STORE to an archive: each object in the transfer syntax that it is written in, nothing converted on the way.

In        data sets, and where they go
Out       nothing, or `Unusable` that says how many were not taken; an archive that warns has taken the object
Source    DICOM PS3.4 annex B (storage), table B.2-1 (statuses); PS3.8 (associations); carried by pynetdicom
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bedside.core.errors import Misconfigured, Unusable
from bedside.core.lazy import need
from bedside.formats.dicom import dump, parse

if TYPE_CHECKING:
    from ssl import SSLContext

    from pydicom import Dataset

LONGEST_TITLE = 16
TIMEOUT_S = 30.0
_WARNING = 0xB000


class Peer(msgspec.Struct, frozen=True):
    """Another application entity."""

    host: str
    port: int
    ae_title: str

    @classmethod
    def parse(cls, text: str) -> Peer:
        """From "host:port:AETITLE".

        >>> Peer.parse("pacs.example:104:ARCHIVE")
        Peer(host='pacs.example', port=104, ae_title='ARCHIVE')
        """
        host, _, rest = text.rpartition(":")
        host, _, port = host.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise Misconfigured("not an address of an archive", where="--send-to", do="write host:port:AETITLE, for example pacs:104:ARCHIVE")
        return cls(host.strip("[]"), int(port), title(rest, where="--send-to"))


def title(text: str, *, where: str) -> str:
    """An application entity title; `Misconfigured` when it is none (PS3.5 table 6.2-1: up to 16 printable characters)."""
    kept = text.strip()
    if not kept or len(kept) > LONGEST_TITLE or not kept.isascii() or not kept.isprintable() or "\\" in kept:
        raise Misconfigured("not an application entity title", where=where, do="give 1 to 16 printable ASCII characters, no backslash")
    return kept


def send(objects: Sequence[Dataset], peer: Peer, *, ae_title: str, timeout_s: float = TIMEOUT_S, tls: SSLContext | None = None) -> None:
    """Store all objects over one association. Raises `Unusable` when one was not taken.

    tls   from `secure.Certificates.sending`; in the clear when None
    """
    pynetdicom: Any = need("pynetdicom", extra="imaging")
    entity = pynetdicom.AE(ae_title=ae_title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = timeout_s
    entity.connection_timeout = timeout_s
    for sop_class, syntax in sorted({(str(one.SOPClassUID), str(one.file_meta.TransferSyntaxUID)) for one in objects}):
        entity.add_requested_context(sop_class, syntax)
    association = entity.associate(peer.host, peer.port, ae_title=peer.ae_title, tls_args=(tls, peer.host) if tls else None)
    if not association.is_established:
        raise Unusable("the archive does not take our association", where=f"{peer.ae_title} at {peer.host}:{peer.port}",
                       do="check that it runs, knows our AE title, and allows this machine")  # fmt: skip
    try:
        refused = sum(not _stored(association, one) for one in objects)
    finally:
        association.release()
    if refused:
        raise Unusable(f"{refused} of {len(objects)} objects were not taken", where=f"{peer.ae_title} at {peer.host}:{peer.port}",
                       do="see the archive's log; it must know Segmentation, Label Map Segmentation and Comprehensive 3D SR")  # fmt: skip


def _stored(association: Any, one: Dataset) -> bool:
    """Whether the archive has it: success, or a warning (B000, B006, B007)."""
    try:
        status = association.send_c_store(_as_read(one)).get("Status")
    except (ValueError, AttributeError, RuntimeError):
        return False  # no context was accepted for it, it cannot be encoded, or the association is gone
    return status == 0 or (status is not None and status & 0xF000 == _WARNING)


def _as_read(one: Dataset) -> Dataset:
    """As it is read from a file: one made in memory does not know its encoding, or which bytes its pixels are."""
    syntax = one.file_meta.TransferSyntaxUID
    known = one.original_encoding == (syntax.is_implicit_VR, syntax.is_little_endian)
    return one if known else parse(dump(one), where="object to send")
