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
