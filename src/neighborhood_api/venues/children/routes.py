"""HTTP operations on children."""

from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Body, Depends, Query

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.identity.caller import ActorDep, current_actor
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.identity.service import masked as hidden
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.idempotency import BadIdempotencyKey, IdempotencyKeyReused
from neighborhood_api.kit.problems import Problem, TryAgain, problems
from neighborhood_api.kit.schema import Done
from neighborhood_api.registrations.ending import TooLateToCancel
from neighborhood_api.registrations.locking import RegistrationMoved
from neighborhood_api.venues.children import looking, service, withdrawing
from neighborhood_api.venues.children.consent import CONSENT_TEXTS, PRESENT
from neighborhood_api.venues.children.grades import grade_on
from neighborhood_api.venues.children.models import PickUpPerson
from neighborhood_api.venues.children.schemas import (
    ChildChangeIn,
    ChildIn,
    ChildList,
    ChildLookOut,
    ChildOut,
    ChildRecordOut,
    ConsentIn,
    ConsentOut,
    ConsentTextOut,
    GuardianOut,
    LookIn,
    PickUpOut,
    WithdrawIn,
)
from neighborhood_api.venues.dependencies import SettingsDep

router = new_router(tags=["孩子 children"])

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)
ONCE = (BadIdempotencyKey, IdempotencyKeyReused)


