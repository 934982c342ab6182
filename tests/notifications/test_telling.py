"""Telling somebody once, whoever she turns out to be, and forgetting it in time."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, text

from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Database, Tx, save
from neighborhood_api.kit.ids import first_id_at, new_id
from neighborhood_api.notifications.jobs import forget, move
from neighborhood_api.notifications.models import Delivery, Notification, Subscription
from neighborhood_api.notifications.service import Message, notify
from neighborhood_api.settings import Settings
from tests.notifications.world import NOON, REMINDERS, World
from tests.support.jobs import job_context


async def new_person(tx: Tx, **more: object) -> Person:
    person = Person(name="李梅", **more)  # type: ignore[arg-type]
    await save(tx, person)
    return person


async def tell(
    tx: Tx, person_id: UUID, key: str, *, message: Message | None = None
) -> UUID | None:
    return await notify(
        tx,
        person_id,
        "test.told",
        None,
        title=key,
        body="正文",
        at_most_once_key=key,
        now=NOON,
        message=message,
    )


async def told_to(tx: Tx, person_id: UUID) -> list[str]:
    mine = select(Notification.title).where(Notification.person_id == person_id)
    return list(await tx.scalars(mine.order_by(Notification.id)))


async def agreement(tx: Tx, person_id: UUID, remaining: int, template_id: str) -> None:
    await save(
        tx,
        Subscription(
            person_id=person_id,
            template="reminders",
            template_id=template_id,
            remaining=remaining,
            agreed_at=NOON,
        ),
    )


async def test_the_same_is_told_once_to_each(tx: Tx) -> None:
    one, other = await new_person(tx), await new_person(tx)
    assert await tell(tx, one.id, "取消") is not None
    assert await tell(tx, one.id, "取消") is None
    assert await tell(tx, other.id, "取消") is not None
    assert await told_to(tx, one.id) == ["取消"]


async def test_nobody_is_told_where_there_is_nobody(tx: Tx) -> None:
    assert await tell(tx, new_id(), "取消") is None


async def test_who_became_somebody_else_is_told_as_her(tx: Tx) -> None:
    known = await new_person(tx, phone="13900001234")
    merged = await new_person(tx, merged_into_id=known.id)
    await tell(tx, merged.id, "提醒")
    assert await told_to(tx, known.id) == ["提醒"]
    assert await told_to(tx, merged.id) == []


async def test_only_who_agreed_gets_a_message_and_a_job_that_sends_it(tx: Tx) -> None:
    agreed, used_up, silent = [await new_person(tx) for _ in range(3)]
    await agreement(tx, agreed.id, 1, REMINDERS)
    await agreement(tx, used_up.id, 0, REMINDERS)
    told = [
        await tell(tx, one.id, "提醒", message=Message("reminders", about="乒乓球室"))
        for one in (agreed, used_up, silent)
    ]
    prepared = select(Delivery.notification_id).where(Delivery.notification_id.in_(told))
    assert list(await tx.scalars(prepared)) == [told[0]]
    asked = text(
        "SELECT args->>'notification_id' FROM procrastinate_jobs"
        " WHERE task_name = 'notifications.send_message'"
        " AND args->>'notification_id' = ANY(:ids)"
    )
    found = await tx.scalars(asked, {"ids": [str(one) for one in told]})
    assert list(found) == [str(told[0])]


async def test_merged_accounts_have_one_inbox_in_the_order_of_time(
    rolled_back: Database, tx: Tx
) -> None:
    old, new = await new_person(tx), await new_person(tx, phone="13900001234")
    await tell(tx, old.id, "一")
    await tell(tx, new.id, "二")
    await tell(tx, old.id, "三")
    await tell(tx, old.id, "两人都知道")
    await tell(tx, new.id, "两人都知道")
    await agreement(tx, old.id, 2, REMINDERS)
    await agreement(tx, new.id, 3, REMINDERS)
    await tx.commit()
    for _ in range(2):
        context = job_context(rolled_back, "notifications.move")
        await move(context, from_person_id=str(old.id), into_person_id=str(new.id))
    assert await told_to(tx, new.id) == ["一", "二", "三", "两人都知道"]
    assert await told_to(tx, old.id) == []
    left = select(Subscription.person_id, Subscription.remaining).where(
        Subscription.person_id.in_([old.id, new.id])
    )
    assert (await tx.execute(left)).all() == [(new.id, 5)]


async def test_a_message_goes_to_the_phone_of_whom_she_turned_out_to_be(world: World) -> None:
    person = await world.person(agreed=1)
    told = await world.tell(person)
    phone, known = person.openid, Person(name="黄荔红", phone="13900001234")
    async with world.database.transaction() as tx:
        await save(tx, known)
        merged = await tx.get_one(Person, person.id)
        merged.openid, merged.merged_into_id = None, known.id
        await tx.flush()
        (await tx.get_one(Person, known.id)).openid = phone
    await world.post().send(told, now=NOON)
    assert (await world.delivery(told)).tries == 0
    context = job_context(world.database, "notifications.move")
    await move(context, from_person_id=str(person.id), into_person_id=str(known.id))
    await world.post().send_due(now=NOON)
    assert len(await world.received(person)) == 1


async def test_what_is_kept_long_enough_is_forgotten(
    world: World, tx: Tx, settings: Settings
) -> None:
    person = await world.person(agreed=1)
    fresh = await world.tell(person)
    context = job_context(world.database, "notifications.forget")
    context.additional_context["settings"] = settings.model_copy(
        update={"notifications_kept_days": 30}
    )
    for days in (29, 31, 400):
        moment = datetime.now(UTC) - timedelta(days=days)
        old = Notification(
            id=first_id_at(moment),
            person_id=person.id,
            kind="test.told",
            title=str(days),
            body="",
            once_key=str(days),
            created_at=moment,
        )
        delivery = Delivery(
            notification_id=old.id, template="reminders", about="", due_at=moment
        )
        await save(tx, old, delivery)
    await tx.commit()
    await forget(context, timestamp=0)
    assert await told_to(tx, person.id) == ["29", "即将开始"]
    left = select(func.count()).select_from(Delivery)
    mine = left.join(Notification, Notification.id == Delivery.notification_id)
    assert await tx.scalar(mine.where(Notification.person_id == person.id)) == 2
    assert await tx.scalar(select(Notification.id).where(Notification.id == fresh)) == fresh
