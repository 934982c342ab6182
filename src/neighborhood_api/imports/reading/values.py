"""One form for what offices write in many: texts, codes, phones, days and numbers."""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache


class Unclear(ValueError):  # noqa: N818  (the cell is unclear, which is no error of the program)
    """A cell cannot be taken; the message says in Chinese what to write instead."""


class Numeric(str):
    """A number as the workbook stores it: digits that mean a double, not a text."""

    __slots__ = ()


class Dated(str):
    """A day that the workbook stores as one, as `2024-03-01`, or with its time."""

    __slots__ = ()


class Broken(str):
    """A cell without a value: an error, or a formula that was never calculated."""

    __slots__ = ()


EXACT = Decimal(10) ** 15
"""Spreadsheets keep 15 digits of a number; what is longer has lost its end."""
MOBILE_DIGITS = 11
LONGEST_EXTENSION = 5
PHANTOM_LEAP_DAY = 60
"""Spreadsheets count a 29 February 1900, which never was."""
LAST_SERIAL = 2_958_466
"""The day after 9999-12-31."""
CHINA_EAST, CHINA_NORTH = (73, 136), (3, 54)
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2100, 12, 31)
_NARROW = {c: c - 0xFEE0 for c in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B))}
_NARROW |= {c: c - 0xFEE0 for c in range(0xFF41, 0xFF5B)}
_NARROW |= {0x3000: " ", 0xA0: " ", 0xFF0D: "-", 0x2212: "-", 0x2010: "-", 0x2011: "-"}
_NARROW |= dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xAD))
_PLAIN = re.compile(r"[0-9A-Za-z+\u4e00-\u9fff（）、，。：\-.#/()·]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_GAPS = re.compile(r"\s+")
_BETWEEN_CHARACTERS = re.compile(r"(?<=[\u3400-\u9fff·])\s+(?=[\u3400-\u9fff·])")
_DEFUSED = re.compile(r"^'(?=[=+\-@＝＋－＠])")
_BLANKS = frozenset("-—–―_/\\.。…")
_NOTHING = re.compile(r"[-—–―_/\\.。…]+")
_KEPT_AS_TEXT = re.compile(r'="([^"]*)"')
_SCIENTIFIC = re.compile(r"\d(?:\.(\d+))?E\+?(\d+)", re.ASCII)
_CODE = re.compile(r"[0-9A-Z][0-9A-Z._-]{0,39}", re.ASCII)
_CREDIT_CODE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}", re.ASCII)
_DATE = re.compile(
    r"(\d{4})\s?[年\-./]\s?(\d{1,2})\s?[月\-./]\s?(\d{1,2})\s?[日号]?(?:[T ]+[\d:.]+Z?)?",
    re.ASCII,
)
_COMPACT_DATE = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)", re.ASCII)
_CHINESE_DATE = re.compile(
    r"([〇○零一二三四五六七八九]{4})年([一二三四五六七八九十]+)月([一二三四五六七八九十]+)[日号]"
)
_CHINESE_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "○": 0}
_MONTH_ONLY = re.compile(r"\d{4}\s?[年\-./]\s?\d{1,2}\s?月?", re.ASCII)
_PART_OF_A_DAY = re.compile(
    r"((?:19|20)\d\d)(?:\s?[年\-./]?|\s?[年\-./]\s?(\d{1,2})\s?月?|(\d\d))", re.ASCII
)
_SHORT_YEAR = re.compile(r"\d{2}\s?[年\-./]\s?\d{1,2}\s?[月\-./]\s?\d{1,2}\s?[日号]?", re.ASCII)
_DISPLAYED_DAY = re.compile(r"\d{1,2}月\d{1,2}日|\d{1,2}-[A-Z][a-z]{2}", re.ASCII)
_COUNT = re.compile(r"(\d{1,9})(?:\.0+)?\s*[人户口个名位]?", re.ASCII)
_YES_OR_NO = dict.fromkeys(("是", "√", "✓", "1", "Y", "YES", "TRUE"), "是")
_YES_OR_NO |= dict.fromkeys(("否", "×", "0", "N", "NO", "FALSE"), "否")
_MOBILE = re.compile(r"1[3-9]\d{9}", re.ASCII)
_LANDLINE = re.compile(r"(0(?:10|2\d|[3-9]\d\d))(\d{7,8})", re.ASCII)
_SHORT_NUMBER = re.compile(r"[1-9]\d{4,7}", re.ASCII)
_SERVICE_NUMBER = re.compile(r"[48]00\d{7}", re.ASCII)
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?", re.ASCII)
_EXTENSION = re.compile(r"\s*(?:转|分机|[-—–])\s*")
_ABROAD = re.compile(r"^(?:\+|00)86-?")
_ROUND = re.compile(r"[()（）]")
_LOST_ZERO = re.compile(r"(?:10|2\d)\d{8}|[3-9]\d{9,10}", re.ASCII)


