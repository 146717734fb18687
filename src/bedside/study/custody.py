"""The custody ledger: who did what with a keyring, beside it at FILE.ledger/, signed by the keyring's own key.

In        a keyring, and what a person wants to do with it: who, and why
Out       entries like a study's, chained and signed; no name, number or date of a patient in any of them
Rotation  a ledger ends with the entry "rotate", which names the key that signs from then on; it moves to FILE.ledger.1 (.2, ...), and the next
          one begins with "rotated", which names its size and Merkle root. `bedside verify FILE` proves all of them.
Keeps     six years at least: 45 CFR 164.316(b)(2)(i), 164.530(j)(2), and 164.528(a) for disclosures
Honest    whoever may open the keyring may write here; `who` is what that person says, `actor` the account of the operating system
"""

from __future__ import annotations

import fcntl
import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec

from bedside.core.errors import BedsideError, Malformed, Refused, Unusable
from bedside.core.receipt import Item, Receipt
from bedside.deidentify.custody_files import private_folder
from bedside.deidentify.custody_names import refuse_identities
from bedside.deidentify.keyring import Keyring, ledger_path
from bedside.ledger import verify as check
from bedside.ledger.log import CHECKPOINTS, ENTRIES, PUBLIC_KEY, Entry, Ledger
from bedside.ledger.verify import Finding, Verdict
from bedside.study.plan import code_version

YEARS = 6
AGAIN = (
    "make the files again from the raw ones in a new study folder with this study.toml; keep the old folder's ledger for its six years, and dispose of "
    "backups of the old secret"
)
_OWN = frozenset({ENTRIES, CHECKPOINTS, PUBLIC_KEY})
_SHORTEST_REASON = 5


class Custody:
    """A keyring and its ledger, held by one process. Get one with `held`."""

    def __init__(self, ring: Keyring) -> None:
        self.ring, self.ledger = ring, _ledger_of(ring)

    def allow(self, *, who: str | None, reason: str, typed: dict[str, str] | None = None, option: str = "--reason") -> None:
        """`Refused` for what `record` refuses, before anything is done; `option` is where the reason was typed."""
        refuse_words(self.ring, who=who, reason=reason, typed=typed, option=option)

    @contextmanager
    def doing(self, step: str, *, who: str | None, reason: str, **told: Any) -> Iterator[None]:
        """An act: its entry comes first; where it fails, a second one ("failed") says so, and the same may be tried again."""
        self.record(step, who=who, reason=reason, **told)
        try:
            yield
        except BaseException as error:
            with suppress(BedsideError, OSError):  # what went wrong may keep the ledger from being written too
                self.record("failed", who=who, reason=reason, act=step, error=type(error).__name__)
            raise

    def record(
        self, step: str, *, who: str | None, reason: str, outputs: tuple[Item, ...] = (), typed: dict[str, str] | None = None, **told: object
    ) -> Entry:
        """Write and sign an entry. `Refused` when a reason is missing, or when anything that was typed names a patient of this keyring.

        typed   what a person wrote beside reason and who, by name; told as it is
        """
        self.allow(who=who, reason=reason, typed=typed)
        parameters = {"who": (who or user()).strip(), "reason": reason.strip(), "keyring": self.ring.id, **(typed or {}), **told}
        return self.ledger.append(Receipt(step, outputs=list(outputs), parameters=parameters, code=code_version()))


def refuse_words(ring: Keyring, *, who: str | None, reason: str, typed: dict[str, str] | None = None, option: str = "--reason") -> None:
    """`Refused` when a reason is missing, or when anything that was typed names a patient of a keyring."""
    if len(reason.strip()) < _SHORTEST_REASON:
        raise Refused("a reason is needed, in words", where=option, do=f'say why, without names: {option} "critical result, ward 3"')
    refuse_identities(ring.map, {option: reason, "--who": who or "", **{f"--{name}": said for name, said in (typed or {}).items()}})


@contextmanager
def held(path: Path, *, ring: Keyring | None = None) -> Iterator[Custody]:
    """The keyring at `path` with its ledger, for one process at a time. `Refused` when another is at work with it."""
    ring = ring or Keyring.open(path)
    folder = private_folder(ledger_path(path))
    handle = os.open(folder, os.O_RDONLY)
    try:
        _lock(handle, path)
        yield Custody(ring)
    finally:
        os.close(handle)


