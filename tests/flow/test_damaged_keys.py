"""What a full register lacks has ended, but not what a refused record of it may speak of: one damaged key
must not end a version.
"""

from __future__ import annotations

from pathlib import Path

from citylake.audit.conservation import batches
from citylake.core.settings import Settings
from citylake.pipeline.lake import open_lake

from tests.flow.deliveries import REGISTER, components, known, send

KEYS = [f"2101020119{n:06d}" for n in range(50)]
JANUARY = dict.fromkeys(KEYS, "完好")
GONE, DAMAGED, ILLEGIBLE = KEYS[3], KEYS[7], KEYS[9]


def _february() -> bytes:
    """One key is not there, one has a letter for a digit, one is empty."""
    body = components({k: v for k, v in JANUARY.items() if k != GONE})
    return body.replace(f"\n{DAMAGED},".encode(), f"\n{DAMAGED[:-3]}O{DAMAGED[-2:]},".encode()).replace(
        f"\n{ILLEGIBLE},".encode(), b"\n,"
    )


def test_a_damaged_key_ends_no_version(lake_settings: Settings, tmp_path: Path) -> None:
    lake = open_lake(lake_settings.model_copy(update={"lake": "damaged-keys"}))
    send(lake, tmp_path, REGISTER, "2016-01-001", components(JANUARY), 50, 1)
    send(lake, tmp_path, REGISTER, "2016-02-001", _february(), 49, 2)
    assert [(b.state, b.accepted, b.quarantined) for b in batches(lake.store, lake.contracts)] == [
        ("admitted", 50, 0),
        ("admitted", 47, 2),
    ]
    assert known(lake, REGISTER, "object_id", "state_code") == {k: v for k, v in JANUARY.items() if k != GONE}
    send(lake, tmp_path, REGISTER, "2016-03-001", components(JANUARY), 50, 3)
    assert known(lake, REGISTER, "object_id", "state_code") == JANUARY
