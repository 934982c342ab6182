"""How the holder of a post was chosen, as a file says it, compared with what is recorded."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from neighborhood_api.grid.posts.choosing import SELECTION_NAMES, SelectionIn, SelectionKind
from neighborhood_api.grid.posts.selections import CHANGEABLE_DAYS
from neighborhood_api.imports.defusing import restored
from neighborhood_api.imports.reading.tables import Field, Row

HOW: dict[str, SelectionKind] = {
    "推选": SelectionKind.ELECTED,
    "选举": SelectionKind.ELECTED,
    "民选": SelectionKind.ELECTED,
    "提名": SelectionKind.NOMINATED,
    "推荐": SelectionKind.NOMINATED,
    "招聘": SelectionKind.RECRUITED,
    "公开招聘": SelectionKind.RECRUITED,
    "任命": SelectionKind.APPOINTED,
    "委派": SelectionKind.APPOINTED,
    "指派": SelectionKind.APPOINTED,
}
HOW |= {shown: kind for kind, shown in SELECTION_NAMES.items()}
HOW_WORDS = {
    one: next(word for word, kind in HOW.items() if kind is one) for one in SelectionKind
}
TEXTS = {
    Field.SELECTED_BY: ("nominated_by", "提名或任命单位", 60),
    Field.DOCUMENT_NUMBER: ("document_number", "文号", 60),
    Field.SELECTION_NOTE: ("note", "产生说明", 200),
}
VOTES = {
    Field.VOTES_FOR: "votes_for",
    Field.VOTES_CAST: "votes_cast",
    Field.VOTES_ELIGIBLE: "votes_eligible",
}
_MOST_VOTES = 1_000_000
COLUMNS = ("kind", "decided_on", *VOTES.values(), *(name for name, _, _ in TEXTS.values()))
_RECORDED = f"""
SELECT appointment_id, {", ".join(COLUMNS)}, recorded_at, version
FROM appointment_selection WHERE appointment_id = ANY($1)
"""  # noqa: S608  (only our own words)


class Recorded:
    """The records of the appointments that a file may change."""

    def __init__(self) -> None:
        """Know of none."""
        self._rows: dict[UUID, asyncpg.Record] = {}

    async def load(self, connection: asyncpg.Connection, appointments: list[UUID]) -> None:
        """Learn how their holders were chosen."""
        rows = await connection.fetch(_RECORDED, appointments)
        self._rows = {row["appointment_id"]: row for row in rows}

    def version(self, appointment_id: UUID) -> int | None:
        """Return the version of a record, None where there is none."""
        row = self._rows.get(appointment_id)
        return None if row is None else row["version"]

    def compare(
        self, appointment_id: UUID | None, said: dict[str, Any], *, now: datetime
    ) -> tuple[SelectionIn | None, str]:
        """Return the record as it would be, None if it stays, and what is wrong."""
        row = None if appointment_id is None else self._rows.get(appointment_id)
        before = {} if row is None else {name: row[name] for name in COLUMNS}
        wanted = {name: value for name, value in before.items() if value is not None} | said
        if not said or wanted == {k: v for k, v in before.items() if v is not None}:
            return None, ""
        if "kind" not in wanted:
            return None, "请填写产生方式：推选、提名、招聘或任命"
        if "decided_on" not in wanted:
            return None, "填了产生方式，请填写产生日期"
        counts = [wanted[name] for name in VOTES.values() if name in wanted]
        if counts != sorted(counts) or (counts and counts[-1] > _MOST_VOTES):
            return None, "票数不符：赞成票不能多于实到票数，实到票数不能多于应到票数"
        if row is not None and now - row["recorded_at"] > timedelta(days=CHANGEABLE_DAYS):
            return None, "推选或任命记录已超过可修改期限，请清空产生方式等列"
        return SelectionIn(**wanted), ""


def said_of(row: Row) -> tuple[dict[str, Any], str]:
    """Return what a row says of how somebody was chosen, and what is wrong with it."""
    said: dict[str, Any] = {}
    how = row.get(Field.SELECTED_HOW)
    if how is not None:
        if how not in HOW:
            return {}, f"产生方式只能是{'、'.join(HOW_WORDS.values())}"
        said["kind"] = HOW[how].value
    said |= {"decided_on": row.day(Field.SELECTED_ON)}
    said |= {name: row.count(field) for field, name in VOTES.items()}
    for field, (name, words, longest) in TEXTS.items():
        text = row.get(field)
        if text is not None and len(text) > longest:
            return {}, f"{words}超过 {longest} 字，请缩短"
        said[name] = None if text is None else restored(text)
    return {name: value for name, value in said.items() if value is not None}, ""
