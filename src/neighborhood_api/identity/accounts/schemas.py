"""What the operations on accounts of staff accept and return."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, SecretStr, StringConstraints

from neighborhood_api.identity.accounts.models import InvitationKind
from neighborhood_api.identity.names import INVITATION_NAMES, OUTCOME_NAMES, SIGN_IN_NAMES
from neighborhood_api.identity.schemas import Mobile
from neighborhood_api.identity.sessions.models import Outcome, SignInKind
from neighborhood_api.kit.schema import In, Line, Moment, Out, named

OneTimeCode = Annotated[SecretStr, Field(min_length=1, max_length=40)]


class InvitationMadeOut(Out):
    """A one-time code, shown this once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198c0de-0000-7000-8000-00000000000a",
                    "kind": "invite",
                    "kind_name": "邀请",
                    "code": "K7QM-2X9D-4HTR",
                    "link": "/invitation#K7QM-2X9D-4HTR",
                    "expires_at": "2026-11-25T10:00:00+08:00",
                }
            ]
        }
    )
    id: UUID
    kind: InvitationKind
    """invite 邀请、reset 重置 · What the code is for."""
    kind_name: str = named("kind", INVITATION_NAMES)
    """用途 · The same in Chinese, to be shown as it is."""
    code: str
    """一次性码，只显示这一次 · Give it to her yourself; nobody is shown it again."""
    link: str
    """接在后台网址之后；# 后的内容不会发到服务器 · Put the console's address before it."""
    expires_at: Moment


class AccountResetIn(In):
    """A superior's wish to give somebody a new way in."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"unbind_wechat": False}]})
    unbind_wechat: bool = False
    """手机丢失时同时解绑微信 · Take her WeChat account away, too: her phone is lost."""


class PendingInvitationOut(Out):
    """A one-time code that waits to be used; what it is, nobody is told."""

    id: UUID
    kind: InvitationKind
    kind_name: str = named("kind", INVITATION_NAMES)
    """用途 · The same in Chinese, to be shown as it is."""
    person_id: UUID
    name: str | None
    """被邀请人 · Who is invited."""
    phone: str | None
    """手机号（打码）· Her number, masked."""
    made_by_id: UUID
    made_by_name: str | None
    """发码人 · Who made it."""
    made_at: Moment
    expires_at: Moment


class InvitationAcceptIn(In):
    """A one-time code, and the password that its owner chooses."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"code": "K7QM-2X9D-4HTR", "phone": "15400000009", "password": "Rain-2027"}
            ]
        }
    )
    code: OneTimeCode
    """邀请码或重置码，不分大小写 · As given; case, hyphens and O for 0 do not matter."""
    phone: Mobile
    """登记的手机号 · The number under which she was registered."""
    password: Annotated[SecretStr, Field(min_length=8, max_length=128)]
    """新密码，至少 8 位，大写、小写、数字、符号有三种 · 8 characters or more, of 3 kinds."""


class WeChatBindIn(In):
    """A one-time code typed in the mini-program."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"code": "K7QM-2X9D-4HTR", "phone": "15400000009"}]}
    )
    code: OneTimeCode
    """邀请码或重置码 · The one-time code."""
    phone: Mobile
    """登记的手机号 · The number under which she was registered."""


class StaffAccountOut(Out):
    """How somebody of the staff can sign in, for who is above her."""

    person_id: UUID
    name: str | None
    has_password: bool
    has_wechat: bool
    """是否绑定微信 · Whether she signs in with WeChat."""
    has_second_step: bool
    """是否启用动态码 · Whether one-time codes are on."""
    locked_until: Moment | None
    """因输错密码锁定至 · Locked after wrong passwords until then; else null."""
    failures_of_30_days: int
    """近 30 天登录失败次数 · Failed sign-ins of the last 30 days."""
    invited_until: Moment | None
    """有效的邀请或重置码到期时间 · Until when a code that was given can be used."""


class SignInLookIn(In):
    """Why an operator wants to see when and from where somebody signed in."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "account_misuse"}]})
    reason: Annotated[Line, StringConstraints(pattern=r"^[a-z_]{3,40}$")]
    """事由代码（英文小写），记入审计 · A code, for the audit trail: e.g. account_misuse."""


class SignInHistoryOut(Out):
    """One attempt to sign in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198c0de-0000-7000-8000-00000000000b",
                    "at": "2026-11-22T10:00:00+08:00",
                    "kind": "password",
                    "kind_name": "密码",
                    "outcome": "wrong_password",
                    "outcome_name": "密码错误",
                    "device": "Edge on Windows",
                    "network": "203.0.113.0/24",
                }
            ]
        }
    )
    id: UUID
    at: Moment
    kind: SignInKind
    """wechat 微信、password 密码、second_step 动态码、refresh 令牌被重复使用 · By what."""
    kind_name: str = named("kind", SIGN_IN_NAMES)
    """登录方式 · The same in Chinese, to be shown as it is."""
    outcome: Outcome
    """succeeded 成功、wrong_password 密码错、wrong_code 动态码错、locked 锁定、reused 已退出
    · What became of it."""
    outcome_name: str = named("outcome", OUTCOME_NAMES)
    """结果 · The same in Chinese, to be shown as it is."""
    device: str
    """程序和系统的种类 · Family of program and system, e.g. WeChat on iPhone."""
    network: str | None
    """网段，不是完整地址 · The network, never the whole address."""


class SignInLookOut(Out):
    """The last attempts to sign in as somebody."""

    items: list[SignInHistoryOut]
