"""What fails for good is told apart from what only fails today, without a list of errors."""

from __future__ import annotations

import errno

import pytest
from citylake.core.attempts import Impossible, attempt, disks_answer
from citylake.core.errors import ContractError, DeliveryRefused, EnvironmentFailed


class _Work:
    """Fails with these errors, one by one, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.left, self.calls = list(errors), 0

    def __call__(self) -> str:
        self.calls += 1
        if self.left:
            raise self.left.pop(0)
        return "done"


@pytest.mark.parametrize("error", [ValueError("张三"), RecursionError(), OSError("no number"), KeyError("x")])
def test_what_fails_twice_while_all_answers_is_impossible(error: Exception) -> None:
    work = _Work(error, error)
    with pytest.raises(Impossible) as told:
        attempt(work, lambda: True)
    assert work.calls == 2 and told.value.error is error
    assert type(error).__name__ in str(told.value) and "张三" not in str(told.value)


def test_what_fails_once_is_done() -> None:
    assert attempt(_Work(ValueError()), lambda: True) == "done"


@pytest.mark.parametrize(
    "error",
    [
        EnvironmentFailed("x.y", "the store is away"),
        ContractError("x.y", "the contract is wrong"),
        OSError(errno.ENOSPC, "full"),
        ConnectionResetError(),
        TimeoutError(),
        MemoryError(),
    ],
)
def test_what_an_operator_or_an_author_mends_is_raised_at_once(error: Exception) -> None:
    work = _Work(error)
    with pytest.raises(type(error)):
        attempt(work, lambda: True)
    assert work.calls == 1


def test_nothing_is_impossible_while_the_surroundings_are_silent() -> None:
    work = _Work(ValueError("what"))
    with pytest.raises(ValueError, match="what"):
        attempt(work, lambda: False)
    assert work.calls == 1


def test_a_refusal_is_impossible() -> None:
    with pytest.raises(Impossible):
        attempt(_Work(*[DeliveryRefused("x.y", "no")] * 2), lambda: True)


def test_disks_answer_here() -> None:
    assert disks_answer()
