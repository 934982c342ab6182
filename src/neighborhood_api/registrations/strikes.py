"""Rules of strikes: given, appealed against, answered and lifted."""

from collections.abc import Collection
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Text, Uuid, any_, bindparam, or_, select, update

from neighborhood_api.kit.db import Handle, Source
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.reads import Query
from neighborhood_api.registrations.events import (
    StrikeAppealed,
    StrikeGiven,
    StrikeLifted,
    StrikeUpheld,
)
from neighborhood_api.registrations.histories import Strike
from neighborhood_api.registrations.judging import Struck, suspended_by
from neighborhood_api.registrations.models import Resource
from neighborhood_api.registrations.policies import LONGEST_SUSPENSION, Policy, Strikes, Terms
from neighborhood_api.registrations.queries import OneId, RegistrationRow, ResourceRow

_MOMENT = DateTime(timezone=True)


class StrikeNotFound(Problem):
    """The id names no strike that the caller may see."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such strike"
    message = "没有找到这条爽约记录"


class StrikeOver(Problem):
    """It was lifted, or it expired and suspends from nothing: it counts for nothing."""

    title = "The strike counts for nothing any more"
    message = "这条爽约记录已失效或已撤销，无需再处理"


class AppealedAlready(Problem):
    """One appeal against a strike is enough."""

    title = "There is an appeal against this strike already"
    message = "您已经申诉过，请等待处理结果"


class NoAppeal(Problem):
    """Nobody appealed, or the appeal is answered."""

    title = "There is no appeal to answer"
    message = "没有待处理的申诉，请刷新后重试"


class StrikeRow(NamedTuple):
    """A strike, whole."""

    id: UUID
    person_id: UUID
    registration_id: UUID
    district_id: UUID
    reason: str
    struck_at: datetime
    expires_at: datetime
    appeal: str | None
    appealed_at: datetime | None
    answer: str | None
    answered_at: datetime | None
    answered_by_id: UUID | None
    lifted_at: datetime | None
    lifted_by_id: UUID | None


_LOCK_STRIKE = Query(
    select(*(getattr(Strike, name) for name in StrikeRow._fields))
    .where(Strike.id == bindparam("id", type_=Uuid))
    .with_for_update(),
    StrikeRow,
)
_CHANGING: dict[str, Any] = {
    "appeal": Text(),
    "appealed_at": _MOMENT,
    "answer": Text(),
    "answered_at": _MOMENT,
    "answered_by_id": Uuid(),
    "lifted_at": _MOMENT,
    "lifted_by_id": Uuid(),
}
_STORE = Query(
    update(Strike)
    .where(Strike.id == bindparam("its_id", type_=Uuid))
    .values({name: bindparam(f"new_{name}", type_=kind) for name, kind in _CHANGING.items()})
    .returning(Strike.id),
    OneId,
)


class _Given(NamedTuple):
    id: UUID
    person_id: UUID
    district_id: UUID
    struck_at: datetime
    expires_at: datetime


_STANDING = Query(
    select(*(getattr(Strike, name) for name in _Given._fields)).where(
        Strike.person_id == any_(bindparam("person_ids", type_=ARRAY(Uuid))),
        Strike.expires_at > bindparam("since", type_=_MOMENT),
        Strike.lifted_at.is_(None),
    ),
    _Given,
)


class _Rules(NamedTuple):
    strikes: Any


_RULES_IN = Query(
    select(Policy.terms["strikes"].label("strikes"))
    .join(Resource, Resource.policy_id == Policy.id)
    .where(
        Resource.district_id == bindparam("district_id", type_=Uuid),
        or_(Resource.ends_at.is_(None), Resource.ends_at > bindparam("now", type_=_MOMENT)),
    )
    .distinct(),
    _Rules,
)
"""By which rules one may be suspended from something in a district."""


async def counting(source: Source, person_ids: Collection[UUID], *, now: datetime) -> set[UUID]:
    """Return the strikes of people that count: towards a suspension, or for one that lasts.

    A suspension may last longer than the strikes that led to it.
    """
    since = now - LONGEST_SUSPENSION
    standing = await _STANDING.all(source, person_ids=sorted(person_ids), since=since)
    found = {one.id for one in standing if now < one.expires_at}
    rules: dict[UUID, list[Strikes]] = {}
    for person_id, district_id in {one[1:3] for one in standing if one.id not in found}:
        if district_id not in rules:
            rows = await _RULES_IN.all(source, district_id=district_id, now=now)
            rules[district_id] = [_rules(row.strikes) for row in rows]
        theirs = [one for one in standing if one[1:3] == (person_id, district_id)]
        struck = [Struck(one.struck_at, one.expires_at) for one in theirs]
        by = [suspended_by(one, struck, now) for one in rules[district_id]]
        suspending = {one for suspension in by if suspension for one in suspension.strikes}
        found |= {one.id for one in theirs if one[3:] in suspending}
    return found


def _rules(stored: Any) -> Strikes:  # noqa: ANN401  (JSON, read or not)
    if isinstance(stored, str):
        return Strikes.model_validate_json(stored)
    return Strikes.model_validate(stored)


def strike(
    handle: Handle,
    resource: ResourceRow,
    row: RegistrationRow,
    terms: Terms,
    why: str,
    *,
    now: datetime,
) -> UUID | None:
    """Note a late cancellation or a no-show of somebody with an account.

    Emits: StrikeGiven.
    """
    if row.person_id is None:
        return None
    given = Strike(
        person_id=row.person_id,
        registration_id=row.id,
        district_id=resource.district_id,
        reason=why,
        struck_at=now,
        expires_at=now + timedelta(days=terms.strikes.window_days),
    )
    handle.add(given)
    told = StrikeGiven(
        strike_id=given.id, registration_id=row.id, person_id=row.person_id, reason=why
    )
    emit(handle, told)
    return given.id


async def lock_strike(handle: Handle, strike_id: UUID) -> StrikeRow:
    """Lock a strike; the caller authorises.

    Raises: StrikeNotFound.
    """
    row = await _LOCK_STRIKE.first(handle, id=strike_id)
    if row is None:
        raise StrikeNotFound
    return row


async def appeal_strike(
    handle: Handle, row: StrikeRow, *, text: str, now: datetime
) -> StrikeRow:
    """Ask, as whom it was given to, to have a locked strike taken back; once, while it counts.

    Raises: StrikeOver, AppealedAlready.
    Emits: StrikeAppealed.
    """
    if row.id not in await counting(handle, [row.person_id], now=now):
        raise StrikeOver
    if row.appealed_at is not None:
        raise AppealedAlready
    row = await _store(handle, row._replace(appeal=text, appealed_at=now))
    emit(handle, StrikeAppealed(strike_id=row.id, person_id=row.person_id))
    return row


async def answer_appeal(
    handle: Handle, row: StrikeRow, *, by_id: UUID, lift: bool, text: str, now: datetime
) -> StrikeRow:
    """Answer an appeal against a locked strike: lift it, or leave it and say why.

    Raises: NoAppeal.
    Emits: StrikeLifted, StrikeUpheld.
    """
    if row.appealed_at is None or row.answered_at is not None or row.lifted_at is not None:
        raise NoAppeal
    row = row._replace(answer=text, answered_at=now, answered_by_id=by_id)
    if lift:
        return await _lift(handle, row, by_id=by_id, now=now)
    row = await _store(handle, row)
    emit(handle, StrikeUpheld(strike_id=row.id, person_id=row.person_id))
    return row


async def lift_strike(
    handle: Handle, row: StrikeRow, *, by_id: UUID | None, text: str, now: datetime
) -> StrikeRow:
    """Take a locked strike back, whether there was an appeal or not.

    Raises: StrikeOver.
    Emits: StrikeLifted.
    """
    if row.lifted_at is not None:
        raise StrikeOver
    row = row._replace(answer=text, answered_at=now, answered_by_id=by_id)
    return await _lift(handle, row, by_id=by_id, now=now)


async def _lift(
    handle: Handle, row: StrikeRow, *, by_id: UUID | None, now: datetime
) -> StrikeRow:
    row = await _store(handle, row._replace(lifted_at=now, lifted_by_id=by_id))
    emit(handle, StrikeLifted(strike_id=row.id, person_id=row.person_id))
    return row


async def _store(handle: Handle, row: StrikeRow) -> StrikeRow:
    changed = {f"new_{name}": getattr(row, name) for name in _CHANGING}
    await _STORE.all(handle, its_id=row.id, **changed)
    return row
