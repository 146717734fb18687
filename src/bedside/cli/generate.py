"""Search for molecules with a property that a study learned."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.say import as_json, folder, following, quoted, show


@click.command("generate")
@folder
@click.option("--target", default=None, help="Which of the study's targets [default: its first].")
@click.option("--wanted", type=click.Choice(["high", "low"]), default="high", show_default=True, help="Which end of it is wanted.")
@click.option("--calls", type=click.IntRange(20, 1_000_000), default=1000, show_default=True, help="Budget: molecules that may be scored.")
@click.option("--start", type=click.Path(exists=True, dir_okay=False), default=None, help="File of SMILES to start from, one a line [default: the development compounds].")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@as_json
def run(study: str, target: str | None, wanted: str, calls: int, start: str | None, seed: int, as_json: bool) -> None:
    """Search for molecules by a genetic algorithm over their graphs, on a budget of scorer calls.

    Half of the development compounds teach the scorer that is searched, the other half one that is held back: what only the first
    believes is the search fooling it, and the page says how much that is. The page is reports/generated.html.
    """
    from bedside.study.generate import generate

    found = generate(Path(study), target=target, wanted=wanted, calls=calls, seed=seed, start=Path(start) if start else None)
    kept = found.kept["held_back"]
    told = f"a scorer taught by other molecules sees {kept.value:.0%} of the gain ({kept.low:.0%} to {kept.high:.0%})" if kept.value is not None else kept.method
    show(found, f"{len(found.molecules):,} molecules scored, {found.quality.made:,} of them made; {told}\npage  {Path(study) / 'reports' / 'generated.html'}", as_json)
    following(f"bedside explain {quoted(study)} generate/kept/held-back", machine=as_json)
