"""What fails for good, and what only fails today: decided by trying once more while the surroundings answer.

A list of exceptions would never be whole. A piece of work that fails twice while the store, Spark and the
disks answer will fail a third time; then nothing is gained by making others wait for it.
"""

from __future__ import annotations

import errno
import tempfile
import traceback
from collections.abc import Callable
from typing import TypeVar

from citylake.core.errors import DeliveryRefused, LakeError

PASSING = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EMFILE,
        errno.ENFILE,
        errno.EIO,
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
    }
)
"""What an operating system says when it, not the work, is at fault."""
_PROBE_BYTES = 1 << 20
T = TypeVar("T")


class Impossible(Exception):
    """Work that will fail each time it is tried; says where and of what kind, never a value of the data."""

    def __init__(self, error: Exception) -> None:
        """`error` is what the last try raised."""
        self.error, self.kind, self.where = error, kind(error), place(error)
        super().__init__(f"{self.kind} at {self.where}")


def kind(error: BaseException) -> str:
    """The class of an error, with Spark's own name for it where there is one."""
    ask = getattr(error, "getCondition", None)
    condition = ask() if callable(ask) else None
    return f"{type(error).__name__} {condition}" if condition else type(error).__name__


def place(error: BaseException) -> str:
    """Module and line of the house's innermost frame: `refine/rows.py:120`; empty when there is none."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "/citylake/" in f.filename]
    return f"{frames[-1].filename.rpartition('/citylake/')[2]}:{frames[-1].lineno}" if frames else ""


def attempt(work: Callable[[], T], answering: Callable[[], bool]) -> T:
    """The result of `work`; Impossible when it failed twice while `answering` said yes.

    What an operator or an author of a contract must mend first (errors of the lake, a full disk, no memory)
    is raised as it is.
    """
    try:
        return work()
    except Exception as error:
        _let_pass(error, answering)
    try:
        return work()
    except Exception as error:
        _let_pass(error, answering)
        raise Impossible(error) from error


def _let_pass(error: Exception, answering: Callable[[], bool]) -> None:
    """Raise what is not the fault of the work; else return."""
    if isinstance(error, DeliveryRefused):
        return
    if isinstance(error, LakeError | MemoryError | ConnectionError | TimeoutError):
        raise error
    if isinstance(error, OSError) and error.errno in PASSING:
        raise error
    if not answering():
        raise error


def disks_answer() -> bool:
    """Whether a temporary file can be written."""
    try:
        with tempfile.TemporaryFile() as file:
            file.write(bytes(_PROBE_BYTES))
    except OSError:
        return False
    return True
