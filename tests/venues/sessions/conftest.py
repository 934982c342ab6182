import pytest

from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import phone_number


@pytest.fixture
async def parent(callers: Callers, town: Town) -> Caller:
    return await callers.resident(town.place(1, 1, 1, 2), name="林秀英")


@pytest.fixture
async def phone(tx: Tx, callers: Callers, town: Town) -> tuple[str, Caller]:
    """A volunteer's mobile number, and she herself, who lives here."""
    number = phone_number()
    herself = await callers.resident(town.place(1, 1, 1, 1), name="陈敏华")
    (await tx.get_one(Person, herself.person_id)).phone = number
    await tx.commit()
    return number, herself
