"""Somebody of the demonstration at work: whoever acts while the district is loaded."""

from datetime import datetime
from uuid import UUID, uuid4

from neighborhood_api.grid.service import standing_of
from neighborhood_api.identity.access import Actor
from neighborhood_api.kit.db import ReadTx


async def acting_as(tx: ReadTx, person_id: UUID, now: datetime) -> Actor:
    """Return a person with the posts that she has and where she lives, as if signed in."""
    standing = await standing_of(tx, person_id, now)
    return Actor(person_id, uuid4(), standing.posts, standing.residence)
