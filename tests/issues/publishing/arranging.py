"""What the public sees, for tests of publishing."""

from typing import Any
from uuid import UUID

from httpx import AsyncClient
from sqlalchemy import select, update

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.issues.publishing.models import Publication
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.support.issues import Street
from tests.support.people import Caller
from tests.support.posts import phone_number

PLANTED = "13812345678"
MASKED = "138******78"


async def publication_of(tx: Tx, issue_id: str) -> Publication:
    tx.expire_all()
    return await tx.get_one(Publication, UUID(issue_id))


async def shown(client: AsyncClient, query: str = "") -> list[str]:
    """The ids of the public list, which must be answered."""
    answer = await client.get(f"/public/issues?limit=100&{query}")
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["items"]]


async def seen(client: AsyncClient, issue_id: str) -> dict[str, Any]:
    answer = await client.get(f"/public/issues/{issue_id}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def moderator(street: Street) -> Caller:
    return await street.staff(Role.COMMUNITY_WORKER, 1, 1)


async def published(street: Street, **changes: Any) -> str:  # noqa: ANN401
    """An issue that a moderator let through as it is."""
    issue_id = await street.reported(**changes)
    await street.done(await moderator(street), issue_id, "moderate", version=1, show=True)
    return issue_id


async def announced(tx: Tx, prefix: str = "issues.") -> list[str]:
    names = await tx.scalars(select(OutboxRow.name).order_by(OutboxRow.id))
    return [name for name in names if name.startswith(prefix)]


async def give_phone(tx: Tx, person_id: UUID) -> str:
    """Give somebody a number, and return it."""
    number = phone_number()
    await tx.execute(update(Person).where(Person.id == person_id).values(phone=number))
    await tx.commit()
    return number