class ConsentTextNotFound(Problem):
    """No text of that version was ever in use."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such version of the text"
    message = "没有这个版本的监护人同意书，请查看现行版本"


@router.get(
    "/children/consent-text",
    summary="监护人同意书 · The text by which a guardian agrees",
    dependencies=[Depends(current_actor)],
    responses=problems(*SIGNED_IN, ConsentTextNotFound),
)
async def read_consent_text(
    settings: SettingsDep,
    version: Annotated[
        str | None,
        Query(
            max_length=40,
            description="版本号，不填为现行版本 · Which one; the present one when left out.",
        ),
    ] = None,
) -> ConsentTextOut:
    """登记孩子前须完整展示；以前同意过的版本也可查看。

    To be shown as a whole before a child is registered; earlier versions can be read too.
    """
    text = PRESENT if version is None else CONSENT_TEXTS.get(version)
    if text is None:
        raise ConsentTextNotFound
    return ConsentTextOut(
        version=text.version,
        since=text.since,
        present=text is PRESENT,
        text=text.words,
        kept_days=settings.child_kept_days,
        look_days=settings.child_look_days,
    )


@router.post(
    "/children",
    summary="登记孩子 · Register a child",
    responses=problems(
        *SIGNED_IN,
        *ONCE,
        service.ConsentNeeded,
        service.NotAMinor,
        service.TooManyChildren,
        service.ChildAlreadyRegistered,
        service.PickUpPhoneNeeded,
    ),
)
async def register_child(body: ChildIn, actor: ActorDep, tx: TxDep, now: NowDep) -> ChildOut:
    """监护人同意后登记孩子；只有本人能看到和修改。

    By the guardian, who agrees to the present text; nobody else sees or changes it.
    """
    return _child(await service.register_child(tx, actor, body, now=now), now)


@router.get(
    "/children",
    summary="我的孩子 · My children",
    responses=problems(*SIGNED_IN),
)
async def list_my_children(actor: ActorDep, tx: ReadTxDep, now: NowDep) -> ChildList:
    """本人登记的孩子，按登记先后排列。Those whom the caller registered, the first first."""
    children = await service.children_of(tx, actor.person_id)
    return ChildList(items=[_child(one, now) for one in children])


@router.get(
    "/children/{child_id}",
    summary="一个孩子 · One child",
    responses=problems(*SIGNED_IN, service.ChildNotFound),
)
async def read_child(child_id: UUID, actor: ActorDep, tx: ReadTxDep, now: NowDep) -> ChildOut:
    """仅监护人本人可见。For the guardian alone."""
    return _child(await service.read_child(tx, actor, child_id), now)


@router.put(
    "/children/{child_id}",
    summary="修改孩子的信息 · Change a child",
    responses=problems(
        *SIGNED_IN,
        service.ChildNotFound,
        service.NotAMinor,
        service.PickUpPhoneNeeded,
        StaleVersion,
    ),
)
async def change_child(
    child_id: UUID, body: ChildChangeIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ChildOut:
    """整体替换；未列出的接送人被删除，不填号码的沿用同名接送人原来的号码。

    All of it is replaced; whoever is named as before keeps her number when it is left out.
    """
    return _child(await service.change_child(tx, actor, child_id, body, now=now), now)


@router.post(
    "/children/{child_id}/consent",
    summary="同意新版监护人同意书 · Agree to the present text",
    responses=problems(*SIGNED_IN, *ONCE, service.ChildNotFound, service.ConsentNeeded),
)
async def renew_consent(
    child_id: UUID, body: ConsentIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ChildOut:
    """同意书更新后，下次报名前须重新同意。Before the next enrolment, when the text changed."""
    renewed = await service.renew_consent(tx, actor, child_id, body.consent_version, now=now)
    return _child(renewed, now)


@router.post(
    "/children/{child_id}/withdraw-consent",
    summary="撤回同意并删除 · Withdraw the consent and delete the data",
    responses=problems(
        *SIGNED_IN,
        *ONCE,
        service.ChildNotFound,
        withdrawing.ChildStillEnrolled,
        withdrawing.ChildUnderWay,
        TooLateToCancel,
        RegistrationMoved,
        TryAgain,
    ),
)
async def withdraw_consent(
    child_id: UUID,
    body: Annotated[WithdrawIn, Body(default_factory=WithdrawIn)],
    actor: ActorDep,
    tx: TxDep,
    now: NowDep,
) -> Done:
    """撤回同意，孩子的信息随即删除；还有报名的，先列出，确认后一并取消。

    The child's data are deleted at once. What it is enrolled in is listed first, and cancelled
    when the guardian says so.
    """
    cancel = body.cancel_enrolments
    await withdrawing.withdraw_consent(tx, actor, child_id, cancel_enrolments=cancel, now=now)
    return Done()


@router.post(
    "/children/{child_id}/looks",
    summary="打开孩子的记录（老师、工作人员）· Open a child's record",
    responses=problems(*SIGNED_IN, *ONCE, service.ChildNotFound),
)
async def open_child_record(
    child_id: UUID,
    body: LookIn,
    actor: ActorDep,
    tx: TxDep,
    now: NowDep,
    settings: SettingsDep,
) -> ChildRecordOut:
    """孩子所报活动的老师、场地工作人员，说明理由后查看提醒和电话；监护人会看到这次查看。

    For the teacher of what the child goes to, and for the staff of its place. It is logged,
    and the guardian sees who looked, when and why.
    """
    opened = await looking.open_child_record(
        tx, actor, child_id, body.reason, look_days=settings.child_look_days, now=now
    )
    child, guardian = opened.child, opened.guardian
    return ChildRecordOut(
        look_id=opened.look.id,
        name=child.name,
        grade=grade_on(child.school_entry_year, local_day(now)),
        note=child.note,
        guardian=GuardianOut(name=guardian.name, phone=guardian.phone),
        pick_ups=[PickUpOut.model_validate(person) for person in opened.pick_ups],
    )


@router.get(
    "/children/{child_id}/looks",
    summary="谁查看过孩子的记录 · Who opened the child's record",
    responses=problems(*SIGNED_IN, service.ChildNotFound, paging.BadCursor),
)
async def list_child_looks(
    child_id: UUID, actor: ActorDep, tx: ReadTxDep, page: paging.PageDep
) -> paging.Page[ChildLookOut]:
    """监护人查看：谁、什么时间、以什么身份、因为什么，新的在前；保存六个月。

    For the guardian, newest first; kept for six months.
    """
    rows = await looking.looks_into(tx, actor, child_id, page)
    return page.page(rows, ChildLookOut.model_validate)


def _child(registered: service.Registered, now: datetime) -> ChildOut:
    child = registered.child
    day: date = local_day(now)
    return ChildOut(
        id=child.id,
        name=child.name,
        birth_month=child.birth_month,
        grade=grade_on(child.school_entry_year, day),
        note=child.note,
        pick_ups=[_masked(person) for person in registered.pick_ups],
        consent=ConsentOut(
            version=child.consent_version,
            given_at=child.consented_at,
            present=child.consent_version == PRESENT.version,
        ),
        created_at=child.created_at,
        version=child.version,
    )


def _masked(person: PickUpPerson) -> PickUpOut:
    phone = hidden(person.phone) or ""
    return PickUpOut(name=person.name, relation=person.relation, phone=phone)
