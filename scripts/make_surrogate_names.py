"""Make src/bedside/deidentify/surrogate_names.txt.xz out of the names of Faker (MIT): python scripts/make_surrogate_names.py FAKER

In        FAKER: the unpacked wheel of faker 40.63.0
Out       five lines of words with blanks between: given names of women, of men (every locale in Latin letters, small, without marks: they tell the
          gender of a name that is replaced; one that is the other gender's in more than twice as many locales is not listed); then those of women, of men and family names that stand instead
Left out  of what stands instead: words that English or medicine has, towns and lands, names for both women and men, and the names most common in the
          United States, so that a made name is seldom that of somebody else in the same note
"""

from __future__ import annotations

import importlib
import lzma
import sys
from collections import Counter
from pathlib import Path

from make_name_lists import _LOCALES, words

from bedside.deidentify.lexicon import Word, meanings

OUT = Path(__file__).resolve().parents[1] / "src/bedside/deidentify/surrogate_names.txt.xz"
ABROAD = ("en_GB", "en_IE", "en_NZ", "fr_FR", "de_DE", "nl_NL", "it_IT", "sv_SE", "da_DK", "no_NO", "es_ES")
_TELLS = int(Word.GIVEN | Word.FAMILY | Word.PLAIN | Word.ENGLISH | Word.CLINICAL | Word.LAND | Word.CITY | Word.AMBIGUOUS | Word.NOT_NAME)


def main() -> None:
    """Read, sort out, write."""
    sys.path.insert(0, sys.argv[1])
    counted = [Counter(name for locale in _LOCALES for name in said(locale, f"first_names_{gender}")) for gender in ("female", "male")]
    women, men = ({name for name, n in one.items() if 2 * n >= other[name]} for one, other in (counted, counted[::-1]))
    lists = [sorted(women), sorted(men)]
    for gender, other in (("female", men), ("male", women)):
        common = said("en_US", f"first_names_{gender}")
        lists += [sorted(plain(set().union(*(said(locale, f"first_names_{gender}") for locale in ABROAD)) - common - other))]
    families = set().union(*(said(locale, "last_names") for locale in ("en_GB", "en_IE", "en_NZ"))) - said("en_US", "last_names")
    lists += [sorted(plain(families) - {name.title() for name in women | men})]
    packed = lzma.compress("\n".join(" ".join(names) for names in lists).encode(), preset=9, check=lzma.CHECK_CRC32)
    OUT.write_bytes(packed)
    print([len(names) for names in lists], f"{len(packed):,} bytes")


def said(locale: str, part: str) -> set[str]:
    """The names of a locale, small and without marks."""
    return words(map(str, getattr(importlib.import_module(f"faker.providers.person.{locale}").Provider, part, ())))


def plain(names: set[str]) -> set[str]:
    """Of some names those that are nothing else, with a capital."""
    return {name.title() for name in names if name.isalpha() and len(name) > 3 and not meanings().get(name, 0) & _TELLS}


if __name__ == "__main__":
    main()
