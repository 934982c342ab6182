"""What the operations on one's own sign-ins return."""

from uuid import UUID

from pydantic import ConfigDict

from neighborhood_api.identity.names import SIGN_IN_NAMES
from neighborhood_api.identity.sessions.models import SignInKind
from neighborhood_api.kit.schema import Moment, Out, named


class DeviceSignInOut(Out):
    """A device on which the caller is signed in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198c0de-0000-7000-8000-00000000000c",
                    "kind": "wechat",
                    "kind_name": "微信",
                    "device": "WeChat on iPhone",
                    "network": "203.0.113.0/24",
                    "signed_in_at": "2026-11-20T08:00:00+08:00",
                    "last_used_at": "2026-11-22T10:00:00+08:00",
                    "this_one": True,
                }
            ]
        }
    )
    id: UUID
    kind: SignInKind
    """wechat 微信、password 密码 · How she signed in there."""
    kind_name: str = named("kind", SIGN_IN_NAMES)
    """登录方式 · The same in Chinese, to be shown as it is."""
    device: str
    """程序和系统的种类 · Family of program and system."""
    network: str | None
    """登录时的网段 · The network it signed in from."""
    signed_in_at: Moment
    last_used_at: Moment
    """最近一次换新令牌 · When its tokens were last renewed."""
    this_one: bool
    """是否本设备 · Whether it is the device that asks."""


class DeviceSignInsOut(Out):
    """Where the caller is signed in."""

    items: list[DeviceSignInOut]


class DevicesEndedOut(Out):
    """How many devices were signed out."""

    ended: int
