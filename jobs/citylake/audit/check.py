"""`check` and `verify`: everything that can be proved about the objects of a lake, in one examination."""

from __future__ import annotations

from collections.abc import Callable

from citylake.audit import records, sealed
from citylake.audit.findings import Examination
from citylake.audit.losses import batch_losses, decoded_receipts
from citylake.contract.model import Contract
from citylake.core.errors import LakeError
from citylake.core.names import FOLDERS, VERIFIER_KEY, bronze
from citylake.core.settings import Settings
from citylake.ledger.note import load_key, verifier
from citylake.ledger.seal import NAME, Objects, is_sealed, key_file
from citylake.storage.store import Store


def examine(
    objects: Objects, public: str | None, *, since: int = 0, against: tuple[str, ...] = ()
) -> Examination:
    """Look at every object of a lake or of a copy, without Spark, contracts or keys.

    `public` is the verifier key from outside, else the one that the lake shows; `since` is the last seal
    whose
    objects are not hashed again; `against` are older checkpoints that the seal must continue.
    """
    seen = Examination()
    sizes = objects.sizes()
    if not any(is_sealed(k) for k in sizes):
        seen.add("lake.empty", "the lake", "there is nothing to look at; nothing is proved")
        return seen
    shown = objects.get(VERIFIER_KEY).decode(errors="replace") if VERIFIER_KEY in sizes else None
    if public is not None and shown != public:
        seen.add("seal.verifier", VERIFIER_KEY, "the lake shows another public key")
    log = sealed.read_log(objects, public or shown, seen)
    if not log.blocks:
        seen.add("seal.none", "seals/", "nothing is sealed", "make one by `citylake seal`")
    for note in against:
        sealed.consistent(log, note, public or shown or "", seen)
    known = records.chains(objects, sizes, seen)
    sealed.compare(objects, log, seen, since, *records.erasures(known))
    _records(objects, sizes, known, seen)
    return seen


def _records(objects: Objects, sizes: dict[str, int], known: records.Chains, seen: Examination) -> None:
    for key in sizes:
        if key.split("/")[0] not in FOLDERS or "/" not in key:
            seen.add("object.unknown", key, "no part of the lake writes there")
    given = records.receipts(objects, sizes, seen)
    records.answered(given, known, sizes, seen)
    records.landing(objects, sizes, given, records.erasures(known)[0], seen)
    records.kept_texts(objects, sizes, known, seen)
    records.released(objects, sizes, known, seen)
    records.hints(objects, sizes, seen)


def own_key(settings: Settings) -> str | None:
    """The verifier of the lake's own signing key, which lies outside the bucket; None when there is none
    here.
    """
    path = key_file(settings)
    return verifier(NAME, load_key(path).public_key()) if path.exists() else None


def check(
    settings: Settings,
    store: Store,
    contracts: dict[str, Contract],
    *,
    since: int = 0,
    tell: Callable[[str], None] = lambda text: None,
) -> Examination:
    """`examine`, and every bronze table against its landed bytes, decoded again."""
    seen = examine(store, own_key(settings), since=since)
    for contract in (c for c in contracts.values() if c.kind != "mart"):
        tell(contract.id)
        _bronze(settings, store, contract, seen)
    return seen


def _bronze(settings: Settings, store: Store, contract: Contract, seen: Examination) -> None:
    """One damage per record that is not as delivered; whatever cannot be read is a damage too."""
    table = bronze(contract.id).key
    try:
        for receipt in decoded_receipts(store, contract):
            lost = batch_losses(settings, store, contract, receipt)
            seen.looked_at["batches decoded again"] += 1
            seen.looked_at["records decoded again"] += receipt.records
            for x in lost:
                place = f"receipt {x.receipt:04d} {x.file} line {x.line} bytes {x.byte_start}-{x.byte_end}"
                told = f"{x.found} of {x.expected} rows as delivered, {x.extra} others"
                seen.add("bronze.value", table, told, place)
    except Exception as error:  # a damaged file makes any reader fail in its own way
        what = error.what if isinstance(error, LakeError) else type(error).__name__
        seen.add("bronze.unreadable", table, f"it cannot be compared with the landed bytes ({what})")
