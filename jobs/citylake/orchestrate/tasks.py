"""What a DAG's task calls: one verb of the pipeline."""

from __future__ import annotations

from typing import Any


def run_verb(verb: str, name: str | None = None, **facts: Any) -> dict[str, Any]:
    """Run one verb of the pipeline on a dataset, mart or case; what a DAG's task calls. Heavy imports happen
    here.
    """
    from citylake.pipeline.lake import open_lake
    from citylake.pipeline.steps import VERBS

    lake = open_lake()
    done = VERBS[verb](lake, name, **facts) if name else VERBS[verb](lake)
    # not after an error: where the server does not answer, the client would ask it for ten minutes
    lake.close()
    return done
