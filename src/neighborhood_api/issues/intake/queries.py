"""The reads of intake."""

from typing import NamedTuple
from uuid import UUID

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.policy import readable
from neighborhood_api.identity.access import GRANTED, Actor, Forbidden
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.queries import IssueRow, issue_rows
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.paging import PageRequest


class IntakeRow(NamedTuple):
    """An issue with who spoke for it."""

    id: UUID
    issue: IssueRow
    channel: str
    caller_name: str | None
    """With the number None once the caller was erased."""
    caller_phone: str | None
    account: bool


async def list_intake(tx: ReadTx, actor: Actor, page: PageRequest) -> list[IntakeRow]:
    """Return one page of what the caller took in for others and may still see, newest first.

    Raises: Forbidden for callers who take in nothing, BadCursor.
    """
    if not any(ISSUE.intake in GRANTED[post.role] for post in actor.posts):
        raise Forbidden(permission=ISSUE.intake.value)
    mine = (
        issue_rows()
        .add_columns(
            Issue.channel,
            Issue.caller_name,
            Issue.caller_phone,
            Case.reporter_id.is_not(None),
        )
        .where(
            Case.reported_by_id == actor.person_id,
            Case.reporter_id.is_distinct_from(Case.reported_by_id),
            Case.id < page.below,
            readable(ISSUE, actor),
        )
        .order_by(Case.id.desc())
        .limit(page.fetch)
    )
    width = len(IssueRow._fields)
    rows = [(IssueRow(*row[:width]), row[width:]) for row in await tx.execute(mine)]
    return [IntakeRow(issue.id, issue, *more) for issue, more in rows]
