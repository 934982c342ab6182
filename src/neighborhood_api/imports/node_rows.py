"""What a row of a sheet of places says: which node it is about, and what lies above it."""

import re
from collections.abc import Sequence
from datetime import date

from neighborhood_api.identity.places import Level
from neighborhood_api.imports.defusing import restored
from neighborhood_api.imports.reading.tables import Field, Row
from neighborhood_api.imports.tree import Naming, Spot, naming_of

DIGITS = {
    Level.DISTRICT: 12,
    Level.STREET: 12,
    Level.COMMUNITY: 12,
    Level.GRID: 15,
    Level.LANE: 18,
}
CODE = re.compile(r"[0-9]{12}(?:[0-9]{3}){0,2}")
PREFIX = re.compile(r"[A-Z]{2,4}")
LONGEST_NAME = 60
_SAME_POINT = 1e-7
"""Degrees: a centimetre, less than a file's digits say."""


def described(row: Row) -> tuple[str | None, str | None, Naming]:
    """Return the name and the code of the node that a row describes, and what names others.

    Where no column is the node's own, the deepest level named is the node itself.
    """
    name, code, naming = row.get(Field.NAME), row.get(Field.CODE), naming_of(row)
    if name is None and code is None:
        for level in reversed(Level):
            its_name, its_code = naming.levels[level]
            if its_name or its_code:
                name, code, naming = its_name, its_code, naming.upto(level)
                break
    return None if name is None else restored(name), code, naming


def parent_naming(row: Row, naming: Naming, level: Level | None) -> Naming:
    """Return how a row names what lies above its node."""
    above = naming if level is None else naming.upto(level)
    name = row.get(Field.PARENT) or above.place
    return Naming(above.levels, name, row.get(Field.PARENT_CODE) or above.code)


def level_of(code: str | None, row: Row) -> Level | None:
    """Tell the level from a national code, or from the columns that are filled."""
    if code is not None and CODE.fullmatch(code):
        if len(code) > DIGITS[Level.COMMUNITY]:
            return Level.GRID if len(code) == DIGITS[Level.GRID] else Level.LANE
        zeros = len(code) - len(code.rstrip("0"))
        return Level.DISTRICT if zeros >= 6 else Level.STREET if zeros >= 3 else Level.COMMUNITY  # noqa: PLR2004
    if row.get(Field.NAME) is None and row.get(Field.CODE) is None:
        levels = naming_of(row).levels
        deepest = [level for level in Level if levels[level] != (None, None)]
        return deepest[-1] if deepest else None
    return None


def code_above(code: str, level: Level) -> str:
    """Return the code of the node above, as national codes are made."""
    return {
        Level.STREET: code[:6] + "0" * 6,
        Level.COMMUNITY: code[:9] + "0" * 3,
        Level.GRID: code[:12],
    }.get(level, code[:15])


def stem(parent: Spot) -> str:
    """Return what the codes below a node begin with."""
    return (
        parent.code[:6]
        if parent.level == Level.DISTRICT
        else (parent.code[:9] if parent.level == Level.STREET else parent.code)
    )


def wrong_text(row: Row, name: str | None, today: date) -> str:
    """Return what is wrong with a row by itself."""
    if name is not None and len(name) > LONGEST_NAME:
        return f"名称超过 {LONGEST_NAME} 字，请缩短"
    if row.get(Field.VALID_UNTIL) is not None:
        return "停用地点请用网格重组，不能导入；请清空停用日期或删去此行"
    since = row.day(Field.VALID_FROM)
    if since is not None and since > today:
        return "启用日期不能晚于今天；今后启用的地点请用网格重组"
    prefix = row.get(Field.CODE_PREFIX)
    if prefix is not None and not PREFIX.fullmatch(prefix):
        return "编号前缀为 2 至 4 个大写字母，请修改"
    return ""


def point_of(row: Row) -> tuple[float, float] | None:
    """Return the point of a row, longitude first."""
    longitude, latitude = row.degrees(Field.LONGITUDE), row.degrees(Field.LATITUDE)
    if longitude is None or latitude is None:
        return None
    return float(longitude), float(latitude)


def same_point(one: Sequence[float | None], other: Sequence[float | None]) -> bool:
    """Tell whether two points are one."""
    return all(
        b is not None and a is not None and abs(a - b) < _SAME_POINT
        for a, b in zip(one, other, strict=True)
    )
