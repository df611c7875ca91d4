"""Replaces personal identifiers by keyed tokens and the facts that rules need; after this hop no identifier
exists.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from citylake.contract.meaning import tidy

TOKEN = "TOKEN:"
"""How a token begins that stands in a column of codes or names."""
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999
_CHECKS = "10X98765432"
_PERSON = re.compile(r"[1-8][0-9]{5}(19|20)[0-9]{9}[0-9X]")
_WRITTEN = re.compile(r"[0-9]{15}|[0-9]{17}[0-9X]")
_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


@dataclass(frozen=True)
class ResidentFacts:
    """What a rule may know about an identifier: token, form, check, repair and the facts in its digits."""

    token: str | None
    form: str | None = None  # 18 15 masked malformed
    check: str | None = None  # ok bad
    repaired: str | None = None
    birth_date: str | None = None
    sex_code: str | None = None
    division_code: str | None = None

    def values(self) -> tuple[str | None, ...]:
        """In the order of `contract.bronze.RESIDENT_FACTS`, token first."""
        return (
            self.token,
            self.form,
            self.check,
            self.repaired,
            self.birth_date,
            self.sex_code,
            self.division_code,
        )


EMPTY = ResidentFacts(None)


class Tokens:
    """Keyed tokens of one lake."""

    def __init__(self, key: bytes, key_id: str = "") -> None:
        """`key` is secret; tokens begin with `key_id`, by which they name it."""
        self._key, self._id = key, key_id

    def token(self, text: str) -> str:
        """32 hexadecimal digits, the same for the same text and key."""
        digest = hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
        return (self._id + digest)[:32]

    def mark(self, identifier: str) -> str:
        """The mark of a person who was erased, from an identifier of 18 or 15 digits; no token."""
        whole = identifier
        if len(identifier) == 15:
            whole = f"{identifier[:6]}19{identifier[6:]}"
            whole += check_character(whole)
        return hmac.new(self._key, f"erased {whole}".encode(), hashlib.sha256).hexdigest()[:32]

    def name(self, text: str | None) -> str | None:
        """The token of a personal name; blank stays NULL."""
        clean = (text or "").strip()
        return self.token(clean) if clean else None

    def resident(self, text: str | None) -> ResidentFacts:
        """Token and facts of a resident identifier as delivered."""
        raw = tidy(text or "").strip(" '‘’")
        if not raw:
            return EMPTY
        clean = unicodedata.normalize("NFKC", raw).upper()
        if "*" in clean:
            return ResidentFacts(self.token(clean), "masked")
        clean = _bare(raw) if _WRITTEN.fullmatch(_bare(raw)) else clean
        if re.fullmatch(r"[0-9]{15}", clean):
            whole = f"{clean[:6]}19{clean[6:]}"
            return self._facts(whole + check_character(whole), "15", repaired=True)
        if re.fullmatch(r"[0-9]{17}[0-9X]", clean):
            return self._facts(clean, "18", repaired=clean != text)
        return ResidentFacts(self.token(clean), "malformed")

    def _facts(self, whole: str, form: str, *, repaired: bool) -> ResidentFacts:
        ok = check_character(whole) == whole[17]
        sex = "1" if int(whole[16]) % 2 else "2"
        birth = _date(whole[6:14])
        return ResidentFacts(
            self.token(whole),
            form if birth else "malformed",
            "ok" if ok else "bad",
            "true" if repaired else None,
            birth,
            sex,
            whole[:6],
        )

    def organisation_code(self, text: str | None) -> str | None:
        """A code of an organisation as delivered; a person's identifier found there becomes `TOKEN:…`, in
        capitals as codes are normalised.
        """
        if text is None or len(text) < 18:
            return text
        clean = _bare(text)
        body, shop = clean[:18], clean[18:]
        if (
            _PERSON.fullmatch(body)
            and _date(body[6:14])
            and (shop in ("00", "01", "02") or (shop == "" and _checks_as_person(body)))
        ):
            return f"{TOKEN}{self.token(body).upper()}{shop}"  # the digits tell two shops of one owner apart
        return text


def _bare(text: str) -> str:
    """The digits and letters of a code, in capitals, whatever marks stand around or inside it."""
    return re.sub("[^0-9A-Z]", "", unicodedata.normalize("NFKC", text).upper())


def check_character(identifier: str) -> str:
    """The check character of the first 17 digits (GB 11643-1999, ISO 7064 MOD 11-2)."""
    return _CHECKS[sum(int(d) * w for d, w in zip(identifier[:17], _WEIGHTS, strict=True)) % 11]


def _checks_as_person(body: str) -> bool:
    """One identifier of a person in thirty has the check character of a credit code as well, but hardly one
    its division (characters 3-8).
    """
    return check_character(body) == body[17] and not (body[2] in "12345678" and is_uscc(body))


def is_uscc(code: str) -> bool:
    """Whether the mod 31 check of GB 32100-2015 holds."""
    if len(code) != 18 or any(c not in _USCC for c in code):
        return False
    total = sum(_USCC.index(c) * w for c, w in zip(code[:17], _USCC_WEIGHTS, strict=True))
    return _USCC[(31 - total % 31) % 31] == code[17]


_ORG = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714-1997


def is_organisation_code(code: str) -> bool:
    """Whether a check character says that a code of 15 or 18 characters, which might be a person's
    identifier, is an organisation's.
    """
    if len(code) == 18:
        person = _PERSON.fullmatch(code) and _date(code[6:14]) and code[2] not in "12345678"
        return is_uscc(code) and not person
    digits = len(code) == 15 and code[:14].isdigit()
    return digits and (_is_registration_no(code) or _is_org_code(code[6:]))


def _is_registration_no(code: str) -> bool:
    """GS 15-2006: ISO 7064 MOD 11,10 over 15 digits."""
    if not code.isdigit():
        return False
    rest = 10
    for digit in code[:14]:
        rest = ((rest + int(digit)) % 10 or 10) * 2 % 11
    return (11 - rest) % 10 == int(code[14])


def _is_org_code(code: str) -> bool:
    total = sum(_ORG.index(c) * w for c, w in zip(code[:8], _ORG_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11] == code[8]


def _date(digits: str) -> str | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).isoformat()
    except ValueError:
        return None
