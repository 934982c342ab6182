"""What people are told of sessions, strikes and looks into a child's record."""

from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.registrations.sweeps import draw_due
from neighborhood_api.venues.models import Venue
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.venues.arranging import at, book, new_room
from tests.venues.children.arranging import registered
from tests.venues.notices.conftest import Told
from tests.venues.sessions.arranging import PLAN, added, changed, enrolled

LESSON = "四点半课堂·三年级数学（党群服务站）11月24日周二"


async def test_everybody_is_told_that_a_session_is_off_and_why(
    worker: Caller, venue: Venue, callers: Callers, town: Town, told: Told
) -> None:
    session = await added(worker, venue)
    people = [await callers.resident(town.place(1, 1, 1, 1)) for _ in range(4)]
    for one in people:  # the last one waits
        await enrolled(one, session["id"], wait=True)
    answer = await worker.post(f"/sessions/{session['id']}/cancel", json={"reason": "老师生病"})
    assert answer.status_code == 200, answer.text
    for one in people:
        assert await told(one) == [
            (
                "bookings.cancelled",
                "您的报名已被取消",
                f"{LESSON}16:30–18:00。原因：老师生病。",
            )
        ]


async def test_everybody_is_told_of_another_time(
    worker: Caller, venue: Venue, resident: Caller, told: Told
) -> None:
    session = await added(worker, venue)
    await enrolled(resident, session["id"])
    await changed(worker, session, 17)
    ((kind, _, body),) = await told(resident)
    assert kind == "bookings.moved"
    assert body == f"现为{LESSON}17:00–18:30。如不能到场，请提前取消。"


async def test_a_draw_tells_winners_and_the_others(
    worker: Caller,
    venue: Venue,
    callers: Callers,
    town: Town,
    rolled_back: Database,
    clock: Clock,
    told: Told,
) -> None:
    session = await added(worker, venue, capacity=2, draw_at=at(12).isoformat())
    people = [await callers.resident(town.place(1, 1, 1, 1)) for _ in range(3)]
    entries = [await enrolled(one, session["id"]) for one in people]
    clock.now = at(12)
    await draw_due(rolled_back, now=clock.now)
    for person, entry in zip(people, entries, strict=True):
        state = (await person.get(f"/bookings/{entry['id']}")).json()["state"]
        expected = {
            "confirmed": ("bookings.place_given", "抽签已中，名额已保留"),
            "waitlisted": ("bookings.not_drawn", "抽签未中，已转候补"),
        }
        assert [one[:2] for one in await told(person)] == [expected[state]]


async def test_who_is_drawn_and_waits_for_approval_is_told_so(
    worker: Caller,
    venue: Venue,
    resident: Caller,
    rolled_back: Database,
    clock: Clock,
    told: Told,
) -> None:
    asks = PLAN["policy"] | {"approval": True}
    session = await added(worker, venue, draw_at=at(12).isoformat(), policy=asks)
    await enrolled(resident, session["id"])
    clock.now = at(12)
    await draw_due(rolled_back, now=clock.now)
    assert await told(resident) == [
        ("bookings.place_given", "抽签已中，待审批", f"{LESSON}16:30–18:00，审批后会通知您。")
    ]


async def test_a_strike_is_told_with_what_can_be_done_and_what_came_of_it(
    resident: Caller, worker: Caller, venue: Venue, tx: Tx, clock: Clock, told: Told
) -> None:
    room = await new_room(tx, venue, strikes={"limit": 2, "window_days": 30})
    await tx.commit()
    first = (await book(resident, room, 14, 15)).json()["id"]
    other = (await book(resident, room, 16, 17)).json()["id"]
    clock.now = at(13.5)
    await resident.post(f"/bookings/{first}/cancel", json={})
    clock.now = at(15.5)
    await resident.post(f"/bookings/{other}/cancel", json={})
    told_first, told_other = await told(resident)
    assert told_first[:2] == ("strikes.given", "记爽约一次")
    assert told_first[2] == (
        "乒乓球室（党群服务站）11月24日周二14:00–15:00临近开始才取消，"
        "有效至12月24日周四13:30。如有特殊情况可申诉。"
    )
    assert told_other[0] == "strikes.given"
    strikes = (await resident.get("/me/strikes")).json()["items"]
    for one in strikes:
        await resident.post(f"/me/strikes/{one['id']}/appeal", json={"text": "发烧就医"})
    for one, lift in zip(strikes, (True, False), strict=True):
        answer = await worker.post(
            f"/strikes/{one['id']}/answer", json={"lift": lift, "text": "已核实"}
        )
        assert answer.status_code == 200, answer.text
    kinds = [(kind, body[-7:]) for kind, _, body in (await told(resident))[2:]]
    assert kinds == [("strikes.lifted", "答复：已核实。"), ("strikes.upheld", "答复：已核实。")]
    assert {kind for kind, _, _ in await told(worker)} == {"registrations.strike_appealed"}


async def test_a_guardian_is_told_who_looked_and_why(
    resident: Caller, worker: Caller, venue: Venue, told: Told
) -> None:
    session = await added(worker, venue, for_children=True)
    child = await registered(resident)
    await enrolled(resident, session["id"], child_id=child["id"])
    answer = await worker.post(f"/children/{child['id']}/looks", json={"reason": "联系家长"})
    assert answer.status_code == 200, answer.text
    ((kind, title, body),) = await told(resident)
    assert (kind, title) == ("venues.child_looked_up", "有人查看了孩子的信息")
    assert body.endswith("查看了黄小满的信息，理由：联系家长")
    (shown,) = (await resident.get("/me/notifications")).json()["items"]
    assert shown["subject"] == {"type": "child", "id": child["id"]}
    assert await told(worker) == []
