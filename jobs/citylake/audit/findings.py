"""What an examination of the lake found, and what it looked at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Damage:
    """One thing that is not as it was: the rule, the object, what is wrong, and where in it."""

    rule: str
    object: str
    what: str
    where: str = ""  # batch, line, bytes

    def __str__(self) -> str:
        return f"{self.object}{f' {self.where}' if self.where else ''}: {self.what}   [{self.rule}]"


@dataclass
class Examination:
    """Damages, and how many of each kind of thing were looked at."""

    damages: list[Damage] = field(default_factory=list)
    looked_at: Counter[str] = field(default_factory=Counter)

    def add(self, rule: str, object_: str, what: str, where: str = "") -> None:
        """Note a damage."""
        self.damages.append(Damage(rule, object_, what, where))
