"""Every row of PS3.15 Table E.1-1, planted at every level: nothing of it is left unless the policy says that it stays."""

from __future__ import annotations

from functools import lru_cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bedside.deidentify import dicom
from bedside.deidentify.desk import Desk
from bedside.deidentify.dicom_rules import ACTIONS, OPTIONS, rules_of
from bedside.deidentify.dicom_stream import parse, walk
from bedside.deidentify.policy import DicomRules, Policy, policy

from .conftest import ZONE, Hospital
from .dicom_made import ROWS, SUBJECT, element, part10, planted, sequence

POLICIES = ("expert-determination", "safe-harbor", "limited-data-set", "bare")
LISTED, UNLISTED = 0x0040A730, 0x00082218
_NEVER_PLANTED = frozenset({0x00100020, 0x00100010, 0xFFFAFFFA, 0xFFFCFFFC})
_OF_THE_INSTANCE = 0x00080018


@lru_cache
def _policy(name: str) -> Policy:
    import msgspec

    return msgspec.structs.replace(policy("expert-determination"), name="bare", dicom=DicomRules()) if name == "bare" else policy(name)


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Desk]:
    hospital = Hospital(tmp_path_factory.mktemp("table"))
    hospital.put("dicom", "x.dcm", part10([element(0x00080020, "DA", b"20260113"), element(0x00080030, "TM", b"101500")]))
    hospital.survey()
    return {name: Desk(hospital.keyring, _policy(name)) for name in POLICIES}


def _changed(desk: Desk, raw: bytes) -> bytes:
    return dicom.change(raw, desk, source="dicom", timezone=ZONE, where="x")


def _may_stay(tag: int, vr: str, name: str) -> bool:
    """What the policy keeps by declaration: a time of day under a shift of whole weeks, all times and ages in a limited data set, weights."""
    if vr in ("US", "SS", "UL", "SL", "FL", "FD", "SQ"):
        return True
    if name == "limited-data-set" and (tag in OPTIONS["dates"] or vr == "AS"):
        return True
    if name == "expert-determination" and vr == "TM" and tag in OPTIONS["dates"]:
        return True
    return name != "bare" and vr == "DS" and (tag in OPTIONS["characteristics_keep"])


def _row(number: int, tag: int) -> bytes:
    return element(tag, *planted(number, tag))


def _left(after: bytes, tags: list[int], name: str) -> list[str]:
    found = []
    for tag in tags:
        vr, value = planted(ROWS.index(tag), tag)
        if not _may_stay(tag, vr, name) and (element(tag, vr, value) if vr in ("DA", "TM") else value) in after:  # a moved date may be another's
            found.append(f"{tag:08X} {vr}")
    return found


@pytest.mark.parametrize("name", POLICIES)
def test_no_row_of_the_table_leaves_what_stood_in_it(desks, name):
    tags = [tag for tag in ROWS if tag not in _NEVER_PLANTED and tag >> 16 > 8]
    tags += [tag for tag in ROWS if tag >> 16 == 8 and tag != _OF_THE_INSTANCE]
    after = _changed(desks[name], part10(_row(ROWS.index(tag), tag) for tag in tags))
    assert len(tags) > 630
    assert _left(after, tags, name) == []
    assert b"SEQ" not in after


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("outer", [LISTED, UNLISTED])
@pytest.mark.parametrize("undefined", [False, True])
def test_nor_two_levels_deep_in_a_sequence_of_the_table_or_of_none(desks, name, outer, undefined):
    tags = [tag for tag in ROWS if tag not in _NEVER_PLANTED and tag >> 16 >= 8 and tag not in (outer, 0x00081199)]
    inner = b"".join(_row(ROWS.index(tag), tag) for tag in tags)
    after = _changed(desks[name], part10([sequence(outer, sequence(0x00081199, inner, undefined=undefined), undefined=undefined)]))
    assert _left(after, tags, name) == []
    assert b"SEQ" not in after


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tags=st.lists(st.sampled_from([tag for tag in ROWS if tag >> 16 >= 8 and tag not in _NEVER_PLANTED | {_OF_THE_INSTANCE}]), min_size=1, max_size=6, unique=True),
    path=st.lists(st.sampled_from([LISTED, UNLISTED, 0x00081140, 0x00189477, 0x00540016, 0x00082112]), max_size=5),
    name=st.sampled_from(POLICIES),
    undefined=st.booleans(),
)
def test_wherever_rows_stand_what_stood_in_them_is_gone_and_the_rest_is_as_it_was(desks, tags, path, name, undefined):
    kept = element(0x00180050, "DS", b"5.000000")
    level = b"".join(sorted([*(_row(ROWS.index(tag), tag) for tag in tags if tag != 0x00180050), kept], key=lambda one: (one[1], one[0], one[3], one[2])))
    for outer in path:
        level = sequence(outer, level, undefined=undefined)
    after = _changed(desks[name], part10([level] if path else [_row(ROWS.index(tag), tag) for tag in tags] + [kept]))
    assert _left(after, tags, name) == []
    assert kept in after or LISTED in path


def test_every_row_has_a_treatment_and_every_option_only_rows(desks):
    rules = rules_of(desks["bare"].policy)
    assert set(ACTIONS) <= set(rules.treatments)
    assert set().union(*OPTIONS.values()) <= set(ACTIONS)
    assert len(ACTIONS) == 652


def test_the_planted_instance_of_all_rows_keeps_nothing_anywhere_in_its_bytes(empty, shared_data):
    """526 rows planted by others, nested, private, in an overlay: SOURCE.txt."""
    raw = (shared_data / "deid" / "dicom-planted" / "plant.dcm").read_bytes()
    file = empty.put("dicom", "plant.dcm", raw)
    empty.survey()
    for name in POLICIES[:3]:
        after = empty.safe(file, name)
        assert b"ZQ" not in after
        assert b"1.2.826.9" not in after
        assert b"1234ABCD" not in after
        assert (b"093Y" in after) == (name == "limited-data-set")
        assert not [1 for _, one in walk(parse(after, where="x").level, "x") if one.tag >> 24 == 0x60]
        planted_dates = {one.value for one in _dates(raw)}
        stayed = {one.value for one in _dates(after)} & planted_dates
        assert bool(stayed) == (name == "limited-data-set")


def _dates(raw: bytes):
    from bedside.formats.dicom import parse as read

    return [one for one in read(raw, where="x").iterall() if one.VR in ("DA", "DT") and isinstance(one.value, str) and one.value]


def test_the_patient_is_a_pseudonym_at_every_level(desks):
    inner = element(0x00100010, "PN", b"Quillfeather^Zebulon") + element(0x00100020, "LO", SUBJECT.encode())
    after = _changed(desks["safe-harbor"], part10([sequence(UNLISTED, sequence(0x00081199, inner))]))
    assert b"Quillfeather" not in after
    assert SUBJECT.encode() not in after
    assert after.count(parse(after, where="x").level.text(0x00100020).encode()) == 4
