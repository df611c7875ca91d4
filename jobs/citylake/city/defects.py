"""Defects as offices make them, planted in single rows; the log of what was done is the only place that knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

from citylake.city.events import person_in_company_column
from citylake.city.identifiers import org_check, with_uscc_check

Expect = Literal["quarantine", "flag", "repair", "refuse", "repeat", "duplicate", "superseded", "nothing"]
Row = dict[str, str]
Change = Callable[[str, Row, Random], str | None]


@dataclass(frozen=True)
class Defect:
    """One kind on one column: what it does to the text (None where it cannot), and what the lake should say."""

    id: str
    column: str
    rule: str
    expect: Expect
    change: Change


def _when(condition: Callable[[str], bool], change: Callable[[str], str]) -> Change:
    return lambda v, row, rng: change(v) if v and condition(v) else None


def _text(value: str) -> Change:
    return lambda v, row, rng: value


WIDE = str.maketrans("0123456789ABCDEFGHJKLMNPQRTUWXY", "０１２３４５６７８９ＡＢＣＤＥＦＧＨＪＫＬＭＮＰＱＲＴＵＷＸＹ")
full_width = _when(lambda v: True, lambda v: v.translate(WIDE))
apostrophe = _when(lambda v: True, lambda v: f"'{v}")
dotted_date = _when(lambda v: len(v) == 10, lambda v: f"{v[:4]}.{int(v[5:7])}.{int(v[8:])}")
chinese_date = _when(lambda v: len(v) == 10, lambda v: f"{v[:4]}年{int(v[5:7])}月{int(v[8:])}日")
letter_o = _when(lambda v: "0" in v[2:8], lambda v: v[:2] + v[2:8].replace("0", "O", 1) + v[8:])
hyphen = _when(lambda v: len(v) == 9, lambda v: f"{v[:8]}-{v[8]}")
invisible = _when(lambda v: len(v) > 4, lambda v: f"{v[:3]}\u200b{v[3:]}")
traditional = _when(lambda v: "沈阳" in v, lambda v: v.replace("沈阳", "瀋陽", 1))
half_brackets = _when(lambda v: "（" in v, lambda v: v.replace("（", "(").replace("）", ")"))
lost_character = _when(lambda v: len(v) > 6, lambda v: f"{v[:4]}?{v[5:]}")


def wrong_check(v: str, row: Row, rng: Random) -> str | None:
    """Another last character."""
    return v[:-1] + ("A" if v[-1] != "A" else "B") if len(v) == 18 else None


def wrong_org_inside(v: str, row: Row, rng: Random) -> str | None:
    """The organisation code fails its own check while the outer check holds."""
    if len(v) != 18:
        return None
    inner = v[8:16] + next(c for c in "123456789" if c != org_check(v[8:16]))
    return with_uscc_check(v[:8] + inner)


def fifteen_digits(v: str, row: Row, rng: Random) -> str | None:
    """The identifier as before 1999."""
    return v[:6] + v[8:17] if v[6:8] == "19" else None


def three_zeros(v: str, row: Row, rng: Random) -> str | None:
    """A spreadsheet kept 15 digits."""
    return v[:-3] + "000" if v[-3:] != "000" else None


def three_zeros_id(v: str, row: Row, rng: Random) -> str | None:
    """The same for an identifier, where the check then fails."""
    wrong = v[:15] + "000"
    total = sum(int(d) * (2 ** (17 - i) % 11) for i, d in enumerate(wrong[:17]))
    return wrong if "10X98765432"[total % 11] != "0" else None


def other_sex(v: str, row: Row, rng: Random) -> str | None:
    """The identifier says otherwise."""
    return {"1": "2", "2": "1"}[v]


def tax_number(v: str, row: Row, rng: Random) -> str | None:
    """The tax number in the column of the credit code; one whose letters show what it is."""
    return row["counterpart_taxpayer_no"]


def person(v: str, row: Row, rng: Random) -> str | None:
    """A sole trader's identifier."""
    return person_in_company_column(rng.randrange(10**6), 0)


