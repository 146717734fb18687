"""What each step of `bedside run` does: rooms called in the order of the spine, their receipts collected.

deidentify  raw files           -> safe/<source>/..., safe/deidentify.json
read        safe/               -> lake/
check       lake/               -> reports/quality.html, reports/quality.json
cohort      lake/               -> cohort/ (decisions, features; test labels sealed)
train       cohort/             -> bundles/model/, predictions/development.parquet
test        cohort/, bundles/   -> predictions/test.parquet, reports/evaluation.json, reports/test.html
dossier     ledger, evaluation  -> dossier/
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bedside.core import canonical
from bedside.core.accounts import Reject, Tally, reconcile, total
from bedside.core.errors import Refused
from bedside.core.ids import keyed_file
from bedside.core.progress import track
from bedside.core.receipt import Item, Receipt
from bedside.formats.files import RawFile, Source, paths
from bedside.study.plan import Context, Done, Step

if TYPE_CHECKING:
    import polars as pl

AS_RECEIVED = "as-received"
_PLAN_CONTEXT = "test labels of plan "


class Safe(msgspec.Struct, frozen=True):
    """safe/deidentify.json: what the transform did, in counts and under pseudonymous names."""

    schema: str
    policy: str
    keyring: str
    tallies: list[Tally]
    rejects: list[Reject]
    actions: dict[str, int]
    residue: dict[str, object]


# --- deidentify -----------------------------------------------------------------------------------


def raw_files(context: Context) -> list[RawFile]:
    """Every raw file under its pseudonymous name, source by source."""
    from bedside.deidentify.transform import alias, mapping_words

    received, maps = context.study.deidentify.policy == AS_RECEIVED, mappings(context)
    words = {name: mapping_words(mapping) for name, mapping in maps.items()}
    return [
        RawFile(
            source.name,
            source.format,
            path,
            relative,
            relative if received else alias(relative, context.keyring, words=words.get(source.name, ())),
        )
        for source in context.study.source
        for path, relative in paths(source, context.root)
    ]


def raw_items(context: Context) -> list[Item]:
    """Raw files as ledger items: pseudonymous name, keyed digest."""
    key = context.keyring.file_key
    return [Item(f"raw:{file.source}/{file.alias}", keyed_file(key, file.path)) for file in raw_files(context)]


def deidentify(context: Context, out: Path) -> Done:
    """Survey every raw file, save the map, transform every file, prove that nothing strong is left."""
    from bedside.deidentify.policy import policy
    from bedside.deidentify.transform import transform

    rules, maps, zones = policy(context.study.deidentify.policy), mappings(context), timezones(context)
    if context.study.deidentify.policy != AS_RECEIVED:
        _survey(context, maps, zones)
    tallies, rejects, actions = list[Tally](), list[Reject](), dict[str, int]()
    for file in track(raw_files(context), "deidentify"):
        place = out / "safe" / file.source / file.alias
        place.parent.mkdir(parents=True, exist_ok=True)
        if context.study.deidentify.policy == AS_RECEIVED:
            shutil.copyfile(file.path, place)
            continue
        made = transform(
            file, policy=rules, keyring=context.keyring, mapping=maps.get(file.source), timezone=zones.get(file.source)
        )
        tallies.append(made.tally)
        rejects += made.rejects
        for action, count in made.actions.items():
            actions[action] = actions.get(action, 0) + count
        if made.data is not None:
            place.write_bytes(made.data)
    reconcile(tallies)
    residue = {} if context.study.deidentify.policy == AS_RECEIVED else _prove(context, out / "safe")
    safe = Safe("bedside.deidentify/1", context.study.deidentify.policy, context.keyring.id, tallies, rejects, actions, residue)
    (out / "safe").mkdir(exist_ok=True)
    (out / "safe" / "deidentify.json").write_bytes(canonical.dumps(safe))
    return Done(counts={"records": msgspec.to_builtins(total(tallies)), "actions": actions, "residue": residue})


def _survey(context: Context, maps: dict[str, dict[str, Any]], zones: dict[str, str | None]) -> None:
    from bedside.deidentify.survey import survey

    files = [
        RawFile(source.name, source.format, path, relative, relative)
        for source in context.study.source
        for path, relative in paths(source, context.root)
    ]
    survey(files, context.keyring, mappings=maps, timezones=zones)
    context.keyring.save()


def _prove(context: Context, safe: Path) -> dict[str, object]:
    """The residue proof; a strong hit stops the run."""
    from bedside.deidentify.residue import prove

    outputs = ((path.relative_to(safe).as_posix(), path.read_bytes()) for path in sorted(safe.rglob("*")) if path.is_file())
    permitted = ("zip", "birth date") if context.study.deidentify.policy == "limited-data-set" else ()
    residue = prove(outputs, context.keyring, keeps=permitted)
    if residue.strong:
        raise Refused(f"the residue proof found {residue.strong} strong identifiers in de-identified files", where="safe/ (not published)",
                      do="report this with the counts by kind; nothing was written")  # fmt: skip
    told = msgspec.to_builtins(residue)
    return told if isinstance(told, dict) else {}


def mappings(context: Context) -> dict[str, dict[str, Any]]:
    """The table mapping of each source that names one."""
    from bedside.readers.mapping import load

    return {source.name: load(source.mapping, context.root) for source in context.study.source if source.mapping}


def timezones(context: Context) -> dict[str, str | None]:
    """The zone of each source's zoneless times: its own, else the study's."""
    return {source.name: source.timezone or context.study.timezone for source in context.study.source}


# --- read, check ----------------------------------------------------------------------------------


def safe_files(context: Context) -> list[RawFile]:
    """The de-identified files, as the readers take them."""
    found: list[RawFile] = []
    for source in context.study.source:
        top = context.root / "safe" / source.name
        inner = Source(source.name, source.format, str(top))
        found += (
            [RawFile(source.name, source.format, path, relative, relative) for path, relative in paths(inner, context.root)]
            if top.exists()
            else []
        )
    return found


def read(context: Context, out: Path) -> Done:
    """Every safe file to events, merged over feeds and written as the lake."""
    from bedside.lake.store import write
    from bedside.readers.read import read as read_file

    maps, zones = mappings(context), timezones(context)
    safe = load_safe(context)
    readings = (
        read_file(file, mapping=maps.get(file.source), timezone=zones.get(file.source))
        for file in track(safe_files(context), "read")
    )
    written = write(readings, out / "lake", name=context.study.name, rejects=safe.rejects, made=context.study.made)
    reconcile(written.tallies)
    return Done(content=written.content, rows=written.rows, counts={"records": msgspec.to_builtins(total(written.tallies)), "events": written.events,
                "merged_facts": written.merged, "tallies": msgspec.to_builtins(written.tallies)})  # fmt: skip


def load_safe(context: Context) -> Safe:
    return msgspec.json.decode(context.path("safe/deidentify.json").read_bytes(), type=Safe)


def check(context: Context, out: Path) -> Done:
    """The data-quality page and its record."""
    from bedside.lake.quality import quality
    from bedside.lake.store import Lake
    from bedside.report.quality import quality_page

    found = quality(Lake(context.path("lake")))
    (out / "reports").mkdir()
    (out / "reports" / "quality.json").write_bytes(canonical.dumps(found))
    (out / "reports" / "quality.html").write_text(quality_page(found, made=context.study.made))
    return Done()


# --- cohort ---------------------------------------------------------------------------------------


def cohort(context: Context, out: Path) -> Done:
    """Decisions, features and splits; labels of the test split leave in a seal."""
    import polars as pl

    from bedside.cohort.decisions import cohort as enrol
    from bedside.cohort.features import FeatureSet
    from bedside.cohort.leakage import audit, refuse
    from bedside.cohort.splits import assign
    from bedside.lake.store import Lake

    task = context.study.task
    refuse(task, policy=context.study.deidentify.policy)
    events = Lake(context.path("lake")).events()
    enrolled, flow = enrol(events, task)
    rows = assign(enrolled, task.split, events=events)
    features = FeatureSet(task.features).columnar(events, rows)
    leakage = audit(features, rows, events, task, seed=context.study.seed)
    place = out / "cohort"
    place.mkdir()
    content = {"cohort/features.parquet": _frame(features, place / "features.parquet"), **_labels(context, rows, place)}
    (place / "leakage.json").write_bytes(canonical.dumps(leakage))
    (place / "flow.json").write_bytes(canonical.dumps(flow))
    by_split = (
        rows.group_by("split").agg(pl.len().alias("decisions"), pl.col("subject_id").n_unique().alias("subjects")).sort("split")
    )
    counts = {"decisions": rows.height, "flow": msgspec.to_builtins(flow), "splits": by_split.to_dicts()}
    return Done(content, {"cohort/features.parquet": features.height}, counts=counts)


def _labels(context: Context, rows: pl.DataFrame, place: Path) -> dict[str, str]:
    """Write the decisions without what happened to the test subjects, and that part sealed."""
    import polars as pl

    from bedside.ledger.seal import seal

    hidden = pl.col("split") == "test"
    outcome = rows.filter(hidden).select("unit_id", "label", "event_time")
    shown = rows.with_columns(pl.when(~hidden).then(pl.col(name)).alias(name) for name in ("label", "event_time"))
    if outcome.height:
        (place / "test-labels.sealed").write_bytes(
            seal(_bytes(outcome), context.keyring.label_key, context=_PLAN_CONTEXT + plan(context))
        )
    return {"cohort/decisions.parquet": _frame(shown, place / "decisions.parquet")}


def plan(context: Context) -> str:
    """Digest of what was decided before any test label was seen: the task, the model and the claims."""
    return canonical.digest([context.study.task, context.study.model, context.study.claims, context.study.seed])


# --- train, test ----------------------------------------------------------------------------------


class Thresholds(msgspec.Struct, frozen=True):
    """predictions/thresholds.json: alert thresholds of the model, chosen on development data alone; by fold when there are folds."""

    serving: dict[str, float]
    by_fold: dict[str, dict[str, float]]


def train(context: Context, out: Path) -> Done:
    """Fit on the development split and seal the bundle; with folds, every prediction is out of fold."""
    import polars as pl

    from bedside.pillars.risk.fit import develop
    from bedside.pillars.risk.options import options

    rows, features = _cohort(context)
    known = rows.filter(pl.col("split") != "test")
    training = {item.name: item.content or item.digest for item in _outputs(context, "cohort")}
    made = develop(context.study.task, features, known, options=options(context.study.model), out=out / "bundles" / "model",
                   seed=context.study.seed, made=context.study.made, training=training, scores=_scores())  # fmt: skip
    (out / "predictions").mkdir()
    thresholds = Thresholds(made.thresholds["risk"], made.fold_thresholds.get("risk", {}))
    (out / "predictions" / "thresholds.json").write_bytes(canonical.dumps(thresholds))
    predictions = made.predictions.with_columns(pl.lit(context.study.site).alias("site"))
    name = "predictions/development.parquet"
    return Done({name: _frame(predictions, out / name)}, {name: predictions.height}, made.figures)


def _scores() -> dict[str, Callable[[pl.DataFrame], Any]]:
    """Bedside scores, which stand beside every model: made here, since the pillars are strangers."""
    from bedside.pillars.guidance.features import SCORES

    return dict(SCORES)


def _cohort(context: Context) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Decisions, and the features of those decisions."""
    import polars as pl

    rows, features = (pl.read_parquet(context.path(f"cohort/{name}.parquet")) for name in ("decisions", "features"))
    return rows, features


