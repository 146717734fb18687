"""An evaluation as it was stored: the schema of today, and the one before it, which held a single yes-no target.

In        the bytes of reports/evaluation.json
Out       `Test`
"""

from __future__ import annotations

import msgspec

from bedside.core.errors import Malformed
from bedside.core.target import Target
from bedside.evaluate.judged import TEST_SCHEMA, Section, Test
from bedside.evaluate.records import SCHEMA_NAME, Evaluation


def read(stored: bytes, *, where: str = "reports/evaluation.json") -> Test:
    """The test that these bytes hold; `Malformed` for anything else."""
    try:
        schema = msgspec.json.decode(stored, type=_Schema).schema
        if schema == SCHEMA_NAME:
            return as_test(msgspec.json.decode(stored, type=Evaluation))
        if schema == TEST_SCHEMA:
            return msgspec.json.decode(stored, type=Test)
    except msgspec.DecodeError as error:
        raise Malformed("the evaluation is not what its schema says", where=where, do="run `bedside test` again") from error
    raise Malformed(f"the evaluation is of schema {schema!r}", where=where, do=f"this version reads {SCHEMA_NAME} and {TEST_SCHEMA}")


def as_test(found: Evaluation | Test) -> Test:
    """One yes-no evaluation as a test of a single target."""
    if isinstance(found, Test):
        return found
    return Test(TEST_SCHEMA, found.unit, [Section(Target(found.outcome or found.main, "yes-no"), found)])


class _Schema(msgspec.Struct):
    schema: str
