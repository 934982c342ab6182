"""Codes of plates in a sheet of places: what hangs stays, and no code is given twice."""

import re

import asyncpg

from neighborhood_api.identity.places import Level
from neighborhood_api.imports.outcomes import Verdict
from neighborhood_api.imports.reading.tables import Field, Row
from neighborhood_api.imports.tree import Spot

PLATE = re.compile(r"[0-9A-Z._-]{4,30}")
"""As the code of a mini-program carries it."""
_TAKEN = "SELECT plate_code FROM node WHERE plate_code = ANY($1)"


class Plates:
    """The codes that a file gives to lanes which have none yet."""

    def __init__(self) -> None:
        """Begin without any."""
        self._given: dict[str, Verdict] = {}

    def note(self, verdict: Verdict, row: Row, spot: Spot, lane: str) -> bool:
        """Give a lane the code of its row; tell whether it got it. `lane` is what it is called.

        A code that is registered stays: plates with it hang there.
        """
        code = row.get(Field.PLATE_CODE)
        if code is None or code == spot.plate_code:
            return False
        if spot.level != Level.LANE:
            verdict.fault(f"只有{lane}有公示牌，请清空公示牌编号")
        elif not PLATE.fullmatch(code):
            verdict.fault("公示牌编号应为 4 至 30 位大写字母或数字，请修改")
        elif spot.plate_code is not None:
            verdict.warn(f"公示牌编号登记为 {spot.plate_code}，不随表修改")
        elif code in self._given:
            verdict.fault(f"公示牌编号 {code} 在文件中出现多次，请核对")
        else:
            self._given[code] = verdict
            spot.plate_code = code
            return True
        return False

    async def refuse_taken(self, connection: asyncpg.Connection) -> None:
        """Refuse codes that other places have, or had: their plates may still hang."""
        if not self._given:
            return
        for row in await connection.fetch(_TAKEN, list(self._given)):
            code = row["plate_code"]
            words = f"公示牌编号 {code} 已被其他地点使用，请核对，或清空后自动编号"
            self._given[code].fault(words)


def differs(row: Row, spot: Spot) -> bool:
    """Tell whether another row of a lane that gets its code here names another one."""
    code = row.get(Field.PLATE_CODE)
    open_ = spot.is_new or spot.plate_code is None
    return open_ and code is not None and code != spot.plate_code
