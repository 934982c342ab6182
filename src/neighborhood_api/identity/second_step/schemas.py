"""What the operations of the second step accept and return."""

from typing import Annotated

from pydantic import ConfigDict, Field, SecretStr

from neighborhood_api.identity.schemas import Code, Password
from neighborhood_api.kit.schema import In, Moment, Out

StepCode = Annotated[SecretStr, Field(min_length=6, max_length=40)]


class SecondStepIn(In):
    """The second step of a sign-in."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"challenge": "c3Rl…", "code": "492039"}]}
    )
    challenge: Code
    """第一步返回的 challenge · What the first step was answered with."""
    code: StepCode
    """6 位动态码，或一个恢复码 · The app's six digits, or a recovery code."""


class SecondStepBeginIn(In):
    """A wish to set the second step up."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"password": "Rain-2027"}]})
    password: Password | None = None
    """本人密码；没有密码的不填 · The caller's password, if she has one."""


class SecondStepBegunOut(Out):
    """What an authenticator app needs."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "secret": "JBSWY3DPEHPK3PXP",
                    "uri": "otpauth://totp/…?secret=JBSWY3DPEHPK3PXP&digits=6&period=30",
                }
            ]
        }
    )
    secret: str
    """手工输入用 · To type in where nothing can be scanned."""
    uri: str
    """显示为二维码，用身份验证器扫描 · Show it as a QR code."""


class SecondStepCodeIn(In):
    """A code of the authenticator app."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "492039"}]})
    code: StepCode
    """6 位动态码 · The app's six digits; to turn it off, a recovery code will do."""


class SecondStepOnOut(Out):
    """Codes for the day on which the phone is lost."""

    recovery_codes: list[str]
    """恢复码，各用一次，只显示这一次 · Each works once; nobody is shown them again."""


class SecondStepOut(Out):
    """How the caller's second step stands."""

    on: bool
    since: Moment | None
    """启用时间 · Since when it is on."""
    recovery_codes_left: int
    """剩余恢复码 · How many recovery codes are left."""
    required: bool
    """本系统是否要求本人启用 · Whether the caller must have it here."""
