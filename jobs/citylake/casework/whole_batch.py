"""What keeps a whole batch out of silver: rules of its gate, or work that broke off; each is a case."""

from __future__ import annotations

from dataclasses import dataclass, replace

from citylake.contract.model import AMEND_SUFFIX, Bilingual
from citylake.ledger.batches import FAILED, HELD, failed_verdicts
from citylake.ledger.chain import Chain
from citylake.ledger.evidence import Event, find
from citylake.ledger.receipts import Receipt, replaced
from citylake.quality.sentences import sentence

FAILED_RULE, GATE = "batch.failed", "gate:"
HOPS_ZH = {"decode": "解码", "refine": "整理", "gate": "过门", "admit": "入库"}


@dataclass(frozen=True)
class Obstacle:
    """One reason, with the rows that wait for it."""

    rule: str
    meaning: Bilingual
    rows: int
    whole: bool = False  # the whole batch waits, not single records


def obstacles(known: Chain, receipt: Receipt) -> list[Obstacle]:
    """The reasons that were ever given for a batch, each once."""
    gate, refined = find(known, "gate", receipt.number), find(known, "refined", receipt.number)
    rows = refined.facts["counts"].get("received", 0) if refined else receipt.records
    found = [
        Obstacle(f"{GATE}{v['rule_id']}", sentence(v), rows, whole=True)
        for v in (failed_verdicts(gate) if gate and not gate.facts["passed"] else [])
        if v["severity"] == "critical" or v["exception"]
    ]
    broken = find(known, FAILED, receipt.number)
    return found + (
        [Obstacle(FAILED_RULE, failure_text(broken), receipt.records, whole=True)] if broken else []
    )


def failure_text(event: Event) -> Bilingual:
    """What a failure says: the hop, the kind of error and where in the code; never a value."""
    hop, kind, where = (event.facts[n] for n in ("hop", "kind", "where"))
    said = event.facts.get("findings", [])
    zh = ";".join(f["zh"] for f in said) or f"{kind},{where}"
    en = "; ".join(f["en"] for f in said) or f"{kind} at {where}"
    return Bilingual(
        f"数据湖在{HOPS_ZH.get(hop, hop)}一步未能处理({zh})", f"the lake could not {hop} it ({en})"
    )


def concerns_whole_batch(rule: str) -> bool:
    """Whether the case of a rule is about a whole batch, so that no single record can be amended."""
    return rule == FAILED_RULE or rule.startswith(GATE)


def taken_back(given: list[Receipt], admitted: list[Receipt]) -> set[int]:
    """Numbers of the receipts whose deliveries an admitted one replaced, whether silver held them or not."""
    held = {r.number for r in admitted}
    return replaced([r if r.number in held else replace(r, replaces=None) for r in given])


def sent_again(receipt: Receipt, state: str, admitted: list[Receipt]) -> list[int]:
    """The receipts by which a batch that silver does not hold came again as a whole, by its bytes or by
    what it
    corrects: an amendment brings single records only.
    """
    files = _content(receipt)
    return [
        r.number
        for r in (admitted if state in (HELD, FAILED) else [])
        if (r.number > receipt.number and _content(r) == files)
        or (r.corrects == receipt.delivery and not any(f.name.endswith(AMEND_SUFFIX) for f in r.files))
    ]


def _content(receipt: Receipt) -> set[str]:
    return {f.sha256 for f in receipt.files}
