"""The key behind the tokens of persons."""

from __future__ import annotations

from dataclasses import asdict

import typer

from citylake.cli.parameters import By, Json, Reason
from citylake.cli.render import out, print_json

app = typer.Typer(no_args_is_help=True, help="the key behind the tokens of persons")


@app.command()
def show(as_json: Json = False) -> None:
    """How tokens name their key, and the fingerprints of the key files that open it."""
    from citylake.pipeline.lake import open_lake
    from citylake.privacy.token_keys import held_key

    held = held_key(open_lake().store)
    told = {"key_id": held.key_id, "key_files": list(held.closed)} if held else {}
    if as_json:
        print_json(told)
    else:
        out.print(
            f"key {told['key_id'] or 'without a name'}, opened by {told['key_files']}" if told else "no key"
        )


@app.command()
def rotate(by: By, reason: Reason, as_json: Json = False) -> None:
    """Put a new key file in the place of the old one, which opens nothing any more; tokens and joins stay."""
    from citylake.pipeline.lake import open_lake
    from citylake.pipeline.steps import rotate_token_key

    done = rotate_token_key(open_lake(), by=by, reason=reason)
    if as_json:
        print_json(asdict(done))
        return
    told = f"key file {done.after} opens the key, {done.before} no more"
    out.print(f"{told}; copy it to every other host of this lake", highlight=False)
