"""What the small objects say about each other: chains, receipts, landed files, letters, releases.

They are read as plain JSON, not by the code that wrote them, so that damaged ones are named instead of
failing.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from typing import Any

from citylake.audit.deltalog import LOG, log_entries
from citylake.audit.findings import Examination
from citylake.core.names import (
    contract_key,
    evidence_key,
    landing_key,
    letter_key,
    receipt_key,
    release_key,
    rules_key,
)
from citylake.ingest.erasure import CHAIN as ERASURES
from citylake.ledger.seal import GENESIS, HINT, Objects, hashes

Chains = dict[str, list[dict[str, Any]]]
LETTER_FORMS = ("json", "zh.html", "en.html")


def read_json(objects: Objects, key: str, seen: Examination) -> dict[str, Any]:
    """A JSON object; empty, with a damage, when the bytes are none."""
    try:
        found = json.loads(objects.get(key))
        if isinstance(found, dict):
            return found
    except ValueError:
        pass
    seen.add("object.form", key, "it is no JSON object any more")
    return {}


def chains(objects: Objects, sizes: dict[str, int], seen: Examination) -> Chains:
    """Every chain below `evidence/`, found by listing; gaps, wrong links and wrong places are damages."""
    keys: defaultdict[str, list[str]] = defaultdict(list)
    for key in sizes:
        if key.startswith("evidence/"):
            keys[key.removeprefix("evidence/").rpartition("/")[0]].append(key)
    seen.looked_at["chains"] += len(keys)
    return {chain: _chain(objects, chain, sorted(mine), seen) for chain, mine in sorted(keys.items())}


def _chain(objects: Objects, chain: str, keys: list[str], seen: Examination) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    previous = GENESIS
    for position, key in enumerate(keys, start=1):
        event = read_json(objects, key, seen)
        if key != evidence_key(chain, position):
            seen.add("chain.gap", key, f"event {position} of its chain is missing")
        elif event and (event.get("chain"), event.get("number")) != (chain, position):
            seen.add("chain.place", key, "it says that it is another event")
        if event and event.get("previous") != previous:
            seen.add("chain.link", key, "it does not hold the hash of the event before it")
        previous = hashlib.sha256(objects.get(key)).hexdigest()
        found.append(event)
    seen.looked_at["events"] += len(keys)
    return found


def receipts(objects: Objects, sizes: dict[str, int], seen: Examination) -> list[dict[str, Any]]:
    """Every receipt; gaps in the numbers of a department and answers at a wrong place are damages."""
    keys: defaultdict[str, list[str]] = defaultdict(list)
    for key in sizes:
        if key.startswith("receipts/"):
            keys[key.split("/")[1]].append(key)
    found: list[dict[str, Any]] = []
    for department, mine in sorted(keys.items()):
        for position, key in enumerate(sorted(mine), start=1):
            receipt = read_json(objects, key, seen)
            if key != receipt_key(department, position):
                seen.add("receipt.gap", key, f"receipt {position} of {department} is missing or this is none")
            elif receipt and (receipt.get("department"), receipt.get("number")) != (department, position):
                seen.add("receipt.place", key, "it says that it is another receipt")
            found += [receipt] if receipt else []
    seen.looked_at["receipts"] += len(found)
    return found


def answered(given: list[dict[str, Any]], known: Chains, sizes: dict[str, int], seen: Examination) -> None:
    """Every receipt has its letters; every accepted one its landed files and its event, and no other has
    one.
    """
    for receipt in given:
        department, number = str(receipt.get("department")), int(receipt.get("number") or 0)
        where = f"{department} {number:04d}"
        for form in LETTER_FORMS:
            if letter_key(department, number, form) not in sizes:
                seen.add("letter.missing", letter_key(department, number, form), "the letter is gone", where)
        if receipt.get("outcome") == "accepted":
            _landed(receipt, where, sizes, seen)
    accepted = {(r.get("dataset"), r.get("number")) for r in given if r.get("outcome") == "accepted"}
    told = {
        (c, e.get("batch")) for c, events in known.items() for e in events if e.get("event") == "received"
    }
    for dataset, number in sorted(accepted - told, key=str):
        seen.add(
            "event.missing", f"evidence/{dataset}/", "an accepted receipt has no event", f"receipt {number}"
        )
    for dataset, number in sorted(told - accepted, key=str):
        seen.add(
            "receipt.missing",
            f"evidence/{dataset}/",
            "an event names no accepted receipt",
            f"receipt {number}",
        )


def _landed(receipt: dict[str, Any], where: str, sizes: dict[str, int], seen: Examination) -> None:
    for file in receipt.get("files", []):
        key = landing_key(str(receipt.get("dataset")), str(file.get("sha256")))
        if sizes.get(key) != file.get("bytes"):
            held = "is gone" if key not in sizes else f"has {sizes[key]} bytes, not {file.get('bytes')}"
            seen.add("landing.size", key, f"the landed file {file.get('name')} {held}", where)


def landing(
    objects: Objects,
    sizes: dict[str, int],
    given: list[dict[str, Any]],
    erased: dict[str, str],
    seen: Examination,
) -> None:
    """Every landed file has the bytes that its name says, or those that an erasure left (`erased`: key ->
    hash), and a receipt names it.
    """
    keys = [k for k in sizes if k.startswith("landing/")]
    named = {
        landing_key(str(r.get("dataset")), str(f.get("sha256"))) for r in given for f in r.get("files", [])
    }
    for key, sha256 in hashes(objects, keys):
        if sha256 != erased.get(key, key.rsplit("/", 1)[1]):
            seen.add(
                "landing.changed", key, "its bytes do not have the hash that is its name", _whose(given, key)
            )
        if key not in named:
            seen.add("landing.unknown", key, "no receipt names it")
    seen.looked_at["landed files hashed"] += len(keys)


def erasures(known: Chains) -> tuple[dict[str, str], set[str]]:
    """What erasures left: landed file -> the hash of its bytes since; and the objects that they removed."""
    facts = [e.get("facts", {}) for e in known.get(ERASURES, ())]
    left = {str(f["key"]): str(f["after"]) for fact in facts for f in fact.get("files", ())}
    return left, {str(k) for fact in facts for k in fact.get("removed", ())}


def _whose(given: list[dict[str, Any]], key: str) -> str:
    sha256 = key.rsplit("/", 1)[1]
    told = [
        f"{r.get('department')} {r.get('number'):04d} {f.get('name')}"
        for r in given
        for f in r.get("files", [])
        if f.get("sha256") == sha256
    ]
    return ", ".join(told)


def kept_texts(objects: Objects, sizes: dict[str, int], known: Chains, seen: Examination) -> None:
    """The contract that every batch was received under and the rules that judged it are kept, under the hash
    of their text.
    """
    for fact, key_of in (("contract", contract_key), ("rules", rules_key)):
        named = {
            key_of(chain, str(e["facts"][fact]))
            for chain, events in known.items()
            for e in events
            if fact in e.get("facts", {})
        }
        for key in sorted(named - sizes.keys()):
            seen.add("text.missing", key, "an event of a batch names it, and it is gone")
    keys = [k for k in sizes if k.startswith(("contracts/", "rules/"))]
    for key, sha256 in hashes(objects, keys):
        if key.rsplit("/", 1)[1] != f"{sha256}.json":
            seen.add("text.changed", key, "its bytes do not have the hash that is its name")
    seen.looked_at["contracts and rules"] += len(keys)


def released(objects: Objects, sizes: dict[str, int], known: Chains, seen: Examination) -> None:
    """Every release manifest is what its event says, and pins versions that exist."""
    keys = sorted(k for k in sizes if k.startswith("releases/"))
    told = {e.get("batch"): e.get("facts") for e in known.get("release", []) if e.get("event") == "released"}
    for position, key in enumerate(keys, start=1):
        body = read_json(objects, key, seen)
        if key != release_key(position):
            seen.add("release.gap", key, f"release {position} is missing or this is none")
        elif body and not _says(told.get(position), body):
            seen.add("release.event", key, "it is not what the event of its release says")
        for title, pin in body.get("tables", {}).items():
            if int(pin["version"]) not in log_entries(sizes, pin["key"]):
                seen.add("release.version", key, f"version {pin['version']} of {title} has no log entry")
    for number in sorted(n for n in told if isinstance(n, int) and n > len(keys)):
        seen.add("release.missing", release_key(number), "an event tells of a release that is gone")
    seen.looked_at["releases"] += len(keys)


def _says(event: Any, body: dict[str, Any]) -> bool:
    """Whether all that an event and a manifest both state is the same; the tables are stated by both."""
    shared = event.keys() & body.keys() if isinstance(event, dict) else set()
    return "tables" in shared and all(event[k] == body[k] for k in shared)


def hints(objects: Objects, sizes: dict[str, int], seen: Examination) -> None:
    """Delta's hint to the last checkpoint, which no seal covers since it is rewritten, names one that is
    there.
    """
    for key in (k for k in sizes if k.endswith(HINT)):
        at = read_json(objects, key, seen).get("version")
        prefix = f"{key.split(LOG)[0]}{LOG}{at:020d}.checkpoint" if isinstance(at, int) else "?"
        if not any(k.startswith(prefix) for k in sizes):
            seen.add("table.hint", key, "it names a checkpoint that is not there")
