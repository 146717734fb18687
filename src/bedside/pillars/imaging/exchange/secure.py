"""DICOM over TLS: both ends by certificates of the hospital's own authority, nothing older than TLS 1.2.

In        paths of PEM files: our certificate and its key, and the authority that the other side's certificate must come from
Out       contexts for `listener` (asks the caller for its certificate) and `send`
Source    DICOM PS3.15 annex B (secure transport connection profiles, BCP 195)
"""

from __future__ import annotations

import ssl
from pathlib import Path

import msgspec

from bedside.core.errors import Misconfigured


class Certificates(msgspec.Struct, frozen=True):
    """PEM files. The authority signs the certificates of both sides."""

    certificate: Path
    key: Path
    authority: Path

    def listening(self) -> ssl.SSLContext:
        """For a listener: a caller without a certificate of the authority is turned away before it says a word of DICOM."""
        context = self._context(ssl.Purpose.CLIENT_AUTH)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def sending(self) -> ssl.SSLContext:
        """For a sender: the archive's certificate must be of the authority and name the host."""
        return self._context(ssl.Purpose.SERVER_AUTH)

    def _context(self, purpose: ssl.Purpose) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(purpose, cafile=str(self.authority))
            context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise Misconfigured(f"the TLS files cannot be used ({type(error).__name__})", where="--tls-cert, --tls-key, --tls-ca",
                                do="give PEM files: our certificate, its key, the authority of both sides") from None  # fmt: skip
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context
