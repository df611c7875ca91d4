"""Many steps in order, without a scheduler: what fails ends itself and what waits for it, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from citylake.audit.conservation import batches
from citylake.contract.inputs import MARTS
from citylake.core.attempts import Impossible
from citylake.core.errors import LakeError, ServiceFailed
from citylake.pipeline.lake import Lake
from citylake.pipeline.plan import MartPlan, load_plan
from citylake.pipeline.steps import HOPS, VERBS


def replay_dataset(lake: Lake, dataset: str) -> dict[str, Any]:
    """Bring amended records home: the dataset's new deliveries, the marts that read it, and a release.
    Nothing else runs.
    """
    marts = list(load_plan(lake.settings.root).touched(dataset))
    return {"steps": _all_steps(lake, [dataset], marts, lambda text: None)}


def erase_persons(
    lake: Lake, identifiers: list[str], *, by: str, reason: str, dry_run: bool = False
) -> dict[str, Any]:
    """Erase persons, then bring the marts that read them up to date and release. Records by dataset.

    Errors: `erase.decision`, `erase.identifier`, `erase.waiting`, `erase.format`.
    """
    from citylake.casework.erase import erase, find, marks_of
    from citylake.core.names import kept
    from citylake.privacy.token_keys import load_tokens

    if not by.strip() or not reason.strip():
        raise LakeError(
            "erase.decision", "an erasure takes a name and a reason", now="give --by and --reason"
        )
    marks = marks_of(identifiers, load_tokens(lake.settings, lake.store))
    hits = find(lake.settings, lake.store, lake.contracts, marks)
    told = {"persons": len(marks), "records": {h.contract.id: h.records for h in hits}}
    if dry_run:
        return told
    removed = erase(lake.settings, lake.store, lake.contracts, hits, marks, by, reason)
    plan = load_plan(lake.settings.root)
    marts = {m.id for dataset in removed for m in plan.touched(dataset)}
    for key in [k for m in marts for k in lake.store.list(f"{kept(m).key}/")]:
        lake.store.delete(key)
    steps = _all_steps(lake, [], [m for m in plan.marts if m.id in marts], lambda text: None)
    return told | {"objects": sum(map(len, removed.values())), "steps": steps}


def run_step(lake: Lake, verb: str, subject: str | None = None) -> dict[str, Any]:
    """One verb; what goes wrong with its subject alone is told under `error` and ends nothing else. An
    error is raised when the store, the disks or Spark do not answer.
    """
    head = {"verb": verb, **({"subject": subject} if subject else {})}
    try:
        return head | (VERBS[verb](lake, subject) if subject else VERBS[verb](lake))
    except Exception as error:
        if isinstance(error, ServiceFailed) or not lake.answers():
            raise
        return head | {"error": str(error) if isinstance(error, LakeError) else str(Impossible(error))}


def _all_steps(
    lake: Lake, datasets: list[str], marts: list[MartPlan], tell: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Every hop of some datasets, then the marts in their order, then a release. A mart whose input could not
    be built waits for it.
    """
    steps: list[dict[str, Any]] = []
    for dataset in datasets:
        for verb in HOPS:
            steps.append(run_step(lake, verb, dataset))
            tell(f"{verb:8} {dataset}")
    broken: set[str] = set()
    for mart in marts:
        waits = sorted(broken & {i.removeprefix(MARTS) for i in mart.inputs})
        step = (
            {"verb": "build", "subject": mart.id, "error": f"waits for {', '.join(waits)}"}
            if waits
            else run_step(lake, "build", mart.id)
        )
        broken |= {mart.id} if "error" in step else set()
        steps.append(step)
        tell(f"build    {mart.id}")
    return [*steps, run_step(lake, "release")]


def run_all(lake: Lake, tell: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """The whole plan in order, without a scheduler; steps that failed say so under `error`."""
    plan = load_plan(lake.settings.root)
    steps = _all_steps(lake, [d.id for d in plan.datasets], list(plan.marts), tell)
    return {"steps": steps, "batches": [asdict(b) for b in batches(lake.store, lake.contracts)]}
