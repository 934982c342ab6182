"""What residents are told of their residence."""

from datetime import datetime
from uuid import UUID

from neighborhood_api.grid.events import (
    RepresentativeChanged,
    ResidenceConfirmed,
    ResidenceRefused,
)
from neighborhood_api.grid.models import Household, Residence
from neighborhood_api.kit.db import Tx
from neighborhood_api.notifications.service import Subject, notify


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
    tx: Tx, household: Household, person_id: UUID, *, now: datetime
) -> None:
    """Tell somebody that she speaks for her household now."""
    await notify(
        tx,
        person_id,
        RepresentativeChanged.name,
        Subject("household", household.id),
        title="您已成为户代表",
        body="您现在是所在户的户代表。如不合适，可由本户成员或社区另选。",
        at_most_once_key=f"household:{household.id}:{household.version}",
        now=now,
    )


async def _tell(
    tx: Tx, home: Residence, kind: str, *, title: str, body: str, now: datetime
) -> None:
    await notify(
        tx,
        home.person_id,
        kind,
        None,
        title=title,
        body=body,
        at_most_once_key=f"residence:{home.person_id}:{home.version}",
        now=now,
    )
