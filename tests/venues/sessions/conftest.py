import pytest

from neighborhood_api.kit.db import Tx
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import phone_number, somebody


@pytest.fixture
async def parent(callers: Callers, town: Town) -> Caller:
    return await callers.resident(town.place(1, 1, 1, 2), name="林秀英")


@pytest.fixture
async def phone(tx: Tx, callers: Callers) -> tuple[str, Caller]:
    """A volunteer's mobile number, and she herself, signed in."""
    number = phone_number()
    person = await somebody(tx, "陈敏华", phone=number)
    await tx.commit()
    return number, await callers.person(person.id)
