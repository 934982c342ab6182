"""How merged issues follow the one that they are handled with."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext
from sqlalchemy import select

from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.cases.service import lock_case, move_case
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.workflow import Move, State
from neighborhood_api.issues.publishing.masking import mask_personal
from neighborhood_api.issues.together.parting import part_from_main
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
        await part_from_main(tx, follower)
    elif main.standing in _STILL_HOLDS[state]:
        result = await _result(tx, await tx.get_one(Entry, entry_id))
        told = mask_personal(result.text or "")  # it was said to another reporter
        said = Said(text=f"主件 {main.code}：{told}", file_ids=result.file_ids)
        await move_case(tx, ISSUE, follower, Move.FOLLOW, None, said, now=now, to=state)
        if state is State.RESOLVED:  # whose work it was does not say how good it is
            follower.resolved_by_id = main.resolved_by_id


async def _result(tx: Tx, entry: Entry) -> Entry:
    """Return the line that says what was done: a check need say nothing of its own."""
    if entry.move != Move.VERIFY.value:
        return entry
    checked = select(Entry).where(
        Entry.case_id == entry.case_id,
        Entry.move == Move.RESOLVE.value,
        Entry.id < entry.id,
    )
    return (await tx.scalars(checked.order_by(Entry.id.desc()).limit(1))).one()


for past in ("resolved", "verified", "rejected", "withdrawn"):
    on_named(f"issues.issue_{past}", "issues.follow_main")
