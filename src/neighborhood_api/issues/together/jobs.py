"""How merged issues follow the one that they are handled with."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext
from sqlalchemy import select

from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.cases.service import lock_case, move_case
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.workflow import Move, State
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.jobs import PATIENT, database_of, on_named

jobs = Blueprint()

_ENDS = {State.RESOLVED, State.REJECTED, State.WITHDRAWN}
_STILL_HOLDS = {
    State.RESOLVED: {State.RESOLVED, State.CONFIRMED, State.CLOSED},
    State.REJECTED: {State.REJECTED},
}
"""Where the main issue may be by now if its end has not been undone: its reporter may be
quicker than the job."""


@jobs.task(name="issues.follow_main", pass_context=True, retry=PATIENT)
async def follow_main(
    context: JobContext, /, case_id: str, entry_id: str, to_state: str, **_: object
) -> None:
    """Settle what was merged as its main issue was; let it go on where that was withdrawn."""
    if State(to_state) not in _ENDS:
        return
    database = database_of(context)
    for follower_id in await _followers(database, UUID(case_id)):
        async with database.transaction() as tx:
            await _follow(tx, UUID(case_id), follower_id, UUID(entry_id), State(to_state))


async def _followers(database: Database, main_id: UUID) -> list[UUID]:
    merged = select(Case.id).where(Case.main_id == main_id, Case.state == State.MERGED.value)
    async with database.transaction() as tx:
        return list(await tx.scalars(merged.order_by(Case.id)))


async def _follow(
    tx: Tx, main_id: UUID, follower_id: UUID, entry_id: UUID, state: State
) -> None:
    """Move one follower, unless it or the main issue went on meanwhile."""
    pair = {one: await lock_case(tx, ISSUE, one) for one in sorted((main_id, follower_id))}
    main, follower = pair[main_id], pair[follower_id]
    if follower.standing is not State.MERGED or follower.main_id != main_id:
        return
    now = datetime.now(UTC)
    if state is State.WITHDRAWN:
        words = Said(text="主件已撤回，恢复单独办理")
        await move_case(tx, ISSUE, follower, Move.UNMERGE, None, words, now=now)
        follower.main_id = None
    elif main.standing in _STILL_HOLDS[state]:
        entry = await tx.get_one(Entry, entry_id)
        said = Said(text=f"主件 {main.code}：{entry.text or ''}", file_ids=entry.file_ids)
        await move_case(tx, ISSUE, follower, Move.FOLLOW, None, said, now=now, to=state)


for past in ("resolved", "verified", "rejected", "withdrawn"):
    on_named(f"issues.issue_{past}", "issues.follow_main")