def clean(text: str, longest: int) -> str:
    """Return a text in half-width letters and digits, without stray spaces.

    Raises: Unclear, for what no text may hold, or for a text that is too long.
    """
    kind = type(text)
    if kind is Numeric or kind is Dated:
        return text
    if kind is Broken:
        raise Unclear(
            f"单元格显示 {text}，请改成正确的内容"
            if text
            else "公式没有算出结果，请复制后用“选择性粘贴—数值”填入"
        )
    if len(text) > longest:
        raise Unclear(f"内容太长，请缩短到 {longest} 字以内")
    if not _PLAIN.fullmatch(text):
        if _CONTROL.search(text):
            raise Unclear("含有看不见的控制字符，请删除后重新填写")
        text = _GAPS.sub(" ", text.translate(_NARROW)).strip()
        text = _DEFUSED.sub("", text, count=1)
    return "" if text[:1] in _BLANKS and _NOTHING.fullmatch(text) else text


def words(text: str) -> str:
    """Return a text as written."""
    return _plain_number(text) if isinstance(text, Numeric) else str(text)


def name(text: str) -> str:
    """Return a name without the spaces that pad it to a width (张　三).

    Raises: Unclear.
    """
    return _BETWEEN_CHARACTERS.sub("", _undated(text))


def door(text: str) -> str:
    """Return a door, a room or a unit without spaces.

    Raises: Unclear, for 3-2 that became a day.
    """
    return _undated(text).replace(" ", "")


def _undated(text: str) -> str:
    if isinstance(text, Dated) or _DISPLAYED_DAY.fullmatch(text):
        raise Unclear("被 Excel 变成了日期；请把整列设为“文本”格式后重新填写，例如 3-2-501")
    return words(text)


def _plain_number(text: str) -> str:
    """Return a number that stands in a column of texts without its `.0` and exponent."""
    number = _number(text)
    if number is None or number != number.to_integral_value() or abs(number) >= EXACT:
        return text
    return str(int(number))


def _number(text: str) -> Decimal | None:
    """Return a number, unless it is infinite or none (NaN)."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _digits(text: str, what: str) -> str:
    """Return digits that a spreadsheet may have turned into a number.

    Raises: Unclear, when some digits are lost.
    """
    lost = (
        f"{what}被 Excel 变成了数字，后几位已经丢失；请把整列设为“文本”格式，重新填写完整{what}"
    )
    if isinstance(text, Numeric):
        number = _number(text)
        whole = number is not None and number == number.to_integral_value()
        if number is None or not whole or not 0 <= number < EXACT:
            raise Unclear(lost)
        return str(int(number))
    quoted = _KEPT_AS_TEXT.fullmatch(text)
    bare = (quoted[1] if quoted else text).replace(" ", "").upper()
    if scientific := _SCIENTIFIC.fullmatch(bare):
        if len(scientific[1] or "") != int(scientific[2]):
            raise Unclear(lost)
        return bare.partition("E")[0].replace(".", "")
    return bare.removesuffix(".0") if bare.removesuffix(".0").isdecimal() else bare


def code(text: str) -> str:
    """Return the code of a place.

    Raises: Unclear.
    """
    bare = _digits(text, "编码")
    if not _CODE.fullmatch(bare):
        raise Unclear("编码只能有数字、字母和短横线，请改正，例如 441322001001001")
    return bare


def credit_code(text: str) -> str:
    """Return the 18 letters and digits of 统一社会信用代码.

    Raises: Unclear.
    """
    bare = _digits(text, "统一社会信用代码")
    if not _CREDIT_CODE.fullmatch(bare):
        raise Unclear("统一社会信用代码应为 18 位数字和大写字母，请核对后填写")
    return bare


def phone(text: str) -> str:
    """Return a phone as `13800138000`, `0752-6622333`, `0752-6622333-801` or `4008001234`.

    Raises: Unclear.
    """
    bare = _EXTENSION.sub("-", _digits(text, "电话"))
    parts = [part for part in _ROUND.sub("", _ABROAD.sub("", bare)).split("-") if part]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise Unclear("电话里只能有一个号码，请只保留一个，例如 13800138000")
    if whole := _known_phone("".join(parts)):
        return whole
    if len(parts) > 1 and len(parts[-1]) <= LONGEST_EXTENSION:
        main = _known_phone("".join(parts[:-1]))
        if main:
            return f"{main}-{parts[-1]}"
    raise Unclear(_wrong_phone("".join(parts)))


def _known_phone(number: str) -> str | None:
    if _MOBILE.fullmatch(number) or _SERVICE_NUMBER.fullmatch(number):
        return number
    if _LOST_ZERO.fullmatch(number):
        number = f"0{number}"
    if landline := _LANDLINE.fullmatch(number):
        return f"{landline[1]}-{landline[2]}"
    return number if _SHORT_NUMBER.fullmatch(number) else None


def _wrong_phone(number: str) -> str:
    if number.startswith("1") and len(number) != MOBILE_DIGITS:
        return f"手机号码应为 11 位，这里是 {len(number)} 位，请核对后填写"
    return "电话写法有误，请写成 13800138000 或 0752-6622333"


@lru_cache(maxsize=4_096, typed=True)
def day(text: str, *, from_1904: bool = False) -> str:
    """Return a day as `2024-03-01`.

    Raises: Unclear.
    """
    if isinstance(text, Numeric) or _SERIAL.fullmatch(text):
        if compact := _COMPACT_DATE.fullmatch(str(text)):
            return _checked_day(*(int(part) for part in compact.groups()))
        return _checked_serial(text, from_1904=from_1904)
    narrow = str(text).strip()
    if match := _DATE.fullmatch(narrow) or _COMPACT_DATE.fullmatch(narrow):
        return _checked_day(*(int(part) for part in match.groups()))
    if match := _CHINESE_DATE.fullmatch(narrow):
        year = int("".join(str(_CHINESE_DIGITS[c]) for c in match[1]))
        return _checked_day(year, _chinese_number(match[2]), _chinese_number(match[3]))
    if _MONTH_ONLY.fullmatch(narrow):
        raise Unclear("日期缺少“日”，请写成 2024-03-01")
    if _SHORT_YEAR.fullmatch(narrow):
        raise Unclear("年份请写四位，例如 2024-03-01")
    raise Unclear("日期写法有误，请写成 2024-03-01")


def birthday(text: str) -> str:
    """Return a day of birth, or the first day of the month or year where only that is known.

    Raises: Unclear.
    """
    if known := _PART_OF_A_DAY.fullmatch(str(text)):
        return _checked_day(int(known[1]), int(known[2] or known[3] or 1), 1)
    return day(text)


def serial_day(serial: Decimal, *, from_1904: bool) -> datetime | None:
    """Return the moment that a workbook's serial number stands for, if it is one."""
    if not 1 <= serial < LAST_SERIAL:
        return None
    if from_1904:
        start = datetime(1904, 1, 1)  # noqa: DTZ001  (a spreadsheet's day has no time zone)
    elif serial < PHANTOM_LEAP_DAY:
        start = datetime(1899, 12, 31)  # noqa: DTZ001
    else:
        start = datetime(1899, 12, 30)  # noqa: DTZ001
    return start + timedelta(seconds=round(float(serial) * 86_400))


