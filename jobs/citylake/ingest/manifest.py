"""The manifest of a delivery (design, section 6), read strictly."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from citylake.ingest.records import Unreadable
from citylake.ledger.receipts import Finding

Name = Annotated[str, Field(pattern=r"^[^/\\\x00-\x1f]{1,200}$")]
PERIOD = re.compile(r"[0-9]{4}(-(Q[1-4]|(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?))?")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileEntry(_Strict):
    """One data file as the department promises it."""

    name: Name
    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    records: Annotated[int, Field(ge=0)]


class Totals(_Strict):
    """Control totals over the text as delivered; decimals are exact."""

    records: int
    sum: dict[str, Decimal] = {}
    distinct: dict[str, int] = {}
    min: dict[str, str] = {}
    max: dict[str, str] = {}


class Manifest(_Strict):
    """What a department says about its delivery."""

    manifest: Literal[1]
    dataset: str
    contract: str
    delivery: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,80}$")]
    period: Annotated[str, Field(pattern=rf"^{PERIOD.pattern}$")]
    coverage: Literal["full", "changes"]
    sent_at: AwareDatetime
    corrects: str | None = None
    files: Annotated[tuple[FileEntry, ...], Field(min_length=1)]
    totals: Totals


def read_manifest(body: bytes) -> tuple[Manifest, str]:
    """The manifest and its `sent_at` as written; every fault is named by its path."""
    try:
        raw: dict[str, Any] = json.loads(body, parse_float=Decimal)
        return Manifest.model_validate(raw), str(raw["sent_at"])
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise Unreadable(Finding("manifest.malformed", "清单不是合法JSON", "the manifest is not JSON", "manifest.json")) from None
    except ValidationError as error:
        raise Unreadable(*(_fault(e["loc"], e["msg"]) for e in error.errors())) from None


def _fault(place: tuple[int | str, ...], text: str) -> Finding:
    path = ".".join(str(p) for p in place)
    return Finding("manifest.invalid", f"清单字段 {path} 不合规定", f"manifest field {path}: {text}", "manifest.json")
