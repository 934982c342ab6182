"""Finding and masking what tells who somebody is: phone, identity and plate numbers.

People write numbers with blanks, dashes and full-width digits; each sign is read as its plain
form and masked at its own place, so the rest of the text stays as it was written.
"""

import re
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import NamedTuple


class Personal(StrEnum):
    """What kind of personal data was found."""

    MOBILE = "mobile"
    LANDLINE = "landline"
    IDENTITY = "identity"
    BANK_CARD = "bank_card"
    PLATE = "plate"
    EMAIL = "email"
    ACCOUNT = "account"


PERSONAL_NAMES: dict[Personal, str] = {
    Personal.MOBILE: "手机号",
    Personal.LANDLINE: "固定电话",
    Personal.IDENTITY: "身份证号",
    Personal.BANK_CARD: "银行卡号",
    Personal.PLATE: "车牌号",
    Personal.EMAIL: "邮箱",
    Personal.ACCOUNT: "微信或QQ号",
}


class Finding(NamedTuple):
    """Where personal data stands in a text."""

    kind: Personal
    start: int
    end: int


_GAP = r"[ \-－—·.]?"
"""What people put between the digits of a number."""
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PATTERNS: tuple[tuple[Personal, re.Pattern[str]], ...] = (
    (Personal.EMAIL, re.compile(r"[\w.+\-]{2,}@[\w\-]+(?:\.[\w\-]+)+", re.ASCII)),
    (
        Personal.IDENTITY,
        re.compile(rf"(?<!\d)[1-9](?:{_GAP}\d){{16}}{_GAP}[\dXx](?![\dA-Za-z])"),
    ),
    (Personal.BANK_CARD, re.compile(rf"(?<!\d)[3-6](?:{_GAP}\d){{15,18}}(?!\d)")),
    (
        Personal.MOBILE,
        re.compile(rf"(?<!\d)(?:\+?86{_GAP})?1{_GAP}[3-9](?:{_GAP}\d){{9}}(?!\d)"),
    ),
    (
        Personal.LANDLINE,
        re.compile(r"(?<!\d)(?:\(0\d{2,3}\)|0\d{2,3})[ \-－]?[2-8]\d{6,7}(?!\d)"),
    ),
    (
        Personal.PLATE,
        re.compile(
            rf"[{_PROVINCES}]\s?[A-Za-z][ ·.\-]?"
            r"(?:[A-Za-z0-9]{5,6}|[A-Za-z0-9]{4}[学警挂领港澳])(?![A-Za-z0-9])"
        ),
    ),
    (
        Personal.ACCOUNT,
        re.compile(
            r"(?:微信号?|wx|weixin|qq号?)[ :：是为]{0,3}([a-z][\w\-]{5,19}|[1-9]\d{4,11})",
            re.IGNORECASE | re.ASCII,
        ),
    ),
)
_PLAIN = {ord("Ａ") + n: ord("A") + n for n in range(26)}
_PLAIN |= {ord("ａ") + n: ord("a") + n for n in range(26)}
_PLAIN |= {ord("０") + n: ord("0") + n for n in range(10)}
_PLAIN |= {ord("＋"): ord("+"), ord("＠"): ord("@"), ord("（"): ord("("), ord("）"): ord(")")}
_PLAIN |= {ord("　"): ord(" "), ord("．"): ord("."), ord("﹣"): ord("-"), ord("–"): ord("-")}


def find_personal(text: str) -> list[Finding]:
    """Return what personal data a text contains, in order and without overlaps."""
    plain = text.translate(_PLAIN)
    found: list[Finding] = []
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(plain):
            group = match.lastindex or 0
            finding = Finding(kind, *match.span(group))
            if _is_real(kind, match.group(group)) and not _overlaps(finding, found):
                found.append(finding)
    return sorted(found, key=lambda finding: finding.start)


def mask_personal(text: str) -> str:
    """Return the text with the middle of every number replaced by asterisks."""
    signs = list(text)
    for finding in find_personal(text):
        places = [n for n in range(finding.start, finding.end) if signs[n].isalnum()]
        for place in _hidden(finding.kind, places):
            signs[place] = "*"
    return "".join(signs)


def _hidden(kind: Personal, places: list[int]) -> list[int]:
    """Choose what to hide: enough that nobody is reached or known by the rest."""
    match kind:
        case Personal.MOBILE:
            return places[-8:-2]
        case Personal.LANDLINE:
            return places[-7:-2]
        case Personal.PLATE:
            return places[3:-1]
        case Personal.EMAIL | Personal.ACCOUNT:
            return places[1:]
        case _:
            return places[3:-2]


def _is_real(kind: Personal, number: str) -> bool:
    """Tell whether digits that look like an identity or a card number can be one."""
    digits = [sign for sign in number.upper() if sign.isalnum()]
    if kind is Personal.IDENTITY:
        return _is_identity(digits)
    return kind is not Personal.BANK_CARD or _passes_luhn(digits)


def _is_identity(digits: list[str]) -> bool:
    """Look for a date of birth only: a mistyped number still tells who somebody is."""
    year, month, day = ("".join(digits[a:b]) for a, b in ((6, 10), (10, 12), (12, 14)))
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True


def _passes_luhn(digits: Iterable[str]) -> bool:
    total = 0
    for place, digit in enumerate(reversed(list(digits))):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004  (Luhn adds the digits)
    return total % 10 == 0


def _overlaps(finding: Finding, others: list[Finding]) -> bool:
    return any(finding.start < other.end and other.start < finding.end for other in others)
