"""How acts are shown so that somebody in an office can read them."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.grid.models import Node
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.schema import SHOWN_ZONE, Moment, Out
from neighborhood_api.operation.act_names import act_name
from neighborhood_api.operation.act_words import CODE_NAMES, FIELD_NAMES, TABLE_NAMES

_YES_OR_NO = {True: "是", False: "否"}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*[+-]\d\d:\d\d$")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class ActFieldOut(Out):
    """One field that an act changed, to be shown as it is."""

    field: str
    """字段 · Which field."""
    field_name: str
    """字段名称，直接显示 · What it is called."""
    before: str | None
    """变更前，直接显示；没有为空 · As it was; null for nothing."""
    after: str | None
    """变更后，直接显示；没有为空 · As it is; null for nothing."""


class ActChangeOut(Out):
    """One row that an act changed."""

    table: str
    """数据表 · Which table."""
    table_name: str
    """记录类型，如 任职、值班 · What such rows are called."""
    id: str
    """记录编号 · Which row."""
    before: dict[str, Any] | None
    """变更前；新增为空 · Before; null for a new row."""
    after: dict[str, Any] | None
    """变更后；删除为空 · After; null for a deleted row."""
    fields: list[ActFieldOut]
    """逐项的变更前后，直接显示 · The same field by field, to be shown as it is."""


class ActOut(Out):
    """One administrative change; never changed, never deleted."""

    id: UUID
    what: str
    """做了什么，如 grid.appointment_made · What was done."""
    what_name: str
    """做了什么，直接显示，如 任命岗位 · The same, to be shown as it is."""
    subject: str
    """对象编号 · To what."""
    by_id: UUID
    by_name: str | None
    """操作人；已注销为空 · Who did it; null once she was erased."""
    at: Moment
    detail: dict[str, Any]
    """补充信息 · More about it: ids, codes, numbers and days."""
    detail_names: dict[str, str]
    """补充信息各项的名称 · What the fields of the detail are called."""
    place_names: dict[str, str]
    """对象和补充信息中的地点名称，按编号 · What the places named by id are called."""
    changes: list[ActChangeOut]
    """变更前后，最多 50 条 · Rows before and after, up to 50."""
    more_changes: int
    """未列出的条数 · How many more rows changed."""


async def act_views(tx: ReadTx, acts: Sequence[tuple[Act, str | None]]) -> list[ActOut]:
    """Show acts with who did them; the places that they name are read in one statement."""
    named = {text for act, _ in acts for text in _texts([act.subject, act.detail])}
    ids = [UUID(text) for text in named if _ID.fullmatch(text)]
    rows = await tx.execute(select(Node.id, Node.name).where(Node.id.in_(ids)))
    places = {str(node_id): name for node_id, name in rows}
    return [_view(act, by_name, places) for act, by_name in acts]


def _view(act: Act, by_name: str | None, places: dict[str, str]) -> ActOut:
    detail = dict(act.detail)
    rows = detail.pop("changes", [])
    told = {act.subject, *_texts(detail)}
    return ActOut(
        id=act.id,
        what=act.what,
        what_name=act_name(act.what),
        subject=act.subject,
        by_id=act.person_id,
        by_name=by_name,
        at=act.acted_at,
        detail=detail,
        detail_names={one: FIELD_NAMES[one] for one in _names(detail) if one in FIELD_NAMES},
        place_names={one: places[one] for one in sorted(told & places.keys())},
        changes=[_change(row, places) for row in rows if "more" not in row],
        more_changes=sum(row.get("more", 0) for row in rows),
    )


def _change(row: dict[str, Any], places: dict[str, str]) -> ActChangeOut:
    before, after = row["before"] or {}, row["after"] or {}
    return ActChangeOut(
        **row,
        table_name=TABLE_NAMES.get(row["table"], row["table"]),
        fields=[
            ActFieldOut(
                field=field,
                field_name=FIELD_NAMES.get(field, field),
                before=_shown(field, before.get(field), places),
                after=_shown(field, after.get(field), places),
            )
            for field in before | after
        ],
    )


def _shown(field: str, value: Any, places: dict[str, str]) -> str | None:  # noqa: ANN401
    """Write a value as somebody reads it: codes and places by name, moments in China's time."""
    if value is None:
        return None
    if isinstance(value, bool):
        return _YES_OR_NO[value]
    if isinstance(value, list):
        return "、".join(filter(None, (_shown(field, one, places) for one in value)))
    if isinstance(value, dict):
        told = ((name, _shown(name, one, places)) for name, one in value.items())
        return "；".join(f"{FIELD_NAMES.get(name, name)}：{text}" for name, text in told)
    text = str(value)
    if _MOMENT.match(text):
        return f"{datetime.fromisoformat(text).astimezone(SHOWN_ZONE):%Y-%m-%d %H:%M}"
    return CODE_NAMES.get(field, {}).get(text) or places.get(text) or text


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401  (plain JSON)
    """Give every text that stands somewhere in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)


def _names(detail: dict[str, Any]) -> Iterator[str]:
    """Give the names of all fields of a detail, and of those that it says were changed."""
    for name, value in detail.items():
        yield name
        if isinstance(value, dict):
            yield from _names(value)
        elif name == "changed" and isinstance(value, list):
            yield from (one for one in value if isinstance(one, str))
