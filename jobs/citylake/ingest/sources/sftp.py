"""Deliveries on an SFTP server whose host key is known beforehand; an unknown key ends the talk before any
password is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator, Iterator
from pathlib import Path
from typing import Any, TypeVar

import asyncssh
from asyncssh.constants import FILEXFER_TYPE_DIRECTORY, FILEXFER_TYPE_REGULAR

from citylake.core.errors import LakeError, SourceMissing
from citylake.ingest.sources.address import Address
from citylake.ingest.sources.drops import Drop, Seen, Watch, whole_deliveries
from citylake.ingest.sources.source import Found

_SECONDS = 15
_Answer = TypeVar("_Answer")


class SftpSource:
    """`sftp://user:password@host:22/folder?host_key=ssh-ed25519 AAAA...`; also `key_file=` (a private key)
    and `charset=` (of file names).
    """

    def __init__(self, address: Address, watch: Watch) -> None:
        """LakeError `source.host_key` when the address states no host key."""
        self._address, self._watch = address, watch
        self._key = _host_key(address)

    def deliveries(self) -> Generator[Found, None, None]:
        """Whole deliveries; SourceMissing, LakeError `source.host_key`, `source.refused`."""
        with asyncio.Runner() as runner:
            talk = _Talk(runner, self._address)
            connection = talk.ask(_connect(self._address, self._key))
            try:
                client = talk.ask(_client(connection, self._address.query.get("charset", "utf-8")))
                yield from whole_deliveries(
                    _Folders(talk, client, self._address.path.rstrip("/") or "."), self._watch
                )
            finally:
                connection.abort()
                runner.run(connection.wait_closed())


class _Talk:
    """Waits for answers and turns what goes wrong into errors of the lake; their own texts could quote a name
    or a path.
    """

    def __init__(self, runner: asyncio.Runner, address: Address) -> None:
        self._runner, self._place = runner, address.place

    def ask(self, question: Coroutine[Any, Any, _Answer]) -> _Answer:
        """The answer; SourceMissing or LakeError."""
        try:
            return self._runner.run(question)
        except asyncssh.HostKeyNotVerifiable:
            now = "ask the department for the new key by another way; then change the connection"
            raise LakeError(
                "source.host_key",
                "the server shows another host key than the connection states",
                where=self._place,
                now=now,
            ) from None
        except (asyncssh.PermissionDenied, asyncssh.SFTPPermissionDenied):
            raise LakeError(
                "source.refused",
                "the server refuses user, password or path",
                where=self._place,
                now="check the connection's login",
            ) from None
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            raise SourceMissing(
                "source.unreachable",
                "there is no such file or folder",
                where=self._place,
                now="check the path",
            ) from None
        except (OSError, ValueError, asyncssh.Error) as error:
            what = f"the server does not answer as it should ({type(error).__name__})"
            raise SourceMissing(
                "source.unreachable", what, where=self._place, now="fetch again later"
            ) from None


class _Folders:
    """The folders of an SFTP server as a place."""

    def __init__(self, talk: _Talk, client: asyncssh.SFTPClient, root: str) -> None:
        self._talk, self._client, self._root = talk, client, root

    def drops(self) -> Iterator[Drop]:
        """Every folder three levels down."""
        for department in self._list(self._root, FILEXFER_TYPE_DIRECTORY):
            for dataset in self._list(f"{self._root}/{department}", FILEXFER_TYPE_DIRECTORY):
                for delivery in self._list(f"{self._root}/{department}/{dataset}", FILEXFER_TYPE_DIRECTORY):
                    yield self.look(Drop(f"{department}/{dataset}", delivery, {}))

    def _list(self, path: str, kind: int) -> dict[str, Seen]:
        """Plain names only: what a server says is not trusted to be a name."""
        entries = sorted(self._talk.ask(self._client.readdir(path)), key=lambda e: str(e.filename))
        found = {str(e.filename): e.attrs for e in entries if e.attrs.type == kind}
        return {
            n: Seen(a.size or 0, float(a.mtime or 0))
            for n, a in found.items()
            if n not in (".", "..") and "/" not in n
        }

    def look(self, drop: Drop) -> Drop:
        """The same folder, listed anew."""
        return Drop(
            drop.dataset, drop.delivery, self._list(f"{self._root}/{drop.key}", FILEXFER_TYPE_REGULAR)
        )

    def read(self, drop: Drop, name: str) -> bytes:
        """A small file."""
        return self._talk.ask(_read(self._client, f"{self._root}/{drop.key}/{name}"))

    def get(self, drop: Drop, name: str, to: Path) -> None:
        """Copy a file to a path."""
        self._talk.ask(self._client.get(f"{self._root}/{drop.key}/{name}", to))


async def _client(connection: asyncssh.SSHClientConnection, charset: str) -> asyncssh.SFTPClient:
    return await connection.start_sftp_client(path_encoding=charset)


async def _read(client: asyncssh.SFTPClient, path: str) -> bytes:
    async with client.open(path, "rb") as handle:
        body = await handle.read()
    return body if isinstance(body, bytes) else body.encode()


async def _connect(address: Address, key: asyncssh.SSHKey) -> asyncssh.SSHClientConnection:
    """Nothing of the surroundings counts: no agent, no configuration, no keys or known hosts of the user."""
    file = address.query.get("key_file")
    return await asyncssh.connect(
        address.host,
        address.port or 22,
        username=address.user,
        password=address.password or None,
        client_keys=[file] if file else None,
        known_hosts=([key], [], []),
        config=None,
        agent_path=None,
        connect_timeout=_SECONDS,
        login_timeout=_SECONDS,
        keepalive_interval=_SECONDS,
    )


def _host_key(address: Address) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_public_key(address.query["host_key"])
    except (KeyError, asyncssh.KeyImportError):
        now = "add ?host_key=ssh-ed25519%20AAAA... as the department told it"
        raise LakeError(
            "source.host_key", "the connection states no host key", where=address.place, now=now
        ) from None
