"""HTTP operations of calendar feeds."""

from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Request, Response

from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.kit.schema import Done, Out
from neighborhood_api.venues.dependencies import ONCE, SIGNED_IN
from neighborhood_api.venues.feeds import service
from neighborhood_api.venues.feeds.models import FeedOf
from neighborhood_api.venues.rooms.service import RoomNotFound

router = new_router(tags=["日历 calendar feeds"])

MEDIA_TYPE = "text/calendar; charset=utf-8"
_SHOWN: dict[int | str, dict[str, Any]] = {
    200: {"description": "The calendar", "content": {"text/calendar": {}}},
}


class FeedOut(Out):
    """A private link to a calendar."""

    path: str
    """日历地址（接在服务器地址后），请勿转发 · After the server's address; private."""


@router.post(
    "/me/calendar-feed",
    summary="获取我的日历链接 · A private link to my calendar",
    responses=problems(*SIGNED_IN, *ONCE),
)
async def renew_my_feed(actor: ActorDep, tx: TxDep, now: NowDep) -> FeedOut:
    """手机日历可订阅本人的预约、报名和授课；重新获取后旧链接失效。

    For a calendar program: bookings, enrolments and teaching. The older link is worthless then.
    """
    return _feed(await service.renew_feed(tx, actor, FeedOf.PERSON, actor.person_id, now=now))


@router.post(
    "/me/calendar-feed/revoke",
    summary="停用我的日历链接 · Revoke my calendar link",
    responses=problems(*SIGNED_IN, *ONCE),
)
async def revoke_my_feed(actor: ActorDep, tx: TxDep, now: NowDep) -> Done:
    """链接立即失效。The link is worthless at once."""
    await service.revoke_feed(tx, actor, FeedOf.PERSON, actor.person_id, now=now)
    return Done()


@router.post(
    "/rooms/{room_id}/calendar-feed",
    summary="获取活动室日历链接（工作人员）· A private link to a room's calendar",
    responses=problems(*SIGNED_IN, *ONCE, Forbidden, RoomNotFound),
)
async def renew_room_feed(room_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep) -> FeedOut:
    """活动室的使用安排，不含姓名电话；重新获取后旧链接失效。

    What takes the room, without names. The older link is worthless then.
    """
    return _feed(await service.renew_feed(tx, actor, FeedOf.ROOM, room_id, now=now))


@router.post(
    "/rooms/{room_id}/calendar-feed/revoke",
    summary="停用活动室日历链接（工作人员）· Revoke a room's calendar link",
    responses=problems(*SIGNED_IN, *ONCE, Forbidden, RoomNotFound),
)
async def revoke_room_feed(room_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep) -> Done:
    """链接立即失效。The link is worthless at once."""
    await service.revoke_feed(tx, actor, FeedOf.ROOM, room_id, now=now)
    return Done()


@router.post(
    "/teachers/{teacher_id}/calendar-feed",
    summary="获取老师日历链接（工作人员）· A private link to a teacher's calendar",
    responses=problems(*SIGNED_IN, *ONCE, Forbidden, service.TeacherNotFound),
)
async def renew_teacher_feed(
    teacher_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep
) -> FeedOut:
    """交给没有账号的老师订阅授课安排。For a teacher without an account."""
    return _feed(await service.renew_feed(tx, actor, FeedOf.TEACHER, teacher_id, now=now))


@router.post(
    "/teachers/{teacher_id}/calendar-feed/revoke",
    summary="停用老师日历链接（工作人员）· Revoke a teacher's calendar link",
    responses=problems(*SIGNED_IN, *ONCE, Forbidden, service.TeacherNotFound),
)
async def revoke_teacher_feed(
    teacher_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep
) -> Done:
    """链接立即失效。The link is worthless at once."""
    await service.revoke_feed(tx, actor, FeedOf.TEACHER, teacher_id, now=now)
    return Done()


@router.get(
    "/calendars/{token}.ics",
    summary="日历 · A calendar behind a private link",
    response_class=Response,
    responses=_SHOWN | problems(service.FeedNotFound),
)
async def read_calendar(
    token: Annotated[str, Path(min_length=20, max_length=100)],
    request: Request,
    reader: ReaderDep,
    now: NowDep,
) -> Response:
    """日历程序凭私密链接读取，无需登录。For calendar programs; the link is the key."""
    content = await service.read_calendar(reader, token, now=now.replace(microsecond=0))
    etag = f'"{sha256(_undated(content)).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, max-age=300"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(content, headers=headers, media_type=MEDIA_TYPE)


def _undated(content: bytes) -> bytes:
    """Leave out when it was written: the same calendar has the same tag."""
    return b"\n".join(line for line in content.splitlines() if line[:7] != b"DTSTAMP")


def _feed(token: str) -> FeedOut:
    return FeedOut(path=f"/api/v1/calendars/{token}.ics")
