"""A vocabulary has one name, however the document says it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.codes.vocabulary import coding_system, vocabulary


@pytest.mark.parametrize(("uri", "name"), [
    ("http://loinc.org", "LOINC"), ("https://loinc.org/", "LOINC"), ("urn:oid:2.16.840.1.113883.6.1", "LOINC"),
    ("http://www.nlm.nih.gov/research/umls/rxnorm", "RXNORM"), ("http://snomed.info/sct", "SNOMED"),
    ("http://snomed.info/sct/731000124108/version/20250901", "SNOMED"), ("http://hl7.org/fhir/sid/icd-10-cm", "ICD10CM"),
    ("http://hl7.org/fhir/sid/icd-10-cm|2026", "ICD10CM"), ("http://hl7.org/fhir/sid/cvx", "CVX"),
    ("http://hl7.org/fhir/sid/ndc", "NDC"),
    ("http://www.ama-assn.org/go/cpt", "CPT"), ("2.16.840.1.113883.6.96", "SNOMED"),
    ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "V3-ACTCODE"), ("http://hospital.example/codes/lab", "LAB"), ("", "LOCAL"),
    ("urn:oid:1.2.3", "OID-1-2-3"),
])  # fmt: skip
def test_a_fhir_system_is_named(uri: str, name: str) -> None:
    assert vocabulary(uri) == name


@pytest.mark.parametrize(("told", "name"), [
    ("LN", "LOINC"), ("RXNORM", "RXNORM"), ("RxNorm", "RXNORM"), ("I10", "ICD10CM"), ("ICD-10-CM", "ICD10CM"), ("SCT", "SNOMED"),
    ("C4", "CPT"), ("NDC", "NDC"), ("L", "LOCAL"), ("99GHH", "LOCAL"), ("", "LOCAL"), (None, "LOCAL"), ("HL70005", "HL70005"),
    ("2.16.840.1.113883.6.1", "LOINC"), ("http://loinc.org", "LOINC"),
])  # fmt: skip
def test_an_hl7_v2_coding_system_is_named(told: str | None, name: str) -> None:
    assert coding_system(told) == name


@given(st.text(max_size=40))
def test_every_name_fits_into_an_event_code(text: str) -> None:
    for name in (vocabulary(text), coding_system(text)):
        assert name
        assert "//" not in name
        assert name == name.upper()
        assert name.isascii()