ENTITY = (
    Defect("D02", "name", "name.replacement_character", "flag", lost_character),
    Defect("D17", "uscc", "uscc.repaired", "repair", full_width),
    Defect("D18", "uscc", "uscc.repaired", "repair", apostrophe),
    Defect("D19", "registration_no", "registration_no.scientific", "quarantine", _text("2.10112E+14")),
    Defect("D20", "registration_no", "registration_no.precision_lost", "quarantine", three_zeros),
    Defect("D22", "name", "name.repaired", "repair", invisible),
    Defect("D23", "name", "name.repaired", "repair", traditional),
    Defect("D24", "former_name", "former_name.repaired", "repair", _text("无")),
    Defect("D26", "uscc", "uscc.repaired", "repair", letter_o),
    Defect("D27", "uscc", "uscc.check_character", "quarantine", wrong_check),
    Defect("D28", "uscc", "uscc.org_code_inside", "flag", wrong_org_inside),
    Defect("D29", "org_code", "org_code.repaired", "repair", hyphen),
    Defect("D38", "name", "name.repaired", "repair", half_brackets),
    Defect("D48", "established_on", "established_on.repaired", "repair", dotted_date),
    Defect("D49", "approved_on", "approved_on.unparsable", "quarantine", _text("42404")),
    Defect("D50", "established_on", "established_on.sentinel", "quarantine", _text("1900-01-01")),
    Defect("D51", "operates_to", "legal_entity.operates_in_order", "quarantine", _text("1950-01-01")),
    Defect("ROW-EXTRA", "business_scope", "record.extra_field", "quarantine", lambda v, row, rng: None),
    Defect("ROW-BYTES", "name", "record.undecodable", "quarantine", lambda v, row, rng: None),
)
RESIDENT = (
    Defect("D32", "resident_id", "resident_id.repaired", "repair", fifteen_digits),
    Defect("D33", "resident_id", "resident_id.repaired", "repair", _when(lambda v: v.endswith("X"), str.lower)),
    Defect("D20", "resident_id", "resident_id.check_character", "quarantine", three_zeros_id),
    Defect("D34", "sex_code", "resident.id_agrees_with_sex", "flag", other_sex),
    Defect("D17", "sex_code", "sex_code.repaired", "repair", full_width),
    Defect("D24", "ethnicity_code", "ethnicity_code.repaired", "repair", _text("不详")),
    Defect("D50", "birth_date", "birth_date.unparsable", "quarantine", _text("20160230")),
)
_DECISION = (
    Defect("D18", "counterpart_uscc", "counterpart_uscc.repaired", "repair", apostrophe),
    Defect("D24", "note", "note.repaired", "repair", _text("暂无")),
    Defect("D25", "counterpart_uscc", "counterpart_uscc.repaired", "repair", _text("00000000000000000X")),
    Defect("D26", "counterpart_uscc", "counterpart_uscc.repaired", "repair", letter_o),
    Defect("D27", "counterpart_uscc", "counterpart_uscc.check_character", "quarantine", wrong_check),
    Defect("D29", "counterpart_org_code", "counterpart_org_code.repaired", "repair", hyphen),
    Defect("D30", "counterpart_uscc", "counterpart_uscc.is_registration_no", "quarantine", lambda v, row, rng: row["counterpart_registration_no"]),
    Defect("D31", "counterpart_uscc", "counterpart_uscc.is_taxpayer_no", "quarantine", tax_number),
    Defect("D48", "decided_on", "decided_on.repaired", "repair", chinese_date),
    Defect("D50", "decided_on", "decided_on.unparsable", "quarantine", _text("2016-02-30")),
)
PERMIT = (
    *_DECISION,
    Defect("D13", "content", "", "nothing", lambda v, row, rng: f'{v}\n另附"条件"若干'),
    Defect("D50", "valid_to", "valid_to.repaired", "repair", _text("2099-12-31")),
    Defect("D51", "valid_to", "admin_permit.valid_to_after_decision", "quarantine", _text("2015/01/01")),
)
PENALTY = (*_DECISION, Defect("D36", "counterpart_uscc", "counterpart_uscc.person_id", "quarantine", person))
WEATHER = (
    Defect("D71", "temperature_celsius", "temperature_celsius.missing_code", "repair", _text("999999")),
    Defect("D71", "rain_mm", "rain_mm.trace", "repair", _text("999990")),
    Defect("D70", "temperature_celsius", "temperature_celsius.range", "flag", _text("253")),
)
AIR_CELLS = (
    Defect("D62", "value", "value.range", "flag", _text("-3")),
    Defect("D24", "value", "value.repaired", "repair", _text("—")),
)
COMPONENT = (
    Defect("D22", "name", "name.repaired", "repair", _when(lambda v: len(v) > 2, lambda v: f"{v}\u3000")),
    Defect("D49", "surveyed_on", "surveyed_on.unparsable", "quarantine", _text("42404")),
    Defect("D76", "longitude", "longitude.swapped", "quarantine", lambda v, row, rng: row["latitude"]),
    Defect("D79", "longitude", "longitude.unparsable", "quarantine", _text("535000.00")),
    Defect("D82", "class_code", "component.class_in_code", "flag", lambda v, row, rng: "0203" if v != "0203" else "0104"),
)
CASE = (
    Defect("D48", "reported_at", "reported_at.repaired", "repair", _when(lambda v: True, lambda v: f"{v[:4]}/{int(v[5:7])}/{int(v[8:10])} {v[11:16]}")),
    Defect("D76", "longitude", "longitude.swapped", "quarantine", lambda v, row, rng: row["latitude"]),
    Defect("D83", "object_id", "", "nothing", _text("")),
)
INDICATOR = (
    Defect("D53", "cumulative_value", "cumulative_value.repaired", "repair", _when(lambda v: float(v) >= 1000, lambda v: f"{float(v):,.1f}")),
    Defect("D24", "cumulative_growth_pct", "cumulative_growth_pct.repaired", "repair", _text("-")),
)
_NAMED = (
    Defect("D22", "name", "name.repaired", "repair", invisible),
    Defect("D23", "name", "name.repaired", "repair", traditional),
    Defect("D38", "name", "name.repaired", "repair", half_brackets),
)
_CODED = (
    Defect("D18", "uscc", "uscc.repaired", "repair", apostrophe),
    Defect("D27", "uscc", "uscc.check_character", "quarantine", wrong_check),
)
ORGANISATION_CODE = (*_NAMED, *_CODED, Defect("D29", "org_code", "org_code.repaired", "repair", hyphen))
TAXPAYER = (*_NAMED, Defect("D17", "taxpayer_no", "taxpayer_no.repaired", "repair", full_width))
GRADE = (Defect("D17", "taxpayer_no", "taxpayer_no.repaired", "repair", full_width),)
KINDS: dict[str, tuple[Defect, ...]] = {
    "civil_affairs/resident": RESIDENT, "market_regulation/legal_entity": ENTITY, "development_reform/admin_permit": PERMIT,
    "development_reform/admin_penalty": PENALTY, "weather/station_hourly": WEATHER, "environment/air_quality_hourly": AIR_CELLS,
    "construction/component": COMPONENT, "construction/component_case": CASE, "statistics/monthly_indicator": INDICATOR,
    "quality_supervision/organisation_code": ORGANISATION_CODE, "public_sector_reform/institution": (*_NAMED, *_CODED),
    "civil_affairs/social_organisation": (*_NAMED, *_CODED), "state_taxation/taxpayer": TAXPAYER, "local_taxation/taxpayer": TAXPAYER,
    "market_regulation/list_entry": (*_NAMED, *_CODED), "court/dishonest_organisation": _NAMED, "state_taxation/tax_grade": GRADE,
    "development_reform/credit_repair": (Defect("D18", "counterpart_uscc", "counterpart_uscc.repaired", "repair", apostrophe),),
}  # fmt: skip
RATES = {"off": 0.0, "normal": 0.03, "heavy": 0.06}
# Wide files hold eleven cells a line and registers thousands of rows: a lower rate still plants each kind many times.
SPARSE = {"weather/station_hourly": 0.3, "environment/air_quality_hourly": 0.3}
