"""What becomes of consents and requests when two persons turn out to be one."""

from uuid import UUID

from sqlalchemy import func, select, update

from neighborhood_api.kit.db import Tx
from neighborhood_api.privacy.models import (
    Consent,
    Correction,
    DataExport,
    Erasure,
    ErasureState,
)


async def move_requests(tx: Tx, from_id: UUID, into_id: UUID) -> None:
    """Give what somebody agreed to and asked for to the person that she turned out to be.

    What both agreed to counts once; an account that has gone into another is not cancelled any
    more by itself. Safe to repeat.
    """
    said = select(Consent.kind).where(Consent.person_id == into_id, Consent.ended_at.is_(None))
    twice = update(Consent).where(
        Consent.person_id == from_id, Consent.ended_at.is_(None), Consent.kind.in_(said)
    )
    await tx.execute(twice.values(ended_at=func.now()))
    over = update(Erasure).where(
        Erasure.person_id == from_id, Erasure.state == ErasureState.COOLING.value
    )
    await tx.execute(over.values(state=ErasureState.WITHDRAWN.value, ended_at=func.now()))
    under_way = update(DataExport).where(
        DataExport.person_id == from_id, DataExport.state == "queued"
    )
    await tx.execute(under_way.values(state="failed"))
    for model in (Consent, Correction, DataExport, Erasure):
        mine = update(model).where(model.person_id == from_id)
        await tx.execute(mine.values(person_id=into_id))
