"""The steps of the pipeline, one by one or all."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from citylake.cli.parameters import By, Dataset, Json, Reason, Receipt
from citylake.cli.render import demand, out, print_json, show_deliveries
from citylake.core.errors import GateFailed

if TYPE_CHECKING:
    from citylake.pipeline.lake import Lake

app = typer.Typer()


@app.command()
def status(as_json: Json = False) -> None:
    """Every delivery with its counts; the equation received = accepted + duplicates + superseded +
    quarantined + suppressed.
    """
    from citylake.appliance.services import status as services
    from citylake.audit.conservation import batches, summary
    from citylake.pipeline.lake import open_lake

    lake = open_lake()
    found = batches(lake.store, lake.contracts)
    if as_json:
        print_json(
            {
                "batches": [{**asdict(b), "balanced": b.balanced} for b in found],
                "total": summary(found),
                "services": services(lake.settings),
            }
        )
    else:
        show_deliveries(found)
    raise typer.Exit(0 if all(b.balanced for b in found) else 1)


def _verb(verb: str, names: list[str] | None, as_json: bool) -> None:
    from citylake.pipeline.lake import open_lake
    from citylake.pipeline.plan import load_plan
    from citylake.pipeline.run import run_step

    lake = open_lake()
    plan = load_plan(lake.settings.root)
    known = [m.id for m in plan.marts] if verb == "build" else [d.id for d in plan.datasets]
    demand(names or [], known)
    done = [run_step(lake, verb, n) for n in names or known]
    if as_json:
        print_json(done)
    else:
        for d in done:
            out.print(d, highlight=False)
    _raise_failed(done)


def _raise_failed(done: list[dict[str, Any]]) -> None:
    """GateFailed when a step or a batch of a step did not get through; all others did."""
    wrong = [f"{d['verb']} {d.get('subject', '')}: {d['error']}" for d in done if "error" in d]
    if wrong:
        raise GateFailed("step.failed", "\n".join(wrong), now="citylake status")
    parts = [b for d in done for b in [d, *d.get("batches", [])]]
    if any("failed" in b for b in parts):
        raise GateFailed(
            "batch.failed", "a delivery could not be processed; all others went on", now="citylake status"
        )
    if any(b.get("passed") is False for b in parts):
        raise GateFailed(
            "gate.failed", "a gate failed; what was readable before stays so", now="citylake status"
        )


Names = Annotated[list[str] | None, typer.Argument(help="datasets or marts; all when none is named")]


@app.command()
def receive(names: Names = None, as_json: Json = False) -> None:
    """Steps 2-3: verify and land what waits, give receipts."""
    _verb("receive", names, as_json)


@app.command()
def decode(names: Names = None, as_json: Json = False) -> None:
    """Step 4: decode landed batches into bronze."""
    _verb("decode", names, as_json)


@app.command()
def refine(names: Names = None, as_json: Json = False) -> None:
    """Steps 5-6: judge, gate and admit decoded batches."""
    _verb("refine", names, as_json)


@app.command()
def build(names: Names = None, as_json: Json = False) -> None:
    """Step 7: build marts whose inputs changed."""
    _verb("build", names, as_json)


@app.command()
def admit(dataset: Dataset, number: Receipt, by: By, reason: Reason, as_json: Json = False) -> None:
    """A steward overrules the gate: a batch that is held goes into silver, with name and reason in the
    evidence.
    """
    from citylake.pipeline.steps import overrule_gate

    done = overrule_gate(_lake_with(dataset), dataset, number, by=by, reason=reason)
    (
        print_json(done)
        if as_json
        else out.print(
            f"{dataset} receipt {number} admitted; marts follow with `citylake run`", highlight=False
        )
    )


@app.command()
def withdraw(dataset: Dataset, receipt: Receipt, by: By, reason: Reason, as_json: Json = False) -> None:
    """Take a delivery back that is not in silver: held, failed or waiting; name and reason go to the
    evidence.
    """
    from citylake.pipeline.steps import withdraw_batch

    done = withdraw_batch(_lake_with(dataset), dataset, receipt, by=by, reason=reason)
    print_json(done) if as_json else out.print(f"{dataset} receipt {receipt} is withdrawn", highlight=False)


@app.command()
def retry(dataset: Dataset, receipt: Receipt, by: By, reason: Reason, as_json: Json = False) -> None:
    """Hand the landed bytes of a failed delivery over again, as after a mend; name and reason go to the
    evidence.
    """
    from citylake.pipeline.steps import retry_batch

    done = retry_batch(_lake_with(dataset), dataset, receipt, by=by, reason=reason)
    print_json(done) if as_json else out.print(
        f"{dataset}: handed over as {done['delivery']}", highlight=False
    )
    _raise_failed(done["steps"])


@app.command()
def erase(
    by: By,
    reason: Reason,
    persons: Annotated[
        typer.FileText,
        typer.Option("--from", help="a file with one identifier per line; - reads standard input"),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only count the records")] = False,
    as_json: Json = False,
) -> None:
    """Erase persons from the lake, older versions too; no later delivery brings them back."""
    from citylake.pipeline.lake import open_lake
    from citylake.pipeline.run import erase_persons

    done = erase_persons(open_lake(), persons.read().splitlines(), by=by, reason=reason, dry_run=dry_run)
    if as_json:
        print_json(done)
        return
    told = ", ".join(f"{d} {n}" for d, n in done["records"].items()) or "no record"
    out.print(f"{done['persons']} persons: {told} {'would go' if dry_run else 'are erased'}", highlight=False)
    _raise_failed(done.get("steps", []))


def _lake_with(dataset: str) -> Lake:
    """The opened lake; LakeError when it has no such dataset."""
    from citylake.pipeline.lake import open_lake

    lake = open_lake()
    demand([dataset], [c.id for c in lake.contracts.values() if c.kind != "mart"])
    return lake


@app.command()
def release(
    to: Annotated[int | None, typer.Option(help="show the tables of this release again")] = None,
) -> None:
    """Step 8: pin all gated versions, or roll back with --to."""
    from citylake.pipeline.lake import open_lake
    from citylake.pipeline.steps import release as pin
    from citylake.release.release import roll_back

    lake = open_lake()
    print_json(roll_back(lake.store, to) if to is not None else pin(lake))


@app.command()
def releases(as_json: Json = False) -> None:
    """Every release: what it pins, and which release a roll-back shows again."""
    from citylake.ledger.evidence import events
    from citylake.pipeline.lake import open_lake
    from citylake.release.release import releases as find

    lake = open_lake()
    at = {e.batch: e.at for e in events(lake.store, "release")}
    found = [
        {"release": r.number, "at": at.get(r.number), "restores": r.restores, "tables": len(r.tables)}
        for r in find(lake.store)
    ]
    print_json(found) if as_json else [out.print(f, highlight=False) for f in found]


@app.command()
def run(as_json: Json = False) -> None:
    """The whole plan without a scheduler."""
    from citylake.ledger.batches import FAILED, HELD
    from citylake.pipeline.lake import open_lake
    from citylake.pipeline.run import run_all

    start = time.monotonic()
    result = run_all(open_lake(), (lambda text: None) if as_json or not sys.stdout.isatty() else out.print)
    if as_json:
        print_json(result)
    else:
        _summary(result, time.monotonic() - start)
    stuck = [b for b in result["batches"] if b["state"] in (HELD, FAILED)]
    raise typer.Exit(1 if stuck or any("error" in s for s in result["steps"]) else 0)


def _summary(result: dict[str, Any], seconds: float) -> None:
    done = [b for s in result["steps"] for b in s.get("batches", [])] + [
        r for s in result["steps"] for r in s.get("receipts", [])
    ]
    built = [s["mart"] for s in result["steps"] if s.get("built")]
    for step in (s for s in result["steps"] if "error" in s):
        out.print(f"FAIL {step['verb']} {step.get('subject', '')}: {step['error']}", highlight=False)
    if not done and not built:
        out.print(f"nothing new ({seconds:.1f} s)")
    else:
        out.print(
            f"{len(done)} steps on deliveries, {len(built)} marts built, {seconds:.1f} s; `citylake status`"
            " shows the deliveries"
        )


@app.command()
def replay(dataset: Dataset, as_json: Json = False) -> None:
    """Run what came back for a dataset, and restate the marts that read it."""
    from citylake.pipeline.lake import open_lake
    from citylake.pipeline.run import replay_dataset

    lake = open_lake()
    demand([dataset], lake.contracts)
    done = replay_dataset(lake, dataset)
    if as_json:
        print_json(done)
        return
    for step in done["steps"]:
        out.print(step, highlight=False)


@app.command()
def upkeep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would go")] = False,
    as_json: Json = False,
) -> None:
    """Remove files that no version in use needs; what a release pins stays readable."""
    from citylake.pipeline.lake import open_lake
    from citylake.pipeline.steps import keep_up

    done = keep_up(open_lake(), dry_run=dry_run)
    if as_json:
        print_json(done)
        return
    for t in done["changed"]:
        told = "" if t["log_kept"] else "; its log is kept for good from now on"
        out.print(f"{t['table']}: {t['removed']} files go{told}", highlight=False)
    would = "would go" if dry_run else "went"
    out.print(f"{done['tables']} tables looked at, {done['stages']} stage tables {would}", highlight=False)
