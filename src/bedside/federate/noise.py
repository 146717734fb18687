"""Gaussian noise that nobody outside the site can repeat, and the site can.

In        a secret key of 32 bytes and what the noise is for (run, cohort, round)
Out       standard normal float64 numbers of any shape
Why       noise from a seed that others know hides nothing, and two runs on different patients with the same noise show the
          difference between the patients; so the key derives from the keyring, and the purpose names the cohort's content.
Source    ChaCha20 (RFC 8439) as the source of bits; Box & Muller, Ann Math Stat 1958;29:610. The numbers are floats: the guarantee
          is that of the real-valued mechanism (Mironov, CCS 2012, on why that is not the same).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bedside.core.ids import keyed

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK = 16


class Secret:
    """A stream of noise for one purpose; each call takes the next numbers of it."""

    def __init__(self, key: bytes, *purpose: str) -> None:
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

        derived = keyed(key, "federated noise", *purpose)
        self._stream = Cipher(ChaCha20(derived, bytes(_BLOCK)), mode=None).encryptor()

    def uniform(self, many: int) -> NDArray[np.float64]:
        """(many,) in 0..1, never 0: 53 random bits each."""
        bits = np.frombuffer(self._stream.update(bytes(8 * many)), dtype="<u8") >> np.uint64(11)
        return (bits.astype(np.float64) + 0.5) / float(1 << 53)

    def __call__(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Standard normal numbers."""
        many = int(np.prod(shape, dtype=np.int64))
        half = (many + 1) // 2
        radius, angle = np.sqrt(-2 * np.log(self.uniform(half))), 2 * np.pi * self.uniform(half)
        return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:many].reshape(shape)