def _lock(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Refused("another process is at work with this keyring", where=path.name, do="wait until it ends") from error


def rotated_since(root: Path, ring: Keyring) -> bool:
    """Whether a study was begun under a secret that its keyring no longer has."""
    written = root / "ledger" / PUBLIC_KEY
    key = written.read_text().strip() if written.is_file() else ring.public_key.hex()
    if key == ring.public_key.hex():
        return False
    try:
        return key in {one.public_key for one in ring.map.state.rotations}
    except Malformed:  # a map that is gone is told by others
        return False


def refuse_rotated(root: Path, ring: Keyring) -> None:
    """`Refused` where a study was begun under a former secret: names and signatures of old and new would not agree."""
    if rotated_since(root, ring):
        raise Refused("the keyring was rotated since this study began: its files bear old names, and its ledger is signed by the old key", where=str(root), do=AGAIN)


def user() -> str:
    """The account of the operating system."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def may_go(day: date) -> date:
    """The first day on which a record of `day` may go: six years later.

    >>> may_go(date(2020, 2, 29)), may_go(date(2026, 11, 25))
    (datetime.date(2026, 3, 1), datetime.date(2032, 11, 25))
    """
    try:
        return day.replace(year=day.year + YEARS)
    except ValueError:
        return date(day.year + YEARS, 3, 1)


def day_of(entry: Entry) -> date:
    return date.fromisoformat(entry.time[:10])


def folders(path: Path) -> list[Path]:
    """The ledgers of a keyring, oldest first, today's last."""
    today = ledger_path(path)
    former = [today.with_name(f"{today.name}.{number}") for number in range(1, _next(today))]
    return [folder for folder in (*former, today) if (folder / ENTRIES).is_file()]


def entries(path: Path) -> list[Entry]:
    """Every entry of every ledger of a keyring, oldest first."""
    return [entry for folder in folders(path) for entry in Ledger(folder).entries()]


def about(path: Path) -> dict[str, object]:
    """What may be told of a keyring: its id, how it names people, how many, and what was done with it."""
    ring, done = Keyring.open(path), entries(path)
    return {
        "id": ring.id, "naming": ring.naming, "made": ring.made, "passphrase": ring.locked is not None, "subjects": len(ring.map.subjects),
        "rotations": len(ring.map.state.rotations), "entries": len(done), "last": f"{done[-1].receipt.step} {done[-1].time}" if done else "nothing yet",
    }  # fmt: skip


def keyring_of(root: Path) -> Path | None:
    """The keyring whose custody ledger is meant by a path (its own, or its ledger's); None when it is no such thing."""
    if root.is_file() and ledger_path(root).is_dir():
        return root
    name, mark, tail = root.name.rpartition(".ledger")
    if mark and name and (not tail or tail[1:].isdigit()) and (root / ENTRIES).is_file():
        return root.with_name(name)
    return None


def verify(path: Path) -> Verdict:
    """Whether the ledgers of a keyring are what was signed, each by its key and each followed by the next."""
    key, notes = _signer(path)
    found, many = list[Finding](), 0
    ledgers = folders(path)
    if not ledgers:
        raise Unusable("nothing was ever done with this keyring: it has no ledger", where=path.name, do="bedside keyring --help")
    for folder in reversed(ledgers):
        ledger = Ledger(folder)
        found += [_named(finding, folder) for finding in check.record(ledger, key)]
        found += [Finding("added", f"{folder.name}/{one}", "no part of a ledger") for one in sorted(set(os.listdir(folder)) - _OWN)]
        many += len(ledger.lines)
        key, broken = _before(ledger, folder, ledgers)
        found += broken
    head = None if found else Ledger(ledgers[-1]).head()
    return Verdict(not found, many, len(_OWN) * len(ledgers), head.root if head else None, found, notes)


def _before(ledger: Ledger, folder: Path, ledgers: list[Path]) -> tuple[bytes | None, list[Finding]]:
    """The key that signed the ledger before this one, and whether that is the one which this one says it follows."""
    at = ledgers.index(folder)
    try:
        first = ledger.entries()[0].receipt
    except (BedsideError, IndexError):
        return None, []
    if first.step != "rotated":
        return None, [Finding("added", one.name, "no later ledger says that it follows this one") for one in ledgers[:at]]
    if not at:
        return None, [Finding("missing", str(first.parameters.get("ledger")), "the ledger before this one, from before the keyring was rotated")]
    former = Ledger(ledgers[at - 1])
    try:
        same = (head := former.head()) is not None and (head.size, head.root) == (first.parameters["size"], first.parameters["root"])
    except BedsideError:
        same = False
    wrong = [] if same else [Finding("ledger", ledgers[at - 1].name, "it does not end as the ledger after it says")]
    return bytes.fromhex(str(first.parameters["public_key"])), wrong


def _named(finding: Finding, folder: Path) -> Finding:
    return msgspec.structs.replace(finding, name=finding.name.replace("ledger/", f"{folder.name}/", 1))


def _signer(path: Path) -> tuple[bytes | None, list[str]]:
    try:
        return Keyring.open(path).public_key, []
    except (BedsideError, OSError) as error:
        why = error.what if isinstance(error, BedsideError) else "it cannot be read"
        return None, [f"the keyring was not opened ({why}): the ledger was checked against its own public key"]


def _ledger_of(ring: Keyring) -> Ledger:
    """The ledger that this keyring signs; one that ended with the rotation into it moves aside first."""
    folder = private_folder(ledger_path(ring.path))
    written = folder / PUBLIC_KEY
    if not written.is_file() or written.read_text().strip() == ring.public_key.hex():
        return Ledger(folder, key=ring.signing_key)
    former = Ledger(folder)
    last = former.entries()[-1] if former.lines else None
    if last is None or last.receipt.step != "rotate" or last.receipt.parameters.get("new_public_key") != ring.public_key.hex():
        raise Refused("the ledger beside this keyring was signed by another one", where=folder.name, do="bring keyring and ledger back from the same backup")
    return _succeeding(ring, former, folder)


def _succeeding(ring: Keyring, former: Ledger, folder: Path) -> Ledger:
    head, aside = former.head(), folder.with_name(f"{folder.name}.{_next(folder)}")
    if head is None:
        raise Malformed("the ledger before this rotation is not signed", where=folder.name, do="bring it back from a backup")
    for name in _OWN:  # file by file: the folder itself is what this process holds
        private_folder(aside)
        os.replace(folder / name, aside / name)
    ledger = Ledger(folder, key=ring.signing_key)
    told = {"who": user(), "keyring": ring.id, "ledger": aside.name, "size": head.size, "root": head.root,
            "public_key": (aside / PUBLIC_KEY).read_text().strip()}  # fmt: skip
    ledger.append(Receipt("rotated", parameters=told, code=code_version()))
    return ledger


def _next(folder: Path) -> int:
    """The number that the next ledger to move aside gets."""
    number = 1
    while folder.with_name(f"{folder.name}.{number}").exists():
        number += 1
    return number
