"""What the codes of accounts and sign-ins are called."""

from neighborhood_api.identity.accounts.models import InvitationKind
from neighborhood_api.identity.sessions.models import Outcome, SignInKind

SIGN_IN_NAMES: dict[SignInKind, str] = {
    SignInKind.WECHAT: "微信",
    SignInKind.PASSWORD: "密码",
    SignInKind.REFRESH: "续期凭据",
    SignInKind.SECOND_STEP: "动态码",
}
OUTCOME_NAMES: dict[Outcome, str] = {
    Outcome.SUCCEEDED: "成功",
    Outcome.WRONG_PASSWORD: "密码错误",
    Outcome.WRONG_CODE: "动态码错误",
    Outcome.LOCKED: "输错次数过多，已锁定",
    Outcome.REUSED: "凭据被复制，已退出",
}
INVITATION_NAMES: dict[InvitationKind, str] = {
    InvitationKind.INVITE: "邀请",
    InvitationKind.RESET: "重置",
}
