"""The parts of docs/engineers that are made from what they describe: settings from their model, commands from
the command line, the picture of the house from the layers of imports. `python -m citylake.cli.reference`
writes them between their marks, `--check` fails where they differ.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from citylake.core.settings import ROOT, Settings
from citylake.core.strict import BESIDE

BEGIN, END = "<!-- made by `make reference` -->\n", "<!-- end -->"


def settings_tables() -> str:
    """Every setting with its default, and what else begins with `CITYLAKE_`."""
    settings = [
        f"| `{name}` | {_default(name, field.default)} | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    ]
    beside = [f"| `{name}` | | {told} |\n" for name, told in BESIDE.items()]
    head = "| setting | default | what it is |\n|---|---|---|\n"
    return "".join([head, *settings, "\nNames that are no settings of a lake:\n\n", head, *beside])


def _default(name: str, value: Any) -> str:
    if name == "root":
        return "the project around the current folder"
    if name == "state":
        return "`.citylake` of the project"
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value in (None, {}) else str(value)


def command_sections() -> str:
    """Every command with its arguments and options."""
    from citylake.cli.app import app

    return "\n".join(_section(name, command) for name, command in commands(app))


def commands(app: typer.Typer) -> Iterator[tuple[str, Any]]:
    """Every command of the command line with its whole name, in alphabetical order."""
    yield from _below(typer.main.get_command(app), ())


def _below(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name, below in sorted(getattr(command, "commands", {}).items()):
        yield from _below(below, (*path, name))
    if path and (not hasattr(command, "commands") or command.invoke_without_command):
        yield " ".join(path), command


def _section(name: str, command: Any) -> str:
    usage = " ".join(_placed(p) for p in command.params if p.param_type_name == "argument")
    rows = [f"| `{_spelled(p)}` | {_escaped(p.help)}{_fallback(p)} |\n" for p in command.params if p.help]
    table = "".join(["\n| | |\n|---|---|\n", *rows]) if rows else ""
    return f"## {f'{name} {usage}'.strip()}\n\n{_escaped(' '.join(command.help.split()))}\n{table}"


def _escaped(text: str) -> str:
    """Text in which `<` begins no tag."""
    return text.replace("<", "\\<")


def _placed(argument: Any) -> str:
    name = f"{argument.name.upper()}{'...' if argument.nargs != 1 else ''}"
    return name if argument.required else f"[{name}]"


def _spelled(parameter: Any) -> str:
    return parameter.name.upper() if parameter.param_type_name == "argument" else ", ".join(parameter.opts)


def _fallback(parameter: Any) -> str:
    """The default where it says something."""
    value = parameter.default
    plain = isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""
    return f" (default {value})" if plain else ""


def house() -> str:
    """The rooms in the layers in which they import each other, with what each says of itself."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    floors = [[r.strip() for r in layer.split("|")] for layer in tool["contracts"][0]["layers"]]
    told = {room: (import_module(room).__doc__ or "").strip() for floor in floors for room in floor}
    width = max(map(len, told.values()))
    edge = f"+-{'-' * 11}-+-{'-' * width}-+\n"
    drawn = ["".join(_wall(room, told[room], width) for room in floor) for floor in floors]
    return f"```\n{edge}{edge.join(drawn)}{edge}```\n"


def _wall(room: str, told: str, width: int) -> str:
    return f"| {room.removeprefix('citylake.'):<11} | {told:<{width}} |\n"


def pages() -> dict[Path, str]:
    """The pages with their made parts as they must be, by their files."""
    folder = ROOT / "docs" / "engineers"
    made = {"settings.md": settings_tables, "commands.md": command_sections, "architecture.md": house}
    return {folder / name: _filled(folder / name, make()) for name, make in made.items()}


def _filled(page: Path, made: str) -> str:
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    return f"{before}{BEGIN}{made}{END}{rest.partition(END)[2]}"


def main() -> None:
    """Write the pages, or with `--check` say which differ."""
    checking = "--check" in sys.argv
    differing = {p: text for p, text in pages().items() if p.read_text("utf-8") != text}
    for path, text in differing.items():
        sys.stdout.write(f"{'differs' if checking else 'wrote'} {path.relative_to(ROOT)}\n")
        if not checking:
            path.write_text(text, "utf-8")
    sys.exit(1 if differing and checking else 0)


if __name__ == "__main__":
    main()
