"""What the name of a column says that it holds, and whether its values agree.

In        the name of a column, in any of the ways that systems write them (pt_last_nm, PatientLastName, PATIENT LAST NAME), and the shape of its values
Out       a kind, "" where the name says nothing; a role with its confidence and reason, None where the values must say it alone
"""

from __future__ import annotations

import re

from bedside.deidentify.profile_shapes import Shape

_SURE, _LIKELY, _POSSIBLE = 0.95, 0.8, 0.6
_CUT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-z])(?=\d)")
_STAFF = (
    r"provider|prescriber|physician|doctor|dr|nurse|rn|tech|technician|technologist|author|attending|ordering|clinician|staff|operator|pharmacist|verified|"
    r"signed|resident|surgeon|performed|entered|reviewed|referring|radiologist|pathologist|collector|by|pcp|consultant|anesthesiologist|therapist|user"
)
_KIN = r"spouse|guarantor|guardian|kin|nok|emergency|mother|father|maiden|contact|insured|subscriber|employer|alias|nickname"
_NAME = r"name|nm|nam"
# In this order; a name is words in small letters with one blank between.
_KINDS: tuple[tuple[str, str], ...] = tuple(
    (kind, rf"(?:^| )(?:{words})(?: |$)")
    for kind, words in (
        ("text", r"notes?|comments?|narrative|remarks?|free text|impression|findings|hpi|assessment|report text|report|description of|instructions?|message|"
                 r"reason text|text|sig|details?|history text|chief complaint|complaint|summary|memo"),
        ("ssn", r"ssn|ss no|social security(?: (?:number|no))?|soc sec(?: \w+)?|sin|tin|national id"),
        ("email", r"e ?mail(?: \w+)?|email address"),
        ("url", r"url|website|web(?: \w+)?|homepage|link"),
        ("ip", r"ip|ip addr(?:ess)?|mac|mac address"),
        ("phone", r"phones?\d*|telephone|tel|mobile|cell|fax|pager|(?:home|work|cell) (?:ph|no|number)|ph(?: no)?|phone number"),
        ("birth_date", r"dob|d o b|birth ?date|birth dt|birth day|birthday|date (?:of )?birth|birth|born|yob|birth year|year (?:of )?birth|bday"),
        ("age", r"ages?|age (?:years?|yrs?|at \w+)|anchor age"),
        ("given", rf"(?:first|given|fore|middle|mid)(?: ?(?:{_NAME}|init(?:ial)?))?|f name|fname|mname|firstname|middlename|mi"),
        ("family", rf"(?:last|family|sur)(?: ?(?:{_NAME}))|l name|lname|lastname|surname"),
        ("identifier", r"npi|dea|dea (?:no|number)|license(?: \w+)?|licence(?: \w+)?|serial(?: \w+)?|device (?:id|serial)|udi|vin|plate|passport(?: \w+)?|"
                       r"driver s? ?license|order|account(?: (?:no|num|number|id))?|acct(?: \w+)?|accession(?: \w+)?|order (?:no|num|number|id)|claim(?: (?:no|num|number|id))?|"
                       r"rx (?:no|num|number)|prescription (?:no|num|number|id)|specimen (?:no|num|number|id)|invoice(?: \w+)?|barcode|authorization (?:no|number)"),
        ("plan", r"member(?: ?(?:no|num|number|id))?|subscriber(?: ?(?:no|num|number|id))|policy(?: ?(?:no|num|number|id))?|beneficiary(?: ?(?:no|num|number|id))?|"
                 r"group (?:no|num|number|id)|insurance (?:no|num|number|id)|medicare(?: \w+)?|medicaid(?: \w+)?|mbi|hicn?|health plan (?:no|num|number|id)|plan (?:no|num|number|id)"),
        ("subject", r"mrn|mr n?o|medical record(?: (?:no|num|number|id))?|med rec(?: \w+)?|patient (?:id|no|num|number|identifier|key|sk|mrn)|pat (?:id|no|mrn)|pt (?:id|no|mrn)|"
                    r"patid|ptid|person id|subject(?: id)?|subjid|patient|patientid|patientunitstayid|chart (?:no|num|number)|empi|bene id|desynpuf id|enrolid|patid"),
        ("encounter", r"encounter(?: (?:id|no|num|number|key))?|enc(?: \w+)?|visit(?: (?:id|no|num|number|occurrence id))?|csn|pat enc csn(?: id)?|hadm(?: id)?|stay id|"
                      r"admission (?:id|no|number)|episode(?: (?:id|no))?|fin(?: (?:no|num|number))?|har|icustay id"),
        ("zip", r"zip(?: ?code)?\d?|postal(?: ?code)?|post ?code|zip5|zip 5|zip 4"),
        ("address", r"addr(?:ess)?(?: ?(?:line)? ?\d)?|street(?: \w+)?|residence|home addr(?:ess)?|mailing(?: \w+)?|apt|po box|line \d"),
        ("county", r"county|district|borough|neighborhood|tract|census(?: \w+)?|fips|latitude|longitude|lat|lon|lng|geo(?: \w+)?"),
        ("city", r"city|town|municipality|birth ?place|place (?:of )?birth"),
        ("state", r"state|province|region|country|nation"),
        ("year", r"year|yr|\w+ year|\w+ yr|anchor year"),
        ("uid", r"uid|sop instance(?: uid)?|study instance(?: uid)?|series instance(?: uid)?|\w+ uid"),
        ("date", r"dates?|dt|dttm|dtm|datetime|date ?time|time ?stamp|timestamp|ts|\w*time|\w*date|when|at|on|collected|resulted|admitted|discharged|dispensed|ordered|"
                 r"filed|service from|service to|expires|expiration|dos|dod|deathtime"),
        ("code", r"code|cd|icd\d*|icd \d+(?: \w+)?|cpt(?: \d)?|hcpcs|loinc|ndc|rxcui|snomed|drg|cvx|status|flag|type|category|class|sex|gender|race|ethnicity|ethnic group|"
                 r"unit|units|uom|route|frequency|freq|form|severity|priority|department|dept|ward|service|specialty|payer|plan|language|marital(?: status)?|"
                 r"religion|modality|site|source|disposition|result flag|abnormal|interpretation|smoker|insurance|dx|diagnosis(?: code)?|drug|medication|test|"
                 r"test name|analyte|procedure|dose unit|specimen(?: type)?|formulary|tier|generic|brand|ingredient|strength|state|icu|unit type|made"),
        ("number", r"value|result|amount|qty|quantity|dose|count|cost|charge|price|paid|score|height|weight|bmi|hr|heart rate|sbp|dbp|bp|temp|temperature|spo2|resp|"
                   r"rate|los|days|days supply|refills|min|max|low|high|num|line|seq|sequence|rank|numerator|total|copay|usd|percent|duration|interval|minutes|hours"),
        ("identifier", r"id|no|number|key|identifier|uuid|guid|sk|ref|reference|nbr"),
        ("name", rf"{_NAME}|full ?name|patient ?name|display name|who"),
    )
)
_COMPILED = tuple((kind, re.compile(pattern)) for kind, pattern in _KINDS)
_STAFF_NAME, _KIN_NAME = re.compile(rf"(?:^| )(?:{_STAFF})(?: |$)"), re.compile(rf"(?:^| )(?:{_KIN})(?: |$)")
_PERSON_NAME = re.compile(rf"(?:^| )(?:full ?)?{_NAME}(?: |$)")
_THING_NAME = re.compile(r"(?:^| )(?:drug|test|medication|med|product|lab|component|procedure|diagnosis|dx|department|dept|payer|plan|generic|brand|unit|analyte|code|proc|panel|"
                         r"ingredient|vaccine|site|file|table|column|variable|feature|item)(?: |$)")  # fmt: skip


