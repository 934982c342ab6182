"""HTTP operations of signing in, and of one's own account."""

from datetime import datetime

from fastapi import Depends, Request

from neighborhood_api.identity import joining, service, staff, tokens
from neighborhood_api.identity.accounts.password_rules import (
    NEXT_PASSWORD_REFUSALS,
    InitialPasswordExpired,
)
from neighborhood_api.identity.caller import ActorDep, GateDep, comes_first, limit_sign_ins
from neighborhood_api.identity.dependencies import IssuerDep, OfficesDep
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.schemas import (
    AccountOut,
    Jwks,
    NameIn,
    PasswordChangeIn,
    PhoneBoundOut,
    PhoneCodeIn,
    RefreshIn,
    SignedInOut,
    StaffSignInIn,
    WeChatSignInIn,
)
from neighborhood_api.identity.second_step.challenges import SecondStepNeeded
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, ReadTx, ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import TooManyRequests, TryAgain, problems
from neighborhood_api.kit.schema import Done
from neighborhood_api.wechat.client import LOGIN_REFUSALS, PHONE_REFUSALS, WeChat

router = new_router(tags=["身份 identity"])
well_known = new_router(tags=["身份 identity"])

SIGNED_IN = (tokens.NotSignedIn, tokens.TokenExpired, tokens.TokenRevoked)
"""Refusals of every operation that needs a caller."""


def _wechat(request: Request) -> WeChat:
    wechat: WeChat = request.app.state.wechat
    return wechat


@router.post(
    "/auth/wechat",
    summary="微信登录 · Sign in from the mini-program",
    dependencies=[Depends(limit_sign_ins)],
    responses=problems(*LOGIN_REFUSALS, SecondStepNeeded, TryAgain),
)
async def sign_in_with_wechat(
    request: Request, body: WeChatSignInIn, issuer: IssuerDep, tx: TxDep, now: NowDep
) -> SignedInOut:
    """用 wx.login 的 code 换取令牌；第一次登录即建立账号。

    Exchange a `wx.login` code for tokens; the first sign-in creates the account.
    """
    user = await _wechat(request).exchange_login_code(body.code)
    return await service.sign_in_with_wechat(tx, issuer, user.openid, user.unionid, now=now)


@router.post(
    "/auth/staff",
    summary="工作人员登录 · Sign in by phone and password",
    dependencies=[Depends(limit_sign_ins)],
    responses=problems(
        staff.WrongPhoneOrPassword,
        SecondStepNeeded,
        InitialPasswordExpired,
        staff.AccountLocked,
        TooManyRequests,
        TryAgain,
    ),
)
async def sign_in_staff(
    body: StaffSignInIn,
    issuer: IssuerDep,
    offices_of: OfficesDep,
    reader: ReaderDep,
    tx: TxDep,
    now: NowDep,
) -> SignedInOut:
    """工作人员用手机号和密码登录；连续输错 5 次锁定 15 分钟。

    Staff sign in; five wrong passwords lock the account for 15 minutes.
    """
    password = body.password.get_secret_value()
    return await staff.sign_in_staff(
        reader, tx, issuer, body.phone, password, offices_of=offices_of, now=now
    )


@router.post(
    "/auth/refresh",
    summary="换新令牌 · Refresh the tokens",
    responses=problems(
        service.RefreshTokenInvalid, service.RefreshTokenReused, TooManyRequests
    ),
)
async def refresh(
    body: RefreshIn, gate: GateDep, issuer: IssuerDep, tx: TxDep, now: NowDep
) -> SignedInOut:
    """用 refresh_token 换新令牌；旧的随即作废（30 秒内重复提交仍有效）。

    Each refresh token is used once; repeats within 30 seconds get tokens of their own.
    """
    # By token, not by address: a whole office or a whole mobile network may share one address.
    await gate.sign_ins.hit(body.refresh_token)
    return await service.refresh(tx, issuer, body.refresh_token, now=now)


