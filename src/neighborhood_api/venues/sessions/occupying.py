"""Where sessions are: the room they take whole, their teachers' time, and what is in the way.

Locks of whoever changes sessions: rooms and sessions by id, then the timetables of teachers by
id, then persons. A teacher with an account is somewhere with it, too: what she teaches is in
her own timetable, so that she cannot book anything else then.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import (
    ARRAY,
    DateTime,
    Integer,
    Uuid,
    any_,
    bindparam,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.orm import aliased

from neighborhood_api.kit.db import Tx, refusing, save
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.reads import Query
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.registrations.models import (
    Occupation,
    Registration,
    Resource,
    Timetable,
    Unit,
)
from neighborhood_api.registrations.policies import Terms
from neighborhood_api.registrations.queries import LONGEST, OneId
from neighborhood_api.registrations.writing import timetable_numbers
from neighborhood_api.schedules.openings.spans import Span
from neighborhood_api.venues.sessions.models import Teacher


class PlaceOrTeacherTaken(Problem):
    """The room or a teacher has something else at that time; `clashes` says what."""

    title = "The room or a teacher is taken at that time"
    message = "活动室或老师在这个时段已有安排或停用，请调整时间、活动室或老师"


class Clash(NamedTuple):
    """What stands in a session's way."""

    code: str
    message: str
    starts_at: datetime
    ends_at: datetime

    def shown(self) -> dict[str, JsonValue]:
        """Return it as a member of a problem."""
        shown: dict[str, JsonValue] = {
            "code": self.code,
            "message": self.message,
            "starts_at": self.starts_at.astimezone(SHOWN_ZONE).isoformat(timespec="seconds"),
            "ends_at": self.ends_at.astimezone(SHOWN_ZONE).isoformat(timespec="seconds"),
        }
        return shown


class RoomToTake(NamedTuple):
    """A room that a session takes, as it was read under the room's lock."""

    id: UUID
    name: str
    opening_id: UUID
    terms: Terms
    numbers: tuple[int, ...]
    """Timetables of its units."""


class Claim(NamedTuple):
    """A timetable that a session takes for a time."""

    number: int
    starts_at: datetime
    ends_at: datetime
    code: str
    """What it is called when it is taken."""
    whose: str
    private: bool = False
    """Whether it is somebody's own, whose other bookings are nobody's business."""


_OWN = "own"
"""Stands for what is somebody's own among what was found."""


class _Taking(NamedTuple):
    timetable_number: int
    starts_at: datetime
    ends_at: datetime
    number: int | None
    what_id: UUID
    name: str