def plain(name: str) -> str:
    """A column's name as words in small letters.

    >>> plain("PatientLastName"), plain("PT_DOB"), plain("pat_enc_csn_id")
    ('patient last name', 'pt dob', 'pat enc csn id')
    """
    return " ".join(part for part in _CUT.split(name) if part).lower()


def kind_of(name: str) -> str:
    """What a column's name says it holds.

    >>> [kind_of(one) for one in ("pt_dob", "PatientLastName", "AttendingProvider", "hr", "MRN", "x7")]
    ['birth_date', 'family', 'staff', 'number', 'subject', '']
    """
    words = plain(name)
    kind = next((kind for kind, pattern in _COMPILED if pattern.search(words)), "")
    about_staff, about_kin = _STAFF_NAME.search(words) is not None, _KIN_NAME.search(words) is not None
    if kind in ("subject", "encounter", "plan") and _PERSON_NAME.search(words):
        kind = "name"
    if kind in ("name", "") and about_staff and not words.startswith(("drug", "test")):
        return "staff"
    if kind in ("name", "given", "family", "") and about_kin:
        return "name"
    if kind == "name" and _THING_NAME.search(words):
        return "code"
    if kind == "subject" and about_kin:
        return "identifier"
    return kind


def told_by(said: str, shape: Shape) -> tuple[str, float, str] | None:
    """The role that a name asks for: surest where the values agree; what identifies needs no proof, what stays does."""
    named = f"named as {said.replace('_', ' ')}"
    if said in ("ssn", "email", "url", "ip", "phone"):
        return said, _SURE if shape.has(said, 0.5) else _LIKELY, named
    if said in ("address", "city"):
        return said, _SURE if max(shape.share["street"], shape.place) >= 0.5 else _LIKELY, named
    if said in ("name", "given", "family", "staff"):
        return _name(said, shape, named)
    if said == "zip":
        return ("zip", _SURE if shape.has("zip", 0.8) else _LIKELY, named)
    if said == "county":
        return "drop", _LIKELY, "named as an area smaller than a state"
    if said in ("birth_date", "date", "year"):
        return _date(said, shape, named)
    if said == "age":
        return ("age", _SURE, named) if shape.has("age", 0.8) else None
    if said in ("subject", "encounter", "identifier", "plan", "uid"):
        return _number(said, shape, named)
    if said == "text" and (shape.words >= 1.5 or shape.told > 0 or shape.length > 20):
        return "text", _SURE if shape.words >= 3 else _LIKELY, named
    if said == "state" and (shape.has("state", 0.8) or shape.different <= 60) and shape.told == 0 and shape.person < 0.2:
        return "keep", _SURE if shape.has("state") else _LIKELY, "named as a state or country"
    if said == "number" and shape.has("number", 0.8) and shape.long_digits < 0.2 and shape.told == 0:
        return "keep", _SURE, "named as a measurement, and its values are numbers"
    if said == "code":
        return _code(shape)
    return None


