"""A JSON interface that hands out a snapshot in pages: `GET <base>?page=N&size=M` gives `{"total": n, "page":
N, "rows": [...]}` and an ETag.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import httpx

from citylake.contract.model import Contract
from citylake.core.errors import LakeError, SourceMissing, SourceMoved
from citylake.ingest.manifest_writer import Extract, Order, delivery_name, demand_format, make_manifest
from citylake.ingest.sources.address import Address
from citylake.ingest.sources.page_rows import write_csv, write_json
from citylake.ingest.sources.source import Found

PAGE_ROWS = 500
_TIMES = httpx.Timeout(60, connect=10)


class PagesSource:
    """One snapshot as one delivery. Pages are kept under `state` until the inbox holds it, so a broken fetch
    goes on where it broke.
    """

    def __init__(self, address: Address, order: Order, state: Path, size: int = PAGE_ROWS) -> None:
        """ContractError `source.format` when the contract is neither plain JSON nor plain CSV."""
        demand_format(order.contract, ("json", "csv"), address.place)
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)  # they log addresses, which may hold a key
        self._address, self._order, self._state, self._size = address, order, state, size

    def deliveries(self) -> Generator[Found, None, None]:
        """The snapshot; SourceMissing (go on later), SourceMoved (begin again later), LakeError when the
        pages contradict themselves.
        """
        with _client(self._address) as client, tempfile.TemporaryDirectory(prefix="citylake-") as scratch:
            pages = _Pages(client, self._address, self._state, self._size)
            bodies = pages.read()
            rows = _checked(pages, bodies, self._order.contract)
            pages.still_the_same()
            name = f"rows.{self._order.contract.format}"
            file = Extract(name, Path(scratch) / name, rows)
            write = write_json if self._order.contract.format == "json" else write_csv
            write(file.path, bodies, self._order.contract)
            delivery = delivery_name(self._order, "http", file)
            manifest = make_manifest(self._order, delivery, datetime.now(UTC), [file])
            yield Found(
                self._order.contract.id,
                delivery,
                manifest,
                {file.name: partial(shutil.copyfile, file.path)},
                pages.forget,
            )


class _Pages:
    """The pages of one snapshot, as they came, in a folder."""

    def __init__(self, client: httpx.Client, address: Address, state: Path, size: int) -> None:
        self._client, self._url, self.place, self._state, self._size = (
            client,
            _url(address),
            address.place,
            state,
            size,
        )
        self._snapshot = state / "snapshot.json"

    def read(self) -> list[Path]:
        """All pages in order; those that an earlier fetch of the same snapshot kept are not asked for
        again.
        """
        self._begin()
        found: list[Path] = []
        rows, total = 0, -1
        while rows != total:
            found.append(self._page(len(found) + 1))
            page = _parsed(found[-1].read_bytes(), self.place)
            rows += len(page["rows"])
            total = page["total"] if total < 0 else total
            if page["total"] != total:
                self.moved(f"the total was {total} and is {page['total']} on page {len(found)}")
            if rows > total or not page["rows"]:
                break
        return found

    def _begin(self) -> None:
        kept: dict[str, Any] = json.loads(self._snapshot.read_bytes()) if self._snapshot.exists() else {}
        etag = kept.get("etag", "") if kept.get("size") == self._size else ""
        reply = self._get(1, etag)
        if reply.status_code == httpx.codes.NOT_MODIFIED or (etag and reply.headers.get("etag") == etag):
            return
        if not reply.headers.get("etag"):
            raise LakeError(
                "source.no_etag",
                "page 1 has no ETag, so nobody can tell whether the pages belong together",
                where=self.place,
                now="ask the department for an ETag of the snapshot",
            )
        self.forget()
        self._state.mkdir(parents=True)
        self._keep(1, reply)
        _replace(self._snapshot, json.dumps({"etag": reply.headers["etag"], "size": self._size}).encode())

    def _page(self, number: int) -> Path:
        path = self._path(number)
        if not path.exists():
            self._keep(number, self._get(number))
        return path

    def _path(self, number: int) -> Path:
        return self._state / f"page-{number:06d}.json"

    def _keep(self, number: int, reply: httpx.Response) -> None:
        page = _parsed(reply.content, self.place)
        if page.get("page") != number:
            raise LakeError(
                "source.answer",
                f"the answer for page {number} is no such page",
                where=self.place,
                now="tell the department",
            )
        _replace(self._path(number), reply.content)

    def _get(self, number: int, etag: str = "") -> httpx.Response:
        try:
            url = self._url.copy_merge_params({"page": number, "size": self._size})
            reply = self._client.get(url, headers={"If-None-Match": etag} if etag else {})
        except httpx.RequestError as error:
            what = f"page {number} did not come ({type(error).__name__})"
            raise SourceMissing(
                "source.unreachable", what, where=self.place, now="fetch again: it goes on at this page"
            ) from None
        _demand_success(reply.status_code, number, self.place)
        return reply

    def still_the_same(self) -> None:
        """SourceMoved when page 1 is not what it was at the beginning."""
        etag = json.loads(self._snapshot.read_bytes())["etag"]
        reply = self._get(1, etag)
        if reply.status_code != httpx.codes.NOT_MODIFIED and reply.headers.get("etag") != etag:
            self.moved("the ETag of page 1 is another one now")

    def moved(self, what: str) -> NoReturn:
        """Forget the pages and say so."""
        self.forget()
        raise SourceMoved(
            "source.moved",
            f"the data changed while the pages were read: {what}",
            where=self.place,
            now="fetch again; it begins anew",
        )

    def wrong(self, rule: str, what: str) -> NoReturn:
        """Forget the pages: asking again could only give the same ones."""
        self.forget()
        raise LakeError(
            rule, what, where=self.place, now="tell the department: pages need a fixed order of rows"
        )

    def forget(self) -> None:
        """Drop all pages."""
        shutil.rmtree(self._state, ignore_errors=True)


def _client(address: Address) -> httpx.Client:
    """User and password become basic authorisation; a password without user is a bearer token."""
    headers = {"Authorization": f"Bearer {address.password}"} if address.password and not address.user else {}
    auth = httpx.BasicAuth(address.user, address.password) if address.user else None
    return httpx.Client(headers=headers, auth=auth, timeout=_TIMES, trust_env=False)


def _url(address: Address) -> httpx.URL:
    """The base without user and password, which travel in a header."""
    try:
        return httpx.URL(address.uri).copy_with(userinfo=b"")
    except httpx.InvalidURL:
        raise LakeError(
            "source.address",
            "the address of the source is no URL",
            where=address.place,
            now="mend the connection in the settings",
        ) from None


def _demand_success(status: int, number: int, place: str) -> None:
    what = f"the answer for page {number} is HTTP {status}"
    if status in (200, 304):
        return
    if status in (401, 403):
        raise LakeError("source.refused", what, where=place, now="check the connection's login")
    if status in (408, 429) or status >= 500:
        raise SourceMissing(
            "source.unreachable", what, where=place, now="fetch again: it goes on at this page"
        )
    raise LakeError("source.answer", what, where=place, now="check the address; tell the department")


def _parsed(body: bytes, place: str) -> dict[str, Any]:
    """A page; LakeError `source.answer` when it has another shape."""
    try:
        page = json.loads(body.decode("utf-8-sig"))
    except ValueError:
        page = None
    if (
        not isinstance(page, dict)
        or type(page.get("total")) is not int
        or not isinstance(page.get("rows"), list)
    ):
        raise LakeError(
            "source.answer",
            "the answer is not a page with total and rows",
            where=place,
            now="check the address; tell the department",
        )
    return page


def _checked(pages: _Pages, bodies: list[Path], contract: Contract) -> int:
    """The number of rows, after the pages were held against their total and the keys of all rows against each
    other.
    """
    names = _key_names(contract)
    seen: set[tuple[str, ...]] = set()
    rows, total = 0, 0
    for number, path in enumerate(bodies, 1):
        page = _parsed(path.read_bytes(), pages.place)
        rows, total = rows + len(page["rows"]), page["total"]
        for key in _keys(page["rows"], names):
            if key in seen:
                pages.wrong("source.rows_repeat", f"page {number} repeats a row of this snapshot")
            seen.add(key)
    if rows != total:
        pages.wrong("source.rows_short", f"the pages hold {rows} rows, their total says {total}")
    return rows


def _key_names(contract: Contract) -> list[str]:
    """Members of a row that make up its key; a derived key column stands for what it is derived from."""
    columns = [contract.column(k) for k in contract.keys]
    return [
        contract.column(n).header("") for c in columns for n in ((c.name,) if c.delivered else c.derived_from)
    ]


def _keys(rows: list[Any], names: list[str]) -> Iterator[tuple[str, ...]]:
    """Keys of rows that have one; a row without is for the decoder to judge."""
    for row in rows:
        if names and isinstance(row, dict) and all(row.get(n) is not None for n in names):
            yield tuple(str(row[n]) for n in names)


def _replace(path: Path, body: bytes) -> None:
    """Write a file that is whole or not there."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(body)
    fresh.replace(path)
