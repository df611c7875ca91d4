"""Who may do what with the objects of the lake, derived from its folders and contracts.

A role is a list of what is allowed; everything else is refused by the store. The documents are those of S3
(IAM policies), which the embedded store enforces itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import SecretStr

from citylake.contract.model import Contract
from citylake.core.names import FOLDERS, silver
from citylake.core.secrets import local_secret
from citylake.core.settings import Settings

Verb = Literal["Read", "List", "Write", "Delete"]
ACTIONS: dict[Verb, tuple[str, ...]] = {
    "Read": ("s3:GetObject",),
    "List": ("s3:ListBucket",),
    "Write": ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
    "Delete": ("s3:DeleteObject",),
}
ADMIN, ANALYST, SENDER = "admin", "analyst", "sender-"
_VERBS: dict[str, Verb] = {"R": "Read", "L": "List", "W": "Write", "D": "Delete"}
_LEDGER = dict.fromkeys(("receipts", "contracts", "rules", "letters", "notices"), "RL")
_TABLES = ("bronze", "silver", "quarantine", "kept", "marts", "audit")
# Who seals hashes whatever is new, but for landed bytes, whose hash is their name.
_SEAL = {
    **dict.fromkeys(("inbox", "landing", "stage", "doctor", "tokens"), "L"),
    **dict.fromkeys((*_LEDGER, *_TABLES, "evidence", "releases", "open"), "RL"),
    "seals": "RLW",
}
_STEPS = {
    # Steps 1-4. What is landed is never deleted.
    "ingest": {
        "inbox": "RLWD",
        "landing": "RLW",
        "receipts": "RLW",
        "letters": "RLW",
        "contracts": "RLW",
        "evidence": "RLW",
        "bronze": "RLW",
        "tokens": "RLW",
    },
    # Steps 5-7. Notices quote landed records, masked; Spark moves the files of a stage.
    "refine": {
        **_LEDGER,
        "landing": "RL",
        "bronze": "RL",
        "notices": "RLW",
        "rules": "RLW",
        "evidence": "RLW",
        "stage": "RLWD",
        "silver": "RLWD",
        "quarantine": "RLWD",
        "kept": "RLWD",
        "marts": "RLWD",
        "audit": "RLWD",
    },
    "publisher": _SEAL | {"releases": "RLW", "open": "RLW", "evidence": "RLW", "audit": "RLW"},
    "upkeep": _SEAL | {"stage": "RLD"} | dict.fromkeys(_TABLES, "RLWD"),
    # A proof that leaves landing out proves of no figure where it comes from.
    "auditor": dict.fromkeys(FOLDERS, "RL"),
}


@dataclass(frozen=True)
class Role:
    """An identity of the store and its allow-list: prefixes of keys (ending in `/`) with their verbs."""

    name: str
    allowed: Mapping[str, frozenset[Verb]]

    @property
    def whole_bucket(self) -> bool:
        """Whether it lists every folder, and so may list the bucket itself."""
        return all("List" in self.allowed.get(f"{folder}/", ()) for folder in FOLDERS)

    def document(self, bucket: str) -> dict[str, Any]:
        """The role as a policy of S3."""
        statements = [_objects(bucket, v, self._with(v)) for v in ACTIONS if v != "List" and self._with(v)]
        return {"Version": "2012-10-17", "Statement": [*statements, self._listing(bucket)]}

    def _with(self, verb: Verb) -> list[str]:
        return sorted(p for p, verbs in self.allowed.items() if verb in verbs)

    def _listing(self, bucket: str) -> dict[str, Any]:
        lists = _allow(ACTIONS["List"], [f"arn:aws:s3:::{bucket}"])
        if self.whole_bucket:
            return lists
        return lists | {"Condition": {"StringLike": {"s3:prefix": [f"{p}*" for p in self._with("List")]}}}


def _objects(bucket: str, verb: Verb, prefixes: Iterable[str]) -> dict[str, Any]:
    """A reader of tables first asks for an object that has the name of the folder; there is none."""
    keys = [k for p in prefixes for k in ((p[:-1], f"{p}*") if verb == "Read" else (f"{p}*",))]
    return _allow(ACTIONS[verb], [f"arn:aws:s3:::{bucket}/{k}" for k in keys])


def _allow(actions: Iterable[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resources}


def holds_facts_of_persons(contract: Contract) -> bool:
    """Whether rows of a dataset tell of single persons: a personal column, or one of a restricted class such
    as a day of birth. No analyst reads its silver; marts hold no row about a person.
    """
    return contract.kind != "mart" and any(
        c.type.personal != "none" or c.type.classification == "restricted" for c in contract.columns
    )


def roles(contracts: Mapping[str, Contract]) -> dict[str, Role]:
    """Every role but `admin`, the lake itself, by name."""
    datasets = [c for c in contracts.values() if c.kind != "mart"]
    read = [silver(c.id).key for c in datasets if not holds_facts_of_persons(c)]
    named = {ANALYST: dict.fromkeys(("marts", "audit", "releases", *read), "RL"), **_STEPS}
    for department in sorted({c.department for c in datasets}):
        own = {f"inbox/{department}": "RLWD"}
        answers = {f"{f}/{department}": "RL" for f in ("receipts", "letters", "notices")}
        named[f"{SENDER}{department}"] = own | answers
    return {name: Role(name, {f"{p}/": _verbs(v) for p, v in held.items()}) for name, held in named.items()}


def _verbs(letters: str) -> frozenset[Verb]:
    return frozenset(_VERBS[letter] for letter in letters)


def role_keys(settings: Settings, role: str) -> tuple[str, SecretStr]:
    """Access key and secret of a role at the embedded store; the secret lies below `state/secrets`."""
    if role in (ADMIN, ANALYST):
        return settings.keys if role == ADMIN else settings.reader
    return f"citylake-{role}", SecretStr(local_secret(settings.state, f"s3-{role}"))


def seaweed(bucket: str, contracts: Mapping[str, Contract]) -> dict[str, Any]:
    """Identities and policies as SeaweedFS reads them, without credentials."""
    held = roles(contracts)
    admin = {"name": ADMIN, "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
    documents = {name: json.dumps(role.document(bucket)) for name, role in held.items()}
    return {
        "identities": [admin, *({"name": name, "policyNames": [name]} for name in held)],
        "policies": [{"name": name, "content": text} for name, text in documents.items()],
    }


def store_config(settings: Settings, contracts: Mapping[str, Contract]) -> dict[str, Any]:
    """What the embedded store is started with: `seaweed` and the secret of every role."""
    config = seaweed(settings.lake, contracts)
    for identity in config["identities"]:
        access, secret = role_keys(settings, identity["name"])
        identity["credentials"] = [{"accessKey": access, "secretKey": secret.get_secret_value()}]
    return config
