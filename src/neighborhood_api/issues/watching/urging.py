"""Rules of urging (催办): the reporter asks where it is, and not too often."""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from neighborhood_api.cases.models import Case, Entry, Hand
from neighborhood_api.cases.service import move_case
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.workflow import Move
from neighborhood_api.identity.access import Actor
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.schema import SHOWN_ZONE

BETWEEN = timedelta(hours=24)
IN_SAME_HANDS = 3
"""The project's own choice: after that only other hands can help, and urging is noise."""


class UrgedLately(Problem):
    """It was urged less than a day ago; `again_at` says when it may be again."""

    title = "It was urged less than 24 hours ago"
    message = "24 小时内只能催办一次，请稍后再催"


class UrgedEnough(Problem):
    """It was urged three times while in the same hands."""

    title = "It was urged three times while in the same hands"
    message = "已催办三次，承办单位均已收到；换人办理后可再催"


async def urge_issue(
    tx: Tx, case: Case, actor: Actor, text: str | None, *, now: datetime
) -> None:
    """Urge a locked issue: once a day, and three times while it stays in the same hands.

    Raises: UrgedLately, UrgedEnough, and whatever `move_case` raises.
    """
    refused = await refuses_urging(tx, case, now=now)
    await move_case(tx, ISSUE, case, Move.URGE, actor, Said(text=text), now=now)
    if refused is not None:
        raise refused
    case.times_urged += 1


async def refuses_urging(tx: ReadTx, case: Case, *, now: datetime) -> Problem | None:
    """Return why an issue cannot be urged just now; None when it can."""
    before = await _urged(tx, case)
    if before and now < before[0] + BETWEEN:
        again_at = (before[0] + BETWEEN).astimezone(SHOWN_ZONE)
        return UrgedLately(again_at=again_at.isoformat(timespec="seconds"))
    since = await _held_since(tx, case)
    often = sum(moment >= since for moment in before) >= IN_SAME_HANDS
    return UrgedEnough() if often else None


async def _urged(tx: ReadTx, case: Case) -> list[datetime]:
    """Return when it was urged last, the latest first, as often as counts."""
    urged = select(Entry.recorded_at).where(
        Entry.case_id == case.id, Entry.move == Move.URGE.value
    )
    latest = urged.order_by(Entry.id.desc()).limit(IN_SAME_HANDS)
    return list(await tx.scalars(latest))


async def _held_since(tx: ReadTx, case: Case) -> datetime:
    """Return since when the same hands hold it."""
    page = select(func.max(Hand.held_from)).where(Hand.case_id == case.id)
    return (await tx.scalars(page)).one()
