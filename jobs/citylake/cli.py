"""The `citylake` command. Exit codes: 0 ok, 1 refused or gate failed, 2 usage or contract, 3 environment, 4 late."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Collection, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as RichTable

from citylake.lake.errors import GateFailed, LakeError, did_you_mean
from citylake.lake.settings import load_settings

app = typer.Typer(no_args_is_help=True, add_completion=False, help="citylake: an open municipal data lake", pretty_exceptions_enable=False)
out = Console(width=160 if not sys.stdout.isatty() else None, markup=False, soft_wrap=not sys.stdout.isatty())
err = Console(stderr=True, markup=False, soft_wrap=True)
Json = Annotated[bool, typer.Option("--json", help="print one JSON document")]


def _print(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n")


@app.command()
def up(jdbc: Annotated[bool, typer.Option(help="also start the JDBC server")] = False) -> None:
    """Start the local services; a second call does nothing."""
    from citylake.lake.services import up as start

    settings = load_settings()
    start(settings, jdbc=jdbc)
    out.print(f"S3 {settings.endpoint}   Spark {settings.spark_address}")
    if jdbc:
        _show_views_over_jdbc()
        out.print(f"JDBC jdbc:hive2://127.0.0.1:{settings.port_jdbc}/default")


def _show_views_over_jdbc() -> None:
    from citylake.lake.store import open_store
    from citylake.publish.jdbc import create_views_over_jdbc
    from citylake.publish.release import releases

    settings = load_settings()
    found = releases(open_store(settings))
    if found:
        create_views_over_jdbc(settings, found[-1])


@app.command()
def down() -> None:
    """Stop what `up` and the scheduler started."""
    from citylake.lake.services import down as stop
    from citylake.orchestrate.scheduler import down as stop_scheduler

    stop_scheduler(load_settings())
    stop(load_settings())


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check Java, jars, ports, disk, memory, clock, versions and the store's conditional create."""
    from citylake.lake.doctor import checks

    found = checks(load_settings())
    if as_json:
        _print([asdict(f) for f in found])
    else:
        for f in found:
            out.print(f"{'OK  ' if f.ok else 'FAIL'} {f.name}: {f.detail}" + ("" if f.ok else f"\n     now: {f.mend}"), highlight=False)
    raise typer.Exit(0 if all(f.ok for f in found) else 3)


@app.command()
def status(as_json: Json = False) -> None:
    """Every delivery with its counts; the equation received = accepted + duplicates + superseded + quarantined."""
    from citylake.audit.conservation import batches, summary
    from citylake.lake.services import status as services
    from citylake.run import open_lake

    lake = open_lake()
    found = batches(lake.store, lake.contracts)
    if as_json:
        _print({"batches": [{**asdict(b), "balanced": b.balanced} for b in found], "total": summary(found), "services": services(lake.settings)})
    else:
        _deliveries(found)
    raise typer.Exit(0 if all(b.balanced for b in found) else 1)


def _deliveries(found: list[Any]) -> None:
    from citylake.audit.conservation import FIGURES

    table = RichTable(title="交付 deliveries", title_justify="left")
    for name in ("dataset", "receipt", "delivery", "state", *FIGURES):
        table.add_column(name, justify="right" if name in FIGURES else "left", no_wrap=True)
    for b in found:
        table.add_row(b.dataset, f"{b.receipt:04d}", b.delivery, b.state, *(str(getattr(b, n)) for n in FIGURES))
    out.print(table)
    for b in (b for b in found if b.why):
        out.print(f"{b.dataset} {b.receipt:04d} {b.state}: {b.why}", highlight=False)


