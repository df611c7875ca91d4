"""What changed in a delivery against its contract, and the contract patch that a person may apply; nothing is
applied here.
"""

from citylake.drift.kinds import Drift, diagnose

__all__ = ["Drift", "diagnose"]
