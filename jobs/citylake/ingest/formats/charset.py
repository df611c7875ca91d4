"""Strict charsets: what a file is encoded in against what its contract says, and where a byte cannot be
read.
"""

from __future__ import annotations

import codecs
from pathlib import Path

from citylake.ingest.formats.records import Unreadable
from citylake.ledger.receipts import Finding

UTF8_BOM = codecs.BOM_UTF8
_UTF16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SAMPLE = 1 << 16
_ENOUGH = 4  # multi-byte characters that prove UTF-8


def check_charset(path: Path, encoding: str) -> None:
    """Unreadable when the first bytes prove another charset than the contract's."""
    with path.open("rb") as handle:
        check_bytes(handle.read(_SAMPLE), encoding, path.name)


def check_bytes(head: bytes, encoding: str, name: str) -> None:
    """The same for the first bytes of a text."""
    wide = head[:2] in _UTF16_BOMS
    if encoding.startswith("utf-16"):
        if encoding == "utf-16" and not wide:
            raise _other(name, encoding, "no byte order mark")
        return
    if wide:
        raise _other(name, encoding, "UTF-16")
    if encoding == "gb18030" and (head.startswith(UTF8_BOM) or _is_utf8(head)):
        raise _other(name, encoding, "UTF-8")


def _other(name: str, encoding: str, found: str) -> Unreadable:
    return Unreadable(
        Finding(
            "delivery.charset",
            f"文件编码应为{encoding},实为{found}",
            f"the charset is {found}, not {encoding}",
            name,
            1,
        )
    )


def _is_utf8(head: bytes) -> bool:
    text = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        decoded = text.decode(head)
    except UnicodeDecodeError:
        return False
    return sum(1 for c in decoded if ord(c) > 0x7FF) >= _ENOUGH


def as_utf8(path: Path, encoding: str) -> Path:
    """A UTF-16 file written again in UTF-8 beside it, so that it can be scanned by bytes; Unreadable names
    the byte that cannot be read.
    """
    plain = path.with_name("utf8")
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    done = 0
    with path.open("rb") as source, plain.open("wb") as target:
        try:
            while block := source.read(1 << 20):
                target.write(decoder.decode(block).encode())
                done += len(block)
            decoder.decode(b"", final=True)
        except UnicodeError:
            text = f"about byte {done}"
            raise Unreadable(
                Finding("delivery.charset", f"字节{done}附近无法解码", f"cannot be decoded {text}", path.name)
            ) from None
    return plain
