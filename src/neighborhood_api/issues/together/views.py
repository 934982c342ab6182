"""How shared issues are shown."""

from datetime import datetime

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.policy import reads_as_staff
from neighborhood_api.cases.service import find_case
from neighborhood_api.cases.workflow import Move, State
from neighborhood_api.files.links import Links
from neighborhood_api.identity.access import Actor
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.publishing.masking import mask_personal
from neighborhood_api.issues.queries import TIMELINE
from neighborhood_api.issues.together.queries import MERGED, MergedRow, SharedRow
from neighborhood_api.issues.together.schemas import (
    MainOut,
    MergedOut,
    SharedOut,
    SimilarOut,
    TogetherOut,
)
from neighborhood_api.issues.views import entry_view, hand_name, read_issue_row, show_photos
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import ReadTx

_PROGRESS = frozenset(
    {
        Move.ACCEPT,
        Move.RESPOND,
        Move.RESOLVE,
        Move.REJECT,
        Move.ESCALATE,
        Move.DISPATCH,
        Move.TRANSFER,
        Move.TAKE_OVER,
        Move.SUSPEND,
        Move.RESUME,
        Move.EXTEND,
        Move.VERIFY,
        Move.CLOSE,
    }
)
"""What staff did with the main issue, as far as it concerns everybody who reported it."""


NOT_PUBLIC = "该诉求目前不公开"


def shared_view(row: SharedRow, actor: Actor, links: Links, *, now: datetime) -> SharedOut:
    """Show an issue to somebody who supports it: while it is not public, only how far it is."""
    shown = _shown(row, actor, links, now)
    if not (row.published or shown.mine):
        shown.text = NOT_PUBLIC
    return shown


def similar_view(
    found: tuple[SharedRow, int | None, float], actor: Actor, links: Links, *, now: datetime
) -> SimilarOut:
    """Show a likely duplicate to somebody who may see it."""
    row, metres, likely = found
    shown = _shown(row, actor, links, now)
    return SimilarOut(**dict(shown), metres=metres, likelihood=likely)


def _shown(row: SharedRow, actor: Actor, links: Links, now: datetime) -> SharedOut:
    """Show an issue to others masked and without photos, and as it is to who reported it."""
    state = State(row.state)
    mine = row.reporter_id == actor.person_id
    return SharedOut(
        id=row.id,
        code=row.code,
        category_name=row.category_name,
        text=row.text if mine else mask_personal(row.public_text or row.text),
        state=state,
        state_name=ISSUE.names[state],
        lane_name=row.lane_name,
        photos=show_photos(row.photo_ids, links, now) if mine else [],
        reported_at=row.opened_at,
        supporters=row.supporters,
        mine=mine,
        supported=row.supported,
    )


async def together_view(
    tx: ReadTx, actor: Actor, case: Case, links: Links, *, now: datetime
) -> TogetherOut:
    """Show what else is about the same thing, to somebody who may see the case."""
    issue = await tx.get_one(Issue, case.id)
    staff = reads_as_staff(ISSUE, case, actor)
    merged = await MERGED.all(tx, main_id=case.id) if staff else []
    main = None if case.main_id is None else await find_case(tx, ISSUE, case.main_id)
    return TogetherOut(
        supporters=issue.supporters,
        main=None if main is None else await _main(tx, main, links, now),
        merged=[_merged(row, links, now) for row in merged],
    )


async def _main(tx: ReadTx, main: Case, links: Links, now: datetime) -> MainOut:
    row = await read_issue_row(tx, main.id)
    entries = await TIMELINE.all(tx, issue_id=main.id)
    shown = [
        entry_view(entry, links, now, staff=False)
        for entry in entries
        if not entry.internal and entry.by != "reporter" and Move(entry.move) in _PROGRESS
    ]
    for entry in shown:
        entry.text = None if entry.text is None else mask_personal(entry.text)
    return MainOut(
        code=main.code,
        state=main.standing,
        state_name=ISSUE.names[main.standing],
        hand=hand_name(row),
        timeline=shown,
    )


def _merged(row: MergedRow, links: Links, now: datetime) -> MergedOut:
    state = State(row.state)
    return MergedOut(
        id=row.id,
        code=row.code,
        text=row.text,
        state=state,
        state_name=ISSUE.names[state],
        reported_at=row.opened_at,
        photos=show_photos(row.photo_ids, links, now),
    )
