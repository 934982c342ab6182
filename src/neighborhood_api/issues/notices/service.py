"""Rules of what the reporter of an issue is told, and when."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select

from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.cases.workflow import Move, State
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Handle
from neighborhood_api.kit.reads import Query
from neighborhood_api.notifications.service import Message, Subject, notify

TOLD_WITHIN = timedelta(days=7)
"""What is older was imported, or has been found out otherwise."""
RESOLVED = "诉求已办结，请确认"
TITLES: dict[Move, str] = {
    Move.REPORT: "工作人员已为您登记诉求",
    Move.ACCEPT: "诉求已受理",
    Move.TAKE_OVER: "诉求已转交承办单位",
    Move.RESPOND: "承办人回应了您的诉求",
    Move.ASK: "请补充诉求的情况",
    Move.RESOLVE: RESOLVED,
    Move.VERIFY: RESOLVED,
    Move.REFUSE_RESULT: "核查未通过，继续办理",
    Move.REJECT: "诉求不予受理",
    Move.SUSPEND: "诉求暂缓办理",
    Move.EXTEND: "诉求办理时限延长",
    Move.REOPEN: "诉求已重新办理",
    Move.MERGE: "诉求已并案办理",
    Move.FOLLOW: RESOLVED,
    Move.CLOSE: "诉求已结案",
    Move.REMEDY: "整改情况已答复",
    Move.COMMENT: "诉求有新留言",
}
"""The moves that a reporter is told of, and as what."""


class MovedRow(NamedTuple):
    """A line of a timeline, and whose issue it is."""

    entry_id: UUID
    move: str
    to_state: str
    text: str | None
    recorded_at: datetime
    by_id: UUID | None
    internal: bool
    issue_id: UUID
    code: str
    confidential: bool
    reporter_id: UUID | None


MOVED = Query(
    select(
        Entry.id.label("entry_id"),
        Entry.move,
        Entry.to_state,
        Entry.text,
        Entry.recorded_at,
        Entry.person_id.label("by_id"),
        Entry.internal,
        Case.id.label("issue_id"),
        Case.code,
        Case.confidential,
        Case.reporter_id,
    )
    .join(Case, Case.id == Entry.case_id)
    .where(Entry.id == bindparam("id", type_=Uuid), Case.kind == ISSUE.kind),
    MovedRow,
)


async def tell_reporter(handle: Handle, entry_id: UUID, *, now: datetime) -> None:
    """Tell the reporter of an issue of a move that others made, once.

    Of a report on a person nothing is said but its code: a phone lies about.
    """
    row = await MOVED.first(handle, id=entry_id)
    if row is None or row.reporter_id is None or row.reporter_id == row.by_id:
        return
    title = None if row.internal else _title(row)
    if title is None or now - row.recorded_at > TOLD_WITHIN:
        return
    said = row.text if row.text and not row.confidential else "详情请打开查看"
    await notify(
        handle,
        row.reporter_id,
        ISSUE.announced[Move(row.move)],
        Subject("issue", row.issue_id),
        title=title,
        body=f"{row.code}：{said}",
        at_most_once_key=f"issue:{row.entry_id}",
        now=now,
        message=Message("issues", about=row.code),
    )


def _title(row: MovedRow) -> str | None:
    if row.to_state == State.VERIFYING and row.move == Move.RESOLVE:
        return None  # whoever checks it has the next word
    if row.to_state == State.REJECTED:
        return TITLES[Move.REJECT]
    return TITLES.get(Move(row.move))
