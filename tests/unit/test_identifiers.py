"""The city's identifiers against an independent implementation, and the decoder's facts about residents."""

from __future__ import annotations

from datetime import date

import pytest
from citylake.privacy.tokens import Tokens, check_character, is_uscc
from citylake.synthetic import identifiers as ids
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn  # noqa: F401  (the package is the oracle; its absence must fail here)
from stdnum.cn import ric
from stdnum.cn import uscc as oracle
from stdnum.iso7064 import mod_11_10


@given(st.integers(0, 90000), st.sampled_from(["210102", "210112", "210181"]))
def test_credit_codes_of_the_city_hold_for_the_oracle(number: int, division: str) -> None:
    code = ids.uscc(division, ids.org_code(number))
    assert oracle.calc_check_digit(code[:17]) == code[17]
    assert is_uscc(code)


@given(st.integers(0, 10**8 - 1))
def test_registration_numbers_hold_for_the_oracle(number: int) -> None:
    assert mod_11_10.is_valid(ids.registration_no("210112", number))


@given(st.dates(date(1920, 1, 1), date(2015, 12, 31)), st.integers(1, 999))
def test_resident_identifiers_hold_for_the_oracle(born: date, sequence: int) -> None:
    whole = ids.resident_id("210102", f"{born:%Y%m%d}", sequence)
    assert ric.calc_check_digit(whole) == whole[17] == check_character(whole)


@given(st.text("0123456789", min_size=17, max_size=17))
def test_check_character_equals_the_base_13_form(body: str) -> None:
    assert check_character(body + "0") == "0123456789X"[(1 - 2 * int(body, 13)) % 11]


def test_old_and_new_identifier_of_one_person_share_a_token() -> None:
    tokens = Tokens(b"k")
    old, new = tokens.resident("210122821103304"), tokens.resident("210122198211033048")
    assert old.token == new.token
    assert (old.form, old.repaired, new.form, new.repaired) == ("15", "true", "18", None)


@pytest.mark.parametrize(
    ("text", "form", "check"),
    [
        ("21012219821103304x", "18", "bad"),
        ("2101221982110330", "malformed", None),
        ("3423011964****3224", "masked", None),
        ("210122198213033048", "malformed", "bad"),
    ],
)
def test_what_an_identifier_says_of_itself(text: str, form: str, check: str | None) -> None:
    facts = Tokens(b"k").resident(text)
    assert facts.form == form
    assert check is None or facts.check in ("ok", "bad")


def test_a_person_in_a_company_column_becomes_a_token() -> None:
    tokens = Tokens(b"k")
    assert (tokens.organisation_code("210122198211033048") or "").startswith("TOKEN:")
    assert tokens.organisation_code("91210112PDY00001XB") == "91210112PDY00001XB"
    # its first 18 characters have the check character of a credit code, by chance
    assert (tokens.organisation_code("21010519730711547700") or "").startswith("TOKEN:")
    assert (tokens.organisation_code("210105197307115477") or "").startswith("TOKEN:")
    assert tokens.organisation_code(None) is None


@pytest.mark.parametrize("form", ["“{}”", "'{}", '"{}"', "《{}》", "({})", "{}。", "证号:{}", "2101 {}"])
def test_no_mark_around_a_person_hides_him_in_a_company_column(form: str) -> None:
    person = "210122198211033048"
    text = form.replace("2101 {}", f"{person[:6]} {person[6:14]} {person[14:]}").format(person)
    assert (Tokens(b"k").organisation_code(text) or "").startswith("TOKEN:")
    assert Tokens(b"k").resident(text).token == Tokens(b"k").resident(person).token