@app.command()
def check(as_json: Json = False) -> None:
    """Compare bronze with the landed bytes and every chain with its hashes; names batch and line of any loss."""
    from citylake.audit.conservation import losses
    from citylake.ledger.evidence import broken_links
    from citylake.run import open_lake

    lake = open_lake()
    lost = [x for c in lake.contracts.values() if c.kind != "mart" for x in losses(lake.settings, lake.store, c)]
    broken = [text for chain in [*lake.contracts, "release"] for text in broken_links(lake.store, chain)]
    if as_json:
        _print({"losses": [asdict(x) for x in lost], "broken_chains": broken})
    for x in () if as_json else lost:
        out.print(
            f"FAIL {x.dataset} receipt {x.receipt:04d} {x.file} line {x.line} bytes {x.byte_start}-{x.byte_end}: {x.found} rows in bronze, {x.expected} decoded"
        )
    for text in () if as_json else broken:
        out.print(f"FAIL {text}")
    if not as_json and not lost and not broken:
        out.print("OK   every landed record is in bronze once; all chains are whole")
    raise typer.Exit(1 if lost or broken else 0)


@app.command()
def city(
    to: Annotated[Path, typer.Argument(help="folder to write")],
    months: int = 2,
    scale: float = 1.0,
    seed: int = 2016,
    defects: str = "normal",
) -> None:
    """Generate a synthetic city: deliveries with manifests and the truth about every planted defect."""
    from citylake.city import generate

    _print(generate(to, months=months, scale=scale, seed=seed, defects=defects))  # pyright: ignore[reportArgumentType]


@app.command()
def fetch(source: Annotated[str, typer.Argument(help="a folder, the id of a connection in the settings, or an address; options behind #")]) -> None:
    """Hop 1: bring deliveries from a source into the inbox; the manifest of each goes last."""
    from citylake.ingest.sources.opening import open_source
    from citylake.ingest.sources.source import fetch as bring
    from citylake.run import open_lake

    lake = open_lake()
    out.print(f"fetched {bring(lake.store, open_source(lake.settings, source))} deliveries")


@app.command()
def diagnose(dataset: str, file: Path, reference: Annotated[Path | None, typer.Option(help="an earlier accepted file")] = None, as_json: Json = False) -> None:
    """How a file drifted from its contract, and a patch of the contract to consider; nothing is applied."""
    from citylake.contract.load import load_contracts
    from citylake.ingest.drift.kinds import diagnose as compare

    settings = load_settings()
    contracts = load_contracts(settings.root)
    _demand([dataset], contracts)
    found = compare(contracts[dataset], file, reference, settings.root)
    if as_json:
        _print([asdict(d) for d in found])
        return
    for d in found:
        out.print(f"{d.kind:13} {d.column or '-'}  {d.evidence_zh} / {d.evidence_en}  ({d.confidence:.2f})", highlight=False)
    for patch in dict.fromkeys(d.patch for d in found if d.patch):
        out.print(f"\nto consider (git apply, then citylake expectations):\n{patch}", highlight=False)
    if not found:
        out.print("OK   the file is as the contract says")


@app.command()
def prepare(
    dataset: str,
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)],
    period: Annotated[str, typer.Option(help="2016, 2016-Q1, 2016-03 or 2016-03-14")],
    delivery: Annotated[str, typer.Option(help="the number that your department gives it")],
    coverage: Annotated[str, typer.Option(help="full or changes")] = "full",
    corrects: Annotated[str | None, typer.Option(help="the delivery whose records it corrects")] = None,
    records: Annotated[int | None, typer.Option(help="how many records your system exported")] = None,
    to: Annotated[Path, typer.Option(help="folder to write to")] = Path("inbox"),
    as_json: Json = False,
) -> None:
    """For a department: check files as the lake will and write their manifest; nothing is sent, no service is needed."""
    from datetime import datetime

    from citylake.contract.calendar import BEIJING
    from citylake.contract.load import load_contracts
    from citylake.ingest.prepare import prepare as check_and_write
    from citylake.ingest.sources.made import Order
    from citylake.ledger.advice import advice

    contracts = load_contracts(load_settings().root)
    _demand([dataset], [c.id for c in contracts.values() if c.kind != "mart"])
    found = check_and_write(Order(contracts[dataset], period, coverage, corrects), delivery, files, datetime.now(BEIJING), to, records)
    if as_json:
        _print([{**asdict(f), "now": asdict(advice(f.rule))} for f in found])
    for f in () if as_json else found:
        _tell(f)
    if not found and not as_json:
        out.print(f"OK   {to / dataset / delivery}: send this folder, manifest.json last", highlight=False)
    raise typer.Exit(1 if found else 0)


