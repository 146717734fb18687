"""Policies: what they are called is what they do; a site's own is checked as a whole; zip codes by a dated table."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bedside.cli.group import bedside
from bedside.core.errors import Misconfigured
from bedside.deidentify.policy import NAMES, policy
from bedside.deidentify.policy_told import CLASSES, told
from bedside.deidentify.zip_codes import areas, shipped, zip_code

OWN = 'base = "expert-determination"\nname = "our-trial"\n'
ZIP3 = 'schema = "bedside.zip3/2"\ncensus = "2020"\npopulated = ["010-012", "900"]\nrestricted = ["011"]\n'


@pytest.fixture
def own(tmp_path: Path):
    """A site's own policy file, from what it says; and its table of zip areas."""

    def write(text: str, zip3: str | None = None) -> str:
        (tmp_path / "ours.toml").write_text(text)
        if zip3 is not None:
            (tmp_path / "areas.toml").write_text(zip3)
        return str(tmp_path / "ours.toml")

    return write


def problems(path: str) -> str:
    with pytest.raises(Misconfigured) as wrong:
        policy(path)
    return str(wrong.value)


# --- zip codes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("area", ["036", "059", "102", "203", "205", "369", "556", "692", "821", "823", "878", "879", "884", "893"])
def test_areas_of_20_000_people_or_fewer_read_000(area):
    """The list of the 2010 census, as in Microsoft's published configuration for FHIR."""
    assert zip_code(area + "01", 3) == "000"


@pytest.mark.parametrize("area", ["000", "001", "005", "202", "204", "213", "269", "343", "399", "519", "753", "772", "962", "969"])
def test_areas_where_nobody_is_known_to_live_read_000(area):
    assert zip_code(area + "01", 3) == "000"


def test_the_shipped_table_is_that_of_the_census(shared_data):
    with (shared_data / "deid" / "zip3" / "zip3_pop_2010.csv").open() as stream:
        people = {row["z3"]: int(row["pop"]) for row in csv.DictReader(stream)}
    assert shipped().standing == {area for area, many in people.items() if many > 20_000}
    assert areas(shipped().restricted) == {area for area, many in people.items() if 0 < many <= 20_000}
    assert shipped().census == "2010"


@given(st.text(max_size=12))
def test_whatever_is_written_no_more_than_three_digits_of_a_known_area_stand(text):
    assert zip_code(text, 3) in shipped().standing | {"000"} | ({""} if not text else set())


@given(st.integers(0, 99_999), st.sampled_from(["", "-4307", "4307", " 4307", "-"]))
def test_a_code_in_every_spelling_reads_its_area_or_000(number, tail):
    code = f"{number:05d}"
    assert zip_code(code + tail, 3) == (code[:3] if code[:3] in shipped().standing else "000")
    assert (zip_code(code + tail, 5), zip_code(code + tail, 0)) == (code + tail, "")


@pytest.mark.parametrize("code", ["110001", "1011", "SW1A 1AA", "K1A 0B1", "0213A", "٠٢١٣٩", "02139 Cambridge"])
def test_what_is_no_zip_code_of_the_united_states_reads_000(code):
    assert zip_code(code, 3) == "000"


def test_a_site_may_bring_a_newer_table(own):
    rules = policy(own(OWN + 'zip3 = "areas.toml"\n', ZIP3))
    assert [rules.zip(code) for code in ("01002", "01102", "90001", "02139")] == ["010", "000", "900", "000"]
    assert rules.census == "2020"
    before = rules.digest
    assert policy(own(OWN + 'zip3 = "areas.toml"\n', ZIP3.replace('["011"]', '["010"]'))).digest != before


@pytest.mark.parametrize(("wrong", "said"), [(ZIP3.replace("zip3/2", "zip3/1"), "zip3.schema"), (ZIP3.replace('"010-012"', '"012-010"'), "zip3.populated"),
                                             (ZIP3.replace('["011"]', '["777"]'), "zip3.restricted"), (ZIP3.replace("2020", "now"), "zip3.census"),
                                             ("census = ", "not TOML")])  # fmt: skip
def test_a_wrong_table_of_zip_areas_is_told(own, wrong, said):
    assert said in problems(own(OWN + 'zip3 = "areas.toml"\n', wrong))


# --- a site's own policy ---------------------------------------------------------------------------


def test_a_policy_of_ones_own_differs_from_its_base_in_what_it_says_only(own):
    rules, base = policy(own(OWN + 'shift_weeks = 26\n[text]\nreplace = "surrogates"\n[dicom]\npixels = "all"\n')), policy("expert-determination")
    assert (rules.shift_weeks, rules.text.replace, rules.dicom.pixels, rules.dicom.retain) == (26, "surrogates", "all", base.dicom.retain)
    assert (rules.dates, rules.age_cap, rules.ground) == (base.dates, base.age_cap, "expert-determination")
    assert rules.digest != base.digest


def test_a_changed_file_is_another_policy_at_once(own):
    before = policy(own(OWN + "shift_weeks = 26\n"))
    after = policy(own(OWN + "shift_weeks = 27\n"))
    assert (before.shift_weeks, after.shift_weeks) == (26, 27)
    assert before.digest != after.digest


def test_every_problem_is_told_at_once_with_its_line_and_the_nearest_word(own):
    said = problems(own('base = "expert-determination"\nname = "safe-harbor"\ndatez = "shift"\nzip_digits = 4\n[text]\nreplace = "tagz"\n[fhir.elements]\n"Patient.name" = "bin"\n'))
    assert "5 problems" in said
    for part in ("line 2, name", "line 3, datez", "did you mean 'dates'", "line 4, zip_digits", "line 6, text.replace", "did you mean 'tags'", "fhir.elements.Patient.name"):
        assert part in said


