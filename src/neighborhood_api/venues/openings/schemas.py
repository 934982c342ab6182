"""What the API accepts and returns about when venues and rooms are open."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue

from neighborhood_api.kit.schema import In, Line, Moment, Out, named
from neighborhood_api.schedules.openings.schemas import (
    Cause,
    ClosureIn,
    HolidaysIn,
    OpenDayOut,
    OpeningExceptionIn,
    OpeningOut,
    OpeningRulesIn,
    RevokeIn,
)
from neighborhood_api.venues.bookings.schemas import BookingOut
from neighborhood_api.venues.names import SESSION_NAMES
from neighborhood_api.venues.sessions.models import SessionKind

HitsSeen = Annotated[Line, Field(max_length=64)]


class ConfirmedIn(In):
    """A change that may hit what is booked; staff confirm exactly what they saw."""

    preview: bool = False
    """只看会影响哪些预约，不作修改 · Only tell what would be hit; nothing is changed."""
    hits_seen: HitsSeen | None = None
    """看过的名单的 `hits_seen`,会取消预约时必填 · Of the list seen; where it cancels any."""


class KeepingIn(ConfirmedIn):
    """A change that keeps what is booked, unless it is to be cancelled."""

    cancel_hits: bool = False
    """是否取消受影响的预约和课程，不填为保留 · Cancel what is hit; kept when left out."""
    reason: Cause | None = None
    """取消的原因，对方会看到 · Why it is cancelled; its holders are told."""


def _example(fields: dict[str, JsonValue]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [fields]})


class ChangeRulesIn(KeepingIn, OpeningRulesIn):
    """All weekly opening hours; they replace those there are."""

    model_config: ClassVar[ConfigDict] = _example(
        {
            "version": 1,
            "rules": [{"weekday": 2, "opens_at": "09:00", "closes_at": "12:00"}],
            "preview": True,
        }
    )


class ChangeHolidaysIn(KeepingIn, HolidaysIn):
    """What becomes of the weekly hours on public holidays."""

    model_config: ClassVar[ConfigDict] = _example({"version": 1, "on_holidays": "as_sunday"})


class AddExceptionIn(ConfirmedIn, OpeningExceptionIn):
    """Other hours on some days, or none; what is booked outside them is cancelled."""

    model_config: ClassVar[ConfigDict] = _example(
        {
            "version": 1,
            "first_on": "2026-12-01",
            "last_on": "2026-12-03",
            "hours": [{"opens_at": "09:00", "closes_at": "11:00"}],
            "reason": "设备检修",
            "preview": True,
        }
    )


class WithdrawExceptionIn(KeepingIn, RevokeIn):
    """A wish to let the weekly hours hold again."""

    model_config: ClassVar[ConfigDict] = _example({"version": 2})


class AddClosureIn(ConfirmedIn, ClosureIn):
    """A stretch of time in which it is out of use; what is booked in it is cancelled."""

    model_config: ClassVar[ConfigDict] = _example(
        {
            "version": 1,
            "starts_at": "2026-12-01T14:00:00+08:00",
            "ends_at": "2026-12-02T12:00:00+08:00",
            "reason": "空调检修",
            "hits_seen": "5d41402abc4b2a76",
        }
    )


class CloseVenueIn(ConfirmedIn):
    """A wish to close a venue for good; whatever is booked there is cancelled."""

    model_config: ClassVar[ConfigDict] = _example(
        {"version": 1, "reason": "场地到期", "preview": True}
    )
    version: int
    """读到的场地版本号 · The venue's version, as read."""
    reason: Cause
    """原因，所有人可见 · Why; shown to everybody."""


class OpeningViewOut(Out):
    """When a venue or room is open."""

    own: OpeningOut
    """自己的开放时间 · What it says itself."""
    venue: OpeningOut | None
    """所在场地的开放时间；例外和停用同样约束活动室 · What binds a room from its venue."""
    days: list[OpenDayOut]
    """逐日的实际开放时间 · When it is really open, day by day."""


class SessionHitOut(Out):
    """A session that a change hits."""

    id: UUID
    kind: SessionKind
    kind_name: str = named("kind", SESSION_NAMES)
    """类别名称 · The same in Chinese, to be shown as it is."""
    title: str
    room_id: UUID | None
    starts_at: Moment
    ends_at: Moment
    capacity: int
    taken: int
    """已报名人数 · How many have a seat."""


class HitsOut(Out):
    """What lies where it is not open."""

    bookings: list[BookingOut]
    """预约 · Bookings."""
    sessions: list[SessionHitOut]
    """课程和活动 · Sessions."""


class OpeningChangeOut(HitsOut):
    """A change of opening hours, or what it would do."""

    applied: bool
    """是否已修改，预览为否 · Whether it was done; false for a preview."""
    cancelled: bool
    """名单中的预约和课程是否已取消 · Whether what is listed was cancelled."""
    hits_seen: str | None
    """确认时带回；不影响任何预约为空 · Send it back to confirm; null when nothing is hit."""
    opening: OpeningOut
    """现在的开放时间 · The opening hours as they are now."""


class VenueClosingOut(HitsOut):
    """The end of a venue, or what it would do."""

    applied: bool
    """是否已停办，预览为否 · Whether it was done; false for a preview."""
    hits_seen: str | None
    """确认时带回；没有预约为空 · Send it back to confirm; null when nothing is hit."""
