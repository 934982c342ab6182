"""HTTP operations on one's own devices and history of sign-ins."""

from uuid import UUID

from neighborhood_api.identity.accounts.schemas import SignInHistoryOut
from neighborhood_api.identity.caller import ActorDep, comes_first
from neighborhood_api.identity.models import SignIn
from neighborhood_api.identity.sessions import history
from neighborhood_api.identity.sessions.models import SignInAttempt, SignInKind
from neighborhood_api.identity.sessions.schemas import (
    DevicesEndedOut,
    DeviceSignInOut,
    DeviceSignInsOut,
)
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.kit.schema import Done

router = new_router(tags=["身份 identity"])

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)
SignInHistoryPage = paging.Page[SignInHistoryOut]


@router.get(
    "/me/sign-ins",
    summary="我的登录记录 · History of the caller's sign-ins",
    responses=problems(*SIGNED_IN, paging.BadCursor),
)
async def list_my_sign_ins(
    actor: ActorDep, tx: ReadTxDep, page: paging.PageDep
) -> SignInHistoryPage:
    """本人的登录记录，含失败的；只记设备种类和网段。

    Successful and failed sign-ins of the caller, newest first.
    """
    query = history.attempts_of(actor.person_id).where(SignInAttempt.id < page.below)
    rows = (await tx.scalars(query.limit(page.fetch))).all()
    return page.page(rows, SignInHistoryOut.model_validate)


@router.get(
    "/me/sessions",
    summary="我登录的设备 · Where the caller is signed in",
    responses=problems(*SIGNED_IN),
)
@comes_first
async def list_my_devices(actor: ActorDep, tx: ReadTxDep, now: NowDep) -> DeviceSignInsOut:
    """本人登录着的设备，本设备有标记。The devices on which the caller is signed in."""
    rows = await tx.scalars(history.live_sign_ins(actor.person_id, now))
    return DeviceSignInsOut(items=[_device(row, actor.sign_in_id) for row in rows])


@router.post(
    "/me/sessions/{sign_in_id}/end",
    summary="远程退出一台设备 · Sign one device out",
    responses=problems(*SIGNED_IN, history.DeviceSignInNotFound),
)
@comes_first
async def end_device_sign_in(sign_in_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep) -> Done:
    """退出本人的一台设备，其令牌立即失效。Its tokens are worthless at once."""
    await history.end_device_sign_in(tx, actor, sign_in_id, now=now)
    return Done()


@router.post(
    "/me/sessions/end-others",
    summary="退出其他设备 · Sign all other devices out",
    responses=problems(*SIGNED_IN),
)
@comes_first
async def end_other_sign_ins(actor: ActorDep, tx: TxDep, now: NowDep) -> DevicesEndedOut:
    """退出本设备以外的所有设备。Sign out everywhere but here."""
    mine, reason = actor.sign_in_id, "ended_remotely"
    ended = await history.end_other_sign_ins(
        tx, actor.person_id, but=mine, reason=reason, now=now
    )
    return DevicesEndedOut(ended=ended)


def _device(row: SignIn, this_one: UUID) -> DeviceSignInOut:
    return DeviceSignInOut(
        id=row.id,
        kind=SignInKind(row.kind),
        device=row.device,
        network=row.network,
        signed_in_at=row.created_at,
        last_used_at=row.last_used_at or row.created_at,
        this_one=row.id == this_one,
    )
