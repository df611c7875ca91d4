"""What one process read of contracts serves the next, as long as nothing that it follows from is another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from citylake.contract import remembered as module
from citylake.contract.load import load_contracts
from citylake.contract.remembered import KEPT, remembered


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "schemas" / "codes").mkdir(parents=True)
    (tmp_path / "schemas" / "codes" / "list.csv").write_text("code\n1\n", "utf-8")
    return tmp_path


def _reads(root: Path) -> int:
    """How often two askings read, each as a process of its own."""
    done: list[int] = []

    def read() -> dict[str, int]:
        done.append(1)
        return {"read": 1}

    assert remembered(root, read) == remembered(root, read) == {"read": 1}
    return len(done)


def test_files_are_read_once(project: Path) -> None:
    assert [_reads(project), _reads(project)] == [1, 0]


@pytest.mark.parametrize("change", ["other bytes of one length", "a new file", "a file gone", "other code"])
def test_whatever_changes_is_read_again(project: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    _reads(project)
    file = project / "schemas" / "codes" / "list.csv"
    match change:
        case "other bytes of one length":
            before = file.stat()
            file.write_text("code\n2\n", "utf-8")
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        case "a new file":
            (project / "schemas" / "new.yaml").write_text("a: 1\n", "utf-8")
        case "a file gone":
            file.unlink()
        case _:
            code = project / "package"
            code.mkdir()
            (code / "load.py").write_text("a = 1\n", "utf-8")
            monkeypatch.setattr(module, "PACKAGE", code)
    assert _reads(project) == 1


def test_a_damaged_copy_is_none(project: Path) -> None:
    _reads(project)
    for copy in (project / "cache").rglob("*.pickle"):
        copy.write_bytes(copy.read_bytes()[:-3])
    assert _reads(project) == 1


def test_an_error_is_not_remembered(project: Path) -> None:
    def fail() -> None:
        raise ValueError

    for _ in range(2):
        with pytest.raises(ValueError, match=r"^$"):
            remembered(project, fail)
    assert _reads(project) == 1


def test_few_copies_are_kept(project: Path) -> None:
    for n in range(KEPT + 3):
        (project / "schemas" / f"{n}.yaml").write_text("", "utf-8")
        _reads(project)
    assert len(list((project / "cache").rglob("*.pickle"))) == KEPT


def test_a_copy_of_the_contracts_is_them(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from citylake.contract import load

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    load._contracts.cache_clear()
    read = load_contracts(root)
    load._contracts.cache_clear()
    again = load_contracts(root)
    assert again == read
    assert next(iter(again.values())) is not next(iter(read.values()))