def _tell(found: Any) -> None:
    """A finding as the letter would put it."""
    from citylake.ledger.advice import advice

    do = advice(found.rule)
    line, column = f" line {found.line}" if found.line else "", f" column {found.column}" if found.column else ""
    samples = "".join(f"\n     {s}" for s in found.samples)
    out.print(f"FAIL {found.where}{line}{column}: {found.zh} / {found.en}   [{found.rule}]{samples}\n     now: {do.zh} / {do.en}", highlight=False)


def _demand(names: Iterable[str], known: Collection[str]) -> None:
    """LakeError `dataset.unknown` with the nearest name."""
    for name in names:
        if name not in known:
            raise LakeError("dataset.unknown", f"there is no dataset or mart {name} here{did_you_mean(name, known)}", now="citylake status")


def _verb(verb: str, names: list[str] | None, as_json: bool) -> None:
    from citylake.plan import load_plan
    from citylake.run import VERBS, open_lake

    lake = open_lake()
    plan = load_plan(lake.settings.root)
    known = [m.id for m in plan.marts] if verb == "build" else [d.id for d in plan.datasets]
    _demand(names or [], known)
    done = [VERBS[verb](lake, n) for n in names or known]
    if as_json:
        _print(done)
    else:
        for d in done:
            out.print(d, highlight=False)
    if any(b.get("passed") is False for d in done for b in [d, *d.get("batches", [])]):
        raise GateFailed("gate.failed", "a gate failed; what was readable before stays so", now="citylake status")


Names = Annotated[list[str] | None, typer.Argument(help="datasets or marts; all when none is named")]


@app.command()
def receive(names: Names = None, as_json: Json = False) -> None:
    """Hops 2-3: verify and land what waits, give receipts."""
    _verb("receive", names, as_json)


@app.command()
def decode(names: Names = None, as_json: Json = False) -> None:
    """Hop 4: decode landed batches into bronze."""
    _verb("decode", names, as_json)


@app.command()
def refine(names: Names = None, as_json: Json = False) -> None:
    """Hops 5-6: judge, gate and admit decoded batches."""
    _verb("refine", names, as_json)


@app.command()
def admit(dataset: str, number: int, by: Annotated[str, typer.Option()], reason: Annotated[str, typer.Option()], as_json: Json = False) -> None:
    """A steward overrules the gate: a batch that is held goes into silver, with name and reason in the evidence."""
    from citylake.run import open_lake, overrule_gate

    lake = open_lake()
    _demand([dataset], [c.id for c in lake.contracts.values() if c.kind != "mart"])
    done = overrule_gate(lake, dataset, number, by=by, reason=reason)
    _print(done) if as_json else out.print(f"{dataset} receipt {number} admitted; marts follow with `citylake run`", highlight=False)


@app.command()
def build(names: Names = None, as_json: Json = False) -> None:
    """Hop 7: build marts whose inputs changed."""
    _verb("build", names, as_json)


@app.command()
def release(to: Annotated[int | None, typer.Option(help="show the tables of this release again")] = None) -> None:
    """Hop 8: pin all gated versions, or roll back with --to."""
    from citylake.publish.release import roll_back
    from citylake.run import open_lake
    from citylake.run import release as pin

    lake = open_lake()
    _print(roll_back(lake.store, to) if to is not None else pin(lake))


@app.command()
def run(as_json: Json = False) -> None:
    """The whole plan without a scheduler."""
    from citylake.run import open_lake, run_all

    start = time.monotonic()
    result = run_all(open_lake(), (lambda text: None) if as_json or not sys.stdout.isatty() else out.print)
    if as_json:
        _print(result)
    else:
        _summary(result, time.monotonic() - start)
    held = [b for b in result["batches"] if b["state"] == "held"]
    raise typer.Exit(1 if held else 0)


