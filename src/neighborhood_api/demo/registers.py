"""Loads the demonstration's registers: who lives where, special care, shops, and old entries.

Rows stand as an import would leave them; what somebody must decide goes through the use cases.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.demo.acting import acting_as
from neighborhood_api.demo.place import DemoPlace
from neighborhood_api.demo.records import Records, RegisteredRow
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Confirmation, Household, Node, Residence
from neighborhood_api.grid.residences.schemas import ResidenceRulesIn
from neighborhood_api.grid.residences.standing import state_residence_rules
from neighborhood_api.identity.places import columns_of
from neighborhood_api.kit.db import Tx
from neighborhood_api.registers.care.schemas import CareFlagIn
from neighborhood_api.registers.care.service import flag_care
from neighborhood_api.registers.models import CareKind, Establishment, Resident

STALE_AFTER_DAYS = 180
VISITOR_KEY = "community-worker-001005-1"
"""Who notes special care: somebody who visits all of the community."""


async def load_registers(
    tx: Tx,
    place: DemoPlace,
    records: Records,
    nodes: Mapping[str, Node],
    homes: Mapping[str, Household],
    persons: Mapping[str, UUID],
    now: datetime,
) -> None:
    """Register people and organisations, and confirm who is registered with her number."""
    today = local_day(now)
    accounts = {
        (row.household_key, row.phone): persons[row.key]
        for row in place.residents
        if row.household_key is not None and row.phone is not None
    }
    registered = {
        (row.household_key, row.name): _resident(
            row,
            homes[row.household_key],
            accounts.get((row.household_key, row.phone or "")),
            today,
        )
        for row in records.registered
    }
    tx.add_all(registered.values())
    tx.add_all(
        Establishment(
            name=row.name,
            kind=row.kind,
            address=row.address,
            contact_name=row.contact_name,
            contact_phone=row.contact_phone,
            verified_on=days_ago(today, row.verified_days_ago),
            **columns_of(nodes[row.node_code].place),  # type: ignore[arg-type]
        )
        for row in records.establishments
    )
    await tx.flush()
    known = {one.person_id for one in registered.values()} - {None}
    for home in await tx.scalars(select(Residence).where(Residence.person_id.in_(known))):
        home.confirmed_at, home.confirmed_how = now, Confirmation.PHONE.value
    visitor = await acting_as(tx, persons[VISITOR_KEY], now)
    for flag in records.care:
        resident = registered[flag.household_key, flag.name]
        wish = CareFlagIn(kind=CareKind(flag.kind), since_on=flag.since_on, note=flag.note)
        await flag_care(tx, visitor, resident.id, wish, now=now)


def _resident(
    row: RegisteredRow, home: Household, person_id: UUID | None, today: date
) -> Resident:
    return Resident(
        household_id=home.id,
        name=row.name,
        phone=row.phone,
        birth_year=row.birth_year,
        relation=row.relation,
        is_head=row.head,
        person_id=person_id,
        moved_in_on=row.moved_in_on,
        verified_on=days_ago(today, row.verified_days_ago),
        **columns_of(home.place),  # type: ignore[arg-type]
    )


async def state_rules(tx: Tx, operator_id: UUID, district: Node, now: datetime) -> None:
    """Have entries count as stale after half a year, and ask nothing else of residents."""
    operator = await acting_as(tx, operator_id, now)
    wish = ResidenceRulesIn(
        report_confirmed_only=False,
        book_confirmed_only=False,
        enrol_confirmed_only=False,
        stale_after_days=STALE_AFTER_DAYS,
        version=0,
    )
    await state_residence_rules(tx, operator, district.id, wish, now=now)


def days_ago(today: date, days: int | None) -> date | None:
    """Count back from today; None is never."""
    return None if days is None else today - timedelta(days=days)
