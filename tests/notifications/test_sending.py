"""WeChat messages: within what was agreed to, outside of quiet hours, never twice."""

from datetime import datetime, time, timedelta
from itertools import count

import pytest
from structlog.testing import capture_logs

from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.notifications import sending
from neighborhood_api.notifications.models import DeliveryState
from neighborhood_api.notifications.quiet import QuietHours
from neighborhood_api.notifications.sending import MOST_TRIES
from neighborhood_api.notifications.service import read_notification
from tests.notifications.world import NOON, PAGE, REMINDERS, TEMPLATES, World
from tests.support.people import actor_of

MINUTE = timedelta(minutes=1)
LATE = datetime(2026, 11, 24, 23, 0, tzinfo=SHOWN_ZONE)
MORNING = datetime(2026, 11, 25, 7, 0, tzinfo=SHOWN_ZONE)


async def test_a_message_says_what_the_template_asks_for(world: World) -> None:
    person = await world.person(agreed=1)
    told = await world.tell(person, body="党群服务站乒乓球室，\n如不能到场请尽快取消预约，谢谢")
    await world.post().send(told, now=NOON)
    (message,) = await world.received(person)
    assert message["template_id"] == REMINDERS
    assert message["page"] == f"{PAGE}?id={person.id}"
    assert message["values"] == {
        "thing1": "乒乓球室",
        "time2": "2026-11-24 15:00",
        "thing3": "党群服务站乒乓球室， 如不能到场请尽快…",
    }
    assert len(message["values"]["thing3"]) == 20
    delivery = await world.delivery(told)
    assert (delivery.state, delivery.errcode, delivery.tries) == (DeliveryState.SENT, 0, 1)


async def test_a_job_that_runs_again_sends_nothing_again(world: World) -> None:
    person = await world.person(agreed=3)
    told = await world.tell(person)
    for _ in range(3):
        await world.post().send(told, now=NOON)
        await world.post().send_due(now=NOON + MINUTE)
    assert len(await world.received(person)) == 1
    assert await world.remaining(person) == 2


async def test_one_agreement_is_good_for_one_message(world: World) -> None:
    person = await world.person(agreed=2)
    told = [await world.tell(person) for _ in range(3)]
    assert await world.post().send_due(now=NOON) == 3
    assert len(await world.received(person)) == 2
    states = [(await world.delivery(one)).state for one in told]
    assert states == [DeliveryState.SENT, DeliveryState.SENT, DeliveryState.REFUSED]
    assert await world.remaining(person) == 0
    assert world.app.state.standin.calls["/cgi-bin/message/subscribe/send"] == 2


async def test_agreement_to_one_template_is_none_to_another(world: World) -> None:
    person = await world.person(agreed=1, template="bookings")
    await world.tell(person, template="reminders")
    assert await world.post().send_due(now=NOON) == 0
    assert await world.received(person) == []
    assert await world.remaining(person, "bookings") == 1


async def test_agreement_to_a_template_that_was_replaced_is_worth_nothing(
    world: World,
) -> None:
    person = await world.person(agreed=1)
    told = await world.tell(person)
    replaced = TEMPLATES["reminders"].model_copy(update={"template_id": "newer"})
    await world.post(wechat_templates={"reminders": replaced}).send(told, now=NOON)
    assert (await world.delivery(told)).state == DeliveryState.REFUSED
    assert world.app.state.standin.calls["/cgi-bin/message/subscribe/send"] == 0


async def test_nobody_is_woken_and_the_morning_brings_it(world: World) -> None:
    person = await world.person(agreed=1)
    told = await world.tell(person, now=LATE, starts_in=timedelta(hours=11))
    post = world.post()
    await post.send(told, now=LATE)
    assert await post.send_due(now=MORNING - MINUTE) == 0
    assert await world.received(person) == []
    assert await world.remaining(person) == 1
    assert await post.send_due(now=MORNING) == 1
    assert len(await world.received(person)) == 1


async def test_what_is_over_before_the_morning_is_sent_at_night(world: World) -> None:
    person = await world.person(agreed=2)
    at_once = await world.tell(person, now=LATE, starts_in=timedelta(hours=7))
    await world.tell(person, now=LATE, starts_in=timedelta(hours=7, minutes=30))
    post = world.post()
    await post.send(at_once, now=LATE)
    assert len(await world.received(person)) == 1
    await post.send_due(now=LATE + MINUTE)
    assert len(await world.received(person)) == 2


@pytest.mark.parametrize(
    ("since", "until", "clock", "over"),
    [
        (22, 7, "21:59", None),
        (22, 7, "22:00", "2026-11-25 07:00"),
        (22, 7, "06:59", "2026-11-24 07:00"),
        (22, 7, "07:00", None),
        (12, 14, "13:00", "2026-11-24 14:00"),
        (12, 14, "14:00", None),
        (0, 0, "03:00", None),
    ],
)
def test_quiet_hours_end_in_the_morning_also_after_midnight(
    since: int, until: int, clock: str, over: str | None
) -> None:
    now = datetime.fromisoformat(f"2026-11-24 {clock}+08:00")
    end = QuietHours(time(since), time(until)).end(now)
    assert (None if end is None else f"{end:%Y-%m-%d %H:%M}") == over