FAULTS = {
    "no base": ('name = "x"\n', "begins with a shipped one"),
    "unknown base": ('base = "safe-harbour"\nname = "x"\n', "did you mean 'safe-harbor'"),
    "nothing to differ from": ('base = "as-received"\nname = "x"\n', "begins with a shipped one"),
    "no name": ('base = "safe-harbor"\n', "needs a name of its own"),
    "a name that no output can bear": ('base = "safe-harbor"\nname = "Our Policy!"\n', "it stands in every output"),
    "unchanged": (OWN + "unchanged = true\n", "only as-received"),
    "a shift of nothing": (OWN + "shift_weeks = 0\n", "must be 1 to"),
    "no tag": (OWN + '[dicom.elements]\n"PatientName" = "keep"\n', "eight hexadecimal digits"),
    "no private attribute": (OWN + '[dicom]\nprivate = ["GEMS"]\n', "CREATOR,gggg,xxee"),
    "no field": (OWN + '[hl7v2.fields]\n"PID.5" = "keep"\n', "PID-10"),
    "no path": (OWN + '[fhir.elements]\n"maritalStatus" = "keep"\n', "Patient.maritalStatus"),
    "no kind": (OWN + '[text.kinds]\nPHONES = "remove"\n', "choose from"),
    "not TOML": ("base = ", "not TOML"),
}


@pytest.mark.parametrize(("text", "said"), FAULTS.values(), ids=FAULTS)
def test_a_bad_policy_says_what_and_where(own, text, said):
    told = problems(own(text))
    assert said in told
    assert "ours.toml" in told


def test_what_a_format_does_not_have_is_told_for_each_element(own):
    said = problems(own(OWN + '[fhir.elements]\n"Patient.colour" = "keep"\n"Patientt.name" = "remove"\n"Patient.gender" = "shift"\n[hl7v2.segments]\nZPI = { kept = [1] }\n'))
    assert "4 problems" in said
    assert all(part in said for part in ("fhir.elements.Patient.colour", "no such type in FHIR R4", "cannot be treated by shift", "segments.ZPI.kept"))


HARBOR = ['dates = "keep"', 'dates = "shift"\nshift_weeks = 9', 'birth_date = "full"', "age_cap = 95", "zip_digits = 5", "city = true", '[dicom]\nretain = ["full-dates"]',
          '[dicom]\nretain = ["uids"]', '[dicom]\nretain = ["device"]', '[dicom]\nclean = []', '[text.kinds]\nPHONE = "keep"', '[fhir.elements]\n"Patient.telecom" = "keep"',
          '[hl7v2.fields]\n"PID-5" = "keep"', '[dicom.elements]\n"00100010" = "keep"']  # fmt: skip


@pytest.mark.parametrize("more", HARBOR)
def test_nothing_is_called_safe_harbor_that_keeps_more(own, more):
    assert "expert-determination" in problems(own(f'base = "safe-harbor"\nname = "ours"\n{more}\n'))


@pytest.mark.parametrize("more", ["age_cap = 80", "zip_digits = 0", '[text]\nreplace = "surrogates"', 'names = "surrogate"', 'narrative = "scrub"'])
def test_a_stricter_safe_harbor_stays_one(own, more):
    assert policy(own(f'base = "safe-harbor"\nname = "ours"\n{more}\n')).ground == "safe-harbor"


@pytest.mark.parametrize("more", ['[text.kinds]\nNAME = "keep"', '[dicom]\nretain = ["device"]', '[hl7v2.fields]\n"NK1-2" = "keep"'])
def test_nothing_is_called_a_limited_data_set_that_keeps_a_direct_identifier(own, more):
    assert "expert-determination" in problems(own(f'base = "limited-data-set"\nname = "ours"\n{more}\n'))


def test_what_has_relative_time_has_the_consequences_of_safe_harbor(own):
    assert policy(own(OWN + 'dates = "relative"\n')).ground == "safe-harbor"


# --- the page --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_tells_its_digest_its_basis_and_each_class_in_each_format(name):
    done = CliRunner().invoke(bedside, ["policy", name])
    assert done.exit_code == 0
    assert policy(name).digest in done.stdout
    assert policy(name).basis in done.stdout
    assert all(what in done.stdout for _, _, _, what in CLASSES)
    record = json.loads(CliRunner().invoke(bedside, ["policy", name, "--json"]).stdout)
    assert record["classes"] == msgspec.to_builtins(told(policy(name)))


def test_the_page_names_all_eighteen_and_all_sixteen():
    assert list(dict.fromkeys(row[1] for row in CLASSES)) == list("ABCDEFGHIJKLMNOPQR")
    roman = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv", "xvi"]
    assert [number for number in dict.fromkeys(row[2] for row in CLASSES) if number] == roman


def test_the_page_of_ones_own_policy_shows_what_it_changes(own):
    done = CliRunner().invoke(bedside, ["policy", own(OWN + '[hl7v2.fields]\n"PID-10" = "remove"\n')])
    assert "hl7v2    PID-10: remove" in done.stdout


def test_a_policy_that_is_none_is_told(tmp_path):
    assert "did you mean 'safe-harbor'" in problems("safe-harbour")
    assert "cannot be read" in problems(str(tmp_path / "none.toml"))
