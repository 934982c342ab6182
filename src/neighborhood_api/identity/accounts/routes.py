"""HTTP operations of invitations, resets, and what superiors see of accounts."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Body, Depends, Request

from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.accounts import accepting, invitations, looking
from neighborhood_api.identity.accounts.models import InvitationKind
from neighborhood_api.identity.accounts.password_rules import NEXT_PASSWORD_REFUSALS
from neighborhood_api.identity.accounts.schemas import (
    AccountResetIn,
    InvitationAcceptIn,
    InvitationMadeOut,
    PendingInvitationOut,
    SignInHistoryOut,
    SignInLookIn,
    SignInLookOut,
    StaffAccountOut,
    WeChatBindIn,
)
from neighborhood_api.identity.accounts.superiors import NotBelowYou
from neighborhood_api.identity.caller import ActorDep, limit_sign_ins
from neighborhood_api.identity.dependencies import IssuerDep, OfficesDep
from neighborhood_api.identity.joining import PhoneTaken, PostsWouldBeLost
from neighborhood_api.identity.schemas import SignedInOut
from neighborhood_api.identity.second_step.challenges import SecondStepNeeded
from neighborhood_api.identity.service import PersonNotFound, masked
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import TooManyRequests, problems
from neighborhood_api.kit.schema import Done

router = new_router(tags=["账号 accounts"])

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)
ABOVE = (*SIGNED_IN, Forbidden, NotBelowYou, PersonNotFound)
ResetBody = Annotated[AccountResetIn, Body(default_factory=AccountResetIn)]
LINK = "/invitation#"
"""Where a console reads the code; what follows # never reaches a server or its log."""
PendingInvitationPage = paging.Page[PendingInvitationOut]


async def _valid_for(request: Request) -> timedelta:
    return timedelta(hours=request.app.state.settings.invitation_hours)


ValidForDep = Annotated[timedelta, Depends(_valid_for)]


@router.post(
    "/people/{person_id}/invitation",
    summary="邀请开通账号 · Invite somebody to her staff account",
    responses=problems(*ABOVE, invitations.AccountInUse, invitations.TooManyCodes),
)
async def invite(
    person_id: UUID,
    actor: ActorDep,
    issuer: IssuerDep,
    offices_of: OfficesDep,
    valid_for: ValidForDep,
    tx: TxDep,
    now: NowDep,
) -> InvitationMadeOut:
    """为已任命但还不能登录的人生成一次性邀请码，只显示这一次；先前的码作废。

    For somebody with a post who cannot sign in yet: by who is above her, or who may appoint
    her. Give her the code or the link yourself; it is shown once. An earlier one is void.
    """
    return _made(
        await invitations.invite(
            tx,
            actor,
            person_id,
            standing_of=issuer.standing_of,
            offices_of=offices_of,
            valid_for=valid_for,
            now=now,
        )
    )


@router.post(
    "/people/{person_id}/reset",
    summary="重置账号 · Give somebody a new way into her account",
    responses=problems(*ABOVE, invitations.TooManyCodes),
)
async def reset_account(
    person_id: UUID,
    body: ResetBody,
    actor: ActorDep,
    offices_of: OfficesDep,
    valid_for: ValidForDep,
    tx: TxDep,
    now: NowDep,
) -> InvitationMadeOut:
    """社区书记、街道书记或系统管理员为下级重置：原密码作废、所有设备退出，给出一次性码；双方得到通知。

    For community and street secretaries and operators, and only for people all of whose posts
    are below theirs. The password is void and every device signed out; she chooses a new
    password with the code. Both are told.
    """
    return _made(
        await invitations.reset_account(
            tx,
            actor,
            person_id,
            takes_wechat=body.unbind_wechat,
            offices_of=offices_of,
            valid_for=valid_for,
            now=now,
        )
    )


@router.get(
    "/account-invitations",
    summary="待使用的邀请 · Codes that wait to be used",
    responses=problems(*SIGNED_IN, paging.BadCursor),
)
async def list_invitations(
    actor: ActorDep, tx: ReadTxDep, now: NowDep, page: paging.PageDep
) -> PendingInvitationPage:
    """辖区内未使用且未过期的邀请和重置，新的在前；不含码本身。

    Invitations and resets in the caller's places that can still be used; never the codes.
    """
    rows = await invitations.pending_invitations(tx, actor, page, now=now)
    return page.page(rows, _pending)


@router.post(
    "/account-invitations/{invitation_id}/revoke",
    summary="作废邀请 · Revoke an invitation",
    responses=problems(*SIGNED_IN, Forbidden, invitations.InvitationNotFound),
)
async def revoke_invitation(
    invitation_id: UUID, actor: ActorDep, offices_of: OfficesDep, tx: TxDep, now: NowDep
) -> Done:
    """发码人或其上级作废一个码。By who made it, or by who is above its owner."""
    await invitations.revoke_invitation(
        tx, actor, invitation_id, offices_of=offices_of, now=now
    )
    return Done()


