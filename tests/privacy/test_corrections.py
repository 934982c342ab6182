"""What people cannot change themselves is corrected by their staff, or explained."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.notifications.models import Notification
from neighborhood_api.privacy.corrections import remind_offices, tell_office
from neighborhood_api.privacy.models import Correction
from tests.privacy.arranging import done
from tests.support.clock import Clock
from tests.support.issues import Street
from tests.support.refusals import refused

WISH: dict[str, Any] = {"about": "register", "text": "我的出生年份应为 1968"}
ANSWER = {"granted": True, "answer": "已按户口簿更正"}


async def test_a_request_is_answered_by_the_community_and_she_is_told(
    street: Street, tx: Tx
) -> None:
    asked = await done(street.reporter, "/me/corrections", **WISH)
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    listed = (await worker.get("/staff/corrections")).json()["items"]
    assert [(one["id"], one["text"]) for one in listed] == [(asked["id"], WISH["text"])]
    path = f"/staff/corrections/{asked['id']}/answer"
    answered = await done(worker, path, **ANSWER)
    assert (answered["granted"], answered["answer"]) == (True, ANSWER["answer"])
    at = (street.town.at(1, 1, 1, 1).name, street.town.at(1, 1).name)
    for one in (listed[0], answered):
        assert (one["lane_name"], one["community_name"]) == at
        assert (one["about_name"], one["wish_name"]) == ("人口登记", "更正")
    refused(await worker.post(path, json=ANSWER), 409, "correction_settled")
    mine = (await street.reporter.get("/me/corrections")).json()["items"]
    assert [(one["granted"], one["answer"]) for one in mine] == [(True, ANSWER["answer"])]
    told = select(Notification.body).where(
        Notification.person_id == street.reporter.person_id,
        Notification.kind == "privacy.correction_answered",
    )
    assert (await tx.scalars(told)).all() == [ANSWER["answer"]]
    act = (await tx.scalars(select(Act).where(Act.subject == asked["id"]))).one()
    assert (act.what, act.detail) == ("privacy.correction_answered", {"granted": True})
    names = (await tx.scalars(select(OutboxRow.name))).all()
    assert {"privacy.correction_asked", "privacy.correction_answered"} <= set(names)
    for wanted, count in (("true", 1), ("false", 0)):
        shown = await worker.get("/staff/corrections", params={"answered": wanted})
        assert len(shown.json()["items"]) == count


async def test_the_office_is_told_and_told_again_before_it_is_due(
    street: Street, tx: Tx, clock: Clock
) -> None:
    asked = await done(street.reporter, "/me/corrections", **WISH)
    clerk = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    office = await street.staff(Role.STREET_DISPATCHER, 1)
    of_them = {one.person_id: name for one, name in ((clerk, "clerk"), (office, "street"))}

    async def told() -> list[tuple[str, str]]:
        for _ in range(2):
            await tell_office(tx, UUID(asked["id"]), now=clock.now)
            await remind_offices(tx, now=clock.now)
        rows = await tx.execute(
            select(Notification.person_id, Notification.kind).where(
                Notification.subject_id == UUID(asked["id"])
            )
        )
        return sorted((of_them[who], kind.rsplit("_", 1)[1]) for who, kind in rows)

    assert await told() == [("clerk", "asked")]
    clock.forward(days=13)
    assert await told() == [("clerk", "asked"), ("clerk", "due"), ("street", "due")]
    await done(clerk, f"/staff/corrections/{asked['id']}/answer", **ANSWER)
    assert await remind_offices(tx, now=clock.now) == 0


async def test_only_staff_of_the_place_read_and_answer(street: Street, tx: Tx) -> None:
    asked = await done(street.reporter, "/me/corrections", **WISH)
    path = f"/staff/corrections/{asked['id']}/answer"
    others = [
        await street.staff(Role.COMMUNITY_WORKER, 1, 2),
        await street.staff(Role.STREET_DISPATCHER, 2),
        await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0),
        street.chief,
        street.leader,
        street.reporter,
        await street.callers.resident(street.town.place(1, 1, 1, 1)),
    ]
    for other in others:
        assert (await other.get("/staff/corrections")).json()["items"] == []
        refused(await other.post(path, json=ANSWER), 404, "correction_not_found")
    row = await tx.get_one(Correction, asked["id"], populate_existing=True)
    assert row.answered_at is None
    for role, at in ((Role.STREET_SECRETARY, (1,)), (Role.OPERATOR, ())):
        staff = await street.staff(role, *at)
        assert len((await staff.get("/staff/corrections")).json()["items"]) == 1


async def test_it_needs_a_place_and_is_not_endless(street: Street) -> None:
    homeless = await street.callers.resident()
    refused(await homeless.post("/me/corrections", json=WISH), 404, "residence_unknown")
    grid = str(street.town.at(1, 1, 1).id)
    refused(
        await homeless.post("/me/corrections", json=WISH | {"lane_id": grid}), 422, "not_a_lane"
    )
    lane = str(street.town.at(1, 1, 1, 1).id)
    for _ in range(10):
        await done(homeless, "/me/corrections", **WISH, lane_id=lane)
    answer = await homeless.post("/me/corrections", json=WISH | {"lane_id": lane})
    refused(answer, 409, "too_many_corrections")
