"""What a de-identification policy does with each identifier."""

from __future__ import annotations

import click

from bedside.cli.say import as_json, following, quoted, show


@click.command("policy")
@click.argument("policy")
@as_json
def run(policy: str, as_json: bool) -> None:
    """What a de-identification policy does with each identifier, in each format; its digest and its legal basis.

    POLICY is safe-harbor, expert-determination, limited-data-set, as-received, or the path of a TOML file of your own. What is wrong
    with such a file is shown all at once. Letters are those of 45 CFR 164.514(b)(2)(i), numbers those of (e)(2).
    """
    from bedside.deidentify.policy import policy as load
    from bedside.deidentify.policy_told import as_text, told

    found = load(policy)
    record = {"name": found.name, "digest": found.digest, "title": found.title, "basis": found.basis, "base": found.base, "census": found.census,
              "classes": told(found), "policy": found}  # fmt: skip
    show(record, as_text(found), as_json)
    following(f"bedside deidentify PATH... --out DIR --key FILE --policy {quoted(policy)}", machine=as_json)