def _summary(result: dict[str, Any], seconds: float) -> None:
    done = [b for s in result["steps"] for b in s.get("batches", [])] + [r for s in result["steps"] for r in s.get("receipts", [])]
    built = [s["mart"] for s in result["steps"] if s.get("built")]
    if not done and not built:
        out.print(f"nothing new ({seconds:.1f} s)")
    else:
        out.print(f"{len(done)} steps on deliveries, {len(built)} marts built, {seconds:.1f} s; `citylake status` shows the deliveries")


@app.command()
def sql(
    query: str,
    as_json: Json = False,
    number: Annotated[int | None, typer.Option("--release", help="as an earlier release showed it")] = None,
    most: Annotated[int, typer.Option("--limit", help="rows to show at most")] = 1000,
) -> None:
    """Answer one query over the released views; `credit_r3.entity_file` is the view of release 3 once `--release 3` was asked for."""
    from citylake.audit.tables import audit_views
    from citylake.publish.query import ask
    from citylake.publish.release import as_known_on, create_views, find_release, latest
    from citylake.run import open_lake

    lake = open_lake()
    create_views(lake.spark, lake.settings, latest(lake.store))
    for statement in audit_views(lake.settings):
        lake.spark.sql(statement).collect()
    answer = ask(lake.spark, query if number is None else as_known_on(lake.spark, lake.settings, find_release(lake.store, number), query), most)
    if as_json:
        _print([dict(zip(answer.columns, r, strict=True)) for r in answer.rows])
    else:
        table = RichTable(*answer.columns)
        for r in answer.rows:
            table.add_row(*["" if v is None else str(v) for v in r])
        out.print(table)
    if answer.more:
        err.print(f"the first {most} rows; there are more: --limit N shows N, count(*) counts them")


@app.command()
def shell() -> None:
    """A prompt for SQL over the released views; `;` ends a statement, `exit` or the end of the input the shell."""
    import readline  # noqa: F401  (line editing for input())

    out.print("SQL over released views; end a statement with ; and the shell with exit")
    statement = ""
    while (line := _asked("sql> " if not statement else "...> ")).strip().lower() not in ("exit", "quit"):
        statement += f" {line}"
        if line.strip().endswith(";"):
            try:
                sql(statement.strip().rstrip(";"))
            except Exception as error:  # a wrong statement must not end the shell
                told = str(error) if isinstance(error, LakeError) else str(error).strip().split("\n", 1)[0][:400]
                err.print(told, highlight=False, style="red")
            statement = ""


def _asked(prompt: str) -> str:
    try:
        return input(prompt)
    except EOFError:
        return "exit"


@app.command()
def trace(table: str, key: list[str]) -> None:
    """From a mart row to silver rows, delivery, file, line and the original text."""
    from citylake.audit.trace import trace as follow
    from citylake.run import open_lake

    lake = open_lake()
    _print(follow(lake.settings, lake.store, lake.contracts, table, key))


@app.command()
def releases(as_json: Json = False) -> None:
    """Every release: what it pins, and which release a roll-back shows again."""
    from citylake.ledger.evidence import events
    from citylake.publish.release import releases as find
    from citylake.run import open_lake

    lake = open_lake()
    at = {e.batch: e.at for e in events(lake.store, "release")}
    found = [{"release": r.number, "at": at.get(r.number), "restores": r.restores, "tables": len(r.tables)} for r in find(lake.store)]
    _print(found) if as_json else [out.print(f, highlight=False) for f in found]


@app.command()
def restatements(mart: Annotated[str | None, typer.Argument(help="one mart table, `<mart>/<table>`")] = None, as_json: Json = False) -> None:
    """Figures that a later delivery changed: key, old, new and the input that caused it."""
    from citylake.marts.restatement import restatements as find

    found = find(load_settings(), mart)
    if as_json:
        _print(found)
        return
    for r in found:
        cells = ", ".join(f"{c['column']} {c['old']} -> {c['new']}" for c in r["changed"])
        causes = "; ".join(f"{c['input']} {' '.join(c.get('deliveries', []))}".strip() for c in r["because"])
        out.print(f"{r['mart']} {r['key']} {r['change']}: {cells}  ({causes})", highlight=False)
    out.print(f"{len(found)} rows restated")


