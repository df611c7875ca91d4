"""Every role can do its work with its own keys and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import citylake
import pytest
from citylake.appliance.services import down, up
from citylake.audit.check import check
from citylake.core.errors import LakeError
from citylake.core.secrets import local_secret
from citylake.core.settings import Settings
from citylake.ingest.sources.folder import fetch_folder
from citylake.pipeline.lake import Lake, open_lake
from citylake.pipeline.plan import load_plan
from citylake.pipeline.steps import VERBS, keep_up, release, report
from citylake.privacy.roles import role_keys
from citylake.release.release import latest
from citylake.synthetic import generate
from deltalake.exceptions import DeltaError
from pydantic import SecretStr

from tests.conftest import PORTS, SMALL, free_ports

Opened = Callable[[str], Lake]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A function: the lake as a role opens it. Its Spark server has the keys of `refine`."""
    ports: dict[str, Any] = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    elsewhere: dict[str, Any] = {"state": tmp_path_factory.mktemp("spark")}
    base = Settings(state=tmp_path_factory.mktemp("state"), spark_remote="sc://127.0.0.1:1", **ports)
    elsewhere["s3_endpoint"] = base.endpoint
    up(base)

    def of(role: str, **more: Any) -> Lake:
        access, secret = role_keys(base, role)
        own: dict[str, Any] = {"s3_access_key": access, "s3_secret_key": secret, "spark_remote": None}
        own["spark_token"] = SecretStr(local_secret(elsewhere["state"], "spark"))
        return open_lake(base.model_copy(update=own | more))

    spark = of("refine").settings.model_copy(update=elsewhere)
    up(spark)
    yield of
    down(spark)
    down(base)


def test_a_city_goes_from_inbox_to_release_by_five_roles(opened: Opened, tmp_path: Path) -> None:
    generate(tmp_path, months=1, scale=0.3, only=SMALL)
    ingest, refine, publisher = (opened(n) for n in ("ingest", "refine", "publisher"))
    fetch_folder(ingest.store, tmp_path / "inbox")
    datasets, marts = SMALL, [m.id for m in load_plan(ingest.settings.root).marts]
    given = [VERBS[verb](ingest, d) for d in datasets for verb in ("receive", "decode")]
    assert sum(r["outcome"] == "accepted" for d in given for r in d.get("receipts", ())) > 3
    done = [b for d in datasets for b in VERBS["refine"](refine, d)["batches"]]
    assert done and all(b["passed"] for b in done)
    assert any(VERBS["build"](refine, m).get("built") for m in marts)
    refine.close()
    assert release(publisher)["new"]
    report(publisher)
    assert keep_up(opened("upkeep"))["tables"] > len(SMALL)
    auditor = opened("auditor")
    assert check(auditor.settings, auditor.store, auditor.contracts).damages == []
    _analyst_reads(opened("analyst").settings, publisher)
    _analyst_opens_no_persons(opened("analyst").settings)


def _analyst_reads(settings: Settings, publisher: Lake) -> None:
    assert len(citylake.read("silver.construction_component", settings=settings)) > 0
    marts = [t for t in latest(publisher.store).tables if not t.startswith("silver.")]
    assert marts and all(citylake.read(t, settings=settings).num_columns for t in marts)
    with pytest.raises(LakeError, match="shows no table"):
        citylake.read("silver.civil_affairs_resident", settings=settings)


def _analyst_opens_no_persons(settings: Settings) -> None:
    from citylake.core.names import silver
    from citylake.storage.delta import open_table

    with pytest.raises((DeltaError, OSError), match=r"403|Forbidden|denied|permission"):
        open_table(settings, silver("civil_affairs/resident"))
