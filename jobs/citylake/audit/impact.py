"""From a delivery on to the released rows that were made of its records, or with a look at them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from citylake.audit.keys import printed
from citylake.audit.trace import WITHHELD, Tracer
from citylake.contract.inputs import MARTS, mart_datasets
from citylake.contract.model import Contract
from citylake.core.errors import LakeError
from citylake.core.names import mart
from citylake.ledger.receipts import dataset_receipts
from citylake.release.release import latest

if TYPE_CHECKING:
    from citylake.audit.builds import Build
    from citylake.audit.provenance import Step
    from citylake.audit.walk import Rows

SAMPLES = 5


@dataclass(frozen=True)
class Reached:
    """What of one mart a delivery reaches."""

    mart: str
    version: int
    rows: int
    made_from: int  # rows that were made of records of the delivery
    looked_at: int  # rows for which its records only decided
    whole: bool  # some input that it reaches is read as a whole: every row may depend on it
    samples: list[dict[str, Any]]
    why: str = ""


@dataclass
class _Found:
    """What a delivery was found to reach so far."""

    delivery: tuple[str, int]  # dataset and receipt
    shown: int
    rows: dict[str, Rows] = field(default_factory=dict)
    wholes: set[str] = field(default_factory=set)
    told: list[Reached] = field(default_factory=list)


def impact(tracer: Tracer, dataset: str, receipt: int, shown: int = SAMPLES) -> list[Reached]:
    """The marts of the last release behind which the dataset stands, in the order in which they are built."""
    _known(tracer, dataset, receipt)
    pinned, found = latest(tracer.store).tables, _Found((dataset, receipt), shown)
    for contract in _in_order(tracer, dataset):
        pin = pinned.get(mart(contract.id).title)
        if pin is not None:
            found.told.append(_reached(tracer, contract, int(pin["version"]), found))
    return found.told


def _known(tracer: Tracer, dataset: str, receipt: int) -> None:
    if all(r.number != receipt for r in dataset_receipts(tracer.store, dataset)):
        raise LakeError(
            "trace.receipt", f"{dataset} has no receipt {receipt}", now=f"citylake status {dataset}"
        )


def _in_order(tracer: Tracer, dataset: str) -> list[Contract]:
    """Marts behind which a dataset stands; what a mart reads comes before it."""
    root, marts = tracer.settings.root, [c for c in tracer.contracts.values() if c.kind == "mart"]
    behind = [c for c in marts if dataset in mart_datasets(root, c.id)]
    return sorted(behind, key=lambda c: (tracer.depth(c.id), c.id))


def _reached(tracer: Tracer, contract: Contract, version: int, found: _Found) -> Reached:
    from citylake.audit.builds import mart_key
    from citylake.audit.walk import onward

    build = tracer.build(contract.id, version)
    rows, whole = onward(build, _hit(build, found), mart_key(contract))
    found.rows[contract.id] = rows
    if whole or any(i.removeprefix(MARTS) in found.wholes for i in build.inputs if i.startswith(MARTS)):
        found.wholes.add(contract.id)
    used, withheld = sum(rows.used.values()), contract.suppress_below is not None
    return Reached(
        contract.id,
        version,
        len(rows.used),
        used,
        len(rows.used) - used,
        contract.id in found.wholes,
        [] if withheld else _samples(contract, rows, found.shown),
        WITHHELD if withheld else "",
    )


def _hit(build: Build, found: _Found) -> dict[Step, Rows]:
    """The rows of the build's inputs that the delivery brought, or that it reached before."""
    from citylake.audit.walk import named

    hit: dict[Step, Rows] = {}
    dataset, receipt = found.delivery
    for step, carried in build.rewriter.inputs.items():
        if step.name == dataset:
            hit[step] = named(carried, receipt)
        elif step.name.startswith(MARTS) and step.name.removeprefix(MARTS) in found.rows:
            hit[step] = found.rows[step.name.removeprefix(MARTS)]
    return {s: r for s, r in hit.items() if r.used}


def _samples(contract: Contract, rows: Rows, shown: int) -> list[dict[str, Any]]:
    """Keys of some rows as `trace` takes them."""
    some = sorted(rows.used, key=lambda k: (not rows.used[k], tuple(map(str, k))))[:shown]
    return [dict(zip(contract.keys, map(printed, key), strict=False)) for key in some]