@app.command()
def score(truth: Path, as_json: Json = False) -> None:
    """How many planted defects were found, per kind, and how many sound rows were accused of them."""
    from citylake.audit.score import score as measure
    from citylake.run import open_lake

    lake = open_lake()
    found = measure(lake.settings, lake.store, lake.spark, lake.contracts, truth)
    if as_json:
        _print({**asdict(found), "recall": found.recall, "false_alarm_rate": found.false_alarm_rate})
        return
    table = RichTable("kind", "expected", "planted", "found", "accused", "missed or accused (first)")
    for k in found.kinds:
        table.add_row(k.id, k.expect, str(k.planted), str(k.found), str(len(k.accused)), "; ".join([*k.missed[:2], *k.accused[:2]]))
    out.print(table)
    out.print(f"recall {found.recall:.4f}   false alarms {found.false_alarms} of {found.clean_rows} clean records ({found.false_alarm_rate:.4%})")
    for rule, times in sorted(found.alarms.items()):
        out.print(f"  {times} {rule}", highlight=False)
    raise typer.Exit(0 if found.recall >= 0.98 and found.false_alarm_rate <= 0.005 else 1)


@app.command()
def letter(dataset: str, number: int, language: Annotated[str, typer.Option("--lang")] = "zh", as_json: Json = False) -> None:
    """The answer to a delivery as the department gets it."""
    from citylake.ledger.letter import letter as compose
    from citylake.ledger.letter import render
    from citylake.ledger.receipts import dataset_receipts
    from citylake.run import open_lake

    lake = open_lake()
    found = next((r for r in dataset_receipts(lake.store, dataset) if r.number == number), None)
    if found is None:
        raise LakeError("letter.unknown", f"{dataset} has no receipt {number}", now="citylake status")
    content = compose(found, lake.contracts[dataset], lake.settings.root)
    _print(content) if as_json else sys.stdout.write(render(content, language, "txt"))


cases_app = typer.Typer(help="Refused records as to-dos: list, export for the sender, waive.", invoke_without_command=True)
app.add_typer(cases_app, name="cases")


@cases_app.callback()
def cases(context: typer.Context, as_json: Json = False) -> None:
    """Every case with its state, deadline and age."""
    from citylake.run import open_cases, open_lake, today

    if context.invoked_subcommand:
        return
    found = open_cases(open_lake())
    if as_json:
        _print([{**asdict(c), "age_days": c.age(today())} for c in found])
        return
    table = RichTable()
    for name in ("case", "state", "rows", "left", "deadline", "days", "meaning"):
        table.add_column(name, no_wrap=name != "meaning", justify="right" if name in ("rows", "left", "days") else "left", overflow="fold")
    for c in found:
        table.add_row(c.id, c.state, str(c.rows), str(c.outstanding), c.deadline, str(c.age(today())), f"{c.meaning.zh} / {c.meaning.en}")
    out.print(table)


@cases_app.command("export")
def cases_export(case: str, to: Annotated[Path, typer.Option(help="file to write")]) -> None:
    """A CSV that the sender can correct: original columns, reference, problem."""
    from citylake.audit.amend import amend_file
    from citylake.quality.cases import find_case
    from citylake.run import open_lake, today

    lake = open_lake()
    found = find_case(lake.store, lake.contracts, lake.settings.root, case, today())
    to.write_bytes(amend_file(lake.settings, lake.store, lake.contracts[found.dataset], found))
    out.print(f"{found.outstanding} records in {to}; corrected, they come back with: citylake amend {found.dataset} {found.delivery} {to}", highlight=False)


