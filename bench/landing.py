"""Hop 4 beside its peer: pyarrow's own CSV reader and a delta-rs write of the same rows, on the same S3, in the same run.

    python bench/landing.py --rows 500000

Each step runs in a process of its own, three times; CPU seconds are the least of the three, since what is added is other work of the machine.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

DATASET = "construction/component"
RUNS = 3


def _lines(rows: int, quoted: bool, headers: list[str]) -> Iterator[list[str]]:
    yield headers
    for i in range(rows):
        name = f'路灯"甲"\n第{i}盏' if quoted else f"路灯第{i}盏"
        row = [f"2101020119{i:06d}", name, "0119", "市城管局", "和平区城管局", "和平区市政所", "210102001001001", "完好", "2012-03-04", "", "实测"]
        yield [*row, f"123.4{i % 100000:05d}", f"41.8{i % 100000:05d}", "铸铁", ""]


def _write(path: Path, rows: int, encoding: str, quoted: bool, headers: list[str]) -> None:
    with path.open("w", encoding=encoding, newline="") as handle:
        csv.writer(handle, lineterminator="\r\n").writerows(_lines(rows, quoted, headers))


def _peer(path: Path, uri: str, options: dict[str, str]) -> int:
    from deltalake import write_deltalake
    from pyarrow import csv as arrow_csv

    rows = arrow_csv.open_csv(path, convert_options=arrow_csv.ConvertOptions(column_types={}))
    write_deltalake(uri, rows, mode="overwrite", storage_options=options)
    return 0


def _ours(path: Path, uri: str, options: dict[str, str], encoding: str) -> int:
    import pyarrow as pa
    from citylake.contract.load import load_contracts
    from citylake.ingest.decode import bronze_batches, bronze_schema
    from citylake.ingest.tokens import Tokens
    from citylake.lake.settings import ROOT
    from citylake.ledger.receipts import LandedFile, Receipt
    from deltalake import write_deltalake

    contract = replace(load_contracts(ROOT)[DATASET], encoding=encoding)
    moment = "2016-03-01T00:00:00+00:00"
    receipt = Receipt(1, "a", DATASET, "a", "accepted", "1.0.0", known_at=moment, files=(LandedFile("a", "a" * 64, 0, 0),))
    reader = pa.RecordBatchReader.from_batches(bronze_schema(contract), bronze_batches(contract, receipt, {"a" * 64: path}, Tokens(b"k")))
    write_deltalake(uri, reader, mode="overwrite", storage_options=options)
    return 0


def _child(step: Callable[..., int], arguments: tuple[Any, ...], send: Any) -> None:
    import pandas  # noqa: F401  (pyarrow looks for it at the first conversion)
    from citylake.ingest import decode  # noqa: F401
    from deltalake import write_deltalake  # noqa: F401

    before, start = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    step(*arguments)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    send.send({"cpu": round(cpu, 2), "wall": round(time.monotonic() - start, 2), "peak_mib": after.ru_maxrss // 1024})


def _measured(step: Callable[..., int], *arguments: Any) -> dict[str, float]:
    runs: list[dict[str, float]] = []
    for _ in range(RUNS):
        receive, send = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("spawn").Process(target=_child, args=(step, arguments, send))
        process.start()
        runs.append(receive.recv())
        process.join()
    return min(runs, key=lambda r: r["cpu"])


def measure(rows: int, state: Path) -> dict[str, Any]:
    """Every step over the same rows."""
    os.environ["CITYLAKE_STATE"] = str(state)
    from citylake.contract.load import load_contracts
    from citylake.lake.delta import delta_options
    from citylake.lake.services import down, up
    from citylake.lake.settings import ROOT, load_settings
    from citylake.lake.store import open_store

    headers = [c.header("") for c in load_contracts(ROOT)[DATASET].layout_columns("")]
    files = {(e, q): state / f"{e}-{q}.csv" for e in ("utf-8", "gb18030") for q in (False, True)}
    for (encoding, quoted), path in files.items():
        _write(path, rows, encoding, quoted, headers)
    settings = load_settings()
    up(settings)
    try:
        open_store(settings)
        options = delta_options(settings)
        uri = f"s3://{settings.lake}/bench/"
        steps = {"pyarrow CSV + delta-rs, UTF-8": _measured(_peer, files["utf-8", False], uri + "peer", options)}
        steps["pyarrow CSV + delta-rs, UTF-8, quoted"] = _measured(_peer_quoted, files["utf-8", True], uri + "peer-quoted", options)
        for (encoding, quoted), path in files.items():
            name = f"landing, {encoding}{', quoted newlines' if quoted else ''}"
            steps[name] = _measured(_ours, path, f"{uri}{encoding}-{quoted}", options, encoding)
    finally:
        down(settings)
    return {"rows": rows, "cores": os.cpu_count(), "python": platform.python_version(), "steps": steps, "ratios": _ratios(steps)}


def _peer_quoted(path: Path, uri: str, options: dict[str, str]) -> int:
    from deltalake import write_deltalake
    from pyarrow import csv as arrow_csv

    rows = arrow_csv.open_csv(path, parse_options=arrow_csv.ParseOptions(newlines_in_values=True))
    write_deltalake(uri, rows, mode="overwrite", storage_options=options)
    return 0


def _ratios(steps: dict[str, dict[str, float]]) -> dict[str, float]:
    pairs = {
        "landing / peer, plain (CPU)": ("landing, utf-8", "pyarrow CSV + delta-rs, UTF-8"),
        "landing / peer, quoted (CPU)": ("landing, utf-8, quoted newlines", "pyarrow CSV + delta-rs, UTF-8, quoted"),
        "GB18030 / UTF-8, plain (CPU)": ("landing, gb18030", "landing, utf-8"),
        "GB18030 / UTF-8, quoted (CPU)": ("landing, gb18030, quoted newlines", "landing, utf-8, quoted newlines"),
    }
    return {name: round(steps[a]["cpu"] / steps[b]["cpu"], 2) for name, (a, b) in pairs.items()}


def main() -> None:
    """Measure, print, and keep the result beside the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="citylake-bench-") as state:
        found = measure(rows, Path(state))
    text = json.dumps({"command": f"python bench/landing.py --rows {rows}", **found}, ensure_ascii=False, indent=1)
    print(text)
    (Path(__file__).parent / "results" / "landing.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
