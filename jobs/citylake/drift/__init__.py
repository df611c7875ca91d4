"""How a file differs from its contract, and the patch that a person may apply; nothing is applied here."""

from citylake.drift.kinds import Drift, diagnose

__all__ = ["Drift", "diagnose"]