@cases_app.command("waive")
def cases_waive(case: str, by: Annotated[str, typer.Option()], reason: Annotated[str, typer.Option()], until: Annotated[str, typer.Option()]) -> None:
    """A named person accepts that these records stay out, until a day."""
    from datetime import date

    from citylake.quality.cases import find_case, waive
    from citylake.run import open_lake, today

    lake = open_lake()
    waive(lake.store, find_case(lake.store, lake.contracts, lake.settings.root, case, today()), by, reason, date.fromisoformat(until))
    out.print(f"waived {case} until {until}", highlight=False)


entity_app = typer.Typer(help="Who is who: what is known of an organisation, why its records are linked, and what people judge about it.")
app.add_typer(entity_app, name="entity")
Sought = Annotated[str, typer.Argument(help="id of the organisation or of a record, any identifier, or the whole name")]
Who = Annotated[str, typer.Option(help="the post that judges, not a person's name")]
Why = Annotated[str, typer.Option(help="the reason; it stays on record")]


@entity_app.command("show")
def entity_show(sought: Sought, as_json: Json = False) -> None:
    """Values of one organisation with their sources, its identifiers, and what contradicts."""
    from citylake.audit.entity import show
    from citylake.run import open_lake

    lake = open_lake()
    found = show(lake.settings, lake.store, sought)
    if as_json:
        _print(found)
        return
    out.print(f"{found['entity_id']}  {' / '.join(found['names'])}\n{found['records']} records of {len(found['sources'])} sources", highlight=False)
    for kind, codes in found["identifiers"].items():
        out.print(f"  {kind:16} {', '.join(codes)}", highlight=False)
    _rows_table("字段 fields", found["fields"])
    _rows_table("部门矛盾 contradictions", found["contradictions"])
    out.print(f"why its records are linked: citylake entity explain {found['entity_id']}", highlight=False)


@entity_app.command("explain")
def entity_explain(sought: Sought, as_json: Json = False) -> None:
    """Why the records are one organisation: method and reason of each, and the judgements."""
    from citylake.audit.entity import explain
    from citylake.run import open_lake

    lake = open_lake()
    found = explain(lake.settings, lake.store, sought)
    if as_json:
        _print(found)
        return
    out.print(found["entity_id"], highlight=False)
    _rows_table("记录 records", found["records"])
    _rows_table("人工判定 judgements", found["judgements"])
    out.print("wrongly linked: citylake entity split RECORD; wrongly apart: citylake entity judge A B same", highlight=False)


