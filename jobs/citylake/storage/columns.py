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


# What the catalogue says of the columns above.
COMMENTS = {
    "_batch_id": "批次编号 / batch by dataset and receipt",
    RECEIPT: "回执号 / receipt of the delivery that brought the row",
    "_file_id": "文件摘要 / SHA-256 of the file",
    "_row_no": "记录序号 / number of the record in its file, from 1",
    "_line_no": "行号 / line of the file, from 1",
    "_byte_start": "起始字节 / first byte of the record in its file, from 0",
    "_byte_end": "终止字节 / one past its last byte",
    "_sent_at": "送交时间 / when the department says that it sent the delivery",
    ROW_HASH: "内容摘要 / SHA-256 of what the row says",
    FLAGS: "警告规则 / ids of the rules that warn of the row",
    "_valid_from": "有效自 / first day on which the register says so",
    "_valid_to": "有效至 / first day on which it no longer says so; NULL: still so",
    "_known_from": "获知自 / since when the lake knows the row",
    "_known_to": "获知至 / since when it knows another; NULL: known now",
}
