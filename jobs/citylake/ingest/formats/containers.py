"""Unpacks gzip and zip as the contract says, streamed and bounded; a file that is packed against its contract
is refused.
"""

from __future__ import annotations

import gzip
import lzma
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from citylake.contract.model import Contract
from citylake.core.names import is_junk
from citylake.ingest.formats.records import Unreadable
from citylake.ingest.limits import PLAIN_BYTES, RATIO, RATIO_FREE_BYTES
from citylake.ledger.receipts import Finding

_BLOCK = 1 << 20
# What `zipfile` raises, by what is damaged, when it reads a foreign archive.
DAMAGED_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    EOFError,
    OSError,
    RuntimeError,
    LookupError,
    ValueError,
)
# First bytes of what is not a department's data file, and what it is.
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\xd0\xcf\x11\xe0": "OLE",
    b"%PDF": "PDF",
    b"7z\xbc\xaf": "7z",
    b"Rar!": "RAR",
    b"\x80\x02": "pickle",
    b"\x80\x03": "pickle",
    b"\x80\x04": "pickle",
    b"\x80\x05": "pickle",
    b"\xca\xfe\xba\xbe": "Java class",
    b"\xac\xed\x00\x05": "serialised Java",
    b"\x7fELF": "ELF",
    b"MZ\x90": "EXE",
}
_OWN = {"xlsx": {"zip", "OLE"}, "ods": {"zip"}, "xls": {"OLE", "zip"}}


def kind_of(path: Path) -> str:
    """What the first bytes say a file is; "" for plain text and unknown."""
    with path.open("rb") as handle:
        head = handle.read(8)
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "")


@contextmanager
def plain_file(path: Path, contract: Contract) -> Iterator[Path]:
    """The file without its container, in a folder of its own, where its decoder may write too; nothing is
    written beside a sender's file, and nothing is left.
    """
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        here = Path(folder) / path.name
        here.symlink_to(path.resolve())
        yield _unpacked(here, contract)


def _unpacked(path: Path, contract: Contract) -> Path:
    """The plain file beside the packed one; the file itself where the contract names no container."""
    kind = kind_of(path)
    if not contract.container:
        if kind and kind not in _OWN.get(contract.format, set()):
            raise _refused(
                "container.unexpected",
                f"内容为{kind},合约为{contract.format}",
                f"the bytes are {kind}, the contract says {contract.format}",
                path,
            )
        return path
    if kind != contract.container:
        raise _refused(
            "container.malformed", f"不是{contract.container}文件", f"not a {contract.container} file", path
        )
    plain = path.with_name("plain")
    pieces = _gunzipped(path) if kind == "gzip" else _unzipped(path)
    _write(pieces, plain, path)
    return plain


def _refused(rule: str, zh: str, en: str, path: Path) -> Unreadable:
    return Unreadable(Finding(rule, zh, en, path.name))


def _write(pieces: Iterator[bytes], plain: Path, packed: Path) -> None:
    written, limit = 0, max(RATIO_FREE_BYTES, packed.stat().st_size * RATIO)
    with plain.open("wb") as target:
        for piece in pieces:
            written += len(piece)
            if written > min(limit, PLAIN_BYTES):
                raise _refused(
                    "container.ratio",
                    f"解压超过{RATIO}倍或上限",
                    f"unpacks to more than {RATIO} times its size, or past the limit",
                    packed,
                )
            target.write(piece)


def _gunzipped(path: Path) -> Iterator[bytes]:
    """Concatenated members are one stream (RFC 1952, section 2.2); bytes after the last member are
    refused.
    """
    try:
        with gzip.open(path, "rb") as handle:
            while piece := handle.read(_BLOCK):
                yield piece
    except EOFError:
        raise _refused(
            "container.truncated", "压缩文件不完整", "the packed file ends too early", path
        ) from None
    except (gzip.BadGzipFile, zlib.error):
        raise _refused(
            "container.malformed",
            "压缩文件损坏或尾部有多余字节",
            "the packed file is damaged or has bytes after its end",
            path,
        ) from None


def _unzipped(path: Path) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            member = _only_member(archive, path)
            with archive.open(member) as handle:
                while piece := handle.read(_BLOCK):
                    yield piece
    except DAMAGED_ZIP:
        raise _refused("container.malformed", "压缩文件损坏", "the packed file is damaged", path) from None


def _only_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    """The one regular, unencrypted file of an archive with a safe name."""
    members = [m for m in archive.infolist() if not m.is_dir() and not is_junk(m.filename)]
    for member in members:
        problem = _unsafe(member)
        if problem:
            raise _refused(
                problem,
                f"压缩包成员不合规定({problem})",
                f"a member of the archive is not allowed ({problem})",
                path,
            )
    if len(members) != 1:
        raise _refused(
            "container.members",
            f"压缩包应有1个文件,实有{len(members)}个",
            f"{len(members)} files in the archive, 1 expected",
            path,
        )
    return members[0]


def _unsafe(member: zipfile.ZipInfo) -> str | None:
    mode = member.external_attr >> 16
    name = member.filename
    if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or ":" in name:
        return "container.path"
    if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
        return "container.special_file"
    if member.flag_bits & 0x1:
        return "container.encrypted"
    if member.filename.lower().endswith((".zip", ".gz")):
        return "container.nested"
    return None
