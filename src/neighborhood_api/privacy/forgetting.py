"""Erasing a person: her data go, the records that others need stay with an id alone.

Done in two steps. The first is one transaction: what is still to come is cancelled, rows are
deleted or cleared as `holdings` says, and what must be looked for in texts is written down,
sealed. The second goes through all texts, table by table, and can be repeated until it is done.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import (
    ARRAY,
    Column,
    Table,
    Uuid,
    delete,
    exists,
    func,
    select,
    union_all,
    update,
)
from sqlalchemy.exc import DBAPIError

from neighborhood_api.cases.models import Case
from neighborhood_api.files.models import File
from neighborhood_api.files.store import THUMBNAIL
from neighborhood_api.grid.models import PastResidence, Residence
from neighborhood_api.grid.residences.stays import leave_stay, locked_residence
from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.revocations import revoke_person, revoke_sign_in
from neighborhood_api.identity.sessions.history import open_sign_ins
from neighborhood_api.identity.staff import forget_numbers
from neighborhood_api.issues.models import Issue
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Database, Model, Tx
from neighborhood_api.kit.idempotency import IdempotencyRow
from neighborhood_api.kit.jobs import enqueue
from neighborhood_api.kit.logs import describe
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem, TryAgain
from neighborhood_api.notifications.service import Subject, notify
from neighborhood_api.privacy.erasures import HINDRANCES, hindrance_to
from neighborhood_api.privacy.events import PersonErased
from neighborhood_api.privacy.exporting import files_of, ids_of
from neighborhood_api.privacy.holdings import HOLDINGS, Fate
from neighborhood_api.privacy.models import Correction, DataExport, Erasure, ErasureState
from neighborhood_api.privacy.scrubbing import (
    GONE,
    Sought,
    ask_for_scrubbing,
    find_anew,
    worth_seeking,
)
from neighborhood_api.registrations.ending import TooLateToCancel, cancel_each
from neighborhood_api.registrations.histories import CheckIn
from neighborhood_api.registrations.locking import RegistrationMoved, lock_registrations
from neighborhood_api.registrations.models import Registration
from neighborhood_api.registrations.states import CANCELLABLE, LIVE
from neighborhood_api.venues.children.models import Child, PickUpPerson
from neighborhood_api.venues.children.withdrawing import withdraw_consent
from neighborhood_api.venues.feeds.models import CalendarFeed
from neighborhood_api.venues.sessions.models import Teacher

log = structlog.get_logger(__name__)

CANCELLED_WITH_ACCOUNT = "账号已注销"
_KEPT_OF_A_PERSON = {"merged_into_id", "erased_at", "version"}
_STILL_LIVE = Registration.state.in_([state.value for state in LIVE])


async def erase_due(database: Database, *, now: datetime) -> tuple[int, int]:
    """Erase whoever has had her time to think it over; return how many, and how many wait.

    Whoever cannot be erased yet is tried again at the next run. One whose erasure fails by a
    defect of ours keeps none of the others waiting. Safe to repeat.

    Raises: ExceptionGroup.
    """
    due = select(Erasure.id).where(
        Erasure.state == ErasureState.COOLING.value, Erasure.due_at <= now
    )
    async with database.transaction() as tx:
        ids = (await tx.scalars(due.order_by(Erasure.due_at))).all()
    erased = 0
    failed: list[Exception] = []
    for erasure_id in ids:
        try:
            async with database.transaction() as tx:
                erased += await erase_person(tx, erasure_id, now=now)
        except (Problem, DBAPIError) as hindrance:
            code = hindrance.code() if isinstance(hindrance, Problem) else TryAgain.code()
            log.warning("erasure_hindered", erasure_id=str(erasure_id), by=code)
            async with database.transaction() as tx:
                await _note_hindrance(tx, erasure_id, code, now=now)
        except Exception as exc:  # noqa: BLE001  (told together, below)
            log.error("erasure_failed", erasure_id=str(erasure_id), **describe(exc))  # noqa: TRY400
            failed.append(exc)
    if failed:
        raise ExceptionGroup("erasures that could not be done", failed)
    return erased, len(ids) - erased


async def _note_hindrance(tx: Tx, erasure_id: UUID, code: str, *, now: datetime) -> None:
    """Write down what kept an erasure from being done; she is told what she can end herself."""
    erasure = await tx.get_one(Erasure, erasure_id)
    erasure.hindered_by = code
    if code in HINDRANCES:
        await notify(
            tx,
            erasure.person_id,
            "privacy.erasure_hindered",
            Subject("erasure", erasure.id),
            title="账号暂时不能注销",
            body=HINDRANCES[code],
            at_most_once_key=f"erasure-{erasure.id}-{code}",
            now=now,
        )


async def erase_person(tx: Tx, erasure_id: UUID, *, now: datetime) -> bool:
    """Erase the person of a due request; False when it was withdrawn meanwhile.

    What can be had by others is locked first, as always, and she herself last; what she was
    given meanwhile is seen then.

    Raises: ErasureHoldsPost, ErasureTeaches, ErasureUnderInvestigation, and what keeps a
        child or a booking of hers where it is for the moment.
    Emits: PersonErased, and what cancelling emits.
    """
    due = select(Erasure).where(
        Erasure.id == erasure_id, Erasure.state == ErasureState.COOLING.value
    )
    erasure = await tx.scalar(due.with_for_update())
    if erasure is None:
        return False
    person_id: UUID = erasure.person_id
    ids = await ids_of(tx, person_id)
    await _require_unhindered(tx, person_id, now=now)
    sought = await _sought(tx, ids)
    await _end_what_is_to_come(tx, person_id, now=now)
    await tx.execute(select(Person.id).where(Person.id.in_(ids)).with_for_update())
    await _require_unhindered(tx, person_id, now=now)
    live = select(Registration.id).where(Registration.person_id == person_id, _STILL_LIVE)
    if await tx.scalar(live.limit(1)) is not None:
        raise RegistrationMoved
    await _sign_out(tx, ids, now=now)
    await _forget_records(tx, ids, sought, now=now)
    await _forget_files(tx, ids, sought)
    await forget_rows(tx, ids)
    await _forget_accounts(tx, ids, now=now)
    erasure.state, erasure.ended_at, erasure.hindered_by = ErasureState.DONE.value, now, None
    record_act(tx, "privacy.person_erased", person_id, by=person_id, now=now)
    emit(tx, PersonErased(person_id=person_id))
    scrubbing_id = await ask_for_scrubbing(tx, sought, now=now)
    await enqueue(tx, "privacy.scrub", scrubbing_id=str(scrubbing_id))
    return True


async def _require_unhindered(tx: Tx, person_id: UUID, *, now: datetime) -> None:
    hindrance = await hindrance_to(tx, person_id, now=now)
    if hindrance is not None:
        raise hindrance


async def _sought(tx: Tx, ids: Sequence[UUID]) -> Sought:
    """Return what tells who she is, before it is gone."""
    people = (await tx.scalars(select(Person).where(Person.id.in_(ids)))).all()
    phones = {one.phone for one in people if one.phone}
    homes = [
        *await tx.scalars(select(Residence.address).where(Residence.person_id.in_(ids))),
        *await tx.scalars(
            select(PastResidence.address).where(PastResidence.person_id.in_(ids))
        ),
    ]
    children = (
        await tx.execute(
            select(Child.id, Child.name, PickUpPerson.name, PickUpPerson.phone)
            .join(PickUpPerson, PickUpPerson.child_id == Child.id, isouter=True)
            .where(Child.guardian_id.in_(ids))
        )
    ).all()
    callers = await tx.execute(
        select(Issue.caller_name, Issue.caller_phone)
        .join(Case, Case.id == Issue.case_id)
        .where(Case.reporter_id.in_(ids), Issue.caller_phone.is_not(None))
    )
    guests = await tx.execute(
        select(Registration.guest_name, Registration.guest_phone).where(
            Registration.person_id.in_(ids)
        )
    )
    told = [*callers, *guests]
    teachers = await tx.scalars(select(Teacher.name).where(Teacher.person_id.in_(ids)))
    names = [one.name for one in people] + [name for name, _ in told] + list(teachers)
    names += [name for row in children for name in (row[1], row[2])]
    return Sought(
        phones=sorted(
            phones
            | {phone for _, phone in told if phone}
            | {row[3] for row in children if row[3]}
        ),
        marks=sorted({mark for one in people for mark in (one.openid, one.unionid) if mark}),
        names=worth_seeking(names, homes),
        person_ids=list(ids),
        subject_ids=sorted({row[0] for row in children}),
    )


async def _end_what_is_to_come(tx: Tx, person_id: UUID, *, now: datetime) -> None:
    """Cancel her bookings, take her children out, and let her household go on without her."""
    actor = Actor(person_id, person_id)
    mine = select(Registration).where(
        Registration.person_id == person_id,
        Registration.participant_id.is_(None),
        _STILL_LIVE,
    )
    rows = (await tx.scalars(mine)).all()
    there = [row for row in rows if row.standing not in CANCELLABLE or row.starts_at <= now]
    if there:
        raise TooLateToCancel
    locked = await lock_registrations(tx, [row.id for row in rows])
    live = [(resource, row) for resource, row in locked if row.state in LIVE]
    why = CANCELLED_WITH_ACCOUNT
    await cancel_each(tx, live, by_id=person_id, by_staff=False, why=why, now=now)
    await tx.flush()
    children = select(Child.id).where(Child.guardian_id == person_id).order_by(Child.id)
    for child_id in (await tx.scalars(children)).all():
        await withdraw_consent(tx, actor, child_id, cancel_enrolments=True, now=now)
    home = await locked_residence(tx, person_id)
    if home is not None:
        await leave_stay(tx, home, now=now)


async def _forget_records(
    tx: Tx, ids: Sequence[UUID], sought: Sought, *, now: datetime
) -> None:
    """Take her out of the records that stay."""
    hers = select(Case.id).where(Case.reporter_id.in_(ids))
    told = update(Issue).where(Issue.case_id.in_(hers), Issue.caller_phone.is_not(None))
    cleared = told.values(caller_name=None, caller_phone=None, caller_erased_at=now)
    for case_id in (await tx.scalars(cleared.returning(Issue.case_id))).all():
        await find_anew(tx, case_id)
    booked = Registration.person_id.in_(ids)
    gone = {"guest_name": None, "guest_phone": None, "household_id": None, "purpose": ""}
    await tx.execute(update(Registration).where(booked).values(**gone))
    came = CheckIn.registration_id.in_(select(Registration.id).where(booked))
    nowhere = {"longitude": None, "latitude": None, "accuracy_metres": None}
    await tx.execute(update(CheckIn).where(came).values(**nowhere, picked_up_by=None))
    taught = update(Teacher).where(Teacher.person_id.in_(ids))
    await tx.execute(taught.values(name=GONE, phone=None))
    asked = update(Correction).where(Correction.person_id.in_(ids))
    await tx.execute(asked.values(text=GONE))
    answered = asked.where(Correction.answer.is_not(None))
    await tx.execute(answered.values(answer=GONE))
    feeds = CalendarFeed.owner_id.in_(ids)
    await tx.execute(delete(CalendarFeed).where(CalendarFeed.of == "person", feeds))
    await forget_numbers(tx, sought.phones)
    callers = [str(one) for one in ids]
    await tx.execute(delete(IdempotencyRow).where(IdempotencyRow.caller.in_(callers)))


async def _forget_files(tx: Tx, ids: Sequence[UUID], sought: Sought) -> None:
    """Delete her copies, and the pictures that belong to nothing that stays."""
    copies = select(DataExport.storage_key).where(
        DataExport.person_id.in_(ids), DataExport.storage_key.is_not(None)
    )
    for key in await tx.scalars(copies):
        sought.keys += files_of(key or "")
    done = update(DataExport).where(DataExport.person_id.in_(ids))
    await tx.execute(done.values(storage_key=None, secret=None))
    queued = done.where(DataExport.state == "queued")
    await tx.execute(queued.values(state="failed"))
    used = union_all(
        *(
            select(func.unnest(column).label("id"))
            for table in Model.metadata.tables.values()
            for column in table.c
            if isinstance(column.type, ARRAY) and isinstance(column.type.item_type, Uuid)
        )
    ).subquery()
    unused = delete(File).where(
        File.uploaded_by.in_(ids), ~exists().where(used.c.id == File.id)
    )
    for key in await tx.scalars(unused.returning(File.storage_key)):
        sought.keys += (key, key + THUMBNAIL)


async def forget_rows(tx: Tx, ids: Sequence[UUID]) -> None:
    """Delete and clear what `holdings` says, the rows that refer to others first."""
    persons = Model.metadata.tables["person"]
    for table in reversed(Model.metadata.sorted_tables):
        for column in table.c:
            holding = HOLDINGS.get(f"{table.name}.{column.name}")
            if holding is None or not column.references(persons.c.id):
                continue
            if holding.fate is Fate.DELETED:
                await _delete(tx, table, column, ids)
            elif holding.fate is Fate.CLEARED:
                emptied = update(table).where(column.in_(ids))
                await tx.execute(emptied.values({column.name: None}))


async def _delete(tx: Tx, table: Table, column: Column[Any], ids: Sequence[UUID]) -> None:
    """Delete her rows of a table, and first whatever hangs on them."""
    for other in Model.metadata.tables.values():
        for key in other.foreign_keys:
            if key.column.table is table and key.ondelete is None:
                gone = select(key.column).where(column.in_(ids))
                await tx.execute(delete(other).where(key.parent.in_(gone)))
    await tx.execute(delete(table).where(column.in_(ids)))


async def _sign_out(tx: Tx, ids: Sequence[UUID], *, now: datetime) -> None:
    """Make all her tokens worthless at once."""
    for person_id in ids:
        for sign_in in await tx.scalars(open_sign_ins(person_id)):
            await revoke_sign_in(tx, sign_in, reason="erased", now=now)
        await revoke_person(tx, person_id, now=now)
    await tx.flush()


async def _forget_accounts(tx: Tx, ids: Sequence[UUID], *, now: datetime) -> None:
    """Empty her accounts; the rows stay for the records that name them."""
    emptied = {
        column.name: None
        for column in Person.__table__.c
        if column.nullable and column.name not in _KEPT_OF_A_PERSON
    }
    mine = update(Person).where(Person.id.in_(ids))
    await tx.execute(mine.values(**emptied, erased_at=now, version=Person.version + 1))
