"""Telling who keeps a roster, and who is above her, that hours of it are nobody's."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext

from neighborhood_api.grid.events import RosterGapFound
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.posts.duty import who_answers
from neighborhood_api.grid.posts.models import RosterAlarm
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import Level
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.jobs import PATIENT, job_transaction, on
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.notifications.service import Subject, notify

jobs = Blueprint()

KEEPERS: dict[Level, tuple[Role, ...]] = {
    Level.STREET: (Role.STREET_SECRETARY,),
    Level.COMMUNITY: (Role.COMMUNITY_SECRETARY,),
    Level.GRID: (Role.GRID_LEADER,),
}
"""Who keeps the roster of a place at each level."""


@jobs.task(name="grid.tell_of_roster_gap", pass_context=True, retry=PATIENT)
async def tell_of_roster_gap(context: JobContext, /, alarm_id: str, **_: object) -> None:
    """Tell who keeps the roster and her superior, once for each alarm."""
    async with job_transaction(context) as tx:
        await tell_of_gap(tx, UUID(alarm_id), now=datetime.now(UTC))


async def tell_of_gap(tx: Tx, alarm_id: UUID, *, now: datetime) -> None:
    """Tell whoever acts as keeper of the roster today, and whoever does one level up."""
    alarm = await tx.get_one(RosterAlarm, alarm_id)
    node = await tx.get_one(Node, alarm.node_id)
    places = [node.place]
    if node.level > Level.STREET:
        places.append(node.place.up())
    people = []
    for place in places:
        duty = await who_answers(tx, place, now=now, answering=KEEPERS)
        if duty.person_id is not None:
            people.append(duty.person_id)
    begins = alarm.gap_from.astimezone(SHOWN_ZONE)
    for person_id in dict.fromkeys(people):
        await notify(
            tx,
            person_id,
            RosterGapFound.name,
            Subject("node", node.id),
            title=f"{node.name}值班表有空档",
            body=f"{begins:%m-%d %H:%M} 起无人值班，请补排。空档内由在岗人员或上一级应答。",
            at_most_once_key=f"{RosterGapFound.name} {alarm.id}",
            now=now,
        )


on(RosterGapFound, "grid.tell_of_roster_gap")