def test(context: Context, out: Path) -> Done:
    """Open the test labels (in the ledger first), predict, evaluate, and draw the report."""
    from bedside.bundle.store import Bundle
    from bedside.evaluate.evaluation import evaluate, figures

    bundle, task = Bundle.open(context.path("bundles/model")), context.study.task
    predictions = _test_predictions(context, bundle)
    thresholds = msgspec.json.decode(context.path("predictions/thresholds.json").read_bytes(), type=Thresholds)
    days = (
        predictions["unit_id"].n_unique() * task.prediction.every_hours / 24 if task.prediction.unit == "encounter-hour" else None
    )
    found = evaluate(predictions, main="risk", thresholds={} if thresholds.by_fold else thresholds.serving, seed=context.study.seed,
                     fold_thresholds=thresholds.by_fold or None, patient_days=days, outcome=task.outcome.name, unit=task.prediction.unit)  # fmt: skip
    (out / "predictions").mkdir()
    (out / "reports").mkdir()
    name = "predictions/test.parquet"
    content = {name: _frame(predictions, out / name), "reports/test.html": canonical.digest(found)}
    (out / "reports" / "evaluation.json").write_bytes(canonical.dumps(found))
    (out / "reports" / "test.html").write_text(_page(context, found))
    return Done(content, {name: predictions.height}, figures(found))


