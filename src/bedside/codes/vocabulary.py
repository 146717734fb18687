"""Which vocabulary a code belongs to, however the document names it.

In        a FHIR system URI, an OID with or without urn:oid:, or an HL7 v2 coding system id
Out       the first part of an event code: LOINC, RXNORM, SNOMED, ICD10CM, ..., LOCAL
Source    FHIR R4 section 4.3.2 (external code systems), HL7 v2 table 0396, HL7 OID registry
"""

from __future__ import annotations

import re
from functools import lru_cache

_BY_URI = {
    "loinc.org": "LOINC",
    "www.nlm.nih.gov/research/umls/rxnorm": "RXNORM",
    "snomed.info/sct": "SNOMED",
    "hl7.org/fhir/sid/icd-10-cm": "ICD10CM",
    "hl7.org/fhir/sid/icd-10": "ICD10",
    "hl7.org/fhir/sid/icd-9-cm": "ICD9CM",
    "hl7.org/fhir/sid/icd-9-cm/diagnosis": "ICD9CM",
    "hl7.org/fhir/sid/icd-9-cm/procedure": "ICD9PCS",
    "www.cms.gov/medicare/coding/icd10": "ICD10PCS",
    "hl7.org/fhir/sid/icd-10-pcs": "ICD10PCS",
    "hl7.org/fhir/sid/cvx": "CVX",
    "hl7.org/fhir/sid/ndc": "NDC",
    "www.ama-assn.org/go/cpt": "CPT",
    "www.cms.gov/medicare/coding/hcpcsreleasecodesets": "HCPCS",
    "terminology.hl7.org/codesystem/hcpcs-all-codes": "HCPCS",
    "www.whocc.no/atc": "ATC",
    "unitsofmeasure.org": "UCUM",
    "dicom.nema.org/resources/ontology/dcm": "DCM",
    "fdasis.nlm.nih.gov": "UNII",
}
_BY_OID = {
    "2.16.840.1.113883.6.1": "LOINC", "2.16.840.1.113883.6.88": "RXNORM", "2.16.840.1.113883.6.96": "SNOMED",
    "2.16.840.1.113883.6.90": "ICD10CM", "2.16.840.1.113883.6.3": "ICD10", "2.16.840.1.113883.6.4": "ICD10PCS",
    "2.16.840.1.113883.6.103": "ICD9CM", "2.16.840.1.113883.6.104": "ICD9PCS", "2.16.840.1.113883.12.292": "CVX",
    "2.16.840.1.113883.6.69": "NDC", "2.16.840.1.113883.6.12": "CPT", "2.16.840.1.113883.6.285": "HCPCS",
    "2.16.840.1.113883.6.73": "ATC", "2.16.840.1.113883.6.8": "UCUM", "1.2.840.10008.2.16.4": "DCM",
    "2.16.840.1.113883.4.9": "UNII",
}  # fmt: skip
_BY_TABLE_0396 = {
    "LN": "LOINC", "LOINC": "LOINC", "RXNORM": "RXNORM", "SCT": "SNOMED", "SNM": "SNOMED", "SNOMED": "SNOMED",
    "SNOMED-CT": "SNOMED", "I10": "ICD10CM", "I10C": "ICD10CM", "ICD-10-CM": "ICD10CM", "ICD10CM": "ICD10CM", "ICD10": "ICD10CM",
    "ICD-10": "ICD10CM", "I10P": "ICD10PCS", "I9": "ICD9CM", "I9C": "ICD9CM", "I9CDX": "ICD9CM", "ICD9": "ICD9CM",
    "I9CP": "ICD9PCS", "C4": "CPT", "C5": "CPT", "CPT": "CPT", "CPT4": "CPT", "HPC": "HCPCS", "HCPCS": "HCPCS", "NDC": "NDC",
    "CVX": "CVX", "ATC": "ATC", "UCUM": "UCUM", "DCM": "DCM", "FDDC": "UNII",
}  # fmt: skip
_URI = {name: f"http://{uri}" for uri, name in reversed(_BY_URI.items())} | {"DCM": "http://dicom.nema.org/resources/ontology/DCM"}
_SCHEME = re.compile(r"\A(?:https?://|urn:)", re.IGNORECASE)
_NOT_WORD = re.compile(r"[^A-Za-z0-9]+")


@lru_cache(maxsize=4096)
def vocabulary(uri: str) -> str:
    """Our name of a FHIR code system; an unknown one is named by the last part of its path.

    >>> vocabulary("http://loinc.org"), vocabulary("urn:oid:2.16.840.1.113883.6.88")
    ('LOINC', 'RXNORM')
    >>> vocabulary("http://hospital.example/codes/lab-tests"), vocabulary("")
    ('LAB-TESTS', 'LOCAL')
    """
    bare = _SCHEME.sub("", uri.strip().split("|")[0]).rstrip("/")
    if bare.lower().startswith("oid:") or bare[:2] in ("2.", "1."):
        oid = bare.lower().removeprefix("oid:")
        return _BY_OID.get(oid, "OID-" + _slug(oid))
    key = bare.lower()
    if key.startswith("snomed.info/sct/"):
        return "SNOMED"
    return _BY_URI.get(key) or _slug(bare.rsplit("/", 1)[-1]) or "LOCAL"


@lru_cache(maxsize=4096)
def coding_system(name: str | None) -> str:
    """Our name of an HL7 v2 coding system (CWE-3); L, 99... and none are LOCAL, OIDs are looked up.

    >>> coding_system("LN"), coding_system("99LAB"), coding_system(None)
    ('LOINC', 'LOCAL', 'LOCAL')
    """
    told = (name or "").strip()
    upper = told.upper()
    if upper in _BY_TABLE_0396:
        return _BY_TABLE_0396[upper]
    if _SCHEME.match(told) or told[:2] in ("2.", "1."):
        return vocabulary(told)
    return "LOCAL" if upper in ("", "L") or upper.startswith("99") else _slug(told) or "LOCAL"


def _slug(text: str) -> str:
    return _NOT_WORD.sub("-", text).strip("-").upper()


def system(name: str) -> str:
    """The URI of a vocabulary in FHIR, from the first part of an event code; one of ours for a name that FHIR does not know.

    >>> system("ICD10CM"), system("TEXT")
    ('http://hl7.org/fhir/sid/icd-10-cm', 'urn:bedside:vocabulary:text')
    """
    return _URI.get(name) or f"urn:bedside:vocabulary:{name.lower()}"
