"""A manifest is read strictly: whatever its bytes are, there is an answer, and a moment of sending can be
compared as text.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from citylake.ingest.formats.records import Unreadable
from citylake.ingest.manifest import read_manifest
from hypothesis import given
from hypothesis import strategies as st

SOUND: dict[str, Any] = {
    "manifest": 1,
    "dataset": "registry/firm",
    "contract": "1.0.0",
    "delivery": "2016-02-001",
    "period": "2016-02",
    "coverage": "full",
    "sent_at": "2016-03-01T09:00:00+08:00",
    "files": [{"name": "a", "bytes": 1, "sha256": "0" * 64, "records": 1}],
    "totals": {"records": 1},
}
TEXT = json.dumps(SOUND)


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"", "manifest.malformed"),
        (b"[" * 200_000, "manifest.malformed"),
        (TEXT.replace('"bytes": 1', f'"bytes": {"9" * 5000}').encode(), "manifest.malformed"),
        (json.dumps({**SOUND, "corrects": "\ud800"}).encode(), "manifest.malformed"),
        (
            json.dumps({**SOUND, "totals": {"records": 1, "min": {"\udfff": "a"}}}).encode(),
            "manifest.malformed",
        ),
        (TEXT.encode("gb18030")[:-1], "manifest.malformed"),
        (b"null", "manifest.invalid"),
        (
            TEXT.replace('"period": "2016-02"', '"period": "2016-02", "period": "2016-03"').encode(),
            "manifest.invalid",
        ),
        (json.dumps({**SOUND, "sent_at": 1459474200}).encode(), "manifest.invalid"),
        (json.dumps({**SOUND, "sent_at": "1459474200"}).encode(), "manifest.invalid"),
        (json.dumps({**SOUND, "sent_at": "0001-01-01T00:00:00+08:00"}).encode(), "manifest.invalid"),
        (json.dumps({**SOUND, "sent_at": "9999-12-31T23:59:59-12:00"}).encode(), "manifest.invalid"),
        (json.dumps({**SOUND, "sent_at": "2016-03-01T09:00:00"}).encode(), "manifest.invalid"),
        (json.dumps({**SOUND, "delivery": ".."}).encode(), "manifest.invalid"),
    ],
)
def test_bytes_that_are_no_manifest_get_an_answer(body: bytes, rule: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_manifest(body)
    assert {f.rule for f in caught.value.findings} == {rule}
    assert all(f.zh and f.en and "\ud800" not in f.en for f in caught.value.findings)


@pytest.mark.parametrize(
    "written",
    [
        "2016-03-01T09:00:00+08:00",
        "2016-03-01T01:00:00Z",
        "2016-02-29T20:00:00-05:00",
        "2016-03-01 09:00:00+08:00",
    ],
)
def test_one_moment_has_one_text(written: str) -> None:
    assert (
        read_manifest(json.dumps({**SOUND, "sent_at": written}).encode()).sent_text
        == "2016-03-01T09:00:00+08:00"
    )


_MOMENTS = st.datetimes(min_value=datetime(1993, 1, 1), max_value=datetime(2100, 1, 1))
_OFFSETS = st.sampled_from(["Z", "+08:00", "-05:30", "+13:45"])


@given(st.lists(st.tuples(_MOMENTS, _OFFSETS), min_size=2, max_size=6))
def test_texts_of_sending_sort_as_the_moments_do(sent: list[tuple[Any, str]]) -> None:
    read = [
        read_manifest(json.dumps({**SOUND, "sent_at": f"{moment.isoformat()}{offset}"}).encode())
        for moment, offset in sent
    ]
    assert sorted(m.sent_text for m in read) == [m.sent_text for m in sorted(read, key=lambda m: m.sent_at)]
