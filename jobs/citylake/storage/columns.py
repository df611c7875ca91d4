"""The lake's own columns beside those of a contract: one home for their names, order and Spark types."""

from __future__ import annotations

RECEIPT, FLAGS, ROW_HASH = "_receipt", "_flags", "_row_hash"
# Where a row of silver came from, when it was sent, what it says as a whole, and the ids of its warnings.
SILVER_LINEAGE = (
    ("_batch_id", "STRING"),
    (RECEIPT, "BIGINT"),
    ("_file_id", "STRING"),
    ("_row_no", "BIGINT"),
    ("_line_no", "BIGINT"),
    ("_byte_start", "BIGINT"),
    ("_byte_end", "BIGINT"),
    ("_sent_at", "STRING"),
    (ROW_HASH, "STRING"),
    (FLAGS, "ARRAY<STRING>"),
)
VALID = (("_valid_from", "DATE"), ("_valid_to", "DATE"))  # registers: from the first day to before the last
KNOWN = (("_known_from", "TIMESTAMP"), ("_known_to", "TIMESTAMP"))
# Where a refused record came from.
QUARANTINE_PLACE = (
    RECEIPT,
    "_batch_id",
    "_file_id",
    "_row_no",
    "_line_no",
    "_byte_start",
    "_byte_end",
    "_period",
    "_known_at",
)


def silver_system_columns(register: bool) -> tuple[tuple[str, str], ...]:
    """Name and Spark type of the columns after those of the contract, in the table's order."""
    return (*SILVER_LINEAGE, *(VALID if register else ()), *KNOWN)