_NUMBERS = bindparam("numbers", type_=ARRAY(Integer))
_booked = aliased(Resource)
_TAKING = Query(
    select(
        Occupation.timetable_number,
        Occupation.starts_at,
        Occupation.ends_at,
        Registration.number,
        _booked.id.label("what_id"),
        _booked.name,
    )
    .outerjoin(Registration, Registration.id == Occupation.registration_id)
    .join(
        _booked, _booked.id == func.coalesce(Occupation.resource_id, Registration.resource_id)
    )
    .where(
        Occupation.timetable_number == any_(_NUMBERS),
        Occupation.starts_at < bindparam("until", type_=DateTime(timezone=True)),
        Occupation.starts_at > bindparam("since", type_=DateTime(timezone=True)) - LONGEST,
        Occupation.ends_at > bindparam("since", type_=DateTime(timezone=True)),
        or_(
            Occupation.until.is_(None),
            Occupation.until > bindparam("now", type_=DateTime(timezone=True)),
        ),
        func.coalesce(Occupation.resource_id != bindparam("but", type_=Uuid), true()),
    )
    .order_by(Occupation.starts_at),
    _Taking,
)
LOCK_TIMETABLES = Query(
    select(Timetable.id)
    .where(Timetable.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
    .order_by(Timetable.id)
    .with_for_update(key_share=True),
    OneId,
)
"""Those of teachers, in the order of their ids."""


async def units_of(tx: Tx, room_id: UUID) -> tuple[int, ...]:
    """Return the timetables of a room's units."""
    units = select(Timetable.number).join(Unit, Unit.id == Timetable.id)
    found = await tx.scalars(units.where(Unit.resource_id == room_id, Unit.active))
    return tuple(found.all())


async def claims_of(
    tx: Tx,
    room: RoomToTake | None,
    teachers: Iterable[Teacher],
    starts_at: datetime,
    ends_at: datetime,
) -> list[Claim]:
    """Return what a session takes: the room with the buffers around, and its teachers' time."""
    claims = []
    if room is not None:
        since, until = room.terms.held(starts_at, ends_at)
        claims += [Claim(n, since, until, "room_taken", room.name) for n in room.numbers]
    people = list(teachers)
    persons = {one.person_id: one.name for one in people if one.person_id is not None}
    numbers = await timetable_numbers(tx, [*(one.id for one in people), *persons])
    own = [(one.id, one.name, False) for one in people]
    own += [(its_id, name, True) for its_id, name in persons.items()]
    claims += [
        Claim(numbers[its_id], starts_at, ends_at, "teacher_taken", name, private)
        for its_id, name, private in own
    ]
    return claims


async def clashes(
    tx: Tx,
    claims: Sequence[Claim],
    *,
    but: UUID | None,
    now: datetime,
) -> list[Clash]:
    """Return what is in the way of claims, apart from what the session `but` takes itself.

    What somebody teaches is named; what else she does is her own, and only that there is
    something is told.
    """
    found: dict[tuple[str, datetime, str], Clash] = {}
    named: set[tuple[str, UUID]] = set()
    private: list[Claim] = []
    for since, until in sorted({(claim.starts_at, claim.ends_at) for claim in claims}):
        span = (since, until)
        here = {one.number: one for one in claims if (one.starts_at, one.ends_at) == span}
        takings = await _TAKING.all(
            tx, numbers=list(here), since=since, until=until, but=but, now=now
        )
        pairs = [(here[taking.timetable_number], taking) for taking in takings]
        for claim, taking in pairs:
            if not claim.private:
                named.add((claim.whose, taking.what_id))
                found.setdefault(
                    (claim.whose, taking.starts_at, claim.code), _public(claim, taking)
                )
        private += [
            claim
            for claim, taking in pairs
            if claim.private and (claim.whose, taking.what_id) not in named
        ]
    for claim in private:
        found.setdefault((claim.whose, claim.starts_at, _OWN), _private(claim))
    return list(found.values())


def _public(claim: Claim, taking: _Taking) -> Clash:
    span = Span(taking.starts_at, taking.ends_at)
    times = _shown(span)
    if taking.number is None:
        text = f"{claim.whose}在{times}已安排“{taking.name}”"
    else:
        text = f"{claim.whose}在{times}已被预约（B{taking.number}）"
    return Clash(claim.code, text, *span)


def _private(claim: Claim) -> Clash:
    text = f"{claim.whose}本人在这个时段另有安排"
    return Clash(claim.code, text, claim.starts_at, claim.ends_at)


async def take(tx: Tx, resource_id: UUID, claims: Iterable[Claim]) -> None:
    """Occupy what a session claims; the constraint refuses what the locks did not guard.

    Raises: PlaceOrTeacherTaken.
    """
    rows = [
        Occupation(
            timetable_number=claim.number,
            starts_at=claim.starts_at,
            ends_at=claim.ends_at,
            resource_id=resource_id,
        )
        for claim in {claim.number: claim for claim in claims}.values()
    ]
    with refusing({"occupied": PlaceOrTeacherTaken}):
        await save(tx, *rows)


async def lock_timetables(tx: Tx, teacher_ids: Collection[UUID]) -> None:
    """Lock teachers, after rooms and sessions and before persons."""
    if teacher_ids:
        await LOCK_TIMETABLES.all(tx, ids=sorted(teacher_ids))


def _shown(span: Span) -> str:
    since, until = (moment.astimezone(SHOWN_ZONE) for moment in span)
    return f"{since:%m-%d %H:%M}–{until:%H:%M}"
