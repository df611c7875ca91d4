"""The manifest of a delivery (`docs/departments/hand-over.md`), read strictly."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from citylake.core.calendar import BEIJING, SPAN
from citylake.ingest.formats.records import Unreadable
from citylake.ledger.receipts import Finding
from citylake.privacy.masking import shape

MANIFEST = "manifest.json"
SIGNATURE = f"{MANIFEST}.sig"
_NAME_BYTES = 255
_SENT_FROM = 1992  # since then Beijing keeps one offset all the year
_MOST = 10**15  # of bytes and records; tables count them in 64 bits
_DELIVERY = r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}"
_ONE = r"[0-9]{4}(-(Q[1-4]|(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?))?"
PERIOD = re.compile(rf"{_ONE}({SPAN}{_ONE})?")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _safe_name(name: str) -> str:
    """A file's name as data: objects get a key of their own, but a name must not lead elsewhere or hide a
    control character.
    """
    if (
        not name
        or name in (".", "..", MANIFEST, SIGNATURE)
        or re.search(r"[/\\\x00-\x1f\x7f]|^[A-Za-z]:", name)
    ):
        raise ValueError("not a plain file name")
    if len(name.encode()) > _NAME_BYTES:
        raise ValueError(f"longer than {_NAME_BYTES} bytes")
    return name


def name_findings(name: str) -> tuple[Finding, ...]:
    """Why no manifest can list a file of this name; none when one can."""
    try:
        _safe_name(name)
    except ValueError as error:
        return (_fault(("files", "name"), str(error)),)
    return ()


Name = Annotated[str, AfterValidator(_safe_name)]


def _written_out(moment: object) -> object:
    """A moment with its offset as text: of a bare number nobody can say what it counts."""
    if not isinstance(moment, str) or not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:", moment):
        raise ValueError("not a moment such as 2016-04-01T09:30:00+08:00")
    return moment


def _in_beijing(moment: datetime) -> datetime:
    """Moments are compared as texts later on, so all have one offset."""
    if not _SENT_FROM <= moment.year <= 9998:
        raise ValueError(f"the year {moment.year}")
    return moment.astimezone(BEIJING)


SentAt = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_beijing)]


def _lower(digest: object) -> object:
    """PowerShell writes a digest in capitals."""
    return digest.lower() if isinstance(digest, str) else digest


class FileEntry(_Strict):
    """One data file as the department promises it."""

    name: Name
    bytes: Annotated[int, Field(ge=0, le=_MOST)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$"), BeforeValidator(_lower)]
    records: Annotated[int, Field(ge=0, le=_MOST)]


def _told_apart(files: tuple[FileEntry, ...]) -> tuple[FileEntry, ...]:
    """Names that look alike once normalised (Unicode NFKC) cannot be told apart by a person; names that
    differ in case can.
    """
    shapes = [unicodedata.normalize("NFKC", f.name) for f in files]
    if len(set(shapes)) < len(shapes):
        raise ValueError("two file names look alike")
    return files


class Totals(_Strict):
    """Control totals over the text as delivered; decimals are exact."""

    records: Annotated[int, Field(ge=0, le=_MOST)]
    sum: dict[str, Decimal] = {}
    distinct: dict[str, int] = {}
    min: dict[str, str] = {}
    max: dict[str, str] = {}


class Manifest(_Strict):
    """What a department says about its delivery."""

    manifest: Literal[1]
    dataset: str
    contract: Annotated[str, Field(pattern=r"^[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}$")]
    delivery: Annotated[str, Field(pattern=f"^{_DELIVERY}$")]
    period: Annotated[str, Field(pattern=rf"^{PERIOD.pattern}$")]
    coverage: Literal["full", "changes"]
    sent_at: SentAt
    corrects: Annotated[str, Field(pattern=f"^{_DELIVERY}$")] | None = None
    attested: bool = True  # false: the lake made this manifest, no department vouches for it
    files: Annotated[tuple[FileEntry, ...], Field(min_length=1), AfterValidator(_told_apart)]
    totals: Totals

    @property
    def sent_text(self) -> str:
        """The moment of sending as it is kept: texts of it sort as the moments do."""
        return self.sent_at.isoformat()


_FIELDS = frozenset(f for m in (Manifest, FileEntry, Totals) for f in m.model_fields)
"""The names that a manifest's fields have; of any other only the shape is told."""


def read_manifest(body: bytes) -> Manifest:
    """The manifest; Unreadable with every fault, named by its path."""
    text = _text(body)
    try:
        raw = json.loads(text, parse_float=Decimal, object_pairs_hook=_said_once)
        json.dumps(
            raw, ensure_ascii=False, default=str
        ).encode()  # fails for half a surrogate pair, which is no text
    except json.JSONDecodeError as error:
        raise Unreadable(_no_json(text, error)) from None
    except (ValueError, RecursionError):
        raise Unreadable(
            Finding("manifest.malformed", "清单不是合法JSON", "the manifest is not JSON", MANIFEST, 1)
        ) from None
    try:
        return Manifest.model_validate(raw)
    except ValidationError as error:
        raise Unreadable(*(_fault(e["loc"], e["msg"]) for e in error.errors())) from None


def _text(body: bytes) -> str:
    """A manifest is UTF-8, with or without its byte order mark (UTF-16 and UTF-32 as in RFC 4627);
    Unreadable with the line that is in another charset.
    """
    try:
        return body.decode(json.detect_encoding(body)).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        zh = f"清单第{line}行不是UTF-8编码(像是GBK):请另存为UTF-8"
        en = f"line {line} of the manifest is not UTF-8 (GBK, it seems): save it as UTF-8"
        raise Unreadable(Finding("manifest.charset", zh, en, MANIFEST, line)) from None


def _no_json(text: str, error: json.JSONDecodeError) -> Finding:
    before = text[: error.pos].rstrip()
    if error.msg.startswith("Illegal trailing comma") or (
        before.endswith(",") and text[error.pos : error.pos + 1] in ("}", "]")
    ):
        line = text.count("\n", 0, max(0, text.rfind(",", 0, error.pos + 1))) + 1
        zh, en = f"清单第{line}行末多一个逗号", f"line {line} of the manifest has a comma too much at its end"
        return Finding("manifest.malformed", zh, en, MANIFEST, line)
    zh = f"清单第{error.lineno}行不是合法JSON(第{error.colno}列)"
    en = f"the manifest is not JSON at line {error.lineno}, column {error.colno}: {error.msg}"
    return Finding("manifest.malformed", zh, en, MANIFEST, error.lineno)


def _said_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; of a field that is said twice nobody can say which counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(k for i, (k, _) in enumerate(pairs) if k in dict(pairs[:i]))
        raise Unreadable(_fault((twice,), "said twice"))
    return found


def _fault(place: tuple[int | str, ...], text: str) -> Finding:
    path = ".".join(p if p in _FIELDS else shape(str(p)) if isinstance(p, str) else str(p) for p in place)
    return Finding(
        "manifest.invalid",
        f"清单字段 {path} 不合规定",
        f"manifest field {path}: {text}",
        MANIFEST,
        None,
        path,
    )
