"""Sound rows of the synthetic firms, and a case: files, manifest and the verdict that is expected of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Literal

from citylake.synthetic.identifiers import org_code, uscc

HEADERS = ("统一社会信用代码", "企业名称", "成立日期", "注册资本", "从业人数", "更新时间")
NAME, FOUNDED, CAPITAL, STAFF, UPDATED = 1, 2, 3, 4, 5
Rows = list[list[str]]
Expect = Literal["R", "Q", "N"]


def rows(count: int = 10) -> Rows:
    """Sound rows."""
    return [
        [
            uscc("210100", org_code(i)),
            f"沈阳第{i}机床有限公司",
            f"20{i % 16:02d}-03-0{i % 9 + 1}",
            f"{i * 10}.5",
            str(i),
            f"2016-02-0{i % 9 + 1} 08:00:00",
        ]
        for i in range(count)
    ]


def with_value(column: int, text: str, at: int = 3) -> Rows:
    """Ten sound rows but for one value; with the header its line is `at + 2`."""
    made = rows()
    made[at][column] = text
    return made


def lines(made: Rows, delimiter: str = ",", header: tuple[str, ...] | None = HEADERS) -> list[str]:
    """Rows as delimited lines without quoting."""
    return [delimiter.join(r) for r in ([list(header)] if header else []) + made]


def text(made: Rows, end: str = "\r\n", **how: Any) -> str:
    """Rows as a whole delimited file."""
    return end.join(lines(made, **how)) + end


def csv(made: Rows | None = None, encoding: str = "utf-8", **how: Any) -> bytes:
    """Rows as the bytes of a delimited file."""
    return text(made if made is not None else rows(), **how).encode(encoding)


def records(made: Rows | None = None) -> list[dict[str, str]]:
    """Rows as JSON objects."""
    return [dict(zip(HEADERS, r, strict=True)) for r in (made if made is not None else rows())]


def as_json(made: Rows | None = None) -> bytes:
    """Rows as a JSON document."""
    return json.dumps({"records": records(made)}, ensure_ascii=False, indent=0).encode()


def as_jsonl(made: Rows | None = None) -> bytes:
    """Rows as JSON lines."""
    return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records(made)).encode()


def as_xml(made: Rows | None = None, head: str = "") -> bytes:
    """Rows as XML."""
    body = "\n".join(
        "<ROW>" + "".join(f"<{h}>{v}</{h}>" for h, v in zip(HEADERS, r, strict=True)) + "</ROW>"
        for r in (made or rows())
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}<DATA>\n{body}\n</DATA>\n'.encode()


@dataclass(frozen=True)
class Case:
    """One bad (or odd) delivery and its verdict: Refused, Quarantined rows, or accepted as Normal."""

    kind: int
    variant: str
    body: bytes
    expect: Expect
    rule: str = ""
    line: int | None = None  # where the answer must point; None where the whole file is meant
    name: str = "firm.csv"
    records: int = 10
    contract: dict[str, Any] = field(default_factory=dict)  # fields of the contract that the case changes
    dataset: str = "registry/firm"
    others: dict[str, bytes] = field(default_factory=dict)  # further files of the delivery
    promised: dict[str, Any] = field(default_factory=dict)  # what the manifest says against the truth
    survives: str = ""  # a name that bronze must hold, character by character

    def files(self) -> list[tuple[str, bytes]]:
        """Every file of the delivery by name, names possibly equal."""
        return [(self.name, self.body), *self.others.items()]

    def manifest(self) -> dict[str, Any]:
        """The manifest, honest but for `promised`."""
        entries = [
            {"name": n, "bytes": len(b), "sha256": hashlib.sha256(b).hexdigest(), "records": self.records}
            | self.promised.get("file", {})
            for n, b in self.files()
        ]
        entries += self.promised.get("entries", [])
        return {
            "manifest": 1,
            "dataset": self.dataset,
            "contract": "1.0.0",
            "delivery": f"{self.kind:02d}-{self.variant}",
            "period": "2016-02",
            "coverage": "changes",
            "sent_at": "2016-03-01T09:00:00+08:00",
            "files": entries,
            "totals": {"records": sum(e["records"] for e in entries)} | self.promised.get("totals", {}),
        }