@router.post("/auth/logout", summary="退出登录 · Sign out this device")
async def sign_out(body: RefreshIn, tx: TxDep, now: NowDep) -> Done:
    """退出本设备；令牌立即失效。Sign out this device; its tokens are worthless at once."""
    await service.sign_out(tx, body.refresh_token, now=now)
    return Done()


@router.get("/me", summary="我的账号 · The caller's account", responses=problems(*SIGNED_IN))
@comes_first
async def read_me(request: Request, actor: ActorDep, tx: ReadTxDep, now: NowDep) -> AccountOut:
    """本人的称呼、手机号、岗位和居住街巷，附各级地名。

    Name, phone, posts and home of the caller, with the names of the places.
    """
    person = await tx.get(Person, actor.person_id)
    if person is None:
        raise service.PersonNotFound
    return await _account(request, tx, person, now)


@router.put(
    "/me",
    summary="修改称呼 · Change one's name",
    responses=problems(*SIGNED_IN, service.StaleVersion),
)
async def rename(
    request: Request, body: NameIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> AccountOut:
    """修改称呼。Change what the caller is called."""
    person = await service.rename(tx, actor, body)
    return await _account(request, tx, person, now)


async def _account(request: Request, tx: ReadTx, person: Person, now: datetime) -> AccountOut:
    standing = await request.app.state.standing_of(tx, person.id, now)
    nodes = {post.node_id for post in standing.posts}
    if standing.residence is not None:
        nodes.add(standing.residence.node_id)
    names = await request.app.state.names_of(tx, nodes)
    return service.account_view(person, standing, names)


@router.post(
    "/me/phone",
    summary="绑定手机号 · Bind the WeChat phone number",
    responses=problems(
        *SIGNED_IN,
        *PHONE_REFUSALS,
        SecondStepNeeded,
        joining.PhoneTaken,
        joining.CodeNeeded,
        joining.PostsWouldBeLost,
    ),
)
async def bind_phone(
    request: Request,
    body: PhoneCodeIn,
    actor: ActorDep,
    issuer: IssuerDep,
    tx: TxDep,
    now: NowDep,
) -> PhoneBoundOut:
    """用手机号按钮的 code 绑定手机号；号码若已由工作人员登记，即转为登记的身份。

    Bind the number behind a phone-button code. When staff registered that number before,
    the caller becomes that person and gets new tokens in `signed_in`; refused while the
    caller holds a post, or will, or stands in for one.
    """
    phone = await _wechat(request).phone_number(body.code)
    signed_in = await joining.bind_phone(
        tx, actor, issuer, phone, holds_posts=request.app.state.holds_posts, now=now
    )
    return PhoneBoundOut(phone=phone, signed_in=signed_in)


@router.put(
    "/me/password",
    summary="修改密码 · Change one's password",
    responses=problems(
        *SIGNED_IN,
        staff.WrongOldPassword,
        staff.AccountLocked,
        InitialPasswordExpired,
        *NEXT_PASSWORD_REFUSALS,
        TryAgain,
    ),
)
@comes_first
async def change_password(
    body: PasswordChangeIn,
    actor: ActorDep,
    issuer: IssuerDep,
    offices_of: OfficesDep,
    reader: ReaderDep,
    tx: TxDep,
    now: NowDep,
) -> Done:
    """修改密码，并退出其他设备；原密码输错与登录输错合并计数。

    Change the password; other devices are signed out. Wrong old passwords count toward the
    lock of five failures.
    """
    old, new = body.old_password.get_secret_value(), body.new_password.get_secret_value()
    await staff.change_password(
        reader, tx, actor, issuer, old, new, offices_of=offices_of, now=now
    )
    return Done()


@well_known.get(
    "/.well-known/jwks.json", summary="验证令牌的公钥 · Public keys of access tokens"
)
async def read_jwks(gate: GateDep) -> Jwks:
    """第三方验证 access_token 用的公钥。Keys with which third parties verify our tokens."""
    return Jwks(keys=gate.tokens.keyring.jwks())
