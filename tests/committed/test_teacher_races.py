"""Somebody accepts to be two teachers of one place at once: she is one of them."""

import asyncio

from sqlalchemy import func, select

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.ids import new_id
from neighborhood_api.venues.sessions.models import Teacher
from tests.support.people import Callers
from tests.support.places import Town
from tests.support.posts import phone_number
from tests.venues.arranging import new_venue
from tests.venues.sessions.arranging import hired

ROUNDS = 4


async def test_of_two_offers_of_a_place_that_are_accepted_at_once_one_links_the_account(
    live_database: Database, live_town: Town, live_callers: Callers
) -> None:
    staff = await live_callers.staff(live_town, Role.COMMUNITY_WORKER, 1, 1)
    async with live_database.transaction() as tx:
        venue = await new_venue(tx, live_town.place(1, 1), f"站{new_id().hex[-6:]}")
    for _ in range(ROUNDS):
        herself = await live_callers.resident(live_town.place(1, 1, 1, 1))
        number = phone_number()
        async with live_database.transaction() as tx:
            (await tx.get_one(Person, herself.person_id)).phone = number
        offers = [await hired(staff, venue, name, phone=number) for name in ("甲", "乙", "丙")]
        answers = await asyncio.gather(
            *(herself.post(f"/me/teaching/offers/{one['id']}/accept") for one in offers)
        )
        said = sorted(answer.json().get("code", "done") for answer in answers)
        assert said == ["already_teacher", "already_teacher", "done"]
        async with live_database.transaction() as tx:
            mine = select(func.count(Teacher.id)).where(Teacher.person_id == herself.person_id)
            assert await tx.scalar(mine) == 1
