"""Rules of registering: who gets a unit or a seat, waits for one, or is told why not."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from neighborhood_api.kit.db import Handle, refusing, save
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.outbox import Event
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations import events, judging
from neighborhood_api.registrations.grounds import QUEUE_OF, Past, QueueRow, past_of
from neighborhood_api.registrations.locking import lock_owner
from neighborhood_api.registrations.models import Registration
from neighborhood_api.registrations.policies import Terms, terms_of
from neighborhood_api.registrations.promoting import expire_run_out
from neighborhood_api.registrations.queries import (
    UNITS,
    RegistrationRow,
    ResourceRow,
    UnitRow,
)
from neighborhood_api.registrations.reasons import (
    REFUSALS,
    AlreadyRegistered,
    OverlapsOwnBooking,
    Reason,
    Why,
    reason,
    refuse,
    standing,
)
from neighborhood_api.registrations.states import Act, Mode, State
from neighborhood_api.registrations.wishes import Applicant, Wish
from neighborhood_api.registrations.writing import (
    entry,
    event,
    has_place,
    occupations,
    seat,
    timed,
)

AS_TAKEN: dict[str, type[Problem]] = {
    "occupied": OverlapsOwnBooking,
    "registered_twice": AlreadyRegistered,
}
"""What the constraints say of what the locks do not cover: whoever comes is locked only with
whoever registers her, and nobody takes a unit without its resource's lock.
"""

_ACTS = {
    State.HELD: Act.HOLD,
    State.PENDING: Act.REGISTER,
    State.CONFIRMED: Act.REGISTER,
    State.WAITLISTED: Act.JOIN_WAITLIST,
    State.ENTERED: Act.ENTER_DRAW,
}


class UnitNotFound(Problem):
    """The resource has no such unit, or it is out of use."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "There is no such unit here"
    message = "没有这个台位，或已停用，请重新选择"


class Ground(NamedTuple):
    """What a wish is judged on, read under the locks."""

    resource: ResourceRow
    terms: Terms
    queue: QueueRow
    past: Past


async def register(
    handle: Handle,
    resource: ResourceRow,
    applicant: Applicant,
    wish: Wish,
    *,
    also: Sequence[Reason] = (),
    by_code: Mapping[str, type[Problem]] = REFUSALS,
    now: datetime,
) -> RegistrationRow:
    """Give a place, keep one for a form, enter a draw or join the waitlist.

    The resource is locked by the caller, who says in `also` what its domain has against the
    wish. Every violated rule is named at once.

    Raises: PersonGone, UnitNotFound, and what `by_code` names.
    Emits: Registered, HoldBegun, WaitlistJoined, DrawEntered.
    """
    wish = _timed(resource, wish)
    ground = await survey(handle, resource, applicant, wish, now=now)
    resource, terms, queue = ground.resource, ground.terms, ground.queue
    reasons = standing([*also, *judge(ground, applicant, wish, now=now)], wish.waived)
    if resource.mode != Mode.COUNTED and not ground.past.units:
        reasons.append(reason(Why.CLOSED, "台位停用，请选择其他"))
    unit, free = _fit(resource, ground.past.units, wish)
    state = _outcome(resource, terms, wish, queue, free=free)
    if state is None:
        reasons.append(nothing_left(resource))
        if wish.wait:
            reasons.append(_waitlist_full(terms, queue))
    if reasons or state is None:
        refuse(reasons, by_code, can_wait=can_wait(terms, queue, reasons))
    row = _new_row(resource, terms, applicant, wish, state, queue.number, now=now)
    unit = unit if has_place(state, terms) else None
    row = row._replace(unit_id=unit.id if unit else wish.unit_id)
    by_id, waived = wish.by_id or applicant.person_id, sorted(wish.waived)
    line = entry(row, _ACTS[state], now=now, by_id=by_id, waived=waived)
    told = _announced(row, resource)
    taken = await occupations(handle, row, unit, terms, person=queue.timetable)
    if has_place(state, terms):
        await seat(handle, resource, row.seats)
    with refusing(AS_TAKEN):
        await save(handle, Registration(**row._asdict()), *taken, line, told.row())
    return row


async def survey(
    handle: Handle,
    resource: ResourceRow,
    applicant: Applicant,
    wish: Wish,
    *,
    terms: Terms | None = None,
    hands_on: bool = False,
    now: datetime,
) -> Ground:
    """Lock who asks, put away what has run out, and read what the rules need.

    Those who wait get what is free before any newcomer does. With `hands_on`, the caller will
    hand on something of the resource, and whoever waits is locked in any case.

    Raises: PersonGone.
    """
    terms = terms or await terms_of(handle, resource.policy_id)
    queue = await _queue(handle, resource, applicant, wish, now=now)
    stale = queue.run_out or (queue.waiting and _may_be_free(resource))
    waiting = [resource] if stale or hands_on else []
    await lock_owner(handle, applicant, terms, waiting=waiting, now=now)
    if stale:
        resource = await expire_run_out(handle, resource, now=now, locked=True)
        queue = await _queue(handle, resource, applicant, wish, now=now)
    past = await past_of(handle, resource, applicant, terms, wish, now=now)
    return Ground(resource, terms, queue, past)


def judge(
    ground: Ground,
    applicant: Applicant,
    wish: Wish,
    *,
    now: datetime,
    but: UUID | None = None,
) -> list[Reason]:
    """Return what stands against a wish, apart from what others have."""
    resource, terms, queue, (had, struck, _) = ground
    of = judging.Of(resource.id, resource.group_id, resource.kind, resource.district_id)
    reasons = judging.party(terms, wish, resource.capacity)
    if not resource.open or resource.cancelled_at is not None:
        reasons.append(reason(Why.CLOSED, "暂停预约，请选择其他"))
    if applicant.person_id is None:
        return reasons
    reasons += judging.suspension(terms.strikes, struck, now)
    again = [] if but else judging.twice(applicant, wish, of, had, now=now)
    reasons += again or judging.own_time(applicant, wish, had, now=now, but=but)
    if queue.elsewhere:
        reasons.append(reason(Why.OVERLAPS_OWN_BOOKING, "参加人在这个时段有工作安排"))
    return reasons + judging.quotas(terms, applicant, wish, of, had, now=now, but=but)


