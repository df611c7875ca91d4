"""From a word to a source: a path, the id of a connection in the settings, or an address without password."""

from __future__ import annotations

import hashlib
from pathlib import Path

from citylake.contract.load import load_contracts
from citylake.core.errors import LakeError
from citylake.core.settings import Settings
from citylake.ingest.manifest_writer import order_of
from citylake.ingest.sources.address import Address, pairs, parse_address
from citylake.ingest.sources.bound import OPTION, Bound, departments_of
from citylake.ingest.sources.drops import QUIET_SECONDS, Watch
from citylake.ingest.sources.folder import FolderSource
from citylake.ingest.sources.source import Source

_OPTIONS = {
    "file": {OPTION, "quiet"},
    "sftp": {OPTION, "quiet"},
    "s3": {OPTION},
    "s3+http": {OPTION},
    "http": {OPTION, "dataset", "period", "coverage", "size"},
    "https": {OPTION, "dataset", "period", "coverage", "size"},
    **{
        scheme: {OPTION, "dataset", "period", "coverage", "query", "mark", "overlap"}
        for scheme in ("postgresql", "postgres")
    },
}


def open_source(settings: Settings, uri_or_path: str | Path, department: str | None = None) -> Bound:
    """The source at a path, at a connection's id or at a URI; `#name=value&...` behind it says what to do
    there. It delivers for `department`, when one is given, and else for the departments that it is bound to.

    Options: `departments` (with commas, `*` for all), `quiet` seconds (folder, sftp); `dataset`, `period`,
    `coverage` and `size` of a page (http) or `query`, `mark` and `overlap` (postgresql).
    Errors: LakeError `source.address`, `source.option`, `source.secret_given`, `source.unbound`, and those of
    the source's own constructor.
    """
    address = _address(settings, uri_or_path)
    _check_options(address)
    opened = _opened(settings, address)
    asked = address.options.get("dataset", "").partition("/")[0]  # the operator names it, not the source
    return Bound(opened, address.place, departments_of(address, department or asked or None))


def _opened(settings: Settings, address: Address) -> Source:
    match address.scheme:
        case "file":
            return FolderSource(Path(address.path), _watch(settings, address))
        case "s3" | "s3+http":
            from citylake.ingest.sources.s3 import BucketSource

            return BucketSource(address)
        case "sftp":
            from citylake.ingest.sources.sftp import SftpSource

            return SftpSource(address, _watch(settings, address))
        case "http" | "https":
            from citylake.ingest.sources.http_pages import PAGE_ROWS, PagesSource

            return PagesSource(
                address,
                order_of(address, load_contracts(settings.root)),
                _state(settings, address),
                _number(address, "size", PAGE_ROWS),
            )
        case _:
            from citylake.ingest.sources.sql import Query, QuerySource

            query = Query(
                address.option("query").rstrip().rstrip(";"),
                address.options.get("mark", ""),
                address.options.get("overlap", ""),
            )
            return QuerySource(
                address, order_of(address, load_contracts(settings.root)), query, _state(settings, address)
            )


def _address(settings: Settings, given: str | Path) -> Address:
    if isinstance(given, Path) or Path(given).is_dir():
        return _folder(str(given), "")
    base, _, options = given.partition("#")
    if base in settings.connections:
        if OPTION in pairs(options):
            raise LakeError(
                "source.option",
                f"the {OPTION} of a connection stand in the settings, with its address",
                where=base,
                now=f"leave out {OPTION}",
            )
        return parse_address(base, settings.connections[base].get_secret_value(), options)
    if "://" not in base:
        return _folder(base, options)
    address = parse_address("", base, options)
    if address.password:
        now = 'put it into the settings: CITYLAKE_CONNECTIONS=\'{"<id>": "<address>"}\', and name the id'
        raise LakeError(
            "source.secret_given",
            "the address holds a password, which would stay in histories and logs",
            where=address.place,
            now=now,
        )
    return address


def _folder(path: str, options: str) -> Address:
    return parse_address(
        "",
        f"file://{Path(path).absolute().as_posix().replace('%', '%25').replace('#', '%23').replace('?', '%3F')}",  # noqa: E501
        options,
    )


def _check_options(address: Address) -> None:
    known = _OPTIONS.get(address.scheme)
    if known is None:
        raise LakeError(
            "source.address",
            f"no source for {address.scheme}://",
            where=address.place,
            now=f"one of {', '.join(_OPTIONS)}",
        )
    unknown = sorted(address.options.keys() - known)
    if unknown:
        raise LakeError(
            "source.option",
            f"no such option: {', '.join(unknown)}",
            where=address.place,
            now=f"one of {', '.join(sorted(known)) or 'none'}",
        )


def _watch(settings: Settings, address: Address) -> Watch:
    return Watch(
        load_contracts(settings.root),
        _state(settings, address) / "polls.json",
        _number(address, "quiet", int(QUIET_SECONDS)),
    )


def _number(address: Address, name: str, default: int) -> int:
    text = address.options.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise LakeError(
            "source.option",
            f"the option {name} is not a whole number above 0: {text}",
            where=address.place,
            now="correct the option",
        )
    return int(text)


def _state(settings: Settings, address: Address) -> Path:
    """A folder of notes for this place and what is asked of it; the settings of the lake count, so two lakes
    do not share notes.
    """
    parts = [
        settings.endpoint,
        settings.lake,
        address.place,
        *(f"{k}={v}" for k, v in sorted(address.options.items()) if k not in ("quiet", OPTION)),
    ]
    return settings.state / "sources" / hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]
