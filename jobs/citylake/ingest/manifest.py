"""The manifest of a delivery (design, section 6), read strictly."""

from __future__ import annotations

import json
import re
import unicodedata
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from citylake.ingest.records import Unreadable
from citylake.ledger.receipts import Finding

_NAME_BYTES = 255
PERIOD = re.compile(r"[0-9]{4}(-(Q[1-4]|(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?))?")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _safe_name(name: str) -> str:
    """A file's name as data: objects get a key of their own, but a name must not lead elsewhere or hide a control character."""
    if not name or name in (".", "..", "manifest.json") or re.search(r"[/\\\x00-\x1f\x7f]|^[A-Za-z]:", name):
        raise ValueError("not a plain file name")
    if len(name.encode()) > _NAME_BYTES:
        raise ValueError(f"longer than {_NAME_BYTES} bytes")
    return name


Name = Annotated[str, AfterValidator(_safe_name)]


class FileEntry(_Strict):
    """One data file as the department promises it."""

    name: Name
    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    records: Annotated[int, Field(ge=0)]


def _told_apart(files: tuple[FileEntry, ...]) -> tuple[FileEntry, ...]:
    """Names that look alike once normalised (Unicode NFKC) cannot be told apart by a person; names that differ in case can."""
    shapes = [unicodedata.normalize("NFKC", f.name) for f in files]
    if len(set(shapes)) < len(shapes):
        raise ValueError("two file names look alike")
    return files


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
    contract: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    delivery: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,80}$")]
    period: Annotated[str, Field(pattern=rf"^{PERIOD.pattern}$")]
    coverage: Literal["full", "changes"]
    sent_at: AwareDatetime
    corrects: str | None = None
    attested: bool = True  # false: the lake made this manifest, no department vouches for it
    files: Annotated[tuple[FileEntry, ...], Field(min_length=1), AfterValidator(_told_apart)]
    totals: Totals


def read_manifest(body: bytes) -> tuple[Manifest, str]:
    """The manifest and its `sent_at` as written; every fault is named by its path."""
    try:
        raw: dict[str, Any] = json.loads(body, parse_float=Decimal)
        return Manifest.model_validate(raw), str(raw["sent_at"])
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise Unreadable(Finding("manifest.malformed", "清单不是合法JSON", "the manifest is not JSON", "manifest.json", 1)) from None
    except ValidationError as error:
        raise Unreadable(*(_fault(e["loc"], e["msg"]) for e in error.errors())) from None


def _fault(place: tuple[int | str, ...], text: str) -> Finding:
    path = ".".join(str(p) for p in place)
    return Finding("manifest.invalid", f"清单字段 {path} 不合规定", f"manifest field {path}: {text}", "manifest.json", None, path)