async def find_free(
    handle: Handle,
    resource: ResourceRow,
    terms: Terms,
    wish: Wish,
    *,
    but: UUID | None = None,
) -> tuple[UnitRow | None, bool]:
    """Return the unit that a wish can have, and whether it can have any.

    Raises: UnitNotFound.
    """
    units: list[UnitRow] = []
    if resource.mode != Mode.COUNTED:
        since, until = terms.held(wish.starts_at, wish.ends_at)
        units = await UNITS.all(handle, id=resource.id, since=since, until=until, but=but)
    return _fit(resource, units, wish)


def _fit(
    resource: ResourceRow, units: Sequence[UnitRow], wish: Wish
) -> tuple[UnitRow | None, bool]:
    if resource.mode == Mode.COUNTED:
        return None, (resource.capacity or 0) - resource.taken >= wish.seats
    if wish.ends_at <= wish.starts_at:
        return None, True  # nobody else is in the way of what its domain refuses
    if wish.unit_id is not None:
        units = [unit for unit in units if unit.id == wish.unit_id]
        if not units:
            raise UnitNotFound
    unit = next((unit for unit in units if unit.free), None)
    return unit, unit is not None


def can_wait(terms: Terms, queue: QueueRow, reasons: Sequence[Reason] = ()) -> bool:
    """Tell whether the waitlist takes one more, and waiting cures all that is in the way."""
    cured = all(one["code"] in (Why.TAKEN, Why.FULL) for one in reasons)
    return cured and queue.waiting < terms.waitlist.longest


def nothing_left(resource: ResourceRow) -> Reason:
    """Explain that others have it all."""
    if resource.mode == Mode.COUNTED:
        capacity = resource.capacity or 0
        left = capacity - resource.taken
        text = f"名额{capacity}个，剩余{left}个" if left else f"{capacity}个名额已满"
        return reason(Why.FULL, text, capacity=capacity, left=left)
    return reason(Why.TAKEN, "这个时段已被预约，请另选时间")


def _waitlist_full(terms: Terms, queue: QueueRow) -> Reason:
    most = terms.waitlist.longest
    text = f"候补已满（{most}人）" if most else "不设候补"
    return reason(Why.WAITLIST_FULL, text, waiting=queue.waiting, longest=most)


async def _queue(
    handle: Handle,
    resource: ResourceRow,
    applicant: Applicant,
    wish: Wish,
    *,
    now: datetime,
) -> QueueRow:
    row = await QUEUE_OF.first(
        handle,
        id=resource.id,
        who_id=applicant.who_id,
        since=wish.starts_at,
        until=wish.ends_at,
        now=now,
    )
    if row is None:
        raise LookupError(resource.id)
    return row


def _may_be_free(resource: ResourceRow) -> bool:
    return resource.mode != Mode.COUNTED or resource.taken < (resource.capacity or 0)


def _timed(resource: ResourceRow, wish: Wish) -> Wish:
    """What happens once is had at its own time."""
    if resource.starts_at is None or resource.ends_at is None:
        return wish
    return wish._replace(starts_at=resource.starts_at, ends_at=resource.ends_at)


def _outcome(
    resource: ResourceRow, terms: Terms, wish: Wish, queue: QueueRow, *, free: bool
) -> State | None:
    if resource.draw_at is not None:
        return State.ENTERED
    if free:
        if wish.hold:
            return State.HELD
        return State.PENDING if terms.approval and wish.by_id is None else State.CONFIRMED
    return State.WAITLISTED if wish.wait and can_wait(terms, queue) else None


def _announced(row: RegistrationRow, resource: ResourceRow) -> Event:
    if row.until is not None:
        return event(events.HoldBegun, row, resource, until=row.until)
    if row.state == State.WAITLISTED:
        return event(events.WaitlistJoined, row, resource)
    if row.state == State.ENTERED:
        return event(events.DrawEntered, row, resource)
    return event(events.Registered, row, resource, state=row.state)


def _new_row(
    resource: ResourceRow,
    terms: Terms,
    applicant: Applicant,
    wish: Wish,
    state: State,
    number: int,
    *,
    now: datetime,
) -> RegistrationRow:
    its_id = new_id()
    kept = timedelta(minutes=terms.hold_minutes)
    row = RegistrationRow(
        id=its_id,
        number=number,
        created_at=now,
        resource_id=resource.id,
        policy_id=resource.policy_id,
        state=state.value,
        starts_at=wish.starts_at,
        ends_at=wish.ends_at,
        who_id=applicant.who_id or its_id,
        person_id=applicant.person_id,
        guest_name=applicant.guest_name,
        guest_phone=applicant.guest_phone,
        participant_id=applicant.participant_id,
        household_id=applicant.household_id,
        unit_id=None,
        seats=wish.seats,
        purpose=wish.purpose,
        channel=wish.channel.value,
        created_by_id=wish.by_id,
        queued=number if state is State.WAITLISTED else None,
        until=now + kept if state is State.HELD else None,
        due_at=None,
        remind_at=None,
        cancelled_at=None,
        cancelled_by_id=None,
        cancel_reason=None,
        cancelled_late=False,
        checked_in_at=None,
        checked_out_at=None,
        version=1,
    )
    return timed(row, terms, now=now)
