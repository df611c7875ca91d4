"""Fuzzing of everything that reads foreign bytes: `python -m tests.fuzz [TARGET ...] --seconds 60`.

Each target runs in a process of its own under libFuzzer (atheris): an uncaught exception, an input that takes
more than a second or
more than 1 GiB ends it with exit code 77 and the input that did it. Seeds are the bodies of the bad-input
cases.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["citylake.ingest"]):
    from citylake.ingest.decode import open_file
    from citylake.ingest.formats.records import Unreadable
    from citylake.ingest.manifest import read_manifest

from tests.bad_input.judge import all_cases, base_contracts, contract_of

FORMS: dict[str, dict[str, str]] = {
    "scanner": {"format": "csv"},
    "charset": {"format": "csv", "encoding": "gb18030"},
    "utf16": {"format": "csv", "encoding": "utf-16"},
    "excel": {"format": "xlsx"},
    "json": {"format": "json"},
    "jsonl": {"format": "jsonl"},
    "xml": {"format": "xml"},
    "hj212": {"format": "hj212"},
    "dbf": {"format": "dbf"},
    "spaced": {"format": "spaced"},
    "gzip": {"format": "csv", "container": "gzip"},
    "zip": {"format": "csv", "container": "zip"},
}
TARGETS = (*FORMS, "fixed_width", "manifest")
LARGEST = 1 << 16


def _target(name: str, folder: Path) -> Callable[[bytes], None]:
    if name == "manifest":
        return _manifest
    from dataclasses import replace

    base = base_contracts()
    contract = (
        base["civil_affairs/resident"]
        if name == "fixed_width"
        else replace(base["registry/firm"], **FORMS[name])
    )  # pyright: ignore[reportArgumentType]
    path = folder / "input"

    def read(data: bytes) -> None:
        path.write_bytes(data)
        try:
            with open_file(path, contract) as decoder:
                records = list(decoder)
        except Unreadable as error:
            _answered(error)
            return
        numbers = [r.number for r in records]
        assert numbers == sorted(numbers)

    return read


def _manifest(data: bytes) -> None:
    try:
        read_manifest(data)
    except Unreadable as error:
        _answered(error)


def _answered(error: Unreadable) -> None:
    assert error.findings
    assert all(f.rule and f.zh and f.en for f in error.findings)


def _seeds(name: str, folder: Path) -> None:
    """The bodies of the bad-input cases of the target's format, and their manifests."""
    for case in all_cases():
        contract = contract_of(case)
        form = {"format": contract.format, "encoding": contract.encoding, "container": contract.container}
        if name == "manifest" or all(form[k] == v for k, v in FORMS.get(name, {"format": name}).items()):
            body = repr(case.manifest()).replace("'", '"').encode() if name == "manifest" else case.body
            if len(body) <= LARGEST:
                (folder / hashlib.sha256(body).hexdigest()[:16]).write_bytes(body)


def _run(name: str, seconds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="citylake-fuzz-") as scratch:
        corpus = Path(scratch) / "corpus"
        corpus.mkdir()
        _seeds(name, corpus)
        limits = [
            f"-max_total_time={seconds}",
            "-timeout=1",
            "-rss_limit_mb=1024",
            f"-max_len={LARGEST}",
            "-verbosity=0",
            "-print_final_stats=1",
        ]
        atheris.Setup(
            [sys.argv[0], *limits, f"-artifact_prefix={scratch}/", str(corpus)], _target(name, Path(scratch))
        )
        atheris.Fuzz()


def main() -> None:
    """Run one target here, or several one after the other in processes of their own."""
    parser = argparse.ArgumentParser(description="fuzz the decoders")
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []])
    parser.add_argument("--seconds", type=int, default=60)
    chosen = parser.parse_args()
    names: list[str] = chosen.targets or list(TARGETS)
    if len(names) == 1:
        _run(names[0], chosen.seconds)
    failed = [
        n
        for n in names
        if subprocess.run(
            [sys.executable, "-m", "tests.fuzz", n, "--seconds", str(chosen.seconds)], check=False
        ).returncode
    ]
    print(
        f"{len(names) - len(failed)} of {len(names)} targets without a finding"
        + (f"; failed: {', '.join(failed)}" if failed else "")
    )
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
