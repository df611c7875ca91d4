"""Deliveries below a prefix of another bucket, at the same or another S3-compatible endpoint."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from citylake.core.errors import LakeError, SourceMissing
from citylake.ingest.manifest import MANIFEST
from citylake.ingest.sources.address import Address
from citylake.ingest.sources.source import Found
from citylake.storage.store import Store

_REFUSED = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403")


class BucketSource:
    """`s3://<key>:<secret>@<host>/<bucket>/<prefix>`, over TLS; `s3+http` without. An object is whole or not
    there, so a manifest is enough.
    """

    def __init__(self, address: Address) -> None:
        """LakeError `source.address` when host or bucket is missing."""
        self._address = address
        bucket, _, prefix = address.path.strip("/").partition("/")
        if not bucket or not address.host:
            raise LakeError(
                "source.address",
                "the address names no host and bucket",
                where=address.place,
                now="s3://key:secret@host/bucket/prefix",
            )
        self._prefix = f"{prefix}/" if prefix else ""
        self._store = Store(_client(address), bucket)

    def deliveries(self) -> Generator[Found, None, None]:
        """Every folder three levels below the prefix that holds a manifest; SourceMissing, LakeError
        `source.refused`.
        """
        for folder, names in sorted(self._folders().items()):
            if MANIFEST in names:
                department, dataset, delivery = folder.split("/")
                key = f"{self._prefix}{folder}/"
                files = {n: partial(self._get, key + n) for n in sorted(names) if n != MANIFEST}
                with _told(self._address):
                    manifest = self._store.get(key + MANIFEST)
                yield Found(f"{department}/{dataset}", delivery, manifest, files)

    def _folders(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        with _told(self._address):
            for key in self._store.list(self._prefix):
                folder, _, name = key.removeprefix(self._prefix).rpartition("/")
                if name and folder.count("/") == 2:
                    found.setdefault(folder, []).append(name)
        return found

    def _get(self, key: str, to: Path) -> None:
        with _told(self._address):
            self._store.download(key, to)


def _client(address: Address) -> Any:
    import boto3
    from botocore.config import Config

    port = f":{address.port}" if address.port else ""
    config = Config(
        s3={"addressing_style": "path"},
        retries={"mode": "standard"},
        connect_timeout=10,
        read_timeout=60,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.client(
        "s3",
        endpoint_url=f"{'http' if address.scheme == 's3+http' else 'https'}://{address.host}{port}",
        region_name=address.query.get("region", "us-east-1"),
        aws_access_key_id=address.user,
        aws_secret_access_key=address.password,
        config=config,
    )


@contextmanager
def _told(address: Address) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _REFUSED:
            raise LakeError(
                "source.refused",
                f"the store refuses the key ({code})",
                where=address.place,
                now="check the connection's key and its rights",
            ) from None
        raise SourceMissing(
            "source.unreachable",
            f"the store answers {code}",
            where=address.place,
            now="check bucket and prefix",
        ) from None
    except BotoCoreError as error:
        raise SourceMissing(
            "source.unreachable",
            f"the store does not answer ({type(error).__name__})",
            where=address.place,
            now="fetch again later",
        ) from None