def _rows_table(title: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        out.print(f"{title}: none", highlight=False)
        return
    table = RichTable(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for r in rows:
        table.add_row(*["" if v is None else str(v) for v in r.values()])
    out.print(table)


@entity_app.command("judge")
def entity_judge(
    a: Sought, b: Sought, verdict: Annotated[str, typer.Argument(help="same, not_same or undecided")], why: Why, who: Who, as_json: Json = False
) -> None:
    """A person decides whether two records are one organisation; it is handed over as a delivery and outranks every rule."""
    from citylake.audit.entity import find
    from citylake.run import open_lake

    lake = open_lake()
    ends = [x if _is_record(x) else find(lake.settings, lake.store, x)[0] for x in (a, b)]
    _hand_over_judgement(lake, (ends[0], ends[1], verdict), why, who, as_json)


def _is_record(text: str) -> bool:
    return len(text) == 17 and text.startswith("E")


@entity_app.command("split")
def entity_split(record: Annotated[str, typer.Argument(help="the record that leaves its organisation")], why: Why, who: Who, as_json: Json = False) -> None:
    """Take one record out of its organisation: a judgement `not_same` against the record that holds the id."""
    from citylake.audit.entity import split_from
    from citylake.run import open_lake

    lake = open_lake()
    _hand_over_judgement(lake, (split_from(lake.settings, lake.store, record), record, "not_same"), why, who, as_json)


def _hand_over_judgement(lake: Any, said: tuple[str, str, str], why: str, who: str, as_json: bool) -> None:
    from datetime import datetime

    from citylake.audit.entity import JUDGEMENTS, Judgement, judge
    from citylake.contract.calendar import BEIJING

    judgement = Judgement(*said, judged_by=who, reason=why, decided_at=datetime.now(BEIJING))
    given = judge(lake.store, lake.contracts[JUDGEMENTS], judgement)
    if as_json:
        _print({"delivery": given, **asdict(judgement)})
    else:
        out.print(f"{' '.join(said)}: {given} is in the inbox; next: citylake replay {JUDGEMENTS}", highlight=False)


@app.command()
def amend(dataset: str, delivery: str, file: Path) -> None:
    """Hand over a corrected file; it becomes a delivery that corrects the first."""
    from datetime import datetime

    from citylake.audit.amend import amend as hand_over
    from citylake.contract.calendar import BEIJING
    from citylake.run import open_lake

    lake = open_lake()
    _demand([dataset], lake.contracts)
    given = hand_over(lake.store, lake.contracts[dataset], delivery, file.read_bytes(), datetime.now(BEIJING))
    out.print(f"{given} is in the inbox; next: citylake replay {dataset}", highlight=False)


@app.command()
def replay(dataset: str, as_json: Json = False) -> None:
    """Run what came back for a dataset, and restate the marts that read it."""
    from citylake.run import open_lake, replay_dataset

    lake = open_lake()
    _demand([dataset], lake.contracts)
    done = replay_dataset(lake, dataset)
    if as_json:
        _print(done)
        return
    for step in done["steps"]:
        out.print(step, highlight=False)


@app.command()
def report() -> None:
    """Write the offline pages and print where they are."""
    from citylake.run import open_lake
    from citylake.run import report as write

    _print(write(open_lake()))


def _show_changes(against: str) -> bool:
    """Print what changed since a revision; whether a version is too low for its change."""
    from citylake.contract.compare import changes_against

    found = changes_against(load_settings().root, against)
    for c in found:
        needs = f"; needs version {c.needs}" if c.needs else ""
        breaks = f"; breaks {', '.join(c.breaks)}" if c.breaks else ""
        out.print(f"{'BREAKING' if c.breaking else 'additive'} {c.file}: {c.what}{breaks}{needs}", highlight=False)
    return any(c.needs for c in found)


@app.command()
def lint(against: Annotated[str | None, typer.Option(help="a git revision: list what changed since, and what that breaks")] = None) -> None:
    """Check every contract; name file, line and the nearest valid key."""
    from citylake.contract.load import lint as find

    if against is not None and _show_changes(against):
        raise typer.Exit(2)
    found = find(load_settings().root)
    for problem in found:
        err.print(str(problem), highlight=False)
    if not found:
        out.print("OK   all contracts are sound")
    raise typer.Exit(2 if found else 0)


@app.command()
def expectations(check_only: Annotated[bool, typer.Option("--check", help="fail when the files differ")] = False) -> None:
    """Generate the suites under expectations/ from the contracts."""
    from citylake.contract.load import load_contracts
    from citylake.contract.suite import stale_suites, write_suites

    root = load_settings().root
    contracts = load_contracts(root)
    changed = stale_suites(contracts, root) if check_only else write_suites(contracts, root)
    for path in changed:
        out.print(f"{'differs' if check_only else 'wrote'} {path.relative_to(root)}")
    raise typer.Exit(1 if check_only and changed else 0)


@app.command()
def demo() -> None:
    """A generated city through the real scheduler: services, deliveries, all DAGs, report."""
    from citylake.orchestrate.demo import run_demo

    raise typer.Exit(run_demo(load_settings(), _deliveries, out))


def main() -> None:
    """Entry point: errors of the lake become one clear text and an exit code, never a traceback."""
    try:
        app()
    except LakeError as error:
        err.print(str(error), highlight=False, style="red")
        sys.exit(error.exit_code)
    except Exception as error:
        if type(error).__module__.split(".")[0] not in ("pyspark", "botocore", "deltalake", "_internal"):
            raise
        err.print(f"{type(error).__name__}: {str(error).splitlines()[0][:400]}   [environment.failed]\n  now: citylake doctor", highlight=False, style="red")
        sys.exit(3)


if __name__ == "__main__":
    main()
