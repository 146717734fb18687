"""Terminologies that a person brings: their own file formats, their kinds of terms, and files that are not what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from bedside.codes.terminology import terms
from bedside.core.errors import Malformed, Misconfigured


def test_rxnorm_gives_its_own_names_with_their_codes(tmp_path: Path) -> None:
    told = [("29046", "RXNORM", "IN", "lisinopril", "N"), ("196472", "RXNORM", "BN", "Zestril", "N"), ("29046", "MSH", "PM", "lysinopril", "N"),
            ("999", "RXNORM", "IN", "gone drug", "O")]  # fmt: skip
    lines = ["|".join((code, "ENG", *[""] * 9, source, kind, "", name, "", suppressed, "")) + "|" for code, source, kind, name, suppressed in told]
    assert [line.split("|")[11] for line in lines] == ["RXNORM", "RXNORM", "MSH", "RXNORM"]
    (tmp_path / "RXNCONSO.RRF").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert list(terms(tmp_path)) == [("lisinopril", "medication", "lisinopril", "RXNORM//29046"), ("Zestril", "medication", "Zestril", "RXNORM//196472")]


def test_snomed_takes_active_descriptions_and_reads_the_kind_off_the_tag(tmp_path: Path) -> None:
    head = "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId"
    full, synonym = "900000000000003001", "900000000000013009"
    rows = [("1", "1", "195967001", full, "Asthma (disorder)"), ("2", "1", "195967001", synonym, "Airway hyperreactivity"), ("3", "0", "195967001", synonym, "Old word"),
            ("4", "1", "80146002", full, "Appendectomy (procedure)"), ("5", "1", "123037004", full, "Body structure (body structure)"), ("6", "1", "111", full, "Gone (disorder)")]  # fmt: skip
    told = [head, *(f"{i}\t20250101\t{active}\tm\t{concept}\ten\t{kind}\t{term}\tc" for i, active, concept, kind, term in rows)]
    (tmp_path / "sct2_Description_Snapshot-en_INT_20250101.txt").write_text("\n".join(told) + "\n", encoding="utf-8")
    concepts = ["id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId", *(f"{i}\t20250101\t{a}\tm\td" for i, a in (("195967001", 1), ("80146002", 1), ("111", 0)))]
    (tmp_path / "sct2_Concept_Snapshot_INT_20250101.txt").write_text("\n".join(concepts) + "\n", encoding="utf-8")
    assert list(terms(tmp_path)) == [
        ("Asthma", "problem", "Asthma", "SNOMED//195967001"), ("Airway hyperreactivity", "problem", "Asthma", "SNOMED//195967001"),
        ("Appendectomy", "procedure", "Appendectomy", "SNOMED//80146002")]  # fmt: skip


def test_loinc_and_omop_tables_are_read(tmp_path: Path) -> None:
    (tmp_path / "Loinc.csv").write_text('"LOINC_NUM","COMPONENT","CLASS","STATUS","CLASSTYPE","SHORTNAME","LONG_COMMON_NAME","CONSUMER_NAME"\n'
                                        '"2160-0","Creatinine","CHEM","ACTIVE","1","Creat SerPl-mCnc","Creatinine [Mass/volume] in Serum or Plasma",""\n', encoding="utf-8")  # fmt: skip
    assert [code for _, _, _, code in terms(tmp_path / "Loinc.csv")] == ["LOINC//2160-0"] * 2
    (tmp_path / "CONCEPT.csv").write_text("concept_id\tconcept_name\tdomain_id\tvocabulary_id\tconcept_class_id\tstandard_concept\tconcept_code\tvalid_start_date\tvalid_end_date\tinvalid_reason\n"
                                          "1\tAsthma\tCondition\tSNOMED\tDisorder\tS\t195967001\t1970\t2099\t\n2\tOld\tCondition\tSNOMED\tDisorder\t\t1\t1970\t2000\tD\n", encoding="utf-8")  # fmt: skip
    assert list(terms(tmp_path / "CONCEPT.csv")) == [("Asthma", "problem", "Asthma", "SNOMED//195967001")]


def test_own_words_have_own_codes(tmp_path: Path) -> None:
    (tmp_path / "ours.csv").write_text("term,code,kind\nwater tablets,LOCAL//diuretic,medication\n", encoding="utf-8")
    assert list(terms(tmp_path / "ours.csv")) == [("water tablets", "medication", "water tablets", "LOCAL//diuretic")]


def test_what_is_no_terminology_is_told_apart_from_a_broken_one(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(Misconfigured, match="no terminology that bedside reads"):
        list(terms(tmp_path / "list.csv"))
    with pytest.raises(Misconfigured):
        list(terms(tmp_path / "absent"))
    (tmp_path / "RXNCONSO.RRF").write_text("not|a|row\n", encoding="utf-8")
    with pytest.raises(Malformed, match="not a terminology of the kind"):
        list(terms(tmp_path / "RXNCONSO.RRF"))
    (tmp_path / "bad.csv").write_text("term,code,kind\nx ray,9,procedure\n", encoding="utf-8")
    with pytest.raises(Malformed):
        list(terms(tmp_path / "bad.csv"))
