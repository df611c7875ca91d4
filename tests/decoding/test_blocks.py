"""Blocks and single records are two ways to the same rows: random files with quotes, faults and all line
ends, read both ways.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from citylake.ingest.decode import open_file
from citylake.ingest.formats import blocks
from citylake.ingest.formats.blocks import Block, pieces
from citylake.ingest.formats.delimited import Delimited
from citylake.ingest.formats.records import Record, Unreadable
from citylake.ledger.receipts import Finding

from tests.bad_input.firm import HEADERS, rows
from tests.bad_input.judge import base_contracts


def _flat(piece: Block | list[Record]) -> list[tuple[Any, ...]]:
    if isinstance(piece, Block):
        columns = [c.to_pylist() for c in piece.columns]
        return [
            (
                piece.number + i,
                int(piece.lines[i]),
                int(piece.starts[i]),
                int(piece.ends[i]),
                [c[i] for c in columns],
                None,
            )
            for i in range(len(piece))
        ]
    return [(r.number, r.line, r.start, r.end, r.values, r.error) for r in piece]


def _file(rng: random.Random, encoding: str) -> bytes:
    """Mostly plain lines; now and then a quote, a fault, a blank line or another line end."""
    made = [",".join(HEADERS).encode(encoding) + b"\r\n"]
    odd = rng.choice((0.0, 0.02, 0.3))
    for row in rows(rng.randrange(1, 60)):
        line, end = ",".join(row).encode(encoding), b"\r\n"
        if rng.random() < odd:
            odd_lines = (
                b'a,"x\r\ny",,,,',
                b'a,"x\ry\nz","",,,"e"',
                b'a,"x,y",,,,',
                b'a,"x""\n""",,,,',
                b'"a","b,",,,,',
                b'a,"x""y",1,2,3,4',
                b"a,b",
                b"a,b,c,d,e,f,g",
                b"a,x\0,,,,",
                b"a,\xff\xff,,,,",
                b"",
                b"  ",
                b'a"b,,,,,',
                "x,\ufffd,,,,".encode(encoding),
            )
            line = rng.choice(odd_lines)
        made.append(line + (rng.choice((b"\n", b"\r")) if rng.random() < odd else end))
    return b"".join(made)[: None if rng.random() < 0.8 else -2]


def _outcome(read: Callable[[], list[Any]]) -> tuple[list[Any], tuple[Finding, ...]]:
    try:
        return read(), ()
    except Unreadable as error:
        return [], error.findings


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_both_ways_give_the_same_records(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = replace(base_contracts()["registry/firm"], encoding=encoding)
    path = tmp_path / "a.csv"
    plain = 0
    for seed in range(400):
        rng = random.Random(seed)
        monkeypatch.setattr(blocks, "_BLOCK", rng.choice((200, 700, 4 << 20)))
        path.write_bytes(_file(rng, encoding))
        with open_file(path, contract) as decoder:
            assert isinstance(decoder, Delimited)
            slow, refused = _outcome(lambda decoder=decoder: [x for r in decoder for x in _flat([r])])
            quick, told = _outcome(lambda decoder=decoder: list(pieces(decoder)))
        assert told == refused
        plain += sum(1 for p in quick if isinstance(p, Block))
        assert refused or [x for p in quick for x in _flat(p)] == slow, seed
    assert plain > 600