def _test_predictions(context: Context, bundle: Any) -> pl.DataFrame:
    import polars as pl

    from bedside.core.predictions import conform
    from bedside.pillars.risk.fit import predict

    if context.study.task.split.folds:
        return conform(pl.read_parquet(context.path("predictions/development.parquet")))
    rows, features = _cohort(context)
    test_rows = rows.filter(pl.col("split") == "test").drop("label", "event_time")
    known = test_rows.join(open_labels(context, bundle.digest), on="unit_id", how="left", maintain_order="left")
    return conform(predict(bundle, features, known, scores=_scores()).with_columns(pl.lit(context.study.site).alias("site")))


def open_labels(context: Context, bundle: str) -> pl.DataFrame:
    """The sealed test labels, once their opening by this plan and bundle stands in the ledger."""
    import io

    import polars as pl

    from bedside.ledger.seal import unseal

    opening = {"plan": plan(context), "bundle": bundle, "split": "test"}
    before = [entry.receipt.parameters for entry in context.ledger.entries() if entry.receipt.step == "open-test-labels"]
    if opening not in before:
        context.ledger.append(Receipt("open-test-labels", parameters=dict(opening)))
    sealed = context.path("cohort/test-labels.sealed").read_bytes()
    return pl.read_parquet(io.BytesIO(unseal(sealed, context.keyring.label_key, context=_PLAN_CONTEXT + plan(context))))


