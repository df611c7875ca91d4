"""Documents bear the number of their format; older ones are read in today's shape, newer ones are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from citylake.core import formats
from citylake.core.errors import LakeError
from citylake.core.formats import UPCASTERS, numbered, read


@pytest.mark.parametrize("kind", sorted(UPCASTERS))
def test_what_is_written_is_read(kind: Any) -> None:
    """A contract says itself that its files are of a `format`."""
    written = numbered(
        kind, {"format": "csv", "findings": [], "restores": None, "signed_by": "", "replaces": None}
    )
    assert written["format_number"] == len(UPCASTERS[kind]) > 0
    assert numbered(kind, read(kind, json.dumps(written).encode())) == written


def test_an_older_document_gets_todays_shape() -> None:
    old = {"number": 1, "findings": [{"rule": "delivery.bytes", "zh": "", "en": ""}]}
    told = read("receipt", json.dumps(old).encode())
    assert told["replaces"] is None
    assert told["findings"][0]["samples"] == []
    assert read("release", b'{"number": 1, "tables": {}}')["restores"] is None


def test_upcasters_are_applied_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = tuple(lambda old, n=n: {"steps": [*old["steps"], n]} for n in (1, 2, 3))
    monkeypatch.setitem(formats.UPCASTERS, "event", steps)
    assert read("event", b'{"steps": []}') == {"steps": [1, 2, 3]}
    assert read("event", b'{"format_number": 2, "steps": []}') == {"steps": [3]}
    assert read("event", b'{"format_number": 3, "steps": []}') == {"steps": []}


def test_a_document_of_later_code_is_refused() -> None:
    with pytest.raises(LakeError) as refused:
        read("event", b'{"format_number": 99}')
    assert refused.value.rule == "format.newer"
