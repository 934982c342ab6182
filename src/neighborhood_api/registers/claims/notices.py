"""What residents are told of their residence."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.events import (
    RepresentativeChanged,
    ResidenceConfirmed,
    ResidenceRefused,
    ResidenceStated,
)
from neighborhood_api.grid.models import Household, Residence
from neighborhood_api.grid.posts.duty import who_answers
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import Level
from neighborhood_api.kit.db import Tx
from neighborhood_api.notifications.service import Message, Subject, notify

TEMPLATE = "residence"
"""The code of the WeChat message that tells of one's residence."""


CONFIRMING: dict[Level, tuple[Role, ...]] = {
    Level.LANE: (Role.LANE_CHIEF,),
    Level.GRID: (Role.GRID_WORKER, Role.GRID_LEADER),
    Level.COMMUNITY: (Role.COMMUNITY_WORKER, Role.COMMUNITY_SECRETARY),
}
"""Who is told first of those who confirm residences."""


async def tell_who_confirms(tx: Tx, home: Residence, *, now: datetime) -> None:
    """Tell staff of the place that somebody waits; once a day, however often she moves there.

    Nobody is told of her own: then it is whoever confirms one level up.
    """
    if home.confirmed_at is not None or home.refused_at is not None:
        return
    duty = await who_answers(tx, home.place, now=now, answering=CONFIRMING)
    if duty.person_id == home.person_id and duty.level > Level.COMMUNITY:
        above = home.place.up_to(Level(duty.level - 1))
        duty = await who_answers(tx, above, now=now, answering=CONFIRMING)
    if duty.person_id in {None, home.person_id}:
        return
    await notify(
        tx,
        duty.person_id,
        ResidenceStated.name,
        Subject("residence_claim", home.person_id),
        title="有居民等待住址确认",
        body="请核对后确认，或说明原因不予确认。",
        at_most_once_key=f"claim:{home.person_id}:{home.place.node_id}:{local_day(now)}",
        now=now,
    )


async def tell_confirmed(tx: Tx, home: Residence, *, now: datetime) -> None:
    """Tell somebody that her residence is confirmed."""
    await _tell(
        tx,
        home,
        ResidenceConfirmed.name,
        title="住址已确认",
        body="您填报的住址已确认。如不是您本人填报，请联系社区。",
        now=now,
    )


async def tell_refused(tx: Tx, home: Residence, *, was_confirmed: bool, now: datetime) -> None:
    """Tell somebody that her residence is not, or not any more, and why."""
    await _tell(
        tx,
        home,
        ResidenceRefused.name,
        title="住址确认已撤销" if was_confirmed else "住址未通过确认",
        body=f"原因：{home.refusal}。请核对后重新填写，或联系社区。",
        now=now,
    )


async def tell_representative(
    tx: Tx, household_id: UUID, person_id: UUID, version: int, *, now: datetime
) -> None:
    """Tell somebody who speaks for her household since a change of it, if she still does."""
    speaks = select(Household.representative_id).where(Household.id == household_id)
    if await tx.scalar(speaks) != person_id:
        return
    await notify(
        tx,
        person_id,
        RepresentativeChanged.name,
        Subject("household", household_id),
        title="您已成为户代表",
        body="您现在是所在户的户代表。如不合适，可由本户成员或社区另选。",
        at_most_once_key=f"household:{household_id}:{version}",
        now=now,
        message=Message(TEMPLATE, about="户代表"),
    )


async def _tell(
    tx: Tx, home: Residence, kind: str, *, title: str, body: str, now: datetime
) -> None:
    await notify(
        tx,
        home.person_id,
        kind,
        Subject("residence", home.person_id),
        title=title,
        body=body,
        at_most_once_key=f"residence:{home.person_id}:{home.version}",
        now=now,
        message=Message(TEMPLATE, about="居住地址"),
    )