@router.post(
    "/auth/invitations/accept",
    summary="凭邀请码设置密码 · Choose a password with a one-time code",
    dependencies=[Depends(limit_sign_ins)],
    responses=problems(
        SecondStepNeeded,
        accepting.InvitationInvalid,
        *NEXT_PASSWORD_REFUSALS,
        TooManyRequests,
    ),
)
async def accept_invitation(
    body: InvitationAcceptIn,
    issuer: IssuerDep,
    offices_of: OfficesDep,
    reader: ReaderDep,
    tx: TxDep,
    now: NowDep,
) -> SignedInOut:
    """用邀请码或重置码和登记的手机号设置密码并登录；码只能用一次，手机号错 5 次即作废。

    The code works once, and only with the number it was made for: five wrong numbers void it.
    So does whatever ends the power of who made it over its owner.
    """
    return await accepting.accept_invitation(
        reader,
        tx,
        issuer,
        body.code.get_secret_value(),
        body.phone,
        body.password.get_secret_value(),
        offices_of=offices_of,
        now=now,
    )


@router.post(
    "/me/staff-account",
    summary="绑定微信到工作账号 · Bind the caller's WeChat to her staff account",
    dependencies=[Depends(limit_sign_ins)],
    responses=problems(
        *SIGNED_IN,
        SecondStepNeeded,
        accepting.InvitationInvalid,
        accepting.WeChatNeeded,
        accepting.OtherNumberBound,
        PhoneTaken,
        PostsWouldBeLost,
        TooManyRequests,
    ),
)
async def bind_staff_account(
    request: Request,
    body: WeChatBindIn,
    actor: ActorDep,
    issuer: IssuerDep,
    offices_of: OfficesDep,
    tx: TxDep,
    now: NowDep,
) -> SignedInOut:
    """在小程序里输入邀请码和登记的手机号，微信登录即归到工作账号；改用这里返回的令牌。

    The caller, signed in from the mini-program, is the staff member from now on: use these
    tokens. Binding her number with `POST /me/phone` does the same without a code.
    """
    holds_posts = request.app.state.holds_posts
    code = body.code.get_secret_value()
    return await accepting.bind_wechat(
        tx,
        actor,
        issuer,
        code,
        body.phone,
        holds_posts=holds_posts,
        offices_of=offices_of,
        now=now,
    )


@router.get(
    "/people/{person_id}/account",
    summary="下级的账号情况 · How somebody below can sign in",
    responses=problems(*ABOVE),
)
async def read_staff_account(
    person_id: UUID, actor: ActorDep, offices_of: OfficesDep, tx: ReadTxDep, now: NowDep
) -> StaffAccountOut:
    """是否有密码、微信、动态码，是否锁定，近 30 天失败次数；不含时间、设备和网段。

    Whether she can sign in, is locked, or is being guessed at; not when and from where.
    """
    found = await looking.read_staff_account(
        tx, actor, person_id, offices_of=offices_of, now=now
    )
    return StaffAccountOut.model_validate(found)


@router.post(
    "/people/{person_id}/sign-ins/look",
    summary="查看他人登录记录（留痕）· Look at somebody's sign-ins",
    responses=problems(*ABOVE),
)
async def look_at_sign_ins(
    person_id: UUID,
    body: SignInLookIn,
    actor: ActorDep,
    offices_of: OfficesDep,
    tx: TxDep,
    now: NowDep,
) -> SignInLookOut:
    """系统管理员查看下级最近 100 条登录记录；查看行为和事由记入审计。

    For operators, about people below them; that she looked, and why, is kept in the audit
    trail. The last hundred attempts, newest first.
    """
    reason = body.reason
    rows = await looking.look_at_sign_ins(
        tx, actor, person_id, reason, offices_of=offices_of, now=now
    )
    return SignInLookOut(items=[SignInHistoryOut.model_validate(row) for row in rows])


def _made(made: invitations.Made) -> InvitationMadeOut:
    return InvitationMadeOut(
        id=made.invitation.id,
        kind=InvitationKind(made.invitation.kind),
        code=made.code,
        link=LINK + made.code,
        expires_at=made.invitation.expires_at,
    )


def _pending(row: invitations.Pending) -> PendingInvitationOut:
    one = row.invitation
    return PendingInvitationOut(
        id=one.id,
        kind=InvitationKind(one.kind),
        person_id=one.person_id,
        name=row.person.name,
        phone=masked(row.person.phone),
        made_by_id=one.made_by_id,
        made_by_name=row.made_by.name,
        made_at=one.made_at,
        expires_at=one.expires_at,
    )
