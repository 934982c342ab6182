"""Things to compete for: an exclusive one with units, and counted ones; and who wants them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Place, columns_of
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations.ending import cancel, pass_time
from neighborhood_api.registrations.granting import register
from neighborhood_api.registrations.histories import Entry
from neighborhood_api.registrations.locking import lock_registration, lock_resource
from neighborhood_api.registrations.models import (
    Occupation,
    Registration,
    Resource,
    Timetable,
    Unit,
)
from neighborhood_api.registrations.policies import Terms, new_policy
from neighborhood_api.registrations.queries import RegistrationRow
from neighborhood_api.registrations.reasons import Reason
from neighborhood_api.registrations.states import Mode
from neighborhood_api.registrations.wishes import Applicant, Wish
from tests.support.posts import somebody

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
"""Tuesday noon in China."""
NOW = NOON - timedelta(days=1)


async def new_thing(
    tx: Tx,
    place: Place,
    *,
    units: int = 1,
    group_id: UUID | None = None,
    **terms: Any,  # noqa: ANN401
) -> UUID:
    """A room, as it were; its units are named 1, 2, …"""
    resource = await _new_resource(tx, place, Mode.EXCLUSIVE, group_id, terms)
    for position in range(units):
        timetable = Timetable(id=new_id())
        tx.add(timetable)
        await tx.flush()
        tx.add(
            Unit(
                id=timetable.id,
                resource_id=resource.id,
                name=str(position + 1),
                position=position,
            )
        )
    await tx.flush()
    return resource.id


async def new_happening(
    tx: Tx,
    place: Place,
    capacity: int,
    *,
    starts_at: datetime = NOON,
    minutes: int = 60,
    draw_at: datetime | None = None,
    group_id: UUID | None = None,
    **terms: Any,  # noqa: ANN401
) -> UUID:
    """A session, as it were."""
    times: dict[str, Any] = {
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=minutes),
        "capacity": capacity,
        "draw_at": draw_at,
    }
    resource = await _new_resource(tx, place, Mode.COUNTED, group_id, terms, **times)
    return resource.id


async def _new_resource(
    tx: Tx,
    place: Place,
    mode: Mode,
    group_id: UUID | None,
    terms: dict[str, Any],
    **more: Any,  # noqa: ANN401
) -> Resource:
    policy = await new_policy(tx, new_id(), Terms(**terms), by_id=None, now=NOW)
    resource = Resource(
        kind="thing",
        mode=mode.value,
        group_id=group_id or new_id(),
        name="某物",
        policy_id=policy.id,
        **more,
        **columns_of(place),  # type: ignore[arg-type]
    )
    tx.add(resource)
    await tx.flush()
    return resource


async def give_up(
    tx: Tx,
    row: RegistrationRow,
    *,
    now: datetime = NOW,
    why: str | None = None,
    by_staff: bool = False,
) -> RegistrationRow:
    """Cancel a registration, as its holder or as staff."""
    resource, fresh = await lock_registration(tx, row.id)
    return await cancel(
        tx, resource, fresh, by_id=row.person_id, by_staff=by_staff, why=why, now=now
    )


async def pass_to(tx: Tx, row: RegistrationRow, now: datetime) -> None:
    """Let time do to a registration what is due to it."""
    resource, fresh = await lock_registration(tx, row.id)
    await pass_time(tx, resource, fresh, now=now)


async def new_person(tx: Tx) -> Person:
    person = await somebody(tx)
    await tx.flush()
    return person


async def ask(
    tx: Tx,
    resource_id: UUID,
    who: Person | Applicant,
    *,
    starts_at: datetime = NOON,
    minutes: int = 60,
    now: datetime = NOW,
    also: Sequence[Reason] = (),
    **wish: Any,  # noqa: ANN401
) -> RegistrationRow:
    """Register somebody from `starts_at` on."""
    applicant = who if isinstance(who, Applicant) else Applicant(person_id=who.id)
    resource = await lock_resource(tx, resource_id)
    wanted = Wish(starts_at, starts_at + timedelta(minutes=minutes), **wish)
    return await register(tx, resource, applicant, wanted, also=also, now=now)


async def stored(tx: Tx, registration_id: UUID) -> Registration:
    found = select(Registration).where(Registration.id == registration_id)
    return (await tx.scalars(found.execution_options(populate_existing=True))).one()


async def states(tx: Tx, *rows: RegistrationRow) -> list[str]:
    return [(await stored(tx, row.id)).state for row in rows]


async def taken(tx: Tx, resource_id: UUID) -> int:
    count = await tx.scalar(select(Resource.taken).where(Resource.id == resource_id))
    assert count is not None
    return count


async def occupied(tx: Tx, registration_id: UUID) -> int:
    rows = select(Occupation.id).where(Occupation.registration_id == registration_id)
    return len((await tx.scalars(rows)).all())


async def spans(tx: Tx, timetable_id: UUID) -> list[tuple[datetime, datetime]]:
    """When something of a timetable is taken."""
    rows = (
        select(Occupation.starts_at, Occupation.ends_at)
        .join(Timetable, Timetable.number == Occupation.timetable_number)
        .where(Timetable.id == timetable_id)
        .order_by(Occupation.starts_at)
    )
    return [(row.starts_at, row.ends_at) for row in await tx.execute(rows)]


async def announced(tx: Tx, name: str, **about: object) -> int:
    """How often something was announced about something."""
    await tx.flush()
    rows = select(OutboxRow.payload).where(OutboxRow.name == f"registrations.{name}")
    wanted = {key: str(value) for key, value in about.items()}
    return sum(
        all(str(payload.get(key)) == value for key, value in wanted.items())
        for payload in await tx.scalars(rows)
    )


async def acts(tx: Tx, row: RegistrationRow) -> list[str]:
    """What happened to a registration, in order."""
    await tx.flush()
    lines = select(Entry.act).where(Entry.registration_id == row.id).order_by(Entry.id)
    return list(await tx.scalars(lines))


def codes(problem: Problem) -> list[str]:
    """The codes of all reasons of a refusal."""
    reasons: Any = problem.members["reasons"]
    return [one["code"] for one in reasons]
