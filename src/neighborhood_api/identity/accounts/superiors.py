"""Who is above somebody, and so may invite her and reset her account.

Whoever resets an account could use it. So she must be above every post that its owner has,
today or later, by rank and by place; one post beside, above or elsewhere is enough to refuse.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from neighborhood_api.identity.access import GRANTED, Actor, Forbidden, Permission, Role
from neighborhood_api.identity.places import Place
from neighborhood_api.identity.service import PersonNotFound, StandingOf
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.problems import Problem

RANK: dict[Role, int] = {
    Role.LANE_CHIEF: 1,
    Role.GRID_WORKER: 1,
    Role.GRID_LEADER: 2,
    Role.COMMUNITY_WORKER: 3,
    Role.COMMUNITY_SECRETARY: 4,
    Role.STREET_DISPATCHER: 5,
    Role.DEPARTMENT_OFFICER: 5,
    Role.STREET_SECRETARY: 6,
    Role.DISCIPLINE_OFFICER: 7,
    Role.OPERATOR: 8,
    Role.CHIEF_OPERATOR: 9,
}
"""Discipline officers look into those of the street, who therefore are not above them."""
_HIGHEST = max(RANK.values())
"""A post of which nothing is known counts as the highest."""


class Office(NamedTuple):
    """A post that somebody has, and the place that it is for."""

    role: Role
    place: Place


OfficesOf = Callable[[ReadTx, UUID, datetime], Awaitable[Sequence[Office]]]
"""Answers which posts a person has, today or later; `grid` knows, and `app` introduces them."""


class NotBelowYou(Problem):
    """The person has a post that is not below the caller's, here or elsewhere."""

    status = HTTPStatus.FORBIDDEN
    title = "This person holds a post that is not below yours"
    message = "对方还担任不归您管理的岗位，请联系更上级或系统管理员办理"


def is_above(actor: Actor, office: Office, permission: Permission) -> bool:
    """Tell whether some post of the caller is above an office, by rank and by place."""
    below = RANK.get(office.role, _HIGHEST)
    return any(
        permission in GRANTED[post.role]
        and RANK.get(post.role, 0) > below
        and (_covers(post.role, permission) or post.covers(office.place, ()))
        for post in actor.posts
    )


def require_above(
    actor: Actor,
    person_id: UUID,
    offices: Sequence[Office],
    permission: Permission = Permission.ACCOUNT_MANAGE,
    *,
    or_appoints: bool = False,
) -> None:
    """Refuse unless the caller is above everything that a person holds.

    With `or_appoints` it is enough where the caller could put anybody into the post. A person
    of whom the caller has no business to know does not exist for her.

    Raises: Forbidden, NotBelowYou, PersonNotFound.
    """
    if not any(permission in GRANTED[post.role] for post in actor.posts):
        raise Forbidden(permission=permission.value)
    if person_id == actor.person_id:
        raise NotBelowYou
    if not any(_reaches(actor, office, permission) for office in offices):
        raise PersonNotFound
    if not all(
        is_above(actor, office, permission) or (or_appoints and _appoints(actor, office))
        for office in offices
    ):
        raise NotBelowYou


async def is_still_above(
    tx: ReadTx,
    maker_id: UUID,
    person_id: UUID,
    *,
    standing_of: StandingOf,
    offices_of: OfficesOf,
    or_appoints: bool,
    now: datetime,
) -> bool:
    """Tell whether who made somebody's way in could make it now.

    She knows it: were it worth more than her power, she could wait for her colleague's rise,
    or use it after her own dismissal.
    """
    standing = await standing_of(tx, maker_id, now)
    maker = Actor(maker_id, maker_id, standing.posts)
    offices = await offices_of(tx, person_id, now)
    try:
        require_above(maker, person_id, offices, or_appoints=or_appoints)
    except (Forbidden, NotBelowYou, PersonNotFound):
        return False
    return True


def widest(offices: Sequence[Office]) -> Place:
    """Return the place of the highest office."""
    return max(offices, key=lambda one: (RANK.get(one.role, _HIGHEST), -one.place.level)).place


def _covers(role: Role, permission: Permission) -> bool:
    return {permission, Permission.EVERYWHERE_MANAGE} <= GRANTED[role]


def _reaches(actor: Actor, office: Office, permission: Permission) -> bool:
    return actor.may(permission, at=office.place) or actor.may_for_all(permission)


def _appoints(actor: Actor, office: Office) -> bool:
    wanted = Permission.APPOINTMENT_MANAGE
    if office.role is Role.CHIEF_OPERATOR:
        return actor.may_for_all(wanted)
    return actor.may(wanted, at=office.place)
