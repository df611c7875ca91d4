"""Permits and penalties that the city's authorities decide, week by week."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from citylake.city.people import AUTHORITIES, TRUTH, entity
from citylake.city.world import Row


def decisions(seed: int, kind: str, sunday: date, count: int, firms: int, *, revised: bool) -> Iterator[Row]:
    """Permits or penalties decided in the week that ends on `sunday`; `revised` adds withdrawals of the week before."""
    for i in range(count):
        yield _decision(seed, kind, sunday, i, firms, withdrawn=False)
    if revised:
        yield _decision(seed, kind, sunday - timedelta(days=7), count - 1, firms, withdrawn=True)


def _decision(seed: int, kind: str, sunday: date, i: int, firms: int, *, withdrawn: bool) -> Row:
    rng = Random(f"{seed}/{kind}/{sunday}/{i}")
    number = rng.randrange(firms)
    e, authority = entity(seed, number), rng.choice(AUTHORITIES)
    decided = sunday - timedelta(days=rng.randrange(7) + (14 if rng.random() < 0.08 else 0))
    sent = sunday + timedelta(days=8 if withdrawn else 1)
    row = {
        "authority_name": authority, "document_no": f"沈{'许' if kind == 'permit' else '罚'}字〔{sunday.year}〕{sunday:%m%d}{i:03d}号",
        "counterpart_name": e.name, "counterpart_kind": "法人及非法人组织", "counterpart_uscc": e.uscc, "counterpart_org_code": e.org_code,
        "counterpart_registration_no": e.registration_no, "counterpart_taxpayer_no": f"{e.division}{e.org_code}", "counterpart_resident_id": "",
        "representative": "", "decided_on": f"{decided:%Y/%m/%d}", "state_code": "1" if withdrawn else "0", "place_code": "210100",
        "updated_at": f"{sent:%Y-%m-%d} 0{8 + (i % 2)}:00:00", "note": "", "source_name": authority, TRUTH: str(number),
    }  # fmt: skip
    return row | (_permit(rng, e.name, decided) if kind == "permit" else _penalty(rng, decided))


def _permit(rng: Random, name: str, decided: date) -> Row:
    what = rng.choice(("食品经营许可", "排水许可", "特种设备使用登记", "建筑施工许可", "安全生产许可", "医疗器械经营许可"))
    until = date(decided.year + rng.choice((3, 5)), decided.month, min(decided.day, 28))
    return {
        "project_name": f"{what}（{name[:8]}）", "permit_class": rng.choice("11112456"), "content": f"准予{what}，请按规定开展活动",
        "certificate_name": f"{what}证", "certificate_no": f"JY{rng.randrange(10**8):08d}", "valid_from": f"{decided:%Y/%m/%d}",
        "valid_to": f"{until:%Y/%m/%d}",
    }  # fmt: skip


def _penalty(rng: Random, decided: date) -> Row:
    what = rng.choice(("无证经营", "产品质量不合格", "未按规定公示年报", "超标排放", "安全生产隐患", "虚假宣传"))
    fine = rng.choice((0.2, 0.5, 1, 2, 5, 10))
    return {
        "case_name": what, "penalty_class": rng.choice("01111236"), "violation": f"当事人存在{what}行为", "legal_basis": "《中华人民共和国行政处罚法》",
        "result_text": f"罚款人民币{fine}万元", "fine_10k_cny": f"{fine:.6f}",
        "publicity_end": f"{date(decided.year + 1, decided.month, min(decided.day, 28)):%Y/%m/%d}",
    }  # fmt: skip
