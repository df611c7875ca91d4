"""The kinds of error, each with one party to act; the kind decides retries and exit codes."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class LakeError(Exception):
    """An error a person can act on: what failed, where, who owns it, what to do now. Never holds a personal
    value.
    """

    exit_code = 3
    retry = False

    def __init__(self, rule: str, what: str, *, where: str = "", owner: str = "", now: str = "") -> None:
        """`rule` is the stable message id (a row in docs/engineers/messages.md)."""
        super().__init__(what)
        self.rule, self.what, self.where, self.owner, self.now = rule, what, where, owner, now

    def __str__(self) -> str:
        parts = [f"{self.what}   [{self.rule}]"]
        parts += [f"  where: {self.where}"] if self.where else []
        parts += [f"  owner: {self.owner}"] if self.owner else []
        parts += [f"  now: {self.now}"] if self.now else []
        return "\n".join(parts)


class ContractError(LakeError):
    """A contract is wrong: its author edits the YAML."""

    exit_code = 2


class DeliveryRefused(LakeError):
    """A delivery is not what was promised: the department sends a new one."""

    exit_code = 1


class GateFailed(LakeError):
    """A table did not pass its gate: its steward acts; yesterday stays live."""

    exit_code = 1


class SourceLate(LakeError):
    """A promised delivery has not come: the schedule asks again."""

    exit_code = 4


class SourceMissing(LakeError):
    """A source does not answer or is not there: the scheduler asks again, then the operator looks."""

    exit_code = 4
    retry = True


class SourceMoved(SourceMissing):
    """A source changed while it was read, so what was read is discarded: asked again, it begins anew."""


class EnvironmentFailed(LakeError):
    """The lake or its surroundings fail: the operator acts; the scheduler may retry."""

    exit_code = 3
    retry = True


class ServiceFailed(EnvironmentFailed):
    """A server of the lake does not answer: nothing else can be tried either."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest known one, or nothing."""
    near = get_close_matches(name, known, n=1)
    return f"; did you mean '{near[0]}'?" if near else ""
