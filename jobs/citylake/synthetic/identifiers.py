"""Identifiers with valid check characters. Written apart from the rules that judge them, so neither proves
itself.
"""

from __future__ import annotations

USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = [pow(3, i, 31) for i in range(17)]  # GB 32100-2015: 1 3 9 27 19 26 …
_ORG = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714-1997


def org_code(number: int) -> str:
    """An organisation code from the range that GB 11714 keeps for private use, so it never meets a real
    one.
    """
    body = (
        f"PDY{number % 99999 + 1:05d}"
        if number < 99999
        else f"PD{chr(65 + number // 99999)}{number % 99999 + 1:05d}"
    )
    return body + org_check(body)


def org_check(body: str) -> str:
    """The ninth character of GB 11714-1997."""
    rest = 11 - sum(_ORG.index(c) * w for c, w in zip(body, _ORG_WEIGHTS, strict=True)) % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))


def uscc(division: str, org: str) -> str:
    """A unified social credit code of an enterprise (91)."""
    return with_uscc_check(f"91{division}{org}")


def with_uscc_check(body: str) -> str:
    """17 characters and their check (GB 32100-2015)."""
    total = sum(USCC.index(c) * w for c, w in zip(body, _USCC_WEIGHTS, strict=True))
    return body + USCC[-total % 31]


def registration_no(division: str, number: int) -> str:
    """A 15-digit registration number (GS 15-2006, ISO 7064 MOD 11,10)."""
    body = f"{division}{number:08d}"
    p = 10
    for digit in body:
        p = ((p + int(digit)) % 10 or 10) * 2 % 11
    return body + str((11 - p) % 10)


def old_registration_no(division: str, number: int) -> str:
    """A 13-digit registration number, as given before 2007-07-01; it has no check."""
    return f"{division}{number:07d}"


def resident_id(division: str, birth: str, sequence: int) -> str:
    """An 18-character identifier (GB 11643-1999): the number read in base 13 is 1 modulo 11 with its
    check.
    """
    body = f"{division}{birth}{sequence:03d}"
    return body + "0123456789X"[(1 - 2 * int(body, 13)) % 11]
