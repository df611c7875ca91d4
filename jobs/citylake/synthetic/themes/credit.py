"""Credit: the registers of organisations and the decisions and lists about them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from citylake.synthetic import organisations
from citylake.synthetic.decisions import decisions, licences
from citylake.synthetic.defects import (
    Defect,
    always,
    apostrophe,
    chinese_date,
    dotted_date,
    full_width,
    half_brackets,
    hyphen,
    invisible,
    letter_o,
    lost_character,
    person,
    person_tax_number,
    tax_number,
    three_zeros,
    traditional,
    wrong_check,
    wrong_org_inside,
)
from citylake.synthetic.order import Order
from citylake.synthetic.people import entities
from citylake.synthetic.world import Row, World, month_end

FIRMS, PERMITS, PENALTIES, LISTED, DISHONEST, REPAIRS = 2000, 60, 40, 25, 12, 6
OLDER = {
    "development_reform/admin_permit": ("content", "旧内容"),
    "development_reform/admin_penalty": ("case_name", "旧案由"),
    "market_regulation/list_entry": ("reason", "旧原因"),
    "court/dishonest_organisation": ("duty", "旧义务"),
    "state_taxation/tax_grade": ("authority_name", "旧机关"),
    "development_reform/credit_repair": ("applied_on", "2016-01-04"),
    "market_regulation/licence": ("certificate_name", "旧证"),
}


def orders(world: World, month: date) -> Iterator[tuple[Order, Iterator[Row]]]:
    """Registers every month, lists as they grow, grades once a year, decisions every week."""
    firms, seed = world.size(FIRMS), world.seed
    yield (
        _order(
            world,
            "market_regulation/legal_entity",
            month,
            "full",
            sum_of="registered_capital_10k",
            file=f"法人_{month:%Y%m}.csv",
        ),
        entities(seed, firms, month),
    )
    for dataset, rows in organisations.registers(seed, firms, month, 0.2):
        yield _order(world, dataset, month, "full"), rows
    yield (
        _order(world, "market_regulation/list_entry", month),
        organisations.list_entries(seed, world.size(LISTED), firms, month),
    )
    yield (
        _order(world, "court/dishonest_organisation", month),
        organisations.dishonest(seed, world.size(DISHONEST), firms, month),
    )
    yield _order(world, "market_regulation/licence", month), _issued(world, month, firms)
    if month > date(2016, 1, 1):
        yield (
            _order(world, "development_reform/credit_repair", month),
            organisations.repairs(seed, world.size(REPAIRS), world.size(PENALTIES), firms, month),
        )
    if month.month == 2:
        yield (
            _grades(world, month),
            organisations.tax_grades(seed, firms, month.year - 1, month.replace(day=15)),
        )
    yield from _weeks(world, month, firms)


def _order(
    world: World,
    dataset: str,
    month: date,
    coverage: str = "changes",
    *,
    sum_of: str | None = None,
    file: str | None = None,
) -> Order:
    contract = world.contracts[dataset]
    kind = "json" if contract.format == "json" else "csv"
    return Order(
        contract,
        f"{month:%Y-%m}-001",
        f"{month:%Y-%m}",
        coverage,
        month_end(month),
        file or f"{contract.title.zh}_{month:%Y%m}.{kind}",
        sum_of=sum_of,
        older=OLDER.get(dataset, ("name", "旧值")),
    )


def _grades(world: World, month: date) -> Order:
    contract, year = world.contracts["state_taxation/tax_grade"], month.year - 1
    return Order(
        contract,
        f"{month.year}-001",
        str(year),
        "changes",
        month_end(month),
        f"纳税信用等级_{year}.csv",
        older=OLDER[contract.id],
    )


def _issued(world: World, month: date, firms: int) -> Iterator[Row]:
    for day in _sundays(month):
        yield from licences(world.seed, day, world.size(PERMITS), firms)


def _sundays(month: date) -> Iterator[date]:
    day = month + timedelta(days=6 - month.weekday())
    while day.month == month.month:
        yield day
        day += timedelta(days=7)


def _weeks(world: World, month: date, firms: int) -> Iterator[tuple[Order, Iterator[Row]]]:
    """Weekly lists; from the second month on in the later layout, whose columns swap; some exports carry a
    BOM.
    """
    for day in _sundays(month):
        year, week, _ = day.isocalendar()
        layout = "layout-2016" if (month.year, month.month) == (2016, 1) else "layout-2018"
        for kind, zh in (("permit", "行政许可"), ("penalty", "行政处罚")):
            dataset, sent = (
                f"development_reform/admin_{kind}",
                datetime(day.year, day.month, day.day, 9, 30) + timedelta(days=1),
            )
            order = Order(
                world.contracts[dataset],
                f"{year}-W{week:02d}-001",
                day.isoformat(),
                "changes",
                sent,
                f"双公示_{zh}_{day:%Y%m%d}.csv",
                layout,
                bom=week % 3 == 0,
                unnamed=2 if week % 4 == 0 else 0,
                older=OLDER[dataset],
            )
            yield order, _decided(world, kind, day, firms, layout)


def _decided(world: World, kind: str, day: date, firms: int, layout: str) -> Iterator[Row]:
    """Decisions of a week; the first list of penalties brings those of 2015 along, and the later layout of
    penalties states no state.
    """
    count, states = (
        world.size({"permit": PERMITS, "penalty": PENALTIES}[kind]),
        kind == "permit" or layout == "layout-2016",
    )
    yield from decisions(
        world.seed, kind, day, count, firms, revised=states and day.isocalendar()[1] % 4 == 2
    )
    if kind == "penalty" and day == date(2016, 1, 3):
        for sunday in organisations.BACKLOG:
            yield from decisions(world.seed, kind, sunday, count, firms, revised=False)


_ENTITY = (
    Defect("D02", "name", "name.replacement_character", "flag", lost_character),
    Defect("D17", "uscc", "uscc.repaired", "repair", full_width),
    Defect("D18", "uscc", "uscc.repaired", "repair", apostrophe),
    Defect("D19", "registration_no", "registration_no.scientific", "quarantine", always("2.10112E+14")),
    Defect("D20", "registration_no", "registration_no.precision_lost", "quarantine", three_zeros),
    Defect("D22", "name", "name.repaired", "repair", invisible),
    Defect("D23", "name", "name.repaired", "repair", traditional),
    Defect("D24", "former_name", "former_name.repaired", "repair", always("无")),
    Defect("D26", "uscc", "uscc.repaired", "repair", letter_o),
    Defect("D27", "uscc", "uscc.check_character", "quarantine", wrong_check),
    Defect("D28", "uscc", "uscc.org_code_inside", "flag", wrong_org_inside),
    Defect("D29", "org_code", "org_code.repaired", "repair", hyphen),
    Defect("D38", "name", "name.repaired", "repair", half_brackets),
    Defect("D48", "established_on", "established_on.repaired", "repair", dotted_date),
    Defect("D49", "approved_on", "approved_on.unparsable", "quarantine", always("42404")),
    Defect("D50", "established_on", "established_on.sentinel", "quarantine", always("1900-01-01")),
    Defect("D51", "operates_to", "legal_entity.operates_in_order", "quarantine", always("1950-01-01")),
    Defect("D55", "capital_currency_code", "legal_entity.currency_stated", "flag", always("")),
    Defect("ROW-EXTRA", "business_scope", "record.extra_field", "quarantine", lambda v, row, rng: None),
    Defect("ROW-BYTES", "name", "record.undecodable", "quarantine", lambda v, row, rng: None),
)
_DECISION = (
    Defect("D18", "counterpart_uscc", "counterpart_uscc.repaired", "repair", apostrophe),
    Defect("D24", "note", "note.repaired", "repair", always("暂无")),
    Defect("D25", "counterpart_uscc", "counterpart_uscc.repaired", "repair", always("00000000000000000X")),
    Defect("D26", "counterpart_uscc", "counterpart_uscc.repaired", "repair", letter_o),
    Defect("D27", "counterpart_uscc", "counterpart_uscc.check_character", "quarantine", wrong_check),
    Defect("D29", "counterpart_org_code", "counterpart_org_code.repaired", "repair", hyphen),
    Defect(
        "D30",
        "counterpart_uscc",
        "counterpart_uscc.is_registration_no",
        "quarantine",
        lambda v, row, rng: row["counterpart_registration_no"] or None,
    ),
    Defect("D31", "counterpart_uscc", "counterpart_uscc.is_taxpayer_no", "quarantine", tax_number),
    Defect("D48", "decided_on", "decided_on.repaired", "repair", chinese_date),
    Defect("D50", "decided_on", "decided_on.unparsable", "quarantine", always("2016-02-30")),
)
_PERMIT = (
    *_DECISION,
    Defect("D13", "content", "", "nothing", lambda v, row, rng: f'{v}\n另附"条件"若干'),
    Defect("D50", "valid_to", "valid_to.repaired", "repair", always("2099-12-31")),
    Defect("D51", "valid_to", "admin_permit.valid_to_after_decision", "quarantine", always("2015/01/01")),
)
_PENALTY = (*_DECISION, Defect("D36", "counterpart_uscc", "counterpart_uscc.person_id", "quarantine", person))
_NAMED = (
    Defect("D22", "name", "name.repaired", "repair", invisible),
    Defect("D23", "name", "name.repaired", "repair", traditional),
    Defect("D38", "name", "name.repaired", "repair", half_brackets),
)
_CODED = (
    Defect("D18", "uscc", "uscc.repaired", "repair", apostrophe),
    Defect("D27", "uscc", "uscc.check_character", "quarantine", wrong_check),
)
_ORGANISATION_CODE = (*_NAMED, *_CODED, Defect("D29", "org_code", "org_code.repaired", "repair", hyphen))
_TAXPAYER = (
    *_NAMED,
    Defect("D17", "taxpayer_no", "taxpayer_no.repaired", "repair", full_width),
    Defect("D31", "taxpayer_no", "taxpayer_no.person_id", "flag", person_tax_number),
)
_LICENCE = (
    Defect("D27", "holder_uscc", "holder_uscc.check_character", "quarantine", wrong_check),
    Defect("D48", "issued_on", "issued_on.repaired", "repair", chinese_date),
    Defect("D50", "valid_to", "valid_to.repaired", "repair", always("2099-12-31")),
    Defect("D51", "valid_to", "licence.valid_after_issue", "quarantine", always("2015/01/01")),
)
_GRADE = (Defect("D17", "taxpayer_no", "taxpayer_no.repaired", "repair", full_width),)
DEFECTS = {
    "market_regulation/legal_entity": _ENTITY,
    "development_reform/admin_permit": _PERMIT,
    "development_reform/admin_penalty": _PENALTY,
    "quality_supervision/organisation_code": _ORGANISATION_CODE,
    "public_sector_reform/institution": (*_NAMED, *_CODED),
    "civil_affairs/social_organisation": (*_NAMED, *_CODED),
    "state_taxation/taxpayer": _TAXPAYER,
    "local_taxation/taxpayer": _TAXPAYER,
    "market_regulation/list_entry": (*_NAMED, *_CODED),
    "court/dishonest_organisation": _NAMED,
    "state_taxation/tax_grade": _GRADE,
    "market_regulation/licence": _LICENCE,
    "development_reform/credit_repair": (
        Defect("D18", "counterpart_uscc", "counterpart_uscc.repaired", "repair", apostrophe),
    ),
}
