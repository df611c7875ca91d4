"""What the catalogue says comes from the contracts, of every table and every column."""

from __future__ import annotations

import re
from pathlib import Path

from citylake.compile.tables import silver_shape
from citylake.contract.catalogue import column_comment, safe_views, table_comment, tags
from citylake.contract.load import load_contracts
from citylake.storage.comments import sql_text
from hypothesis import given
from hypothesis import strategies as st


def test_every_column_has_a_comment_in_both_languages(root: Path) -> None:
    silent = [
        f"{c.id}.{name}"
        for c in load_contracts(root).values()
        for name, said in (
            {x.name: column_comment(c, x) for x in c.columns}
            if c.kind == "mart"
            else {x.name: x.comment for x in silver_shape(c).columns}
        ).items()
        if not (re.search(r"[\u4e00-\u9fff]", said) and re.search(r" / .*[a-zA-Z]{2}", said))
    ]
    assert silent == []


def test_a_table_names_its_owner_key_and_limits(root: Path) -> None:
    for contract in load_contracts(root).values():
        assert contract.owner.name in table_comment(contract)
        assert contract.limitations.zh in table_comment(contract)
        assert tags(contract)["citylake.key"] == " ".join(contract.keys)
        assert all(tags(contract).values()), contract.id


def test_a_table_with_versions_has_a_view_of_the_present_ones(root: Path) -> None:
    """Whatever its key names a time of; the condition speaks of columns that the table has."""
    for contract in (c for c in load_contracts(root).values() if c.kind == "mart"):
        versions = [t for t in ("valid", "known") if f"{t}_from" in contract.keys]
        views = {v.name: v.where for v in safe_views(contract)}
        assert (f"{contract.name}_now" in views) == bool(versions), contract.id
        for where in views.values():
            assert all(f"{t}_to IS NULL" in where for t in versions)
            named = set(re.findall(r"\b[a-z]\w*", re.sub(r"'[^']*'", "", where)))
            assert named <= {c.name for c in contract.columns}, contract.id


def test_no_two_views_share_a_name(root: Path) -> None:
    marts = [c for c in load_contracts(root).values() if c.kind == "mart"]
    names = [c.id for c in marts] + [f"{c.department}/{v.name}" for c in marts for v in safe_views(c)]
    assert len(names) == len(set(names))


@given(st.text())
def test_a_comment_is_one_literal_for_any_client(text: str) -> None:
    literal = sql_text(text)
    assert ";" not in literal and "\n" not in literal
    assert not re.search(r"(?<!\\)(\\\\)*'", literal[1:-1])
