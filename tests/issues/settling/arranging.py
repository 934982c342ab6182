"""Issues that are settled, and what the database knows of it."""

from typing import Any

from sqlalchemy import select

from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.cases.timekeeping import Purpose, Timer
from neighborhood_api.issues.settling.models import CallBack
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.support.issues import Street


async def case_of(tx: Tx, issue_id: str) -> Case:
    """The case as it is stored."""
    one = select(Case).where(Case.id == issue_id)
    return (await tx.scalars(one.execution_options(populate_existing=True))).one()


async def entries_of(tx: Tx, issue_id: str, move: str) -> list[Entry]:
    """The lines of one kind of move, the oldest first."""
    mine = select(Entry).where(Entry.case_id == issue_id, Entry.move == move)
    return list(await tx.scalars(mine.order_by(Entry.id)))


async def timers_of(tx: Tx, issue_id: str, purpose: Purpose) -> list[Timer]:
    """The clocks of one purpose, the oldest first."""
    mine = select(Timer).where(Timer.case_id == issue_id, Timer.purpose == purpose.value)
    fresh = mine.order_by(Timer.id).execution_options(populate_existing=True)
    return list(await tx.scalars(fresh))


async def call_backs_of(tx: Tx, issue_id: str) -> list[CallBack]:
    """The call-backs of an issue, the oldest first."""
    mine = select(CallBack).where(CallBack.case_id == issue_id).order_by(CallBack.id)
    return list(await tx.scalars(mine.execution_options(populate_existing=True)))


async def announced(tx: Tx, name: str) -> list[dict[str, Any]]:
    """The payloads of the events of that name."""
    named = select(OutboxRow.payload).where(OutboxRow.name == name).order_by(OutboxRow.id)
    return list(await tx.scalars(named))


async def confirmed(street: Street, **changes: Any) -> str:  # noqa: ANN401
    """An issue that the reporter has confirmed and not rated yet."""
    issue_id = await street.resolved(**changes)
    await street.done(street.reporter, issue_id, "confirm")
    return issue_id


async def rated(street: Street, rating: int, **changes: Any) -> str:  # noqa: ANN401
    """An issue that is closed with a rating."""
    issue_id = await confirmed(street, **changes)
    await street.done(street.reporter, issue_id, "rate", rating=rating)
    return issue_id


async def settled_again(street: Street, issue_id: str) -> None:
    """Reopen, settle one level up, and confirm."""
    await street.done(street.reporter, issue_id, "reopen", text="又满了")
    await street.done(street.leader, issue_id, "accept")
    await street.done(street.leader, issue_id, "resolve", text="加了一个桶")
    await street.done(street.reporter, issue_id, "confirm")
