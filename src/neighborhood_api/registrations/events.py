"""What registrations announce."""

from datetime import datetime
from uuid import UUID

from neighborhood_api.kit.outbox import Code, Event


class _Registered(Event):
    registration_id: UUID
    resource_id: UUID
    kind: Code
    """What the resource is, e.g. room."""
    person_id: UUID | None
    """Who holds it; null for a caller without an account."""


class Registered(_Registered):
    """Somebody has a place now, or waits for an approval."""

    name = "registrations.registered"
    chinese = "预约或报名成功，或已提交待审批。"
    state: Code


class HoldBegun(_Registered):
    """A place is kept while the form is filled."""

    name = "registrations.hold_begun"
    chinese = "填写期间暂时保留名额。"
    until: datetime


class WaitlistJoined(_Registered):
    """Somebody waits for a freed place."""

    name = "registrations.waitlist_joined"
    chinese = "加入候补。"


class DrawEntered(_Registered):
    """Somebody takes part in a draw."""

    name = "registrations.draw_entered"
    chinese = "参加抽签。"


class PlaceOffered(_Registered):
    """A freed place is kept for somebody who waited, until the answer."""

    name = "registrations.place_offered"
    chinese = "候补有空位，等待确认。"
    until: datetime


class PlaceGiven(_Registered):
    """A freed or drawn place went to somebody who waited."""

    name = "registrations.place_given"
    chinese = "候补转正或抽中。"


class PlaceLost(_Registered):
    """Somebody lost a place because there are fewer, and waits again at the head."""

    name = "registrations.place_lost"
    chinese = "名额减少，退回候补。"


class Approved(_Registered):
    """Staff approved what was asked for."""

    name = "registrations.approved"
    chinese = "预约审批通过。"


class Rejected(_Registered):
    """Staff rejected what was asked for."""

    name = "registrations.rejected"
    chinese = "预约审批未通过。"


class Moved(_Registered):
    """A registration has another time, unit or room."""

    name = "registrations.moved"
    chinese = "预约改期或换场地。"


class Cancelled(_Registered):
    """A registration was given up, or taken back by staff."""

    name = "registrations.cancelled"
    chinese = "预约被本人或工作人员取消。"
    by_staff: bool
    late: bool


class Expired(_Registered):
    """A hold, an offer, a pending wish or a place in the queue ended by itself."""

    name = "registrations.expired"
    chinese = "保留、候补或待审批到期失效。"


class ReminderDue(_Registered):
    """It begins soon."""

    name = "registrations.reminder_due"
    chinese = "即将开始，提醒本人。"
    starts_at: datetime


class CheckedIn(_Registered):
    """Somebody came."""

    name = "registrations.checked_in"
    chinese = "已签到。"


class CheckedOut(_Registered):
    """Somebody left."""

    name = "registrations.checked_out"
    chinese = "已签退。"


class NobodyCame(_Registered):
    """Nobody checked in in time; the rest of the time is free again."""

    name = "registrations.nobody_came"
    chinese = "未按时签到，记为爽约并释放。"


class StrikeGiven(Event):
    """Somebody cancelled late or did not come."""

    name = "registrations.strike_given"
    chinese = "记爽约一次。"
    strike_id: UUID
    registration_id: UUID
    person_id: UUID
    reason: Code


class StrikeLifted(Event):
    """Staff took a strike back."""

    name = "registrations.strike_lifted"
    chinese = "爽约记录被撤销。"
    strike_id: UUID
    person_id: UUID


class StrikeAppealed(Event):
    """Somebody asks to have a strike taken back."""

    name = "registrations.strike_appealed"
    chinese = "对爽约记录提出申诉。"
    strike_id: UUID
    person_id: UUID


class StrikeUpheld(Event):
    """Staff answered an appeal against a strike, and left the strike."""

    name = "registrations.strike_upheld"
    chinese = "申诉未通过，爽约记录保留。"
    strike_id: UUID
    person_id: UUID


class DrawDone(Event):
    """The seats of a resource were drawn by lot."""

    name = "registrations.draw_done"
    chinese = "抽签完成。"
    resource_id: UUID
    entries: int
    winners: int
