"""Made people: patients' identities and the clinicians of the house.

Numbers look like real ones and cannot be: social security numbers of 9xx, telephone exchange 555-01, streets that we named,
e-mail at example.org. Names are common ones joined at random; a few are words, bear accents or apostrophes, as in any hospital.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from random import Random

from bedside.demo.records import Address, Clinician, Identity

_FAMILY = ["Smith", "Johnson", "Williams", "Brown", "Jones", "Garcia", "Miller", "Davis", "Rodriguez", "Martinez", "Hernandez",
           "Lopez", "Gonzalez", "Wilson", "Anderson", "Thomas", "Taylor", "Moore", "Jackson", "Martin", "Lee", "Perez", "Thompson",
           "White", "Harris", "Sanchez", "Clark", "Ramirez", "Lewis", "Robinson", "Walker", "Young", "Allen", "King", "Wright",
           "Scott", "Torres", "Nguyen", "Hill", "Flores", "Green", "Adams", "Nelson", "Baker", "Hall", "Rivera", "Campbell",
           "Mitchell", "Carter", "Roberts", "Kowalski", "Okafor", "Abernathy", "Castellano", "DiMarco", "Fitzgerald", "Goldstein",
           "Haddad", "Ivanov", "Jankowski", "Khan", "Lindqvist", "Mbeki", "Nakamura", "O'Brien", "O'Neil", "Patel", "Quinn",
           "Rosenthal", "Steele", "Tanaka", "Underwood", "Vasquez", "Weatherby", "Xiong", "Yilmaz", "Zimmerman", "Núñez", "Müller",
           "Beaulieu", "St.~John", "Van~Buren", "De~la~Cruz", "Long", "Rose", "Bright", "Frost", "Price", "Day", "Banks", "Wells",
           "Fox"]  # fmt: skip
_FEMALE = ["Mary", "Patricia", "Jennifer", "Linda", "Elizabeth", "Barbara", "Susan", "Jessica", "Sarah", "Karen", "Lisa", "Nancy",
           "Margaret", "Sandra", "Ashley", "Dorothy", "Kimberly", "Emily", "Donna", "Michelle", "Carol", "Amanda", "Melissa",
           "Deborah", "Stephanie", "Rebecca", "Sharon", "Laura", "Cynthia", "Amy", "Kathleen", "Angela", "Shirley", "Brenda",
           "Emma", "Anna", "Pamela", "Ruth", "Rose", "Grace", "Hope", "June", "Iris", "Joy", "Zoë", "Inés", "Aaliyah", "Mei-Ling",
           "Fatima", "Guadalupe", "Siobhán"]  # fmt: skip
_MALE = ["James", "Robert", "John", "Michael", "David", "William", "Richard", "Joseph", "Thomas", "Christopher", "Charles",
         "Daniel", "Matthew", "Anthony", "Mark", "Donald", "Steven", "Andrew", "Paul", "Joshua", "Kenneth", "Kevin", "Brian",
         "George", "Timothy", "Ronald", "Jason", "Edward", "Jeffrey", "Ryan", "Jacob", "Gary", "Nicholas", "Eric", "Jonathan",
         "Stephen", "Larry", "Justin", "Frank", "Mark", "Bill", "Will", "Grant", "Chase", "Jean-Luc", "José", "Omar", "Wei",
         "Dmitri", "Kwame", "Raj"]  # fmt: skip
_STREETS = ["Alder", "Birchwood", "Cannery", "Dovecote", "Elmhurst", "Foundry", "Granary", "Harborview", "Ironmonger", "Juniper",
            "Kestrel", "Lantern", "Millrace", "Northgate", "Orchard", "Paddock", "Quarry", "Ropewalk", "Saltmarsh", "Tannery",
            "Upland", "Vinegar~Hill", "Wheelwright", "Yarrow"]  # fmt: skip
_KINDS = ("Street", "Avenue", "Road", "Lane", "Court", "Place")
_PLACES = (
    ("New York", "NY", "10031"), ("New York", "NY", "10002"), ("Brooklyn", "NY", "11215"), ("Brooklyn", "NY", "11233"),
    ("Bronx", "NY", "10456"),
    ("Queens Village", "NY", "11427"), ("Staten Island", "NY", "10304"), ("Yonkers", "NY", "10701"),
    ("White Plains", "NY", "10601"),
    ("Albany", "NY", "12203"), ("Troy", "NY", "12180"), ("Schenectady", "NY", "12304"), ("Kingston", "NY", "12401"),
    ("Poughkeepsie", "NY", "12601"),
    ("Plattsburgh", "NY", "12901"), ("Syracuse", "NY", "13204"), ("Utica", "NY", "13501"), ("Buffalo", "NY", "14207"),
    ("Rochester", "NY", "14607"),
    ("Ithaca", "NY", "14850"), ("Newark", "NJ", "07104"), ("Paterson", "NJ", "07501"), ("Stamford", "CT", "06902"),
    ("Danbury", "CT", "06810"),
    ("Pittsfield", "MA", "01201"), ("Canaan", "VT", "05903"), ("Walpole", "NH", "03608"),
)  # fmt: skip
_PLACE_WEIGHTS = [12] * (len(_PLACES) - 2) + [2, 2]  # the last two lie in three-digit zones of under 20,000 people
_AREAS = ["212", "315", "332", "347", "516", "518", "585", "607", "631", "646", "680", "716", "718", "838", "845", "914", "917",
          "929", "934", "201", "203", "413"]  # fmt: skip
_RACES = (("2106-3", "White"), ("2054-5", "Black or African American"), ("2028-9", "Asian"),
          ("1002-5", "American Indian or Alaska Native"),
          ("2131-1", "Other Race"))  # fmt: skip
_RACE_WEIGHTS = (58, 20, 9, 1, 12)
_ETHNICITIES = (("2186-5", "Not Hispanic or Latino"), ("2135-2", "Hispanic or Latino"))
_PAYERS = {"medicare": "Made Medicare", "medicare_plus_private": "Made Medicare Plus", "medicare_medicaid": "Made Dual Plan",
           "medicaid": "Made Medicaid", "private_employer": "Made Mutual", "private": "Made Mutual",
           "uninsured": "Self-pay"}  # fmt: skip
_ROLES = (("MD", 18), ("RN", 12), ("MT", 5), ("PharmD", 3))
_STEPS = {"mrn": 7_368_787, "ssn": 2_718_281, "visit": 5_772_157, "accession": 3_141_593, "order": 1_618_033}
"""Odd and no multiples of 5: each walks through all seven-digit numbers without repeats."""
_CLINIC_SHARE, _MERGE_SHARE, _MOVE_SHARE = 0.25, 0.02, 0.08


def number_of(index: int, seed: int, kind: str) -> str:
    """Seven digits, one to one with the patient's index, unlike those of the other kinds."""
    step = _STEPS[kind]
    return f"{(index * step + seed * 1_548_587 + step // 3) % 10_000_000:07d}"


