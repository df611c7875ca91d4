"""What is installed is known: every package and jar of the locks stands in the bill of materials."""

from __future__ import annotations

import json
import re
from pathlib import Path

from citylake.appliance.jars import locked


def _components(root: Path) -> list[dict]:
    return json.loads((root / "infra" / "sbom.cdx.json").read_text("utf-8"))["components"]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_package_of_the_lock_has_its_version(root: Path) -> None:
    pins = re.findall(
        r"^([\w.-]+)==([^\s;]+)( ; [^\\]*)?", (root / "requirements.lock").read_text("utf-8"), re.M
    )
    wanted = {(_plain(name), version) for name, version, marker in pins if not marker}
    listed = {(_plain(c["name"]), c["version"]) for c in _components(root) if "pypi" in c["purl"]}
    tool = re.findall(r"^([\w.-]+)==(\S+)", (root / "infra" / "uv.lock").read_text("utf-8"), re.M)
    assert len(wanted) > 150
    assert wanted <= listed
    assert {n for n, _ in listed} <= {_plain(p[0]) for p in pins} | {n for n, _ in tool}


def test_every_jar_of_the_lock_has_its_hash(root: Path) -> None:
    listed = {c["hashes"][0]["content"] for c in _components(root) if "maven" in c["purl"]}
    assert listed == set(locked().values())


def test_every_licence_is_known(root: Path) -> None:
    """A licence that binds who passes the lake on is named here, with the package that has it."""
    strong = {
        c["name"]
        for c in _components(root)
        if re.search(r"GPL|General Public", text := json.dumps(c.get("licenses", [])))
        and not re.search(r" OR |Artistic", text)
    }
    assert strong == LESSER
    assert (root / "LICENSE").read_text("utf-8").lstrip().startswith("Apache License")


LESSER = {"psycopg", "psycopg-binary", "python-stdnum"}  # the lesser licence: used as they are, by import
