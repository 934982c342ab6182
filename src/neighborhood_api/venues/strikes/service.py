"""Rules of strikes: whose they are, and who answers an appeal."""

from datetime import datetime
from uuid import UUID

from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Handle, ReadTx
from neighborhood_api.kit.paging import PageRequest
from neighborhood_api.registrations import strikes
from neighborhood_api.registrations.histories import Strike
from neighborhood_api.registrations.models import Resource
from neighborhood_api.registrations.strikes import StrikeNotFound, lock_strike
from neighborhood_api.venues.strikes.queries import ONE_STRIKE, STRIKES, StrikeRow
from neighborhood_api.venues.strikes.schemas import AnswerAppealIn, AppealIn, LiftIn


async def appeal_strike(
    handle: Handle, actor: Actor, strike_id: UUID, wish: AppealIn, *, now: datetime
) -> StrikeRow:
    """Ask to have one's own strike taken back, once.

    Raises: StrikeNotFound, StrikeOver, AppealedAlready.
    Emits: StrikeAppealed.
    """
    row = await lock_strike(handle, strike_id)
    if row.person_id != actor.person_id:
        raise StrikeNotFound
    await strikes.appeal_strike(handle, row, text=wish.text, now=now)
    return await _shown(handle, strike_id)


async def answer_appeal(
    handle: Handle, actor: Actor, strike_id: UUID, wish: AnswerAppealIn, *, now: datetime
) -> StrikeRow:
    """Answer an appeal, as staff of the venue; nobody answers her own.

    Raises: StrikeNotFound, NoAppeal.
    Emits: StrikeLifted, StrikeUpheld.
    """
    row = await lock_strike(handle, strike_id)
    await _require_staff(handle, actor, strike_id)
    await strikes.answer_appeal(
        handle, row, by_id=actor.person_id, lift=wish.lift, text=wish.text, now=now
    )
    what = "venues.strike_lifted" if wish.lift else "venues.strike_upheld"
    record_act(handle, what, strike_id, by=actor.person_id, now=now)
    return await _shown(handle, strike_id)


async def lift_strike(
    handle: Handle, actor: Actor, strike_id: UUID, wish: LiftIn, *, now: datetime
) -> StrikeRow:
    """Take a strike back, as staff of the venue; nobody lifts her own.

    Raises: StrikeNotFound, StrikeOver.
    Emits: StrikeLifted.
    """
    row = await lock_strike(handle, strike_id)
    await _require_staff(handle, actor, strike_id)
    await strikes.lift_strike(handle, row, by_id=actor.person_id, text=wish.text, now=now)
    record_act(handle, "venues.strike_lifted", strike_id, by=actor.person_id, now=now)
    return await _shown(handle, strike_id)


async def list_strikes(
    tx: ReadTx, actor: Actor, page: PageRequest, *, waiting: bool
) -> list[StrikeRow]:
    """Return the strikes at the venues that the caller runs, newest first.

    Raises: BadCursor.
    """
    query = STRIKES.where(
        actor.reach(Permission.BOOKING_MANAGE, Resource), Strike.id < page.below
    )
    if waiting:
        query = query.where(
            Strike.appealed_at.is_not(None),
            Strike.answered_at.is_(None),
            Strike.lifted_at.is_(None),
        )
    rows = await tx.execute(query.order_by(Strike.id.desc()).limit(page.fetch))
    return [StrikeRow._make(row) for row in rows]


async def _require_staff(handle: Handle, actor: Actor, strike_id: UUID) -> None:
    """Let only the venue's staff do it, and not for themselves; to others it does not exist.

    Raises: StrikeNotFound.
    """
    shown = await _shown(handle, strike_id)
    runs = actor.may(Permission.BOOKING_MANAGE, at=shown.place)
    if not runs or shown.person_id == actor.person_id:
        raise StrikeNotFound


async def _shown(handle: Handle, strike_id: UUID) -> StrikeRow:
    row = await ONE_STRIKE.first(handle, id=strike_id)
    if row is None:
        raise StrikeNotFound
    return row
