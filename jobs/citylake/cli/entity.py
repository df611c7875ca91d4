"""Who is who."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from citylake.cli.parameters import Json
from citylake.cli.render import out, print_json, show_rows

app = typer.Typer(
    help=(
        "Who is who: what is known of an organisation, why its records are linked, and what people judge"
        " about it."
    )
)


Sought = Annotated[
    str, typer.Argument(help="id of the organisation or of a record, any identifier, or the whole name")
]


Who = Annotated[str, typer.Option(help="the post that judges, not a person's name")]


Why = Annotated[str, typer.Option(help="the reason; it stays on record")]


@app.command("show")
def entity_show(sought: Sought, as_json: Json = False) -> None:
    """Values of one organisation with their sources, its identifiers, and what contradicts."""
    from citylake.casework.judgements import show
    from citylake.pipeline.lake import open_lake

    lake = open_lake()
    found = show(lake.settings, lake.store, sought)
    if as_json:
        print_json(found)
        return
    out.print(
        f"{found['entity_id']}  {' / '.join(found['names'])}\n{found['records']} records of"
        f" {len(found['sources'])} sources",
        highlight=False,
    )
    for kind, codes in found["identifiers"].items():
        out.print(f"  {kind:16} {', '.join(codes)}", highlight=False)
    show_rows("字段 fields", found["fields"])
    show_rows("部门矛盾 contradictions", found["contradictions"])
    out.print(f"why its records are linked: citylake entity explain {found['entity_id']}", highlight=False)


@app.command("explain")
def entity_explain(sought: Sought, as_json: Json = False) -> None:
    """Why the records are one organisation: method and reason of each, and the judgements."""
    from citylake.casework.judgements import explain
    from citylake.pipeline.lake import open_lake

    lake = open_lake()
    found = explain(lake.settings, lake.store, sought)
    if as_json:
        print_json(found)
        return
    out.print(found["entity_id"], highlight=False)
    show_rows("记录 records", found["records"])
    show_rows("人工判定 judgements", found["judgements"])
    out.print(
        "wrongly linked: citylake entity split RECORD; wrongly apart: citylake entity judge A B same",
        highlight=False,
    )


@app.command("judge")
def entity_judge(
    a: Sought,
    b: Sought,
    verdict: Annotated[str, typer.Argument(help="same, not_same or undecided")],
    why: Why,
    who: Who,
    as_json: Json = False,
) -> None:
    """A person decides whether two records are one organisation; it is handed over as a delivery and outranks
    every rule.
    """
    from citylake.casework.judgements import find
    from citylake.pipeline.lake import open_lake

    lake = open_lake()
    ends = [x if _is_record(x) else find(lake.settings, lake.store, x)[0] for x in (a, b)]
    _hand_over_judgement(lake, (ends[0], ends[1], verdict), why, who, as_json)


def _is_record(text: str) -> bool:
    return len(text) == 17 and text.startswith("E")


@app.command("split")
def entity_split(
    record: Annotated[str, typer.Argument(help="the record that leaves its organisation")],
    why: Why,
    who: Who,
    as_json: Json = False,
) -> None:
    """Take one record out of its organisation: a judgement `not_same` against the record that holds the
    id.
    """
    from citylake.casework.judgements import split_from
    from citylake.pipeline.lake import open_lake

    lake = open_lake()
    _hand_over_judgement(
        lake, (split_from(lake.settings, lake.store, record), record, "not_same"), why, who, as_json
    )


def _hand_over_judgement(lake: Any, said: tuple[str, str, str], why: str, who: str, as_json: bool) -> None:
    from datetime import datetime

    from citylake.casework.judgements import JUDGEMENTS, Judgement, judge
    from citylake.core.calendar import BEIJING

    judgement = Judgement(*said, judged_by=who, reason=why, decided_at=datetime.now(BEIJING))
    given = judge(lake.store, lake.contracts[JUDGEMENTS], judgement)
    if as_json:
        print_json({"delivery": given, **asdict(judgement)})
    else:
        out.print(
            f"{' '.join(said)}: {given} is in the inbox; next: citylake replay {JUDGEMENTS}", highlight=False
        )
