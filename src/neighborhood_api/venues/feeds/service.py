"""Rules of calendar feeds: whoever has the link reads, so it can be renewed and revoked."""

from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from secrets import token_urlsafe
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Source, Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.venues.feeds.calendars import calendar_text
from neighborhood_api.venues.feeds.models import CalendarFeed, FeedOf
from neighborhood_api.venues.feeds.queries import (
    FEED,
    OF_PERSON,
    OF_ROOM,
    OF_TEACHER,
    REVOKE,
)
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.models import Room
from neighborhood_api.venues.rooms.service import RoomNotFound
from neighborhood_api.venues.sessions.models import Teacher

PAST_SHOWN = timedelta(days=60)
_QUERIES = {
    FeedOf.PERSON: OF_PERSON,
    FeedOf.ROOM: OF_ROOM,
    FeedOf.TEACHER: OF_TEACHER,
}
_OWNERS = {
    FeedOf.PERSON: Person.id,
    FeedOf.ROOM: Room.id,
    FeedOf.TEACHER: Teacher.id,
}
"""Locked while a link is renewed, so that of two at once the later revokes the earlier."""
_NAMES = {
    FeedOf.PERSON: "我的预约和课程",
    FeedOf.ROOM: "活动室使用安排",
    FeedOf.TEACHER: "授课安排",
}


class FeedNotFound(Problem):
    """The link was never made, or was revoked."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such calendar"
    message = "日历链接无效或已停用，请重新获取"


class TeacherNotFound(Problem):
    """The id names no teacher."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such teacher"
    message = "没有找到这位老师"


async def renew_feed(tx: Tx, actor: Actor, of: FeedOf, owner_id: UUID, *, now: datetime) -> str:
    """Make a private link to a calendar; an older one is worthless at once.

    Returns its token, which is not kept. For rooms and teachers as staff of the place.

    Raises: RoomNotFound, TeacherNotFound, Forbidden.
    """
    await _require(tx, actor, of, owner_id)
    owner = _OWNERS[of]
    await tx.execute(select(owner).where(owner == owner_id).with_for_update(key_share=True))
    await REVOKE.all(tx, feed_of=of.value, its_owner=owner_id, now=now)
    token = token_urlsafe(32)
    tx.add(
        CalendarFeed(
            of=of.value,
            owner_id=owner_id,
            token_hash=_hashed(token),
            made_at=now,
            made_by_id=actor.person_id,
        )
    )
    record_act(tx, "venues.feed_renewed", owner_id, by=actor.person_id, now=now, of=of.value)
    await tx.flush()
    return token


async def revoke_feed(
    tx: Tx, actor: Actor, of: FeedOf, owner_id: UUID, *, now: datetime
) -> None:
    """Make a private link worthless; without one nothing happens.

    Raises: RoomNotFound, TeacherNotFound, Forbidden.
    """
    await _require(tx, actor, of, owner_id)
    if await REVOKE.all(tx, feed_of=of.value, its_owner=owner_id, now=now):
        record_act(
            tx, "venues.feed_revoked", owner_id, by=actor.person_id, now=now, of=of.value
        )


async def read_calendar(source: Source, token: str, *, now: datetime) -> bytes:
    """Return the calendar behind a link, as iCalendar.

    Raises: FeedNotFound.
    """
    feed = await FEED.first(source, token_hash=_hashed(token))
    if feed is None:
        raise FeedNotFound
    of = FeedOf(feed.of)
    appointed = await _QUERIES[of].all(source, owner_id=feed.owner_id, since=now - PAST_SHOWN)
    return calendar_text(_NAMES[of], appointed, now=now, remind=of is not FeedOf.ROOM)


async def _require(tx: Tx, actor: Actor, of: FeedOf, owner_id: UUID) -> None:
    match of:
        case FeedOf.PERSON:
            if owner_id != actor.person_id:
                raise FeedNotFound
        case FeedOf.ROOM:
            venue = await tx.scalar(
                select(Venue).join(Room, Room.venue_id == Venue.id).where(Room.id == owner_id)
            )
            if venue is None:
                raise RoomNotFound
            actor.require(Permission.VENUE_MANAGE, at=venue.place)
        case FeedOf.TEACHER:
            teacher = await tx.get(Teacher, owner_id)
            if teacher is None:
                raise TeacherNotFound
            actor.require(Permission.VENUE_MANAGE, at=teacher.place)


def _hashed(token: str) -> str:
    return sha256(token.encode()).hexdigest()
