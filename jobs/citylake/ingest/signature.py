"""Signatures of manifests: OpenSSH's own (`ssh-keygen -Y`), by the keys that `schemas/allowed_signers` gives
to each department. A manifest names its files by their hashes, so its signature covers them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from citylake.core.errors import EnvironmentFailed, LakeError
from citylake.ingest.manifest import MANIFEST, SIGNATURE
from citylake.ledger.receipts import Finding

NAMESPACE = "citylake-manifest"
SIGNERS = "schemas/allowed_signers"
MOST_BYTES = 64 << 10
_KEY = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


@dataclass(frozen=True)
class Signed:
    """By whom a manifest is signed: the fingerprint of the key, or why it does not count."""

    fingerprint: str = ""
    findings: tuple[Finding, ...] = ()


def examine(
    root: Path, department: str, manifest: bytes, signature: bytes | None, *, demanded: bool
) -> Signed:
    """What the signature beside a manifest says; one that is there must hold, demanded or not."""
    if signature is None:
        zh, en = "清单未签名,合约要求签名", "the manifest is not signed, and the contract demands it"
        return Signed(findings=(_finding("signature.missing", zh, en),) if demanded else ())
    with tempfile.TemporaryDirectory(prefix="citylake-") as folder:
        file, signers = Path(folder) / SIGNATURE, root / SIGNERS
        file.write_bytes(signature[: MOST_BYTES + 1])
        return _judged(file, signers, department, manifest)


def _judged(file: Path, signers: Path, department: str, manifest: bytes) -> Signed:
    held = _run(manifest, "check-novalidate", "-n", NAMESPACE, "-s", str(file))
    key = _KEY.search(held.stdout)
    if held.returncode or key is None or file.stat().st_size > MOST_BYTES:
        zh, en = "签名与清单不符", "the signature is not one of this manifest"
        return Signed(findings=(_finding("signature.bad", zh, en),))
    mine = ("-n", NAMESPACE, "-s", str(file), "-f", str(signers), "-I", department)
    if signers.is_file() and not _run(manifest, "verify", *mine).returncode:
        return Signed(key[0])
    return Signed(key[0], (_foreign(_principals(file, signers), department, key[0]),))


def _principals(file: Path, signers: Path) -> list[str]:
    """Whose key made a signature, by the file of signers."""
    if not signers.is_file():
        return []
    found = _run(b"", "find-principals", "-s", str(file), "-f", str(signers))
    return sorted({name for line in found.stdout.splitlines() for name in line.split(",")})


def _foreign(others: list[str], department: str, key: str) -> Finding:
    named = ", ".join(n for n in others if n != department)
    if named:
        zh = f"签名密钥属于 {named},不属于 {department}"
        return _finding("signature.other_department", zh, f"the key is that of {named}, not of {department}")
    zh = f"签名密钥 {key} 未登记或已失效"
    return _finding("signature.unknown_key", zh, f"the key {key} is not, or no longer, one of {department}")


def _finding(rule: str, zh: str, en: str) -> Finding:
    return Finding(rule, zh, en, SIGNATURE)


def sign(key: Path, folder: Path) -> None:
    """Write the signature beside the manifest in a folder; LakeError `prepare.signature` when it fails."""
    done = _run(b"", "sign", "-q", "-f", str(key), "-n", NAMESPACE, str(folder / MANIFEST))
    if done.returncode or not (folder / SIGNATURE).is_file():
        said = next((line for line in done.stderr.splitlines() if line.strip()), "no signature was made")
        raise LakeError(
            "prepare.signature", said[:200], where=str(key), now="name the file of your private key"
        )


def _run(given: bytes, verb: str, *more: str) -> subprocess.CompletedProcess[str]:
    engine = shutil.which("ssh-keygen")
    if engine is None:
        raise EnvironmentFailed("signature.engine", "there is no ssh-keygen", now="install OpenSSH's client")
    done = subprocess.run(
        [engine, "-Y", verb, *more], input=given, capture_output=True, check=False, timeout=60
    )
    texts = (done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
    return subprocess.CompletedProcess(done.args, done.returncode, *texts)
