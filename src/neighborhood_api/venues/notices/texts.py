"""What is said: short, with where and when, and what to do."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.registrations.states import Act, Channel, State
from neighborhood_api.venues.notices.queries import LookedUpRow, Noticed, SiteRow, StruckRow

WEEKDAYS = "一二三四五六日"


class Told(NamedTuple):
    """What a person is told."""

    title: str
    body: str
    expires_at: datetime | None = None
    """From then on nobody needs to be woken for it."""


class Notice(NamedTuple):
    """What is told of one kind of event about registrations."""

    kind: str
    acts: tuple[Act, ...]
    """The lines of history that the event stands for; the last one is told of."""
    say: Callable[[Noticed, datetime], Told | None]
    """What to say by now; None when there is nothing to say."""
    template: str = "bookings"


def moment(at: datetime) -> str:
    """Write a moment as people say it, e.g. 11月24日周二19:00."""
    local = at.astimezone(SHOWN_ZONE)
    weekday = WEEKDAYS[local.weekday()]
    return f"{local.month}月{local.day}日周{weekday}{local:%H:%M}"


def what(row: Noticed | StruckRow | SiteRow) -> str:
    """Write what it is about, where and when."""
    if row.starts_at is None or row.ends_at is None:
        return row.venue_name
    ends = f"{row.ends_at.astimezone(SHOWN_ZONE):%H:%M}"
    return f"{row.title}（{row.venue_name}）{moment(row.starts_at)}–{ends}"


def _noun(row: Noticed) -> str:
    return "报名" if row.kind == "session" else "预约"


def registered(row: Noticed, now: datetime) -> Told | None:
    """Tell of a wish that waits, or of what staff registered in her stead."""
    del now
    if row.state == State.PENDING:
        return Told(f"{_noun(row)}已提交，待审批", f"{what(row)}，审批后会通知您。")
    if row.channel == Channel.STAFF and row.state == State.CONFIRMED:
        return Told(
            "工作人员已为您登记", f"{what(row)}。如不能到场，请提前取消。", row.starts_at
        )
    return None


def approved(row: Noticed, now: datetime) -> Told | None:
    """Tell that it was approved."""
    del now
    if row.state != State.CONFIRMED:
        return None
    return Told(
        f"{_noun(row)}审批通过", f"{what(row)}。如不能到场，请提前取消。", row.starts_at
    )


def rejected(row: Noticed, now: datetime) -> Told | None:
    """Tell that it was rejected, and why."""
    del now
    return Told(
        f"{_noun(row)}未通过审批", f"{what(row)}。{_why(row)}可另选时间。", row.starts_at
    )


def moved(row: Noticed, now: datetime) -> Told | None:
    """Tell of another time or place."""
    del now
    if row.state not in {State.CONFIRMED, State.PENDING, State.WAITLISTED, State.OFFERED}:
        return None
    body = f"现为{what(row)}。{_why(row)}如不能到场，请提前取消。"
    return Told("时间或地点有调整", body, row.starts_at)


def cancelled(row: Noticed, now: datetime) -> Told | None:
    """Tell that it was taken back, and why."""
    del now
    return Told(
        f"您的{_noun(row)}已被取消", f"{what(row)}。{_why(row)}".rstrip(), row.starts_at
    )


def offered(row: Noticed, now: datetime) -> Told | None:
    """Tell that a place is kept, and until when."""
    if row.state != State.OFFERED or row.until is None or row.until <= now:
        return None
    body = f"{what(row)}有名额，请在{moment(row.until)}前确认，逾期让给下一位。"
    return Told("候补有名额，请确认", body, row.until)


def given(row: Noticed, now: datetime) -> Told | None:
    """Tell that a place is hers, or that staff have to approve it."""
    del now
    if row.state != row.entry_state:
        return None
    if row.state == State.PENDING:
        title = "抽签已中，待审批" if row.entry_act == Act.DRAW else "候补已到号，待审批"
        return Told(title, f"{what(row)}，审批后会通知您。", row.starts_at)
    if row.state != State.CONFIRMED:
        return None
    title = "抽签已中，名额已保留" if row.entry_act == Act.DRAW else "候补成功，名额已保留"
    return Told(title, f"{what(row)}。如不能到场，请提前取消。", row.starts_at)


def drawn(row: Noticed, now: datetime) -> Told | None:
    """Tell who drew no seat that she waits now."""
    del now
    if row.state != State.WAITLISTED or row.queued is None:
        return None
    return Told("抽签未中，已转候补", f"{what(row)}，有名额会通知您。", row.starts_at)


def lost(row: Noticed, now: datetime) -> Told | None:
    """Tell that there are fewer places."""
    del now
    if row.state != State.WAITLISTED:
        return None
    body = f"{what(row)}名额减少，您排在候补最前，有名额会通知您。"
    return Told("名额减少，已转候补", body, row.starts_at)


def expired(row: Noticed, now: datetime) -> Told | None:
    """Tell what ended by itself; not of a form that was left."""
    del now
    match row.before:
        case State.OFFERED:
            return Told("名额确认已过期", f"{what(row)}未按时确认，名额已让给下一位。")
        case State.PENDING:
            return Told(
                f"{_noun(row)}未及时审批，已失效", f"{what(row)}。可另选时间，或联系工作人员。"
            )
        case State.WAITLISTED | State.ENTERED:
            return Told("候补未成功", f"{what(row)}已开始，没有等到名额。")
        case _:
            return None


def reminded(row: Noticed, now: datetime) -> Told | None:
    """Remind of what begins soon."""
    if row.state != State.CONFIRMED or row.starts_at <= now:
        return None
    return Told("即将开始，请准时到场", f"{what(row)}。不能来请尽快取消。", row.starts_at)


_REASONS = {"late_cancel": "临近开始才取消", "no_show": "未按时到场"}


def struck(row: StruckRow) -> Told:
    """Tell of a strike, and what can be done about it."""
    until = moment(row.expires_at)
    body = f"{what(row)}{_REASONS[row.reason]}，有效至{until}。如有特殊情况可申诉。"
    return Told("记爽约一次", body)


def lifted(row: StruckRow) -> Told:
    """Tell that a strike counts no more."""
    return Told("爽约记录已撤销", f"{what(row)}的爽约记录已撤销。{_answer(row)}".rstrip())


def upheld(row: StruckRow) -> Told:
    """Tell what came of an appeal."""
    return Told("申诉未通过", f"{what(row)}的爽约记录保留。{_answer(row)}".rstrip())


def looked_up(row: LookedUpRow) -> Told:
    """Tell a guardian who looked, and why."""
    who = row.looker_name or "工作人员"
    return Told(
        "有人查看了孩子的信息", f"{who}查看了{row.child_name}的信息，理由：{row.reason}"
    )


def _why(row: Noticed) -> str:
    return f"原因：{row.entry_text}。" if row.entry_text else ""


def _answer(row: StruckRow) -> str:
    return f"答复：{row.answer}。" if row.answer else ""
