"""HTTP operations of teachers."""

from uuid import UUID

from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.venues.dependencies import ONCE, SIGNED_IN
from neighborhood_api.venues.service import VenueNotFound
from neighborhood_api.venues.sessions.grounds import TeacherNotFound
from neighborhood_api.venues.sessions.occupying import PlaceOrTeacherTaken
from neighborhood_api.venues.sessions.teachers import linking, service
from neighborhood_api.venues.sessions.teachers.schemas import (
    TaughtSessionOut,
    TeacherChangeIn,
    TeacherIn,
    TeacherList,
    TeacherOut,
    TeachingOfferList,
    TeachingOfferOut,
)
from neighborhood_api.venues.sessions.teachers.teaching import taught_by

router = new_router(tags=["老师 teachers"])

TaughtPage = paging.Page[TaughtSessionOut]


@router.get(
    "/me/teaching",
    summary="我的授课 · What I teach",
    responses=problems(*SIGNED_IN, paging.BadCursor),
)
async def list_my_teaching(
    actor: ActorDep, tx: ReadTxDep, now: NowDep, page: paging.PageDep
) -> TaughtPage:
    """关联账号的老师、助教的课，最近的在前。What the caller teaches, soonest first."""
    rows = await taught_by(tx, actor.person_id, page, now=now)
    return page.page(rows, lambda view: view)


@router.get(
    "/me/teaching/offers",
    summary="待确认的授课邀请 · As which teacher I am asked",
    responses=problems(*SIGNED_IN),
)
async def list_my_teaching_offers(actor: ActorDep, tx: ReadTxDep) -> TeachingOfferList:
    """工作人员用本人手机号登记的老师，确认后关联账号。Teachers with the caller's number."""
    offers = await linking.my_offers(tx, actor)
    return TeachingOfferList(items=[TeachingOfferOut.model_validate(one) for one in offers])


@router.post(
    "/me/teaching/offers/{teacher_id}/accept",
    summary="确认授课邀请 · Accept to be that teacher",
    responses=problems(
        *SIGNED_IN,
        *ONCE,
        linking.OfferNotFound,
        linking.AlreadyTeacher,
        StaleVersion,
        PlaceOrTeacherTaken,
    ),
)
async def accept_teaching_offer(
    teacher_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep
) -> TeachingOfferList:
    """关联本人账号：可看点名册，授课时段不能另约；与本人已有安排冲突的不能确认。

    Links the caller's account: she reads her rosters, and what she teaches takes her own time,
    which must be free. Returns what she is still asked.
    """
    await linking.accept_offer(tx, actor, teacher_id, now=now)
    offers = await linking.my_offers(tx, actor)
    return TeachingOfferList(items=[TeachingOfferOut.model_validate(one) for one in offers])


@router.post(
    "/me/teaching/offers/{teacher_id}/decline",
    summary="不是本人 · Decline to be that teacher",
    responses=problems(*SIGNED_IN, *ONCE, linking.OfferNotFound),
)
async def decline_teaching_offer(
    teacher_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep
) -> TeachingOfferList:
    """不关联，不再询问，也不通知工作人员。She is not asked again, and staff are not told."""
    await linking.decline_offer(tx, actor, teacher_id, now=now)
    offers = await linking.my_offers(tx, actor)
    return TeachingOfferList(items=[TeachingOfferOut.model_validate(one) for one in offers])


@router.get(
    "/venues/{venue_id}/teachers",
    summary="老师列表（工作人员）· Teachers",
    responses=problems(*SIGNED_IN, Forbidden, VenueNotFound),
)
async def list_teachers(
    venue_id: UUID, actor: ActorDep, tx: ReadTxDep, now: NowDep
) -> TeacherList:
    """可在这里授课的志愿者。The volunteers who may teach here."""
    return TeacherList(items=await service.list_teachers(tx, actor, venue_id, now=now))


@router.post(
    "/venues/{venue_id}/teachers",
    summary="新增老师（工作人员）· Add a teacher",
    responses=problems(
        *SIGNED_IN,
        *ONCE,
        Forbidden,
        VenueNotFound,
    ),
)
async def add_teacher(
    venue_id: UUID, body: TeacherIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> TeacherOut:
    """新增志愿老师或助教；填了手机号的，本人登录后可确认关联账号。

    Add a volunteer. Whoever has the number is asked whether it is she; the answer here is the
    same whether anybody has it.
    """
    teacher = await service.add_teacher(tx, actor, venue_id, body, now=now)
    return await service.teacher_view(tx, teacher.id, now=now)


@router.put(
    "/teachers/{teacher_id}",
    summary="修改、停用老师（工作人员）· Change a teacher",
    responses=problems(
        *SIGNED_IN,
        Forbidden,
        TeacherNotFound,
        StaleVersion,
    ),
)
async def change_teacher(
    teacher_id: UUID, body: TeacherChangeIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> TeacherOut:
    """修改或停用；停用后退出所有未开始的课，这些课会提示人手不足；换手机号即解除关联。

    With another number the account is linked no more, until its holder accepts. Put out of use,
    she drops out of whatever has not begun, which shows that somebody lacks.
    """
    teacher = await service.change_teacher(tx, actor, teacher_id, body, now=now)
    return await service.teacher_view(tx, teacher.id, now=now)
