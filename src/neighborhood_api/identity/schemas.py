"""What the identity API accepts and returns."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import Level
from neighborhood_api.kit.schema import In, Line, Moment, Out

Mobile = Annotated[str, StringConstraints(pattern=r"^1[0-9]{10}$")]
Code = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Password = Annotated[SecretStr, Field(min_length=1, max_length=128)]


class WeChatSignInIn(In):
    """A sign-in from the mini-program."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "0a3Xy2000mFq4P1"}]})
    code: Code
    """`wx.login` 得到的一次性 code · The single-use code from `wx.login`, five minutes old."""


class StaffSignInIn(In):
    """A sign-in of staff by phone and password."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"phone": "15400000001", "password": "Demo-2026"}]}
    )
    phone: Mobile
    """手机号 · Mobile number, eleven digits."""
    password: Password
    """密码 · Password."""


class RefreshIn(In):
    """A wish for a new access token, or to sign out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"refresh_token": "yO2v…"}]})
    refresh_token: Code
    """上次得到的 refresh_token · The refresh token last received; each is used once."""


class PhoneCodeIn(In):
    """The phone number that WeChat knows."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "e31968a7f94cc5ee"}]})
    code: Code
    """手机号按钮得到的 code(不是 wx.login 的)· The code of the phone-number button."""


class NameIn(In):
    """What the caller wants to be called."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "林女士", "version": 1}]}
    )
    name: Annotated[Line, Field(max_length=30)]
    """称呼,1–30 字 · Name, 1–30 characters."""
    version: int
    """读到的版本号 · The version that was read; a stale one is refused."""


class PasswordChangeIn(In):
    """A change of one's own password."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"old_password": "Demo-2026", "new_password": "Rain-2027"}]
        }
    )
    old_password: Password
    """原密码 · The password until now."""
    new_password: Annotated[SecretStr, Field(min_length=8, max_length=128)]
    """新密码，至少 8 位，大写、小写、数字、符号有三种 · 8 characters or more, of 3 kinds."""


class PostOut(Out):
    """A post that the caller holds."""

    role: Role
    """岗位 · Kind of post."""
    level: Level
    """层级:0 区县 1 街道 2 社区 3 网格 4 街巷 · Level of its node."""
    node_id: UUID
    """所在节点 · The grid node that the post is for."""
    organization_id: UUID | None
    """所属部门 · The department, for its officers."""


class MeOut(Out):
    """The caller."""

    id: UUID
    name: str | None
    """称呼 · Name; null until given."""
    phone: str | None
    """本人手机号（完整）· The caller's own number, unmasked; null until bound."""
    posts: list[PostOut]
    """现任岗位 · Posts held now; empty for residents."""
    lane_id: UUID | None
    """居住街巷 · Lane of residence; null until given."""
    version: int
    """版本号，修改时带上 · Send it back with a change."""


class PlacePartOut(Out):
    """One level of a place."""

    level: Level
    """层级:0 区县 1 街道 2 社区 3 网格 4 街巷 · Level."""
    id: UUID
    name: str
    """名称 · What it is called."""


class NamedPostOut(PostOut):
    """A post that the caller holds, with the names of its place."""

    place: list[PlacePartOut]
    """所在地点，从区县到所在节点 · Its place, from the district down."""


class AccountOut(Out):
    """The caller, with the names of the places that matter to her."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198c0de-0000-7000-8000-000000000001",
                    "name": "林女士",
                    "phone": "15400000001",
                    "posts": [],
                    "lane_id": "0198c0de-0000-7000-8000-000000000007",
                    "home": [
                        {
                            "level": 4,
                            "id": "0198c0de-0000-7000-8000-000000000007",
                            "name": "榕树巷",
                        }
                    ],
                    "version": 1,
                }
            ]
        }
    )
    id: UUID
    name: str | None
    """称呼 · Name; null until given."""
    phone: str | None
    """本人手机号（完整）· The caller's own number, unmasked; null until bound."""
    posts: list[NamedPostOut]
    """现任岗位 · Posts held now; empty for residents."""
    lane_id: UUID | None
    """居住街巷 · Lane of residence; null until given."""
    home: list[PlacePartOut]
    """居住地点，从区县到街巷 · Where the caller lives, from the district down; else empty."""
    version: int
    """版本号，修改时带上 · Send it back with a change."""


class SignedInOut(Out):
    """Tokens, and who they are for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "access_token": "eyJhbGciOiJFUzI1NiIs…",
                    "token_type": "Bearer",
                    "expires_at": "2026-11-22T10:15:00+08:00",
                    "refresh_token": "yO2v…",
                    "refresh_expires_at": "2026-12-22T10:00:00+08:00",
                    "me": {
                        "id": "0198c0de-0000-7000-8000-000000000001",
                        "name": None,
                        "phone": None,
                        "posts": [],
                        "lane_id": None,
                        "version": 1,
                    },
                }
            ]
        }
    )
    access_token: str
    """放在请求头 Authorization: Bearer 中,15 分钟有效 · For the Authorization header."""
    token_type: str = "Bearer"  # noqa: S105
    expires_at: Moment
    """access_token 到期时间 · When it runs out; refresh a little earlier."""
    refresh_token: str
    """换新用，只用一次 · For `POST /auth/refresh`; each is used once."""
    refresh_expires_at: Moment
    me: MeOut
    password_change_needed: bool = False
    """为真时先改密码(PUT /me/password)再换新令牌 · Change the password first, then refresh."""
    second_step_setup_needed: bool = False
    """为真时须先启用动态码(POST /me/totp),再换新令牌 · Set up the second step, then refresh."""


class PhoneBoundOut(Out):
    """What binding a phone number led to."""

    phone: str
    """已绑定的手机号 · The number now bound."""
    signed_in: SignedInOut | None = None
    """号码若已由工作人员登记，即换成登记的身份，改用这里的令牌。

    New tokens, when the number belonged to somebody already registered by staff: the caller
    is that person from now on."""


class Jwks(BaseModel):
    """Public keys that verify our access tokens (RFC 7517)."""

    keys: list[dict[str, str]]
