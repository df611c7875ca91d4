"""Files that offices may send and that nobody should refuse: 200 by seed, in every format that the lake reads
and in people's spellings, are accepted with the values that they mean. `make sound-files` writes them for
three seeds, the plain suite 48 of one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.judging import Judged, judge, receive
from tests.sound.files import CONTRACTS, SoundFile, Source, make, plan, sources

QUICK, WHOLE = 48, 200
RUNS = [(2016, QUICK), *(pytest.param(seed, WHOLE, marks=pytest.mark.slow) for seed in (2016, 7, 11))]
ABOUT_WRITING = (".repaired", ".rounded")  # flags that only tell of another way of writing


@pytest.fixture(scope="module")
def chosen(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    """Rows of the golden cases that break no rule as they were delivered."""
    folder, found = tmp_path_factory.mktemp("sources"), list(sources())
    found = [s for s in found if s.rows]
    sound: list[Source] = []
    rows: dict[str, list[pa.Table]] = defaultdict(list)
    for i, source in enumerate(found):
        rows[source.dataset].append(_plainly(source, folder / str(i), i))
    for dataset, tables in rows.items():
        judged = judge(spark, CONTRACTS[dataset], pa.concat_tables(tables))
        for i, source in enumerate(found):
            if source.dataset == dataset and len(judged.get(str(i), [])) == len(source.rows):
                pairs = zip(source.rows, judged[str(i)], strict=True)
                sound.append(
                    replace(source, rows=tuple(r for r, j in pairs if not j.verdict and not j.flags))
                )
    return [s for s in sound if s.rows]


def _plainly(source: Source, folder: Path, number: int) -> pa.Table:
    """The rows as the lake has them when they are written without any freedom: as JSON lines of texts."""
    import json

    contract = replace(
        CONTRACTS[source.dataset], format="jsonl", encoding="utf-8", container="", unpivot=None
    )
    names = {c.name: f"C{i}" for i, c in enumerate(contract.columns)}
    contract = replace(
        contract,
        columns=tuple(replace(c, headers={"": names[c.name]}) for c in contract.columns),
        layouts={},
        ended_max=1,
    )
    folder.mkdir()
    path = folder / "plain.jsonl"
    lines = [json.dumps({names[n]: v for n, v in row.items()}, ensure_ascii=False) for row in source.rows]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    received = receive(contract, [path], source.period, number)
    return received.rows if received.rows is not None else pa.table({"_batch_id": pa.array([], pa.string())})


@pytest.mark.parametrize(("seed", "count"), RUNS)
def test_sound_files_are_accepted_with_their_values(
    spark: Any, chosen: list[Source], tmp_path: Path, seed: int, count: int
) -> None:
    made: list[SoundFile] = []
    refused: dict[str, list[str]] = {}
    rows: dict[str, list[pa.Table]] = defaultdict(list)
    for i, (rng, source, form, label) in enumerate(plan(seed, count, chosen)):
        folder = tmp_path / str(i)
        folder.mkdir()
        file = make(rng, source, form, folder, label)
        made.append(file)
        path = folder / file.written.name
        path.write_bytes(file.written.body)
        received = receive(file.written.contract, [path], file.period, i)
        if received.rows is None:
            refused[file.label] = [f"{f.rule} {f.en}" for f in received.findings]
        else:
            rows[file.dataset].append(received.rows)
    wrong: list[str] = []
    for dataset, tables in rows.items():
        for batch, judged in judge(spark, CONTRACTS[dataset], pa.concat_tables(tables)).items():
            wrong += differences(made[int(batch)], judged)
    cells = sum(len(row) for file in made for row in file.expected)
    print(f"seed {seed}: {len(made)} files, {len(refused)} refused, {cells} cells, {len(wrong)} wrong")
    print("\n".join(wrong[:40]))
    assert len({f.label.split()[-1] for f in made}) >= 13
    assert (refused, wrong) == ({}, [])


def differences(file: SoundFile, judged: list[Judged]) -> list[str]:
    """What came otherwise than it was meant, row by row."""
    if len(judged) != len(file.expected):
        return [f"{file.label}: {len(judged)} rows of {len(file.expected)}"]
    must, came = list(file.expected), list(judged)
    unpivot = CONTRACTS[file.dataset].unpivot
    if unpivot:
        keys = CONTRACTS[file.dataset].keys
        must.sort(key=lambda r: [str(r[k]) for k in keys])
        came.sort(key=lambda r: [str(r.values[k]) for k in keys])
    out: list[str] = []
    for n, (expected, row) in enumerate(zip(must, came, strict=True)):
        odd = [*row.verdict, *(f for f in row.flags if not f.endswith(ABOUT_WRITING))]
        out += [f"{file.label} row {n}: {odd}"] if odd else []
        out += [
            f"{file.label} row {n} {c}: {row.values[c]!r}, not {value!r}"
            for c, value in expected.items()
            if _same(row.values[c]) != _same(value)
        ]
    return out


def _same(value: Any) -> Any:
    """A value in one form: decimals without the zeros that a type adds."""
    if isinstance(value, Decimal):
        return value.normalize()
    try:
        return Decimal(value).normalize() if value is not None else None
    except ArithmeticError:
        return value
