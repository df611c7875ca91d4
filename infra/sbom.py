"""Writes `infra/sbom.cdx.json` (CycloneDX 1.6): what is installed with its licence, every jar with its hash.

`make lock` pipes the output of `cyclonedx-py environment` in. Hashes of the Python packages stand in
`requirements.lock`, which has several files per package.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

INFRA = Path(__file__).resolve().parent
JAR = re.compile(r"(?P<group>[^_]+)_(?P<name>.+?)-(?P<version>[0-9][0-9A-Za-z.]*)\.jar")
KEPT = ("bom-ref", "type", "name", "version", "purl", "licenses")
"""Links and descriptions are left out: they change with each release and prove nothing."""


def jars() -> list[dict[str, Any]]:
    """One component per line `file sha256` of `jars.lock`; a file is `group_artifact-version.jar`."""
    lines = [x.split() for x in (INFRA / "jars.lock").read_text("utf-8").splitlines() if x and x[0] != "#"]
    return [_jar(name, digest) for name, digest in lines]


def _jar(file: str, digest: str) -> dict[str, Any]:
    found = JAR.fullmatch(file)
    if found is None:
        raise SystemExit(f"jars.lock: '{file}' is not group_artifact-version.jar")
    purl = "pkg:maven/{group}/{name}@{version}".format(**found.groupdict())
    hashes = [{"alg": "SHA-256", "content": digest}]
    return {"bom-ref": purl, "type": "library", **found.groupdict(), "purl": purl, "hashes": hashes}


def main() -> None:
    """From standard input to the file."""
    bom = json.load(sys.stdin)
    packages = [{k: c[k] for k in KEPT if k in c} for c in bom["components"] if c["name"] != "pip"]
    bom["components"] = [*packages, *jars()]
    bom.pop("dependencies", None)
    bom["metadata"].pop("tools", None)
    lines = ",\n".join(json.dumps(c, ensure_ascii=False) for c in bom.pop("components"))
    head = json.dumps(bom, ensure_ascii=False).removesuffix("}")
    (INFRA / "sbom.cdx.json").write_text(f'{head}, "components": [\n{lines}\n]}}\n', "utf-8")


if __name__ == "__main__":
    main()
