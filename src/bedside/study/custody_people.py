"""People again: who is behind a pseudonym, and who was told what of whom.

In        a keyring, pseudonyms, a reason
Out       identities, after the ledger says that they were asked for; the log of disclosures, and the account of one subject
Ledger    pseudonyms, counts, who, why, to whom; never an identity
Source    45 CFR 164.514(c) re-identification; 164.528 accounting of disclosures: (b)(2) date, recipient and address, what, purpose;
          (a)(1)(viii) a limited data set under 164.514(e) needs no account; six years back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec

from bedside.core.errors import Misconfigured, Refused
from bedside.core.ids import is_pseudonym, pseudonym
from bedside.deidentify.custody_names import Identity, identities, kind_of, resolve
from bedside.deidentify.keyring import Keyring
from bedside.ledger.log import Entry
from bedside.study.custody import entries, held, may_go

ACCOUNT = "45 CFR 164.528"
_DISCLOSED = "disclose"


def reidentify(path: Path, names: Sequence[str], *, reason: str, who: str | None = None, raw: Sequence[Path] = ()) -> list[Identity]:
    """What stands behind each pseudonym; the ledger knows of it before this returns, and before anything is looked up."""
    asked = list(dict.fromkeys(names))
    if not asked:
        raise Misconfigured("no pseudonym is named", where="the command line", do="name one or more, or give --from FILE with one a line")
    for name in asked:
        kind_of(name)
    told = {"pseudonyms": asked, "count": len(asked), "raw_files_searched": bool(raw)}
    with held(path) as custody, custody.doing("reidentify", who=who, reason=reason, **told):
        return identities(custody.ring, asked, raw=raw)


class Disclosure(msgspec.Struct, frozen=True):
    """One disclosure as the ledger has it.

    subjects   pseudonyms, where they were given; `count` people in all
    account    whether 164.528 wants it in the account of a subject
    """

    seq: int
    date: str
    recipient: str
    address: str
    what: str
    purpose: str
    count: int
    subjects: list[str]
    limited_data_set: bool
    agreement: str
    who: str

    @property
    def account(self) -> bool:
        return not self.limited_data_set


class Line(msgspec.Struct, frozen=True):
    """One line of a subject's account. `sure`: the subject is named in it; else the disclosure names fewer people than it told of."""

    disclosure: Disclosure
    sure: bool


def disclose(
    path: Path, *, recipient: str, what: str, purpose: str, day: date, subjects: Sequence[str] = (), count: int | None = None,
    address: str = "", agreement: str = "", limited_data_set: bool = False, who: str | None = None, today: date | None = None,
) -> Entry:  # fmt: skip
    """Write a disclosure into the ledger. `Refused` where it lacks what 164.528(b)(2) asks for, or names a patient."""
    named = sorted(set(subjects))
    _complete(recipient, what, purpose, day, named, count, agreement, limited_data_set, today or date.today())  # noqa: DTZ011
    with held(path) as custody:
        unknown = sum(resolve(custody.ring, name)[0] is None for name in named)
        if unknown:
            raise Refused(f"{unknown} of {len(named)} subjects are not of this keyring", where="--subject", do="use the keyring that named them")
        typed = {"recipient": recipient, "address": address, "what": what, "agreement": agreement}
        custody.allow(who=who, reason=purpose, typed=typed, option="--purpose")
        return custody.record(
            _DISCLOSED, who=who, reason=purpose, typed=typed,
            date=day.isoformat(), limited_data_set=limited_data_set, count=max(count or 0, len(named)), subjects=named,
        )  # fmt: skip


def disclosures(path: Path) -> list[Disclosure]:
    """Every disclosure in the ledgers of a keyring, oldest first. The keyring itself is not needed."""
    return sorted((_read(entry) for entry in entries(path) if entry.receipt.step == _DISCLOSED), key=lambda one: (one.date, one.seq))


def account(path: Path, subject: str, *, today: date | None = None) -> list[Line]:
    """What 164.528 lets one subject ask for: the disclosures of the six years before today that told, or may have told, of them."""
    if not is_pseudonym(subject):
        raise Misconfigured("not the pseudonym of a subject", where="--subject", do="give P and 12 characters")
    names, until = _names(Keyring.open(path), subject), today or date.today()  # noqa: DTZ011
    recent = [one for one in disclosures(path) if one.account and may_go(date.fromisoformat(one.date)) >= until]
    lines = [Line(one, not names.isdisjoint(one.subjects)) for one in recent]
    return [line for line in lines if line.sure or line.disclosure.count > len(line.disclosure.subjects)]


def _names(ring: Keyring, subject: str) -> set[str]:
    """All names that the subject bears or bore."""
    found, _ = resolve(ring, subject)
    if found is None:
        raise Refused("this subject is not of this keyring", where="--subject", do="use the keyring that named them")
    today = {pseudonym(code) for code in (found.code, *found.former)}
    for rotation in reversed(ring.map.state.rotations):
        today |= {old for old, new in rotation.names.items() if new in today}
    return today


def _complete(
    recipient: str, what: str, purpose: str, day: date, named: list[str], count: int | None, agreement: str, limited: bool, today: date
) -> None:
    lacking = [name for name, value in (("--to", recipient), ("--what", what), ("--purpose", purpose)) if not value.strip()]
    if lacking:
        raise Misconfigured(f"{', '.join(lacking)} must say something", where="disclosure", do=f"{ACCOUNT}(b)(2) asks for recipient, what, and purpose")
    if day > today:
        raise Misconfigured("a disclosure lies in the future", where="--date", do="give the day on which it was made")
    if not named and not count:
        raise Misconfigured("how many people were told of is missing", where="disclosure", do="give --count, or name them with --subject or --from")
    if count is not None and count < len(named):
        raise Misconfigured(f"--count is {count}, and {len(named)} subjects are named", where="--count", do="correct one of them")
    if not all(map(is_pseudonym, named)):
        raise Misconfigured("not the pseudonym of a subject", where="--subject", do="give P and 12 characters, never a patient's own number")
    if limited and not agreement.strip():
        raise Misconfigured("a limited data set goes out under a data use agreement only", where="--agreement", do="name the agreement (45 CFR 164.514(e)(4))")


def _read(entry: Entry) -> Disclosure:
    told = entry.receipt.parameters
    return msgspec.convert({"seq": entry.seq, "purpose": told["reason"], **{name: told[name] for name in told if name not in ("reason", "keyring")}}, Disclosure)