def _name(said: str, shape: Shape, named: str) -> tuple[str, float, str] | None:
    if said == "staff":
        if shape.has("number", 0.8) or shape.has("mixed", 0.8):
            return "identifier", _POSSIBLE, "named as staff, and its values are numbers"
        return "drop", _LIKELY, "named as staff"
    sure = {"name": shape.person, "given": shape.given, "family": shape.family}[said]
    if shape.has("number", 0.8):
        return None
    return said, _SURE if sure >= 0.5 else _LIKELY, named


def _date(said: str, shape: Shape, named: str) -> tuple[str, float, str] | None:
    if shape.date_format:
        role = "birth_date" if said == "birth_date" else "datetime" if shape.timed else "date"
        return role, _SURE, f"{named}, and its values are dates ({shape.date_format})"
    if shape.has("year"):
        return ("birth_date" if said == "birth_date" else "year"), _SURE, f"{named}, and its values are years"
    return ("drop", _POSSIBLE, f"{named}, and its values cannot be read as dates") if said == "birth_date" or shape.share["iso"] > 0.2 else None


def _number(said: str, shape: Shape, named: str) -> tuple[str, float, str] | None:
    if said == "uid":
        return ("uid" if shape.has("uid", 0.8) else "identifier"), _LIKELY, named
    if shape.date_format and said == "identifier":
        return None
    if shape.person >= 0.5 and shape.words >= 1.7:
        return "name", _LIKELY, f"{named}, but {shape.person:.0%} of the values are names of people"
    if shape.words >= 3:
        return "text", _POSSIBLE, f"{named}, but its values are texts"
    if said == "identifier" and shape.different <= 12 and shape.repeats >= 4 and shape.length <= 3:
        return None
    return said, _SURE if shape.has("mixed", 0.8) or shape.has("integer", 0.8) or shape.has("uuid", 0.8) else _LIKELY, named


def _code(shape: Shape) -> tuple[str, float, str] | None:
    """A column named as a code stays where its values repeat and tell nobody."""
    if shape.told > 0.02 or shape.person >= 0.3 or shape.date_format or any(shape.has(kind, 0.2) for kind in ("email", "phone", "ssn", "uuid", "street")):
        return None
    if shape.words >= 6:
        return "text", _LIKELY, "named as a code, but its values are texts"
    if max(shape.given, shape.family) >= 0.7 and shape.different > 12:
        return None
    published = any(shape.has(code, 0.8) for code in ("loinc", "icd", "ndc")) or (shape.has("mixed", 0.8) and shape.length <= 7) or (shape.has("integer") and shape.length <= 7)
    if published or shape.different <= 200 or shape.repeats >= 5:
        return "keep", _SURE if shape.different <= 30 or published else _LIKELY, f"named as a code, {shape.different} kinds"
    return None
