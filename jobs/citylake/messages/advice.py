"""What a clerk does about a finding, by its rule: the texts of `letters/advice.yaml`."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import yaml

from citylake.contract.model import Bilingual


@lru_cache(maxsize=1)
def _texts() -> dict[str, Bilingual]:
    raw: dict[str, dict[str, str]] = yaml.safe_load(
        (resources.files("citylake.messages") / "letters" / "advice.yaml").read_text("utf-8")
    )
    return {rule: Bilingual(text["zh"], text["en"]) for rule, text in raw.items()}


def advice(rule: str) -> Bilingual:
    """What to do about a finding; the longest entry that begins the rule counts, the empty one for all
    others.
    """
    return _texts()[max((k for k in _texts() if rule.startswith(k)), key=len)]
