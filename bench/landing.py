"""Hop 4 beside its peer: pyarrow's own CSV reader and a delta-rs write of the same rows, on the same S3, in
the same run.

    python bench/landing.py --rows 500000

Each step runs in a process of its own, three times; CPU seconds are the least of the three, since what is
added is other work of the machine.
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
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

DATASET = "construction/component"
RUNS = 3
Work = Callable[[], object]


def _lines(rows: int, quoted: bool, headers: list[str]) -> Iterator[list[str]]:
    yield headers
    for i in range(rows):
        name = f'路灯"甲"\n第{i}盏' if quoted else f"路灯第{i}盏"
        row = [
            f"2101020119{i:06d}",
            name,
            "0119",
            "市城管局",
            "和平区城管局",
            "和平区市政所",
            "210102001001001",
            "完好",
            "2012-03-04",
            "",
            "实测",
        ]
        yield [*row, f"123.4{i % 100000:05d}", f"41.8{i % 100000:05d}", "铸铁", ""]


def _write(path: Path, rows: int, encoding: str, quoted: bool, headers: list[str]) -> None:
    with path.open("w", encoding=encoding, newline="") as handle:
        csv.writer(handle, lineterminator="\r\n").writerows(_lines(rows, quoted, headers))


def _peer(path: Path, uri: str, options: dict[str, str], quoted: bool) -> Work:
    """pyarrow's own parse and a write of what it gives: the delivered columns alone."""

    def work() -> None:
        from deltalake import write_deltalake
        from pyarrow import csv as arrow_csv

        rows = arrow_csv.open_csv(path, parse_options=arrow_csv.ParseOptions(newlines_in_values=quoted))
        write_deltalake(uri, rows, mode="overwrite", storage_options=options)

    return work


def _batches(path: Path, encoding: str) -> tuple[Any, Iterator[Any], Any]:
    from citylake.contract.load import load_contracts
    from citylake.core.settings import ROOT
    from citylake.ingest.bronze import writer_properties
    from citylake.ingest.decode import bronze_batches, bronze_schema
    from citylake.ledger.receipts import LandedFile, Receipt
    from citylake.privacy.tokens import Tokens

    contract = replace(load_contracts(ROOT)[DATASET], encoding=encoding)
    moment = "2016-03-01T00:00:00+00:00"
    receipt = Receipt(
        1, "a", DATASET, "a", "accepted", "1.0.0", known_at=moment, files=(LandedFile("a", "a" * 64, 0, 0),)
    )
    return (
        bronze_schema(contract),
        bronze_batches(contract, receipt, {"a" * 64: path}, Tokens(b"k")),
        writer_properties(contract),
    )


def _landing(path: Path, uri: str, options: dict[str, str], encoding: str) -> Work:
    """What hop 4 does: decode and write, streamed."""
    import pyarrow as pa

    schema, batches, properties = _batches(path, encoding)

    def work() -> None:
        from deltalake import write_deltalake

        write_deltalake(
            uri,
            pa.RecordBatchReader.from_batches(schema, batches),
            mode="overwrite",
            storage_options=options,
            writer_properties=properties,
        )

    return work


def _decoding(path: Path, encoding: str) -> Work:
    """Hop 4 without its write."""
    _, batches, _ = _batches(path, encoding)
    return lambda: deque(batches, maxlen=0)


def _writing(path: Path, uri: str, options: dict[str, str], encoding: str) -> Work:
    """Hop 4's write alone: the bronze rows, with the lineage of each, are in memory before the clock
    starts.
    """
    import pyarrow as pa

    schema, batches, properties = _batches(path, encoding)
    held = pa.Table.from_batches(batches, schema)

    def work() -> None:
        from deltalake import write_deltalake

        write_deltalake(uri, held, mode="overwrite", storage_options=options, writer_properties=properties)

    return work


def _child(step: Callable[..., Work], arguments: tuple[Any, ...], send: Any) -> None:
    import pandas  # noqa: F401  (pyarrow looks for it at the first conversion)
    from deltalake import write_deltalake  # noqa: F401

    work = step(*arguments)
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    send.send(
        {
            "cpu": round(cpu, 2),
            "wall": round(time.monotonic() - start, 2),
            "peak_mib": after.ru_maxrss // 1024,
        }
    )


def _measured(step: Callable[..., Work], *arguments: Any) -> dict[str, float]:
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
    from citylake.appliance.services import down, up
    from citylake.contract.load import load_contracts
    from citylake.core.settings import ROOT, load_settings
    from citylake.storage.delta import delta_options
    from citylake.storage.store import open_store

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
        steps: dict[str, dict[str, float]] = {}
        for quoted in (False, True):
            more = ", quoted newlines" if quoted else ""
            steps[f"pyarrow CSV + delta-rs{more}"] = _measured(
                _peer, files["utf-8", quoted], uri + "peer", options, quoted
            )
            steps[f"delta-rs write of the bronze rows{more}"] = _measured(
                _writing, files["utf-8", quoted], uri + "write", options, "utf-8"
            )
            for encoding in ("utf-8", "gb18030"):
                steps[f"decoding, {encoding}{more}"] = _measured(_decoding, files[encoding, quoted], encoding)
                steps[f"landing, {encoding}{more}"] = _measured(
                    _landing, files[encoding, quoted], uri + encoding, options, encoding
                )
    finally:
        down(settings)
    return {
        "rows": rows,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "steps": steps,
        "ratios": _ratios(steps),
    }


def _ratios(steps: dict[str, dict[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for more in ("", ", quoted newlines"):
        landing, peer = steps[f"landing, utf-8{more}"]["cpu"], steps[f"pyarrow CSV + delta-rs{more}"]["cpu"]
        found[f"landing / (pyarrow CSV + delta-rs of the delivered columns){more}"] = landing / peer
        found[f"landing / delta-rs write of the bronze rows alone{more}"] = (
            landing / steps[f"delta-rs write of the bronze rows{more}"]["cpu"]
        )
        found[f"gb18030 / utf-8{more}"] = steps[f"landing, gb18030{more}"]["cpu"] / landing
    return {name: round(ratio, 2) for name, ratio in found.items()}


def main() -> None:
    """Measure, print, and keep the result beside the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="citylake-bench-") as state:
        found = measure(rows, Path(state))
    text = json.dumps(
        {"command": f"python bench/landing.py --rows {rows}", **found}, ensure_ascii=False, indent=1
    )
    print(text)
    (Path(__file__).parent / "results" / "landing.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
