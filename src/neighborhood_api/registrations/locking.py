"""Taking the locks, always in the same order: resources, then persons, then households."""

from collections.abc import Iterable
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from neighborhood_api.kit.db import Handle
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations.policies import Owner, Terms
from neighborhood_api.registrations.promoting import lock_waiting
from neighborhood_api.registrations.queries import (
    LOCK_HOUSEHOLDS,
    LOCK_RESOURCES,
    REGISTRATION,
    RegistrationRow,
    ResourceRow,
)
from neighborhood_api.registrations.wishes import Applicant


class ResourceNotFound(Problem):
    """The id names nothing that can be had."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such thing to book"
    message = "没有找到要预约的内容，请刷新后重试"


class RegistrationNotFound(Problem):
    """The id names no booking or enrolment that the caller may see."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such booking"
    message = "没有找到这个预约"


class RegistrationMoved(Problem):
    """It was moved to another resource just now, whose lock might be out of order."""

    title = "The booking was moved just now"
    message = "预约刚刚被调整，请刷新后重试"


class PersonGone(Problem):
    """Whoever this is for became another person meanwhile."""

    title = "This person's account was joined with another"
    message = "账号信息已更新，请重新登录后再试"


async def lock_resource(handle: Handle, resource_id: UUID) -> ResourceRow:
    """Lock one resource: who registers for it waits from here on.

    Raises: ResourceNotFound.
    """
    return (await lock_resources(handle, [resource_id]))[resource_id]


async def lock_resources(handle: Handle, ids: Iterable[UUID]) -> dict[UUID, ResourceRow]:
    """Lock several resources, in the order of their ids.

    Raises: ResourceNotFound.
    """
    wanted = set(ids)
    rows = await LOCK_RESOURCES.all(handle, ids=sorted(wanted))
    if len(rows) < len(wanted):
        raise ResourceNotFound
    return {row.id: row for row in rows}


async def lock_owner(
    handle: Handle,
    applicant: Applicant,
    terms: Terms,
    *,
    waiting: Iterable[ResourceRow] = (),
    now: datetime,
) -> None:
    """Lock who holds it, and the household where a quota counts over it.

    With them, whoever waits for something of the locked resources in `waiting`: persons are
    locked in one go.

    Raises: PersonGone.
    """
    me = applicant.person_id
    left = await lock_waiting(handle, waiting, persons=[me] if me else (), now=now)
    if me is None:
        return
    if me not in left:
        raise PersonGone
    by_household = any(quota.owner is Owner.HOUSEHOLD for quota in terms.quotas)
    if by_household and applicant.household_id is not None:
        await LOCK_HOUSEHOLDS.all(handle, ids=[applicant.household_id])


async def lock_registration(
    handle: Handle, registration_id: UUID
) -> tuple[ResourceRow, RegistrationRow]:
    """Lock a registration's resource, and read the registration as it is then.

    Raises: RegistrationNotFound, RegistrationMoved.
    """
    ((resource, row),) = await lock_registrations(handle, [registration_id])
    return resource, row


async def lock_registrations(
    handle: Handle, ids: Iterable[UUID]
) -> list[tuple[ResourceRow, RegistrationRow]]:
    """Lock the resources of several registrations, and read these as they are then.

    Raises: RegistrationNotFound, RegistrationMoved.
    """
    wanted = list(dict.fromkeys(ids))
    seen = [await _registration(handle, one) for one in wanted]
    resources = await lock_resources(handle, {row.resource_id for row in seen})
    found = []
    for one in wanted:
        row = await _registration(handle, one)
        if row.resource_id not in resources:
            raise RegistrationMoved
        found.append((resources[row.resource_id], row))
    return found


async def _registration(handle: Handle, registration_id: UUID) -> RegistrationRow:
    row = await REGISTRATION.first(handle, id=registration_id)
    if row is None:
        raise RegistrationNotFound
    return row
