"""What the identity domain announces."""

from uuid import UUID

from neighborhood_api.kit.outbox import Event


class PhoneBound(Event):
    """Somebody showed that a phone number is hers; which one, only her record tells."""

    name = "identity.phone_bound"
    chinese = "有人绑定了自己的手机号（号码不在事件里）。"
    person_id: UUID


class PersonMerged(Event):
    """Somebody who signed in by WeChat turned out to be a person known by phone."""

    name = "identity.person_merged"
    chinese = "微信登录的人与按手机号登记的人合并为一人。"
    from_person_id: UUID
    into_person_id: UUID


class AccountInvited(Event):
    """Somebody with a post, who could not sign in yet, was given a one-time code."""

    name = "identity.account_invited"
    chinese = "工作人员被邀请开通账号（邀请码不在事件里）。"
    person_id: UUID
    invitation_id: UUID
    by_id: UUID


class InvitationRevoked(Event):
    """A one-time code that was given became worthless before it was used."""

    name = "identity.invitation_revoked"
    chinese = "开通账号的邀请或重置码被作废。"
    person_id: UUID
    invitation_id: UUID


class InvitationAccepted(Event):
    """Somebody came to her account with a one-time code."""

    name = "identity.invitation_accepted"
    chinese = "有人凭一次性邀请码设置了密码或绑定了微信。"
    person_id: UUID
    invitation_id: UUID


class AccountReset(Event):
    """A superior voided somebody's password and signed her out everywhere."""

    name = "identity.account_reset"
    chinese = "上级重置了工作人员的账号：原密码作废，所有设备退出。"
    person_id: UUID
    invitation_id: UUID
    by_id: UUID


class SecondStepReset(Event):
    """Somebody's authenticator app was taken off her account for her."""

    name = "identity.second_step_reset"
    chinese = "工作人员的动态码登录被关闭。"
    person_id: UUID
    by_id: UUID
