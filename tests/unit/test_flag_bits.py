"""A flag that was stored as a bit is read by the rules of its own batch. The editions are what the contracts
of the time compiled to, taken from the revisions 6024b51, dfa8346 and 238d248.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from citylake.refine.flag_bits import bits_of

NOW = "2026-12-01T00:00:00.000+00:00"
TEXT = (Path(__file__).parent / "flag_editions.json").read_text("utf-8")
EDITIONS = [(e["dataset"], e["verdicts"], e["flags"]) for e in json.loads(TEXT)]


def _read(dataset: str, rules: list[str], broken: set[str], at: str = NOW) -> tuple[str, ...]:
    counts = {"received": 9, **{f"rule:{r}": int(r in broken) for r in sorted(rules)}}
    return bits_of(dataset, at, counts, (), set())


@pytest.mark.parametrize(("dataset", "verdicts", "flags"), EDITIONS)
def test_every_flag_of_every_edition_is_read_at_its_bit(
    dataset: str, verdicts: list[str], flags: list[str]
) -> None:
    rules = [*verdicts, *flags]
    for bit, flag in enumerate(flags):
        assert _read(dataset, rules, {flag, *verdicts[:3]})[bit] == flag


@pytest.mark.parametrize(("dataset", "verdicts", "flags"), EDITIONS)
def test_what_two_editions_read_in_two_ways_keeps_its_number(
    dataset: str, verdicts: list[str], flags: list[str]
) -> None:
    read = _read(dataset, [*verdicts, *flags], {*verdicts, *flags})
    wrong = [
        (i, r) for i, (r, f) in enumerate(zip(read, flags, strict=False)) if r not in (f, f"legacy.flag_{i}")
    ]
    assert wrong == []
    assert dataset == "weather/climate_daily_rain" or read == tuple(flags)


def test_no_list_is_older_than_its_writing() -> None:
    dataset, verdicts, flags = next(e for e in EDITIONS if e[0] == "weather/climate_daily_rain")
    read = _read(dataset, [*verdicts, *flags], {*verdicts, *flags}, "2026-11-28T18:30:00.000+00:00")
    assert read == tuple(flags)


def test_a_contract_that_was_never_listed_is_read_by_its_own_rules() -> None:
    counts = {"received": 3, "rule:a.missing": 1, "rule:b.range": 2, "rule:b.repaired": 1}
    known = {"a.missing", "a.rounded", "b.range", "b.repaired"}
    assert bits_of("city/own", NOW, counts, ("a.rounded", "b.range", "b.repaired"), known) == (
        "b.range",
        "b.repaired",
    )
    assert bits_of("city/own", NOW, {**counts, "rule:gone": 1}, ("b.range",), known) == ()
