"""A changed contract says what it breaks and which version it needs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from citylake.compile.compare import changes_against
from citylake.core.errors import LakeError
from citylake.core.settings import ROOT

COMPONENT = "schemas/construction/component.odcs.yaml"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The contracts in a repository of their own, committed once."""
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    shutil.copytree(ROOT / "jobs" / "citylake" / "marts", tmp_path / "jobs" / "citylake" / "marts")
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b.invalid", "commit", "-qm", "first"],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    return tmp_path


def _edit(copy: Path, old: str, new: str) -> None:
    path = copy / COMPONENT
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_nothing_changed_nothing_told(copy: Path) -> None:
    assert changes_against(copy, "HEAD") == []


def test_a_removed_column_breaks_its_marts_and_needs_a_major_version(copy: Path) -> None:
    lines = (copy / COMPONENT).read_text("utf-8").splitlines(keepends=True)
    (copy / COMPONENT).write_text("".join(line for line in lines if "{name: note," not in line), "utf-8")
    change, *rules = changes_against(copy, "HEAD")
    assert (change.what, change.breaking, change.needs) == ("column note removed", True, "2.0.0")
    assert "mart urban_components/inventory" in change.breaks
    assert "view silver.construction_component" in change.breaks
    assert [r.what for r in rules] == [
        "rule note.error_value removed (error)",
        "rule note.repaired removed (info)",
    ]


def test_an_added_column_is_additive_and_enough_with_a_minor_version(copy: Path) -> None:
    added = (
        "  - {name: colour, logicalType: string, businessName: 颜色, customProperties: [{property: type,"
        " value: short_text}]}\n"
    )
    _edit(copy, "  - {name: note,", added + "  - {name: note,")
    assert _columns(copy) == [(False, "1.1.0")]
    _edit(copy, 'version: "1.0.0"', 'version: "1.1.0"')
    assert _columns(copy) == [(False, "")]


def _columns(copy: Path) -> list[tuple[bool, str]]:
    return [
        (c.breaking, c.needs) for c in changes_against(copy, "HEAD") if not c.what.startswith("rule colour.")
    ]


def test_an_unknown_revision_is_told(copy: Path) -> None:
    with pytest.raises(LakeError, match="no such revision"):
        changes_against(copy, "nothing-like-it")


def _told(copy: Path) -> list[tuple[str, bool]]:
    return [(c.what, c.breaking) for c in changes_against(copy, "HEAD")]


def test_a_renamed_column_is_told_as_one(copy: Path) -> None:
    _edit(copy, "{name: note, ", "{name: remark, ")
    assert ("column note removed", True) in _told(copy)
    text = "value: long_text}"
    _edit(copy, text, f"{text}, {{property: formerly, value: [note]}}")
    columns = [t for t in _told(copy) if t[0].startswith("column")]
    assert columns == [("column note renamed remark", True)]


def test_rules_that_came_went_or_judge_otherwise_are_told(copy: Path) -> None:
    _edit(copy, "{name: material, ", "{name: material, required: true, ")
    assert ("rule material.missing added (error)", False) in _told(copy)


def test_another_edition_of_a_code_list_or_a_type_is_told(copy: Path) -> None:
    codes = copy / "schemas" / "codes" / "component_states.csv"
    lines = codes.read_text("utf-8").splitlines(keepends=True)
    codes.write_text("".join(lines[:-1]), "utf-8")
    assert ("rule state_code.unknown_code judges otherwise", False) in _told(copy)


def test_what_a_lake_with_rows_refuses_is_told(copy: Path) -> None:
    _edit(copy, "value: register}", "value: event}")
    (refused,) = [w for w, breaking in _told(copy) if breaking and w.startswith("REFUSED")]
    assert "register by object_id" in refused
    assert "new dataset" in refused
