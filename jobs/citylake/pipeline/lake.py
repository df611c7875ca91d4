"""One opened lake, as every verb gets it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from citylake.contract.load import load_contracts
from citylake.contract.model import Contract
from citylake.core.attempts import disks_answer
from citylake.core.calendar import BEIJING
from citylake.core.settings import Settings, load_settings
from citylake.storage.store import Store, open_store

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass
class Lake:
    """One opened lake: settings, store, contracts, and a Spark client that is made only when a verb needs
    it.
    """

    settings: Settings
    store: Store
    contracts: dict[str, Contract]

    @cached_property
    def spark(self) -> SparkSession:
        """The client of the Spark Connect server."""
        from citylake.storage.spark import connect

        return connect(self.settings)

    def answers(self) -> bool:
        """Whether the store, the disks and, when it was asked before, Spark answer now."""
        from citylake.storage.spark import answers as spark_answers

        try:
            next(iter(self.store.list("receipts/")), None)
        except Exception:  # whatever a store says that does not answer
            return False
        return disks_answer() and ("spark" not in self.__dict__ or spark_answers(self.settings, self.spark))

    def close(self) -> None:
        """End the session of the Spark client: the server would hold its plans in memory for an hour more."""
        if "spark" in self.__dict__:
            self.spark.stop()


def open_lake(settings: Settings | None = None) -> Lake:
    """Open the lake of the settings."""
    found = settings or load_settings()
    return Lake(found, open_store(found), load_contracts(found.root))


def today() -> date:
    """The day in the city; deadlines and waivers are compared with it, data never are."""
    return datetime.now(BEIJING).date()
