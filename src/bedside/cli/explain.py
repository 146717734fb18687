"""Walk from a figure back to code, parameters and source bytes."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.say import as_json, following, quoted, show


@click.command("explain")
@click.argument("words", nargs=-1, metavar="[STUDY] FIGURE")
@click.option("--list", "as_list", is_flag=True, help="Names of the figures that can be explained.")
@as_json
def run(words: tuple[str, ...], as_list: bool, as_json: bool) -> None:
    """Walk the ledger from a figure in a report back to code version, parameters and source bytes.

    FIGURE is a name, or a reference as the dossier prints it: L8:test/risk/auroc, L6:parameters/told/task.

    Example: bedside explain my-study test/risk/auroc
    """
    from bedside.study.explain import as_text, explain, figure_names

    if len(words) > 2 or not (words or as_list):
        raise click.UsageError("give a figure, and before it the study folder if it is not here")
    root = Path(words[0] if len(words) == 2 or (as_list and words) else ".").resolve()
    if as_list:
        names = figure_names(root)
        show({"figures": names}, "\n".join(names), as_json)
        if names:
            following(f"bedside explain {quoted(root)} {names[0]}", machine=as_json)
        return
    found = explain(root, words[-1])
    show(found, as_text(found), as_json)
    following(f"bedside explain {quoted(root)} --list", f"bedside verify {quoted(root)}", machine=as_json)
