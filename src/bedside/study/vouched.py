"""What sites signed in the ledger of a federated run: checked anywhere, with the ledger alone.

In        the entries of a ledger
Out       findings: a receipt that is not genuine, of another run or bundle, or a site that signed nothing; none in a study of one site
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bedside.federate.receipt import Signed, genuine
from bedside.ledger.log import Entry
from bedside.ledger.verify import Finding

SITE_STEP = "federate-site:"


def findings(entries: Sequence[Entry]) -> list[Finding]:
    """Findings in what sites signed: a receipt that is not genuine, of another run or bundle, or a site that signed nothing."""
    last = next((entry for entry in reversed(entries) if entry.receipt.step == "federate" and "run" in entry.receipt.parameters), None)
    found: list[Finding] = []
    for entry in entries:
        if not entry.receipt.step.startswith(SITE_STEP):
            continue
        site = entry.receipt.step.removeprefix(SITE_STEP)
        try:
            signed = msgspec.convert(entry.receipt.parameters.get("signed"), Signed)
        except msgspec.ValidationError:
            found.append(Finding("ledger", site, "this site signed nothing", entry.seq))
            continue
        if not genuine(signed):
            found.append(Finding("ledger", site, "its receipt is not signed by its key", entry.seq))
        elif last and (signed.told.site, signed.told.run, signed.told.bundle) != (site, last.receipt.parameters["run"], last.receipt.parameters["bundle"]):
            found.append(Finding("ledger", site, "its receipt is of another site, run or bundle", entry.seq))
    return found
