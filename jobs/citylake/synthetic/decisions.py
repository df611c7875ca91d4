"""Permits and penalties that the city's authorities decide, week by week."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from citylake.synthetic.people import AUTHORITIES, TRUTH, entity
from citylake.synthetic.world import Row

OUTSIDE = 240_000  # numbers of organisations of other cities, which no register of this one knows
JOINT = "#joint"  # marks the further counterpart of a decision: one number, two organisations
IDENTIFIERS = ("uscc", "org_code", "registration_no", "taxpayer_no")


def decisions(seed: int, kind: str, sunday: date, count: int, firms: int, *, revised: bool) -> Iterator[Row]:
    """Permits or penalties published of the week that ends on `sunday`; `revised` adds a withdrawal of the
    week before.
    """
    for i in range(count):
        if not _concealed(seed, kind, sunday, i):
            yield _decision(seed, kind, sunday, i, firms)
            if i % 9 == 4:
                yield _decision(seed, kind, sunday, i, firms, joint=True)
    before = sunday - timedelta(days=7)
    if revised and not _concealed(seed, kind, before, count - 1):
        yield _decision(seed, kind, before, count - 1, firms, withdrawn=True)


def licences(seed: int, sunday: date, count: int, firms: int) -> Iterator[Row]:
    """What the licence hall issued in the week: every permit, also those that were never published."""
    for i in range(count):
        row = _decision(seed, "permit", sunday, i, firms)
        same = {
            k: row[k]
            for k in (
                "authority_name",
                "document_no",
                "certificate_name",
                "certificate_no",
                "valid_to",
                TRUTH,
            )
        }
        yield same | {
            "holder_name": row["counterpart_name"],
            "holder_uscc": row["counterpart_uscc"],
            "issued_on": row["decided_on"],
        }


def _concealed(seed: int, kind: str, sunday: date, i: int) -> bool:
    return kind == "permit" and Random(f"{seed}/concealed/{sunday}/{i}").random() < 0.05


def _decision(
    seed: int, kind: str, sunday: date, i: int, firms: int, *, withdrawn: bool = False, joint: bool = False
) -> Row:
    rng = Random(f"{seed}/{kind}/{sunday}/{i}")
    authority = rng.choice(AUTHORITIES)
    decided = sunday - timedelta(days=rng.randrange(7) + (14 if rng.random() < 0.08 else 0))
    sent = sunday + timedelta(days=8 if withdrawn else 1)
    number, whom = _counterpart(
        seed, Random(f"{seed}/{kind}/{sunday}/{i}/{'joint' if joint else 'whom'}"), firms
    )
    row = {
        "authority_name": authority,
        "document_no": f"沈{'许' if kind == 'permit' else '罚'}字〔{sunday.year}〕{sunday:%m%d}{i:03d}号",
        **whom,
        "counterpart_kind": "法人及非法人组织",
        "counterpart_resident_id": "",
        "representative": "",
        "decided_on": f"{decided:%Y/%m/%d}",
        "state_code": "1" if withdrawn else "0",
        "place_code": "210100",
        "updated_at": f"{sent:%Y-%m-%d} 0{8 + (i % 2)}:00:00",
        "note": "",
        "source_name": authority,
        TRUTH: str(number),
        JOINT: "1" if joint else "",
    }
    return row | (
        _permit(rng, whom["counterpart_name"], decided) if kind == "permit" else _penalty(rng, decided)
    )


def _counterpart(seed: int, rng: Random, firms: int) -> tuple[int, Row]:
    """The number of the organisation and what the decision says about it: some offend often, some come from
    another city.
    """
    ticket, number = rng.random(), rng.randrange(firms)
    number = number % 10 if ticket < 0.2 else OUTSIDE + number if ticket < 0.26 else number
    e = entity(seed, number)
    name = e.name.replace("沈阳", "大连", 1) if number >= OUTSIDE else e.name
    codes = {
        "uscc": e.uscc,
        "org_code": e.org_code,
        "registration_no": e.registration_no,
        "taxpayer_no": f"{e.division}{e.org_code}",
    }
    given = rng.choices((IDENTIFIERS, ("registration_no",), ("taxpayer_no",), ()), (88, 5, 5, 2))[0]
    return number, {"counterpart_name": name} | {
        f"counterpart_{k}": v if k in given else "" for k, v in codes.items()
    }


def _permit(rng: Random, name: str, decided: date) -> Row:
    what = rng.choice(
        ("食品经营许可", "排水许可", "特种设备使用登记", "建筑施工许可", "安全生产许可", "医疗器械经营许可")
    )
    until = date(decided.year + rng.choice((3, 5)), decided.month, min(decided.day, 28))
    return {
        "project_name": f"{what}（{name[:8]}）",
        "permit_class": rng.choice("11112456"),
        "content": f"准予{what}，请按规定开展活动",
        "certificate_name": f"{what}证",
        "certificate_no": f"JY{rng.randrange(10**8):08d}",
        "valid_from": f"{decided:%Y/%m/%d}",
        "valid_to": f"{until:%Y/%m/%d}",
    }


_SPELLED = {0.2: "贰仟", 0.5: "伍仟", 1: "壹万", 2: "贰万", 5: "伍万", 10: "壹拾万"}


def _penalty(rng: Random, decided: date) -> Row:
    what, kind = (
        rng.choice(
            ("无证经营", "产品质量不合格", "未按规定公示年报", "超标排放", "安全生产隐患", "虚假宣传")
        ),
        rng.choice("01111236"),
    )
    fine = rng.choice((0.2, 0.5, 1, 2, 5, 10)) if kind != "0" else 0
    yuan = f"{fine * 10000:,.0f}"
    told = rng.choice(
        (
            f"罚款人民币{fine}万元",
            f"罚款{yuan}元整，限期改正",
            f"没收违法所得；罚款人民币{_SPELLED.get(fine, yuan)}元整",
        )
    )
    return {
        "case_name": what,
        "penalty_class": kind,
        "violation": f"当事人存在{what}行为",
        "legal_basis": "《中华人民共和国行政处罚法》",
        "result_text": told if fine else "警告",
        "fine_10k_cny": f"{fine:.6f}" if fine else "",
        "publicity_end": f"{date(decided.year + 1, decided.month, min(decided.day, 28)):%Y/%m/%d}",
    }