def _page(context: Context, found: Any) -> str:
    """The report, from the evaluation and what the ledger holds so far."""
    from bedside.report.page import test_report

    told = {name: entry.receipt.counts for name in ("read", "cohort") if (entry := context.ledger.latest(name))}
    flow = msgspec.json.decode(context.path("cohort/flow.json").read_bytes(), type=dict[str, int])
    stages = [("events", int(str(told["read"]["events"]))), ("encounters", flow["encounters"]), ("subjects", flow["subjects"]),
              ("decisions", flow["decisions"])]  # fmt: skip
    head = context.ledger.head()
    return test_report(
        title=context.study.name, study=msgspec.to_builtins(context.study), evaluation=found, counts=_tallies(context), stages=stages,
        leakage=msgspec.json.decode(context.path("cohort/leakage.json").read_bytes(), type=dict[str, int]),
        ledger_head=msgspec.to_builtins(head) if head else {}, made=context.study.made,
        quality="quality.html" if context.path("reports/quality.html").exists() else None,
        next_commands=["bedside verify .", "bedside explain . test/risk/auroc", "bedside serve ."],
    )  # fmt: skip


def _tallies(context: Context) -> list[dict[str, object]]:
    """Counts of every file from raw to events: what de-identification kept back, then what the readers made of the rest."""
    entry = context.ledger.latest("read")
    read = entry.receipt.counts.get("tallies") if entry else None
    lost = [tally for tally in load_safe(context).tallies if tally.read > tally.written]
    held = [
        Tally(t.source, f"{t.file} (de-identification)", t.read - t.written, 0, t.merged, t.ignored, t.quarantined) for t in lost
    ]
    return [*msgspec.to_builtins(held), *(read if isinstance(read, list) else [])]


# --- dossier --------------------------------------------------------------------------------------


def dossier(context: Context, out: Path) -> Done:
    """The model card and the premarket draft, each number with its ledger entry."""
    from bedside.bundle.store import Bundle
    from bedside.dossier.write import write
    from bedside.evaluate.evaluation import Evaluation

    found = msgspec.json.decode(context.path("reports/evaluation.json").read_bytes(), type=Evaluation)
    entries = [msgspec.to_builtins(entry) for entry in context.ledger.entries()]
    card = Bundle.open(context.path("bundles/model")).card
    declared = msgspec.to_builtins(context.study)
    made = write(out / "dossier", study=declared, entries=entries, evaluation=found, bundle_card=card, made=context.study.made)
    content = canonical.digest([declared, found, card])  # the text itself also holds the ledger's clock
    return Done({f"dossier/{path.name}": content for path in made})


def _outputs(context: Context, step: str) -> list[Item]:
    entry = context.ledger.latest(step)
    return entry.receipt.outputs if entry else []


def _bytes(frame: pl.DataFrame) -> bytes:
    import io

    stream = io.BytesIO()
    frame.write_parquet(stream, compression="zstd")
    return stream.getvalue()


def _frame(frame: pl.DataFrame, path: Path) -> str:
    """Write a frame; its content digest."""
    frame.write_parquet(path, compression="zstd")
    return canonical.frame_digest(frame)


def _told(*names: str, mapped: bool = False) -> Callable[[Context], object]:
    """The parts of study.toml, and of the table mappings, that a step's outputs depend on."""

    def told(context: Context) -> object:
        parts = {name: msgspec.to_builtins(getattr(context.study, name)) for name in names}
        return parts | ({"mappings": canonical.digest(mappings(context))} if mapped else {})

    return told


STEPS: tuple[Step, ...] = (
    Step("deidentify", ("safe",), (), _told("source", "deidentify", "timezone", mapped=True), deidentify, raw_items),
    Step("read", ("lake",), ("deidentify",), _told("source", "name", "timezone", "made", mapped=True), read),
    Step("check", ("reports/quality.html", "reports/quality.json"), ("read",), _told("made"), check),
    Step("cohort", ("cohort",), ("read",), _told("task", "model", "claims", "seed"), cohort),
    Step("train", ("bundles", "predictions/development.parquet", "predictions/thresholds.json"), ("cohort",), _told("task", "model", "seed", "made", "site"), train),
    Step("test", ("predictions/test.parquet", "reports/evaluation.json", "reports/test.html"), ("read", "cohort", "train"),
         _told("name", "task", "seed", "made", "site", "claims"), test),
    Step("dossier", ("dossier",), ("deidentify", "read", "cohort", "train", "test"), _told("name", "claims", "made"), dossier),
)  # fmt: skip
