"""Who may ask the readers' server."""

from __future__ import annotations

from typing import Annotated

import typer

from citylake.cli.parameters import Json
from citylake.cli.render import load_settings, out, print_json

app = typer.Typer(help="users of the readers' server: Spark Connect and JDBC", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="a-z, then a-z 0-9 . _ -")]


@app.command()
def add(name: Name) -> None:
    """Let a user ask; prints the secret, which is kept nowhere. A known user gets a new one."""
    from citylake.appliance.readers import add_user

    settings = load_settings()
    secret = add_user(settings, name)
    out.print(secret, highlight=False)
    jdbc = f"jdbc:hive2://127.0.0.1:{settings.port_jdbc}/default"
    out.print(f"Spark Connect  {settings.readers_address}/;user_id={name};token=SECRET", highlight=False)
    out.print(f"JDBC           {jdbc}, user {name}", highlight=False)


@app.command()
def remove(name: Name) -> None:
    """Refuse a user from the next request on."""
    from citylake.appliance.readers import remove_user

    remove_user(load_settings(), name)


@app.command("list")
def list_users(as_json: Json = False) -> None:
    """The users, without those whom a directory knows."""
    from citylake.appliance.readers import users

    names = sorted(users(load_settings()))
    print_json(names) if as_json else out.print("\n".join(names), highlight=False)
