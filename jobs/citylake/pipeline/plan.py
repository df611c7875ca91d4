"""Contracts and marts as ordered steps; read by `dags/` and the command line, so it imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from citylake.contract.inputs import COVERAGE, MARTS, mart_inputs

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class DatasetPlan:
    """One dataset to ingest."""

    id: str
    title: str
    owner: str
    contact: str
    purpose: str
    frequency: str  # "1 m", "7 d"

    @property
    def department(self) -> str:
        """The folder of its contract."""
        return self.id.split("/")[0]


@dataclass(frozen=True)
class MartPlan(DatasetPlan):
    """One mart table to build when an input has changed."""

    inputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Everything that is to run, in an order that respects inputs; contracts are read when asked for, since a
    DAG file needs one half.
    """

    root: Path

    @cached_property
    def datasets(self) -> tuple[DatasetPlan, ...]:
        """The datasets by path."""
        files = sorted((self.root / "schemas").rglob("*.odcs.yaml"))
        return tuple(DatasetPlan(**_head(p)) for p in files if "marts" not in p.relative_to(self.root).parts)

    @cached_property
    def marts(self) -> tuple[MartPlan, ...]:
        """The marts, each after those that it reads, without importing one."""
        marts = {
            m.id: m
            for m in (
                _mart(self.root, p) for p in sorted((self.root / "schemas" / "marts").rglob("*.odcs.yaml"))
            )
        }
        order = TopologicalSorter(
            {m.id: [i.removeprefix(MARTS) for i in m.inputs if i.startswith(MARTS)] for m in marts.values()}
        ).static_order()
        return tuple(marts[m] for m in order)

    def touched(self, dataset: str) -> tuple[MartPlan, ...]:
        """The marts that read a dataset, directly or through another mart, in order."""
        found: dict[str, MartPlan] = {}
        for m in self.marts:
            if any(i in (dataset, COVERAGE) or i.removeprefix(MARTS) in found for i in m.inputs):
                found[m.id] = m
        return tuple(found.values())


def load_plan(root: Path) -> Plan:
    """The plan of the contracts below `root`."""
    return Plan(root)


def _head(path: Path) -> dict[str, str]:
    data: dict[str, Any] = yaml.load(path.read_text("utf-8"), Loader=_Loader)
    table, sla = data["schema"][0], {s["property"]: s for s in data["slaProperties"]}
    return {
        "id": data["id"],
        "title": table.get("businessName", table["name"]),
        "owner": data["team"]["name"],
        "contact": data["team"]["members"][0]["username"],
        "purpose": data["description"]["purpose"],
        "frequency": f"{sla['frequency']['value']} {sla['frequency']['unit']}",
    }


def _mart(root: Path, path: Path) -> MartPlan:
    head = _head(path)
    return MartPlan(**head, inputs=mart_inputs(root, head["id"]))
