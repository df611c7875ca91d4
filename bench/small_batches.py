"""What two small deliveries cost in refine, the second a MERGE: CPU seconds, jobs and requests per delivery.

python bench/small_batches.py [NAME=VALUE ...]   # settings of Spark to try beside the profile's
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from laboratory import ROOT, Meter, lake_of

DATASET = "construction/component"


def main(settings: list[str]) -> None:
    """Deliver, decode and refine two months after a first one that warms the server."""
    tried = dict(s.split("=", 1) for s in settings)
    with lake_of("bench-small") as (lake, _), tempfile.TemporaryDirectory() as folder:
        from citylake.ingest.sources.folder import fetch_folder
        from citylake.pipeline.hops import decode_dataset, refine_dataset
        from citylake.pipeline.steps import receive_dataset
        from citylake.synthetic import generate

        for name, value in tried.items():
            lake.spark.conf.set(name, value)
        city = Path(folder)
        generate(city, months=3, scale=1.0, only=(DATASET,))
        meter = Meter(lake)
        fetch_folder(lake.store, city / "inbox")
        receive_dataset(lake, DATASET)
        decode_dataset(lake, DATASET)
        done: Any = meter.step("refine", 0, lambda: refine_dataset(lake, DATASET))
        print(done, meter.steps[-1], tried, ROOT.name)


main(sys.argv[1:])