def _checked_serial(text: str, *, from_1904: bool) -> str:
    try:
        moment = serial_day(Decimal(text), from_1904=from_1904)
    except InvalidOperation:
        moment = None
    if moment is None or not FIRST_DAY <= moment.date() <= LAST_DAY:
        raise Unclear("日期写法有误，请写成 2024-03-01")
    return moment.date().isoformat()


def _checked_day(year: int, month: int, day_of_month: int) -> str:
    try:
        found = date(year, month, day_of_month)
    except ValueError:
        raise Unclear("没有这一天，请核对日期，例如 2024-03-01") from None
    if not FIRST_DAY <= found <= LAST_DAY:
        raise Unclear("年份有误，请核对日期，例如 2024-03-01")
    return found.isoformat()


def _chinese_number(text: str) -> int:
    """Read 一 to 三十一."""
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return _CHINESE_DIGITS[text[-1]] if len(text) == 1 else 0
    return (_CHINESE_DIGITS.get(tens, 0) if tens else 1) * 10 + _CHINESE_DIGITS.get(ones, 0)


def count(text: str) -> str:
    """Return a whole number, without the word for what is counted (3人).

    Raises: Unclear.
    """
    match = _COUNT.fullmatch(text)
    if not match:
        raise Unclear("请只写数字，例如 3")
    return str(int(match[1]))


def longitude(text: str) -> str:
    """Return degrees east, of China and its surroundings.

    Raises: Unclear.
    """
    return _degrees(text, *CHINA_EAST, "经度请写成小数，例如 114.289634")


def latitude(text: str) -> str:
    """Return degrees north, of China and its surroundings.

    Raises: Unclear.
    """
    return _degrees(text, *CHINA_NORTH, "纬度请写成小数，例如 23.172799")


def _degrees(text: str, least: int, most: int, advice: str) -> str:
    bare = text.strip("°EN东经北纬 ")
    number = _number(bare)
    if number is None:
        raise Unclear(advice)
    if not least <= number <= most:
        raise Unclear(f"超出了中国的范围，请检查经度和纬度是否填反；{advice}")
    return f"{round(number, 8).normalize():f}"


def yes_or_no(text: str) -> str:
    """Return 是 or 否.

    Raises: Unclear.
    """
    known = _YES_OR_NO.get(str(text).upper())
    if known is None:
        raise Unclear("请填写“是”或“否”")
    return known