async def test_what_is_over_or_read_is_not_sent(world: World) -> None:
    person = await world.person(agreed=2)
    over = await world.tell(person, starts_in=MINUTE)
    read = await world.tell(person)
    async with world.database.transaction() as tx:
        actor = await actor_of(tx, person.id)
        await read_notification(tx, actor, read, now=NOON)
    await world.post().send_due(now=NOON + MINUTE)
    assert await world.received(person) == []
    assert await world.remaining(person) == 2
    for one in (over, read):
        assert (await world.delivery(one)).state == DeliveryState.NEEDLESS


async def test_a_refusal_ends_the_agreement(world: World) -> None:
    person = await world.person(agreed=3)
    await world.switch_off(person)
    told = await world.tell(person)
    await world.post().send(told, now=NOON)
    delivery = await world.delivery(told)
    assert (delivery.state, delivery.errcode) == (DeliveryState.REFUSED, 43101)
    assert await world.remaining(person) == 0


@pytest.mark.parametrize("errcode", [40037, 41030, 47003])
async def test_a_wrong_configuration_alarms_the_operator_and_costs_nobody_anything(
    world: World, errcode: int
) -> None:
    person = await world.person(agreed=1)
    told = await world.tell(person)
    await world.spoil(errcode=errcode)
    with capture_logs() as logs:
        await world.post().send(told, now=NOON)
    (alarm,) = [line for line in logs if line["log_level"] == "error"]
    assert alarm["event"] == "wechat_message_misconfigured"
    assert (alarm["errcode"], alarm["template"]) == (errcode, "reminders")
    assert alarm["rid"]
    assert alarm["remedy"]
    assert str(person.openid) not in str(logs)
    assert (await world.delivery(told)).state == DeliveryState.FAILED
    assert await world.remaining(person) == 1


@pytest.mark.parametrize("errcode", [-1, 45009, 45011])
async def test_a_busy_wechat_is_asked_again_later_and_gets_it_once(
    world: World, errcode: int
) -> None:
    person = await world.person(agreed=1)
    told = await world.tell(person)
    await world.spoil(errcode=errcode, times=2)
    post = world.post()
    await post.send(told, now=NOON)
    waiting = await world.delivery(told)
    assert (waiting.state, waiting.due_at) == (DeliveryState.WAITING, NOON + MINUTE)
    assert await world.remaining(person) == 1
    await post.send(told, now=NOON + timedelta(seconds=59))
    assert (await world.delivery(told)).tries == 1
    await post.send_due(now=NOON + MINUTE)
    assert (await world.delivery(told)).due_at == NOON + 3 * MINUTE
    assert await post.send_due(now=NOON + 3 * MINUTE) == 1
    assert len(await world.received(person)) == 1
    assert await world.remaining(person) == 0


async def test_what_never_gets_through_is_given_up(world: World) -> None:
    person = await world.person(agreed=1)
    told = await world.tell(person, starts_in=timedelta(days=1))
    await world.spoil(errcode=-1)
    post = world.post(quiet_from=time(0), quiet_until=time(0))
    for _ in range(MOST_TRIES + 1):
        await post.send(told, now=(await world.delivery(told)).due_at)
    delivery = await world.delivery(told)
    assert (delivery.state, delivery.tries) == (DeliveryState.FAILED, MOST_TRIES)
    assert await world.remaining(person) == 1


async def test_a_message_whose_answer_was_lost_is_not_sent_again(world: World) -> None:
    person = await world.person(agreed=2)
    told = await world.tell(person)
    await world.spoil(delay_seconds=0.5, times=1)
    world.patience_seconds = 0.2
    await world.post().send(told, now=NOON)
    world.patience_seconds = 5
    for later in (MINUTE, 30 * MINUTE, 120 * MINUTE):
        await world.post().send_due(now=NOON + later)
    delivery = await world.delivery(told)
    assert (delivery.state, delivery.tries) == (DeliveryState.UNCERTAIN, 1)
    assert world.app.state.standin.calls["/cgi-bin/message/subscribe/send"] == 1
    assert await world.remaining(person) == 1


async def test_a_message_that_a_dead_worker_had_in_hand_is_not_sent_again(
    world: World,
) -> None:
    person = await world.person(agreed=2)
    told = await world.tell(person)
    post = world.post()
    async with world.database.transaction() as tx:
        assert await post._claim(tx, told, now=NOON) is not None  # noqa: SLF001  (and dies)
    await post.send_due(now=NOON + 9 * MINUTE)
    assert (await world.delivery(told)).state == DeliveryState.SENDING
    await post.send_due(now=NOON + 11 * MINUTE)
    assert (await world.delivery(told)).state == DeliveryState.UNCERTAIN
    assert await world.received(person) == []


async def test_the_clock_goes_on_in_a_sweep_that_a_slow_wechat_makes_long(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.person(agreed=2)
    sent = await world.tell(person, now=NOON - MINUTE)
    over = await world.tell(person, starts_in=1.5 * MINUTE)
    monkeypatch.setattr(sending, "monotonic", count(0, 60).__next__)  # a minute for each
    await world.post().send_due(now=NOON)
    assert (await world.delivery(sent)).state == DeliveryState.SENT
    assert (await world.delivery(over)).state == DeliveryState.NEEDLESS
    assert await world.remaining(person) == 1


async def test_an_unreachable_wechat_costs_nobody_anything(world: World) -> None:
    person = await world.person(agreed=1)
    told = await world.tell(person)
    there, world.base_url = world.base_url, "http://127.0.0.1:9"
    await world.post().send(told, now=NOON)
    world.base_url = there
    assert (await world.delivery(told)).state == DeliveryState.WAITING
    assert await world.remaining(person) == 1
    await world.post().send_due(now=NOON + MINUTE)
    assert len(await world.received(person)) == 1
