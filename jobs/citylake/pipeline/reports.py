"""Dated reports: the pages of a release as its seal left the lake, in a folder that is made once and can be
made again, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path

from citylake.core.calendar import beijing_day
from citylake.core.errors import LakeError
from citylake.core.names import release_key
from citylake.ledger.evidence import events
from citylake.ledger.seal import as_sealed, current_checkpoint
from citylake.pipeline.lake import Lake
from citylake.pipeline.steps import open_cases
from citylake.release.release import find_release

SUMS, ABOUT, CHECKPOINT = "SHA256SUMS", "report.json", "checkpoint"


def dated_report(lake: Lake, number: int, as_of: str | None, to: Path | None) -> Path:
    """Make the report of a release as of a day (that of the release when none is said) in a new folder;
    returns its first page. LakeError `report.exists` when the folder is there, `report.day` when the lake did
    not stand so on that day.
    """
    past, day = _past(lake, number, as_of)
    folder = to or lake.settings.state / "reports" / f"release-{number}-{day}"
    if folder.exists():
        raise LakeError(
            "report.exists", f"{folder} is there already", now=f"citylake report --verify {folder}, or --to"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".report-") as made:
        whole = Path(made) / "report"
        _write(past, number, day, whole)
        whole.rename(folder)
    return folder / "index.html"


def differences(lake: Lake, folder: Path) -> list[str]:
    """Make a dated report again and name every file of a folder that differs, is missing or is too many."""
    try:
        about = json.loads((folder / ABOUT).read_text("utf-8"))
        number, as_of = int(about["release"]), str(about["as_of"])
    except (OSError, ValueError, KeyError, TypeError):
        raise LakeError(
            "report.unreadable", f"{folder} holds no dated report", now="citylake report --release N"
        ) from None
    past, day = _past(lake, number, as_of)
    with tempfile.TemporaryDirectory(prefix="citylake-report-") as made:
        _write(past, number, day, Path(made) / "report")
        wanted, held = _files(Path(made) / "report"), _files(folder)
    return sorted(n for n in wanted.keys() | held.keys() if wanted.get(n) != held.get(n))


def _past(lake: Lake, number: int, as_of: str | None) -> tuple[Lake, date]:
    """The lake as the seal of a release left it, and the day of its report."""
    find_release(lake.store, number)
    past = replace(lake, store=as_sealed(lake.store, release_key(number)))
    told = [e for e in events(past.store, "release") if e.batch == number]
    if not told:
        raise LakeError(
            "report.unsealed", f"the seal of release {number} lacks its event", now="citylake check"
        )
    made = date.fromisoformat(beijing_day(told[-1].at))
    try:
        day = date.fromisoformat(as_of) if as_of else made
    except ValueError:
        raise LakeError("report.day", f"'{as_of}' is no day", now="give it as 2016-04-30") from None
    if day < made:
        raise LakeError(
            "report.day", f"release {number} was made on {made}, after {day}", now=f"--as-of {made} or later"
        )
    return past, day


def _write(past: Lake, number: int, day: date, folder: Path) -> None:
    """All pages, the checkpoint under which they stand, what they are, and the sum of each file."""
    from citylake.site.report import gather, write_pages

    write_pages(gather(past.settings, past.store, past.contracts, open_cases(past, day), day), folder)
    (folder / CHECKPOINT).write_text(current_checkpoint(past.store) or "", "utf-8")
    about = {"release": number, "as_of": day.isoformat()}
    (folder / ABOUT).write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    lines = [f"{digest}  {name}\n" for name, digest in sorted(_files(folder).items())]
    (folder / SUMS).write_text("".join(lines), "utf-8")


def _files(folder: Path) -> dict[str, str]:
    """Name below a folder -> SHA-256 of every file."""
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.rglob("*")
        if p.is_file()
    }
