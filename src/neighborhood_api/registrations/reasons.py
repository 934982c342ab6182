"""Why a wish is refused: every violated rule at once, each with the numbers behind it."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from http import HTTPStatus
from typing import ClassVar, NoReturn

from pydantic import JsonValue
from typing_extensions import override

from neighborhood_api.kit.problems import Problem, ProblemBody

Reason = dict[str, JsonValue]
"""`code`, `message` and the numbers behind it: an element of a problem's `reasons`."""


class Why(StrEnum):
    """What stands against a wish, besides times and opening hours."""

    NOT_FOR_YOUR_PLACE = "not_for_your_place"
    AGE_UNKNOWN = "age_unknown"
    TOO_YOUNG = "too_young"
    TOO_OLD = "too_old"
    CLOSED = "closed"
    PARTY_TOO_SMALL = "party_too_small"
    PARTY_TOO_LARGE = "party_too_large"
    SUSPENDED = "suspended"
    QUOTA_EXCEEDED = "quota_exceeded"
    ALREADY_REGISTERED = "already_registered"
    OVERLAPS_OWN_BOOKING = "overlaps_own_booking"
    TAKEN = "taken"
    FULL = "full"
    WAITLIST_FULL = "waitlist_full"


WAIVABLE = frozenset(
    {
        Why.NOT_FOR_YOUR_PLACE.value,
        Why.AGE_UNKNOWN.value,
        Why.TOO_YOUNG.value,
        Why.TOO_OLD.value,
        Why.SUSPENDED.value,
        Why.QUOTA_EXCEEDED.value,
        "too_soon",
        "too_far",
        "too_short",
        "too_long",
    }
)
"""What staff may set aside; nobody gets what somebody else has, or comes when it is closed."""


class NotForYou(Problem):
    """It is for others: another place, another age; `reasons` says what."""

    status = HTTPStatus.FORBIDDEN
    title = "This is not for you"
    message = "您不在这里的服务对象范围内，请查看原因"


class Suspended(Problem):
    """Too many strikes; `reasons` says until when."""

    title = "You may not book for a while"
    message = "因多次爽约，您暂时不能预约；如有特殊情况可以申诉"


class QuotaExceeded(Problem):
    """The person or household has had enough; `reasons` gives the numbers."""

    title = "You have used up what one may have"
    message = "已达到预约上限，请先用完或取消已有预约"


class OverlapsOwnBooking(Problem):
    """Whoever comes has another booking or session at that time."""

    title = "You already have a booking at that time"
    message = "您在这个时段已有预约，请另选时间或先取消原预约"


class AlreadyRegistered(Problem):
    """The same person is registered for the same already."""

    title = "You are already registered for this"
    message = "您已经预约或报名，无需重复提交"


class NothingFree(Problem):
    """Others have it all; `can_wait` says whether there is a waitlist to join."""

    title = "There is nothing left"
    message = "名额已满，请另选时间"
    or_wait: ClassVar[str] = "名额已满，请另选时间或加入候补"
    """The message where there is a waitlist."""

    @override
    def body(self, *, english: bool = False) -> ProblemBody:
        """Return the RFC 9457 object; it speaks of a waitlist only where there is one."""
        body = super().body(english=english)
        waits = self.members.get("can_wait") is True and not english
        return body.model_copy(update={"message": self.or_wait}) if waits else body


class NothingToApprove(NothingFree):
    """Others have what staff would approve; the wish can be rejected, or moved."""

    title = "Others have what you would approve"
    message = "这个时段已没有空位，请为对方改期，或不予通过"


class NotOpen(Problem):
    """Nothing new is taken."""

    title = "It is closed for bookings"
    message = "暂停预约，请选择其他"


class WishNotPossible(Problem):
    """The wish breaks rules; `reasons` lists every one, with its numbers."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "It cannot be had in that way"
    message = "这样不能预约，请按提示调整后再提交"


REFUSALS: Mapping[str, type[Problem]] = {
    Why.NOT_FOR_YOUR_PLACE: NotForYou,
    Why.AGE_UNKNOWN: NotForYou,
    Why.TOO_YOUNG: NotForYou,
    Why.TOO_OLD: NotForYou,
    Why.CLOSED: NotOpen,
    Why.SUSPENDED: Suspended,
    Why.ALREADY_REGISTERED: AlreadyRegistered,
    Why.OVERLAPS_OWN_BOOKING: OverlapsOwnBooking,
    Why.QUOTA_EXCEEDED: QuotaExceeded,
    Why.TAKEN: NothingFree,
    Why.FULL: NothingFree,
    Why.WAITLIST_FULL: NothingFree,
}
"""The problem of each reason, the gravest first; any other reason is `WishNotPossible`."""


def reason(code: str, message: str, **numbers: JsonValue) -> Reason:
    """Explain one violated rule."""
    return {"code": str(code), "message": message, **numbers}


def refuse(
    reasons: Sequence[Reason],
    by_code: Mapping[str, type[Problem]] = REFUSALS,
    **members: JsonValue,
) -> NoReturn:
    """Refuse for `reasons`, by the name of the gravest: those of the wish itself come last.

    Raises: one of the problems in `by_code`, or WishNotPossible.
    """
    codes = [str(one["code"]) for one in reasons]
    rest = [code for code in codes if code not in by_code]
    forbidden = (Why.NOT_FOR_YOUR_PLACE, Why.AGE_UNKNOWN, Why.TOO_YOUNG, Why.TOO_OLD)
    first: str | None = next((code for code in forbidden if code in codes), None)
    if first is None and not rest:
        first = next(code for code in by_code if code in codes)
    problem = WishNotPossible if first is None else by_code[first]
    explained: list[JsonValue] = [*reasons]
    raise problem(None, reasons=explained, **members)


def standing(reasons: Iterable[Reason], waived: frozenset[str]) -> list[Reason]:
    """Return the reasons that still hold after what staff set aside."""
    return [one for one in reasons if one["code"] not in waived]
