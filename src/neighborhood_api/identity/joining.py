"""One WeChat account, one person: binding a number, and becoming the person behind it."""

from datetime import datetime

from sqlalchemy import select

from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.accounts.codes import close_invitation
from neighborhood_api.identity.events import PersonMerged, PhoneBound
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.revocations import revoke_person
from neighborhood_api.identity.schemas import SignedInOut
from neighborhood_api.identity.service import HoldsPosts, Issuer
from neighborhood_api.identity.sessions.history import end_other_sign_ins
from neighborhood_api.identity.sessions.models import SignInKind
from neighborhood_api.kit.db import Tx, refusing
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem


class PhoneTaken(Problem):
    """The number belongs to a person with another WeChat account."""

    title = "This phone number belongs to another account"
    message = "这个手机号已绑定其他微信，请换一个号码或联系社区工作人员"


class CodeNeeded(Problem):
    """A superior took the WeChat account of this number away; a code binds the next one."""

    title = "Bind WeChat to this staff account with a one-time code"
    message = "该号码的工作账号已解绑微信；请向上级领取一次性码，用“绑定工作账号”绑定"


class PostsWouldBeLost(Problem):
    """Becoming the person of another number would leave the caller's posts to nobody."""

    title = "You hold posts under your present number, which the new one would not have"
    message = "您在现有号码下担任岗位，换绑会失去岗位；请先联系系统管理员把岗位转到新号码"


async def bind_phone(
    tx: Tx,
    actor: Actor,
    issuer: Issuer,
    phone: str,
    *,
    holds_posts: HoldsPosts,
    now: datetime,
) -> SignedInOut | None:
    """Note the caller's verified number; become the person staff registered under it.

    Return new tokens when the caller became somebody else, None otherwise. Posts belong to
    the person they were given to, so whoever holds any does not become somebody else.

    Raises: PhoneTaken, CodeNeeded, PostsWouldBeLost.
    Emits: PhoneBound, PersonMerged.
    """
    involved = select(Person).where((Person.id == actor.person_id) | (Person.phone == phone))
    people = (await tx.scalars(involved.order_by(Person.id).with_for_update())).all()
    me = next(p for p in people if p.id == actor.person_id)
    known = next((p for p in people if p.phone == phone), None)
    if known is None or known is me:
        if me.phone != phone:
            me.phone = phone
            me.version += 1
            with refusing({"uq_person_phone": PhoneTaken}):  # by another phone, this moment
                await tx.flush()
        emit(tx, PhoneBound(person_id=me.id))
        return None
    if known.openid is not None or me.openid is None:
        raise PhoneTaken
    if known.wechat_by_code and await holds_posts(tx, known.id, now):
        raise CodeNeeded
    if await holds_posts(tx, me.id, now):
        raise PostsWouldBeLost
    await become(tx, me, known, now=now)
    return await issuer.sign_in(tx, known, SignInKind.WECHAT, now=now)


async def become(tx: Tx, me: Person, known: Person, *, now: datetime) -> None:
    """Give somebody's WeChat account to the person that staff registered her as.

    Both rows are locked; `known` has no WeChat account yet. An invitation that waits for her
    is worth nothing afterwards.

    Emits: PersonMerged, PhoneBound.
    """
    openid, unionid = me.openid, me.unionid
    me.openid = me.unionid = me.phone = None
    me.merged_into_id = known.id
    await tx.flush()  # the unique openid must leave one row before it enters the other
    known.openid, known.unionid = openid, unionid
    known.wechat_by_code = False
    await revoke_person(tx, me.id, now=now)
    await end_other_sign_ins(tx, me.id, but=None, reason="merged", now=now)
    await close_invitation(tx, known.id, "wechat", now=now)
    emit(tx, PersonMerged(from_person_id=me.id, into_person_id=known.id))
    emit(tx, PhoneBound(person_id=known.id))
