"""HTTP operations of the second step of signing in."""

from typing import Annotated
from uuid import UUID

from fastapi import Body, Depends, Request

from neighborhood_api.identity import staff
from neighborhood_api.identity.access import OPERATORS, Forbidden
from neighborhood_api.identity.accounts.superiors import NotBelowYou
from neighborhood_api.identity.caller import (
    ActorDep,
    comes_first,
    follows_the_password,
    limit_sign_ins,
)
from neighborhood_api.identity.dependencies import IssuerDep
from neighborhood_api.identity.schemas import SignedInOut
from neighborhood_api.identity.second_step import service, totp
from neighborhood_api.identity.second_step.schemas import (
    SecondStepBeginIn,
    SecondStepBegunOut,
    SecondStepCodeIn,
    SecondStepIn,
    SecondStepOnOut,
    SecondStepOut,
)
from neighborhood_api.identity.service import PersonNotFound, masked
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import TooManyRequests, TryAgain, problems
from neighborhood_api.kit.schema import Done

router = new_router(tags=["身份 identity"])

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)
BeginBody = Annotated[SecondStepBeginIn, Body(default_factory=SecondStepBeginIn)]


@router.post(
    "/auth/second-step",
    summary="登录第二步：动态码 · Finish a sign-in with a one-time code",
    dependencies=[Depends(limit_sign_ins)],
    responses=problems(
        service.ChallengeInvalid,
        service.WrongSecondStepCode,
        staff.AccountLocked,
        TooManyRequests,
    ),
)
async def finish_sign_in(
    body: SecondStepIn, issuer: IssuerDep, tx: TxDep, now: NowDep
) -> SignedInOut:
    """用身份验证器的动态码（或恢复码）完成登录；输错与密码输错合并计数。

    Within five minutes of the first step. Wrong codes count towards the lock of five
    failures; a code that was taken is not taken again.
    """
    code = body.code.get_secret_value()
    return await service.finish_sign_in(tx, issuer, body.challenge, code, now=now)


@router.get(
    "/me/totp",
    summary="我的动态码登录 · Whether the caller signs in with one-time codes",
    responses=problems(*SIGNED_IN),
)
@comes_first
async def read_second_step(
    request: Request, actor: ActorDep, issuer: IssuerDep, tx: ReadTxDep, now: NowDep
) -> SecondStepOut:
    """是否启用动态码登录、剩余恢复码，以及是否必须启用。How the second step stands."""
    state = await service.state_of(tx, actor.person_id)
    standing = await request.app.state.standing_of(tx, actor.person_id, now)
    operates = any(post.role in OPERATORS for post in standing.posts)
    return SecondStepOut(
        on=state.since is not None,
        since=state.since,
        recovery_codes_left=state.codes_left,
        required=issuer.second_step_required and operates,
    )


@router.post(
    "/me/totp",
    summary="开始启用动态码登录 · Begin to set up one-time codes",
    responses=problems(
        *SIGNED_IN,
        service.SecondStepIsForStaff,
        service.SecondStepAlreadyOn,
        staff.WrongOldPassword,
        staff.AccountLocked,
        TryAgain,
    ),
)
@follows_the_password
async def begin_second_step(
    request: Request,
    body: BeginBody,
    actor: ActorDep,
    issuer: IssuerDep,
    reader: ReaderDep,
    tx: TxDep,
    now: NowDep,
) -> SecondStepBegunOut:
    """获取密钥和二维码内容；用动态码确认后才生效。

    A new secret each time; nothing changes until `POST /me/totp/confirm`.
    """
    given = None if body.password is None else body.password.get_secret_value()
    device = issuer.device
    person = await staff.confirmed_person(reader, tx, actor, given, device=device, now=now)
    standing = await request.app.state.standing_of(tx, person.id, now)
    secret = await service.begin_second_step(tx, person, standing, now=now)
    label = masked(person.phone) or str(person.id)
    return SecondStepBegunOut(secret=secret, uri=totp.provisioning_uri(secret, label))


@router.post(
    "/me/totp/confirm",
    summary="确认启用动态码登录 · Turn one-time codes on",
    responses=problems(
        *SIGNED_IN,
        service.SecondStepOff,
        service.SecondStepAlreadyOn,
        service.WrongSecondStepCode,
        staff.AccountLocked,
    ),
)
@follows_the_password
async def confirm_second_step(
    body: SecondStepCodeIn, actor: ActorDep, issuer: IssuerDep, tx: TxDep, now: NowDep
) -> SecondStepOnOut:
    """输入动态码确认；返回十个恢复码，只显示一次；其他设备退出。

    Keep the recovery codes: they are not shown again. Other devices are signed out.
    """
    code = body.code.get_secret_value()
    codes = await service.confirm_second_step(tx, actor, code, device=issuer.device, now=now)
    return SecondStepOnOut(recovery_codes=codes)


@router.post(
    "/me/totp/turn-off",
    summary="关闭动态码登录 · Turn one-time codes off",
    responses=problems(
        *SIGNED_IN,
        service.SecondStepOff,
        service.SecondStepRequired,
        service.WrongSecondStepCode,
        staff.AccountLocked,
    ),
)
async def turn_off_second_step(
    request: Request,
    body: SecondStepCodeIn,
    actor: ActorDep,
    issuer: IssuerDep,
    tx: TxDep,
    now: NowDep,
) -> Done:
    """须输入动态码或恢复码。Needs a code of the app, or a recovery code."""
    standing = await request.app.state.standing_of(tx, actor.person_id, now)
    await service.turn_off_second_step(
        tx,
        actor,
        body.code.get_secret_value(),
        standing,
        device=issuer.device,
        required=issuer.second_step_required,
        now=now,
    )
    return Done()


@router.post(
    "/people/{person_id}/totp/reset",
    summary="关闭他人的动态码登录 · Take the second step off somebody's account",
    responses=problems(
        *SIGNED_IN, Forbidden, NotBelowYou, PersonNotFound, service.SecondStepOff
    ),
)
async def reset_second_step(person_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep) -> Done:
    """总管理员为丢失验证器和恢复码的人关闭动态码；其所有设备退出，双方得到通知。

    For chief operators. Who lost app and recovery codes signs in with the first step alone,
    and is signed out everywhere now.
    """
    await service.reset_second_step(tx, actor, person_id, now=now)
    return Done()
