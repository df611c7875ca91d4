"""The object store: a few typed verbs over boto3, create-only where it matters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random_exponential

from citylake.core.errors import ServiceFailed
from citylake.core.settings import Settings
from citylake.storage.remembered import Entry, Remembered

F = TypeVar("F", bound=Callable[..., Any])


def _server_fault(error: BaseException) -> bool:
    status = getattr(error, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or _code(error) in ("ConditionalRequestConflict", "SlowDown")


def _code(error: BaseException) -> str:
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


# Only what the store itself calls a passing fault is tried again; a lost race or a missing key is an answer.
def _patient(verb: F) -> F:
    again = retry(
        retry=retry_if_exception(_server_fault),
        wait=wait_random_exponential(0.05, 3),
        stop=stop_after_attempt(8),
        reraise=True,
    )
    return cast("F", again(verb))


class Store:
    """One bucket."""

    def __init__(self, client: Any, bucket: str, remembered: Remembered | None = None) -> None:
        """`client` is a boto3 S3 client; `remembered` keeps what was read of logs for the next process."""
        self._client, self._bucket = client, bucket
        self.requests: Counter[str] = Counter()
        self._created: dict[str, bytes] = {}
        self._logs: dict[str, list[Entry]] = {}
        self._remembered = remembered

    @_patient
    def create(self, key: str, body: bytes) -> bool:
        """Write a new object; False when the key exists. After an unclear answer the object itself
        decides.
        """
        self.requests["put"] += 1
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, IfNoneMatch="*")
        except self._client.exceptions.ClientError as error:
            if _code(error) in ("PreconditionFailed", "412"):
                return False
            if _server_fault(error) and self.exists(key):
                return self.get(key) == body
            raise
        return True

    @_patient
    def put(self, key: str, body: bytes) -> None:
        """Write an object, whatever was there."""
        self.requests["put"] += 1
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body)

    @_patient
    def get(self, key: str) -> bytes:
        """The bytes of an object."""
        self.requests["get"] += 1
        return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def get_created(self, key: str) -> bytes:
        """The bytes of an object that is created once and never changes (an event, a receipt): asked for
        once, then remembered.
        """
        if key not in self._created:
            self._created[key] = self.get(key)
        return self._created[key]

    def log(self, prefix: str) -> list[Entry]:
        """The create-only objects below a prefix in the order of their keys, which only grow at the end.

        What was read once is not asked for again. The last of it is looked at each time: when it is not
        what it was, another lake lies there, and everything is read anew.
        """
        held = self._logs.get(prefix)
        if held is None:
            held = self._remembered.entries(self._bucket, prefix) if self._remembered else []
        news = list(self._objects(prefix, held[-2].key if len(held) > 1 else ""))
        if held and news[:1] != [(held[-1].key, held[-1].tag)]:
            held, news = [], list(self._objects(prefix, ""))
        added = [Entry(key, tag, self.get(key)) for key, tag in news[1 if held else 0 :]]
        held.extend(added)
        self._logs[prefix] = held
        if self._remembered and added:
            self._remembered.keep(self._bucket, prefix, held, len(added))
        return held

    def _objects(self, prefix: str, after: str) -> Iterator[tuple[str, str]]:
        """Key and entity tag of the objects below a prefix, after a key."""
        for page in self._pages(prefix, {"StartAfter": after} if after else {}):
            yield from ((item["Key"], item["ETag"]) for item in page.get("Contents", []))

    @_patient
    def get_range(self, key: str, start: int, end: int) -> bytes:
        """Bytes from `start` up to, not including, `end`."""
        self.requests["get"] += 1
        return self._client.get_object(Bucket=self._bucket, Key=key, Range=f"bytes={start}-{end - 1}")[
            "Body"
        ].read()

    @_patient
    def size(self, key: str) -> int | None:
        """The size of an object; None when there is none."""
        self.requests["head"] += 1
        try:
            return int(self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"])
        except self._client.exceptions.ClientError as error:
            if _code(error) in ("404", "NoSuchKey", "NotFound"):
                return None
            raise

    @_patient
    def stored_at(self, key: str) -> datetime:
        """When an object that exists was written, by the store's clock."""
        self.requests["head"] += 1
        return self._client.head_object(Bucket=self._bucket, Key=key)["LastModified"]

    def exists(self, key: str) -> bool:
        """Whether there is such an object."""
        return self.size(key) is not None

    def list(self, prefix: str) -> Iterator[str]:
        """All keys below a prefix, in order."""
        for page in self._pages(prefix, {}):
            yield from (item["Key"] for item in page.get("Contents", []))

    def sizes(self, prefix: str = "") -> dict[str, int]:
        """Size in bytes of every object below a prefix, by key; marks of folders are none."""
        items = (i for page in self._pages(prefix, {}) for i in page.get("Contents", []))
        return {i["Key"]: i["Size"] for i in items if not i["Key"].endswith("/")}

    def list_folders(self, prefix: str) -> list[str]:
        """The next path segment below a prefix, as full prefixes."""
        return [
            f["Prefix"]
            for page in self._pages(prefix, {"Delimiter": "/"})
            for f in page.get("CommonPrefixes", [])
        ]

    def _pages(self, prefix: str, more: dict[str, str]) -> Iterator[dict[str, Any]]:
        for page in self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, **more
        ):
            self.requests["list"] += 1
            yield page

    @_patient
    def upload(self, path: Path, key: str) -> None:
        """Copy a file into the store, in parts when it is large."""
        self.requests["put"] += 1
        self._client.upload_file(str(path), self._bucket, key)

    @_patient
    def download(self, key: str, path: Path) -> None:
        """Copy an object to a file."""
        self.requests["get"] += 1
        self._client.download_file(self._bucket, key, str(path))

    @_patient
    def delete(self, key: str) -> None:
        """Remove an object."""
        self.requests["delete"] += 1
        self._client.delete_object(Bucket=self._bucket, Key=key)

    def ensure_bucket(self) -> None:
        """Make the bucket when it is not there; who may make none uses the one that is."""
        try:
            self._client.create_bucket(Bucket=self._bucket)
        except self._client.exceptions.ClientError as error:
            if _code(error) not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists", "AccessDenied"):
                raise

    def only(self, keys: Collection[str]) -> Store:
        """This store for reading, as if it held nothing but some keys."""
        return _Part(self._client, self._bucket, frozenset(keys))


