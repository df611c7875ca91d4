"""Red lines: what no contract may hold, judged by types, subject and grain, then by what its texts say.

`docs/engineers/red-lines.md` explains every id. No override exists, save the reviewed mark `freeText`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from citylake.contract import redline_words as w
from citylake.contract.model import SemanticType
from citylake.contract.source import Place

POPULATION = "civil_affairs"
"""The department that leads population (0004): the only one whose contracts may be about persons."""

SMALLEST_COUNT = 10
OF_PERSONS = {"age_years"}
"""Types that tell persons apart beside those that are classified as restricted."""

REGISTER_TYPES = {
    "date",
    "end_date",
    "document_no",
    "division_code",
    "street_code",
    "area_code",
    "movement_kind_code",
}
"""What a contract about persons may say of one beside personal types and their restricted attributes."""

FORMATTED = {
    "division_code",
    "street_code",
    "area_code",
    "uscc",
    "org_code",
    "registration_no",
    "taxpayer_no",
}
ORGANISATION = {"uscc", "org_code", "registration_no", "taxpayer_no"}
"""Types that identify an organisation."""


@dataclass(frozen=True)
class Field:
    """One column as the red lines see it."""

    place: Place
    name: str
    texts: tuple[str, ...]
    type: SemanticType
    key: bool
    reviewed: bool

    @property
    def personal(self) -> bool:
        """Whether it identifies a person."""
        return self.type.personal != "none"

    @property
    def held(self) -> bool:
        """Whether it identifies a person and leaves landing, as a token."""
        return self.personal and self.type.personal != "drop"

    @property
    def attribute(self) -> bool:
        """Whether it describes persons: birth, sex, age, ethnicity, marriage, household."""
        return not self.personal and (
            self.type.classification == "restricted" or self.type.name in OF_PERSONS
        )

    @property
    def of_organisation(self) -> bool:
        """Whether it names or identifies an organisation."""
        return self.type.name in {*ORGANISATION, "organisation_name", "organisation_card"}

    @property
    def open_text(self) -> bool:
        """Whether anything may stand in it."""
        return self.type.physical == "STRING" and self.type.codes is None and self.type.name not in FORMATTED


@dataclass(frozen=True)
class Table:
    """A contract as the red lines see it."""

    department: str
    mart: bool
    grain: tuple[str, ...]
    says: tuple[str, ...]
    suppressed: int
    place: Place
    fields: tuple[Field, ...] = field(default=())

    @property
    def of_organisations(self) -> bool:
        """Whether it identifies organisations and has no person as its key."""
        kinds = {f.type.name for f in self.fields}
        return bool(kinds & ORGANISATION) and not self.keyed_by_person

    @property
    def keyed_by_person(self) -> bool:
        """Whether one row is about one person, by its key or by its own words."""
        keys = [f for f in self.fields if f.key]
        named = [f for f in keys if f.personal or w.IDENTIFIER.met(f.texts)]
        return bool(named) or w.PER_PERSON.met(self.grain)

    @property
    def about_persons(self) -> bool:
        """Whether persons are its subject: it tells of one by type or grain, and of no organisation."""
        return self.keyed_by_person or (not self.of_organisations and any(f.held for f in self.fields))


Broken = tuple[Place, str, str]


def broken(table: Table) -> Iterator[Broken]:
    """(place, rule, text) of each red line that a contract crosses; of one column the first."""
    crossed = set()
    for place, rule, text in (*_of_the_table(table), *_of_the_fields(table)):
        if place not in crossed:
            crossed.add(place)
            yield place, f"redline.{rule}", f"{text}: the lake holds no such data about persons"


def _of_the_table(table: Table) -> Iterator[Broken]:
    if table.mart and table.keyed_by_person:
        yield table.place, "person_grain", "a mart with one row per person"
    elif not table.mart and table.about_persons and table.department != POPULATION:
        yield table.place, "person_subject", f"persons are the subject, and only {POPULATION} registers them"
    counted = [f for f in table.fields if f.key and (f.attribute or w.APART.met(f.texts))]
    if table.mart and counted and table.suppressed < SMALLEST_COUNT:
        text = f"counts by '{counted[0].name}' without suppressBelow of at least {SMALLEST_COUNT}"
        yield (*table.place, "customProperties"), "small_counts", text
    for rule, meaning, but in SUBJECTS:
        if meaning.met(table.says) and not (but and but.met(table.says)):
            yield (*table.place, "name"), rule, "its purpose"
    if w.PERSONS_SCORED.met(table.says):
        yield (*table.place, "name"), "score", "it judges persons"


def _of_the_fields(table: Table) -> Iterator[Broken]:
    for f in table.fields:
        rule = _by_subject(f) or _by_judgement(table, f) or _by_type(table, f) or _by_words(table, f)
        if rule:
            yield (*f.place, "name"), rule, f"'{f.name}'"


SUBJECTS = (
    ("biometric", w.BIOMETRIC, w.NOT_BIOMETRIC),
    ("plate", w.PLATE, w.NOT_PLATE),
    ("device", w.DEVICE, None),
    ("trip", w.TRIP, w.NOT_TRIP),
)


def refused_name(name: str) -> bool:
    """Whether a column of this name is refused whatever it holds."""
    return any(meaning.met((name,)) and not (but and but.met((name,))) for _, meaning, but in SUBJECTS)


def _by_subject(f: Field) -> str | None:
    return next(
        (r for r, meaning, but in SUBJECTS if meaning.met(f.texts) and not (but and but.met(f.texts))), None
    )


def _by_type(table: Table, f: Field) -> str | None:
    if table.mart and (f.personal or f.type.name == "birth_date"):
        return "person_in_mart"
    if f.held and table.of_organisations and not w.ROLE.met(f.texts):
        return "person_subject"
    allowed = f.personal or f.attribute or f.type.name in REGISTER_TYPES
    if table.about_persons and not table.mart and not allowed:
        return "beside_a_person"
    return None


def _by_words(table: Table, f: Field) -> str | None:
    """Persons by another type than theirs: identified, named, called or described."""
    if f.personal or f.attribute or w.KIND_OF.met((f.name, f.texts[1])):
        return None
    if w.IDENTIFIER.met(f.texts):
        return "identifier"
    if w.CONTACT.met(f.texts) or (w.PHONE.met(f.texts) and not table.of_organisations):
        return "contact"
    if f.open_text and w.NAME.met(f.texts) and not (f.of_organisation and w.OF_ORGANISATION.met(f.texts)):
        return "name"
    return "free_text" if f.open_text and w.PERSON.met(f.texts) and not f.reviewed else None


def _by_judgement(table: Table, f: Field) -> str | None:
    """Whether it scores, ranks or grades persons; how many are so is a count."""
    judged = w.JUDGED.met(f.texts)
    if table.keyed_by_person:
        return "score" if judged or w.GRADED.met(f.texts) else None
    counted = f.type.name == "count_number" and not w.SCORED.met(f.texts)
    return "score" if judged and not counted and w.PERSON.met(f.texts) else None


def table_of(data: dict[str, Any], at: int, types: Mapping[str, SemanticType]) -> Table:
    """What the red lines need of table number `at` of a contract's YAML."""
    table, place = data["schema"][at], ("schema", at)
    props = _properties(table)
    purpose = str((data.get("description") or {}).get("purpose", ""))
    titles = (str(table.get("name", "")), str(table.get("businessName", "")), str(props.get("titleEn", "")))
    return Table(
        department=str(data.get("id", "")).split("/")[0],
        mart=props.get("kind") == "mart",
        grain=(str(table.get("dataGranularityDescription", "")),),
        says=(*titles, purpose, str(table.get("description", ""))),
        suppressed=int(props.get("suppressBelow") or 0),
        place=place,
        fields=tuple(
            _field((*place, "properties", j), c, types)
            for j, c in enumerate(table.get("properties", []))
            if _properties(c).get("type") in types
        ),
    )


def _field(place: Place, column: dict[str, Any], types: Mapping[str, SemanticType]) -> Field:
    props = _properties(column)
    headers = (str(s.get("synonym", "")) for s in column.get("synonyms", []))
    name, label = str(column.get("name", "")), str(column.get("businessName", ""))
    told = (str(props.get("en", "")), str(column.get("description", "")), *headers)
    kind = types[str(props["type"])]
    return Field(place, name, (name, label, *told), kind, bool(column.get("primaryKey")), "freeText" in props)


def _properties(holder: dict[str, Any]) -> dict[str, Any]:
    return {str(item["property"]): item.get("value") for item in holder.get("customProperties", [])}
