"""The review page as a file: readable by its owner alone, and with original text never inside a study folder.

In        a drawn sample, where the page goes
Out       the page, mode 0600; a receipt's figures of a review
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bedside.core.errors import Refused
from bedside.deidentify.review import Judged, Sample

if TYPE_CHECKING:
    from bedside.deidentify.work import Text
    from bedside.study.study import Study


def write(path: Path, samples: Sequence[Sample], *, title: str, policy: str, digest: str) -> None:
    """Write the review page. Raises `Refused` where it would hold original text inside a study folder."""
    from bedside.report.review import page

    place = path.resolve()
    inside = any((above / "study.toml").exists() for above in place.parents)
    if inside and any(one.original is not None for one in samples):
        raise Refused("a review page with original text is PHI, and a study folder holds none", where=path.name,
                      do="write it beside the raw files, or leave --with-original out")  # fmt: skip
    part = place.with_name(place.name + f".part-{os.getpid()}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(page(samples, title=title, policy=policy, digest=digest))
    os.replace(part, place)


def samples(texts: Iterable[Text], *, with_original: bool) -> list[Sample]:
    """Texts drawn by lot as the page shows them, in the order in which they were drawn."""
    return [
        Sample(
            f"{one.file}, {one.place}", one.done.text, list(one.done.marks), one.format,
            one.said if with_original else None, list(one.done.spans) if with_original else [],
        )
        for one in texts
    ]  # fmt: skip


def of_study(study: Study, count: int, *, with_original: bool = False) -> Path:
    """Draw texts of a study's raw files, de-identify them as its step does, and write the page beside the study folder."""
    from bedside.deidentify.batch import drawn
    from bedside.deidentify.work import start
    from bedside.study import folder
    from bedside.study.steps.sources import mappings, raw_files, timezones
    from bedside.study.worker import doer, how_many

    context = study.context()
    rules, files = folder.rules(study.root, study.file.deidentify.policy), raw_files(context)
    begun = start(context.keyring, rules, mappings=mappings(context), timezones=timezones(context), detector=study.file.deidentify.detector, sample=count)
    with doer(begun, how_many(files)) as workers:
        texts = drawn(files, workers, count)
    place = study.root.with_name(f"{study.root.name}.review.html")
    write(place, samples(texts, with_original=with_original), title=f"{study.root.name}: {len(texts)} texts", policy=rules.name, digest=rules.digest)
    return place


def figures(judged: Judged) -> dict[str, object]:
    """What a receipt says of a review: counts and bounds, no text."""
    return {
        "sampled": judged.sampled,
        "unjudged": judged.unjudged,
        "leaking_texts": judged.texts.leaks,
        "judged_texts": judged.texts.n,
        "leak_rate_upper": round(judged.texts.upper, 6),
        "missed_identifiers": judged.identifiers.leaks,
        "identifiers": judged.identifiers.n,
        "identifier_miss_rate_upper": round(judged.identifiers.upper, 6),
        "level": judged.texts.level,
    }