class _Part(Store):
    """A store of which a reader sees some keys."""

    def __init__(self, client: Any, bucket: str, keys: frozenset[str]) -> None:
        super().__init__(client, bucket)
        self._keys = keys

    def exists(self, key: str) -> bool:
        return key in self._keys and super().exists(key)

    def list(self, prefix: str) -> Iterator[str]:
        return (k for k in super().list(prefix) if k in self._keys)

    def _objects(self, prefix: str, after: str) -> Iterator[tuple[str, str]]:
        return ((k, tag) for k, tag in super()._objects(prefix, after) if k in self._keys)

    def sizes(self, prefix: str = "") -> dict[str, int]:
        return {k: n for k, n in super().sizes(prefix).items() if k in self._keys}


def open_store(settings: Settings, *, make: bool = True) -> Store:
    """The lake's bucket, made where there is none; an error with its mend when the store does not answer.

    With `make` false nothing is asked of the store yet: a reader may make no bucket.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import EndpointConnectionError

    config = Config(
        s3={"addressing_style": "path"},
        retries={"mode": "standard"},
        max_pool_connections=32,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    client = boto3.client(
        "s3",
        endpoint_url=settings.endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.keys[0],
        aws_secret_access_key=settings.keys[1].get_secret_value(),
        config=config,
    )
    store = Store(client, settings.lake, Remembered(settings.state / "remembered.db", settings.endpoint))
    if not make:
        return store
    try:
        store.ensure_bucket()
    except EndpointConnectionError:
        raise ServiceFailed(
            "store.unreachable", f"the store at {settings.endpoint} does not answer", now="citylake up"
        ) from None
    return store