def identity(index: int, seed: int, *, sex: str, born: date, insurance: str) -> Identity:
    """Who made patient `index` is; the same index and seed are the same person."""
    draw = Random(f"bedside person {seed} {index}")
    number, social = number_of(index, seed, "mrn"), number_of(index, seed, "ssn")
    family, given = _family(draw), _given(draw, sex)
    merged = f"8{number}" if draw.random() < _MERGE_SHARE or index in (7, 90, 171) else None
    moves = draw.random() < _MOVE_SHARE
    return Identity(
        fhir_id=f"pat-{draw.getrandbits(48):012x}", mrn=f"4{number}", clinic_mrn=_clinic(index, seed, draw), merged_mrn=merged,
        ssn=f"9{social[:2]}-1{social[2]}-{social[3:]}", member=f"MBR{draw.randrange(10**9):09d}", family=family, given=given,
        middle=_given(draw, sex)[0] + ".",
        sex="F" if sex == "F" else "M", birth_date=born.isoformat(), race=draw.choices(_RACES, _RACE_WEIGHTS)[0],
        ethnicity=draw.choices(_ETHNICITIES, (82, 18))[0], marital=draw.choice("MMMSWD"), phone=_phone(draw), mobile=_phone(draw),
        email=f"{_plain(given)}.{_plain(family)}{draw.randrange(100)}@example.org", address=_address(draw),
        new_address=_address(draw) if moves else None, kin_name=f"{_given(draw, draw.choice('FM'))} {family}",
        kin_phone=_phone(draw),
        payer=_PAYERS.get(insurance, "Made Public Plan"),
    )  # fmt: skip


def _clinic(index: int, seed: int, draw: Random) -> str | None:
    """The number at the clinic next door, for those who have been there."""
    number = f"C-{(index * 736_879 + seed * 31 + 104_729) % 1_000_000:06d}"
    return number if draw.random() < _CLINIC_SHARE else None


def birth_date(age: int, first_stay: date, index: int, seed: int) -> date:
    """A birth date that makes the patient `age` at the first stay."""
    days = Random(f"bedside birth {seed} {index}").randrange(3, 362)
    return first_stay - timedelta(days=int(age * 365.2425) + days)


@lru_cache(maxsize=1)
def clinicians() -> dict[str, list[Clinician]]:
    """The staff, by credential; the same in every made hospital."""
    draw = Random("bedside clinicians")
    return {role: [_clinician(draw, role, place) for place in range(count)] for role, count in _ROLES}


def _clinician(draw: Random, role: str, place: int) -> Clinician:
    npi = f"19{draw.randrange(10**8):08d}"
    return Clinician(f"prac-{role.lower()}-{place:02d}", npi, _family(draw), _given(draw, draw.choice("FM")), role, _phone(draw))


def doctor(index: int, stay: int) -> Clinician:
    staff = clinicians()["MD"]
    return staff[Random(f"bedside doctor {index} {stay}").randrange(len(staff))]


def _family(draw: Random) -> str:
    name = draw.choice(_FAMILY).replace("~", " ")
    return f"{name}-{draw.choice(_FAMILY[:60])}" if draw.random() < 0.04 else name


def _given(draw: Random, sex: str) -> str:
    return draw.choice(_FEMALE if sex == "F" else _MALE)


def _phone(draw: Random) -> str:
    return f"{draw.choice(_AREAS)}-555-01{draw.randrange(100):02d}"


def _address(draw: Random) -> Address:
    city, state, postal_code = draw.choices(_PLACES, _PLACE_WEIGHTS)[0]
    street = f"{draw.randrange(2, 990)} {draw.choice(_STREETS).replace('~', ' ')} {draw.choice(_KINDS)}"
    return Address(street + (f", Apt {draw.randrange(1, 40)}{draw.choice('ABCD')}" if draw.random() < 0.3 else ""), city, state,
                   postal_code)  # fmt: skip


def _plain(name: str) -> str:
    kept = name.lower().translate(str.maketrans("áéíóúñüë", "aeiounue"))
    return "".join(letter for letter in kept if letter.isascii() and letter.isalpha())
