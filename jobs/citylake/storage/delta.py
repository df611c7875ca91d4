"""Delta without a JVM: options, versions and commit markers by delta-rs. It is imported late: it does not
survive a fork.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from citylake.core.names import Table
from citylake.core.settings import Settings

if TYPE_CHECKING:
    from deltalake import DeltaTable

# A release pins a version, and a version is readable as long as the log tells it: Delta would drop its
# entries
# after 30 days. Upkeep removes the files that no version in use needs.
KEPT_FOR_GOOD = {
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.enableExpiredLogCleanup": "false",
    "delta.deletedFileRetentionDuration": "interval 36500 days",  # what else vacuums, by default
}
APP = "citylake"  # the txn application id of every write of ours; its version is the receipt number


def delta_options(settings: Settings) -> dict[str, str]:
    """Storage options of delta-rs; commits are conditional puts."""
    return {
        "AWS_ENDPOINT_URL": settings.endpoint,
        "AWS_REGION": settings.s3_region,
        "AWS_ACCESS_KEY_ID": settings.keys[0],
        "AWS_SECRET_ACCESS_KEY": settings.keys[1].get_secret_value(),
        "AWS_ALLOW_HTTP": "true",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false",
        "aws_conditional_put": "etag",
    }


def open_table(settings: Settings, table: Table) -> DeltaTable | None:
    """The table at its latest version; None when it does not exist."""
    from deltalake import DeltaTable
    from deltalake.exceptions import TableNotFoundError

    try:
        return DeltaTable(table.rust_uri(settings.lake), storage_options=delta_options(settings))
    except TableNotFoundError:
        return None


def version(settings: Settings, table: Table) -> int | None:
    """The latest version; None when the table does not exist."""
    opened = open_table(settings, table)
    return None if opened is None else opened.version()


def commits(settings: Settings, table: Table, after: int, upto: int) -> list[dict[str, Any]]:
    """The commits after one version up to another that the log still tells, newest first; none when the table
    does not exist.
    """
    opened = open_table(settings, table)
    return [] if opened is None else [c for c in opened.history() if after < c["version"] <= upto]


def holds(opened: DeltaTable | None, number: int) -> bool:
    """Whether a table holds the marker of this batch or of a later one."""
    return opened is not None and (opened.transaction_version(APP) or 0) >= number
