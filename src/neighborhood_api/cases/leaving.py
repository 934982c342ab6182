"""Open cases in other hands because somebody left, came, or is away: all of them at once.

Nothing about their clocks changes. The ledger gets a page, and the timeline a line for staff.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Select,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    union,
    update,
)

from neighborhood_api.cases.events import PostVacant
from neighborhood_api.cases.hands import answering_for
from neighborhood_api.cases.models import IN_HAND_SQL, Case, Entry, Hand
from neighborhood_api.cases.paths import Offer
from neighborhood_api.cases.recipients import officers_of
from neighborhood_api.cases.workflow import By, Move, State
from neighborhood_api.grid.layers.models import Profile
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.names import post_name
from neighborhood_api.grid.posts.duty import HIGHEST, Duty, who_answers
from neighborhood_api.grid.posts.handovers import Holding, Turnover
from neighborhood_api.identity.places import COLUMNS, Level, Place
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.trail import Trail, trail_of

_CASE: Any = Case.__table__
_HAND: Any = Hand.__table__
_ENTRY: Any = Entry.__table__
_DIGEST: Any = Trail.__table__
_TRAIL = ("kind", "subject_id", "digest", "texts", "salt")
_COLUMNS = (
    "id",
    "state",
    "moved_at",
    "confidential",
    "organization_id",
    "hand_level",
    "hand_node_id",
    "hand_role",
    "hand_person_id",
    *COLUMNS,
)


@dataclass(frozen=True)
class _Change:
    """Who has a case now; its place is the one that had it before."""

    case: Any
    person_id: UUID | None
    role: str
    seen: int | None
    person_name: str | None


class OpenCases:
    """Cases as a kind of open work: they stay with their post, in the hands of who acts."""

    kind = "issues"

    async def hold(self, tx: Tx, turnover: Turnover) -> None:
        """Lock the cases that may change hands."""
        ids = select(Case.id).where(Case.id.in_(_concerned(turnover))).order_by(Case.id)
        await tx.execute(ids.with_for_update(key_share=True))

    async def hand_over(self, tx: Tx, turnover: Turnover, *, now: datetime) -> int:
        """Give cases to whoever acts in the post that has them, or answers above it.

        Emits: PostVacant.
        """
        columns = select(*(_CASE.c[name] for name in _COLUMNS))
        query = columns.where(Case.id.in_(_concerned(turnover))).order_by(Case.id)
        cases = (await tx.execute(query.with_for_update(key_share=True))).all()
        answering = _Answering(tx, now)
        changes = [one for case in cases if (one := await answering.change(case))]
        await _write(tx, changes, now=now)
        await _offer_again(tx, turnover, answering)
        return len(changes)

    async def count(self, tx: ReadTx, holding: Holding) -> int:
        """Return how many open cases somebody has by one of her posts."""
        hers = Case.hand_person_id == holding.person_id
        if holding.organization_id is None:
            mine = and_(hers, Case.organization_id.is_(None))
            below = await tx.get_one(Node, holding.node_id)
            mine = and_(mine, getattr(Case, COLUMNS[below.level]) == holding.node_id)
        else:
            mine = and_(hers, Case.organization_id == holding.organization_id)
        counted = select(func.count()).select_from(Case).where(mine, _open())
        return int(await tx.scalar(counted) or 0)


OPEN_CASES = OpenCases()


def _in_hand() -> ColumnElement[bool]:
    """Hold for what somebody must act on, as the indexes that answer it have it."""
    return literal_column(f"case_file.{IN_HAND_SQL}", Boolean)


def _verifying() -> ColumnElement[bool]:
    return Case.state == State.VERIFYING.value


def _open() -> ColumnElement[bool]:
    return or_(_in_hand(), _verifying())


def _concerned(turnover: Turnover) -> Select[UUID]:
    """Select the open cases that may be in other hands now.

    Those of the post, those of the people, wherever they answer for a vacant post, and those
    of nobody below. Each part has an index of its own.
    """
    nodes, people = list(turnover.node_ids), list(turnover.person_ids)
    no_body = Case.organization_id.is_(None)
    parts = [
        select(Case.id).where(Case.hand_node_id.in_(nodes), no_body, _in_hand()),
        select(Case.id).where(Case.hand_node_id.in_(nodes), no_body, _verifying()),
    ]
    if people:
        parts.append(select(Case.id).where(Case.hand_person_id.in_(people), _in_hand()))
        here = or_(*(getattr(Case, name).in_(nodes) for name in COLUMNS))
        parts.append(select(Case.id).where(here, Case.hand_person_id.in_(people), _verifying()))
    below = or_(*(getattr(Case, name).in_(nodes) for name in COLUMNS))
    nobody = Case.hand_person_id.is_(None)
    parts.append(select(Case.id).where(nobody, no_body, below, _in_hand()))
    if turnover.organization_ids:
        bodies = list(turnover.organization_ids)
        parts.append(select(Case.id).where(Case.organization_id.in_(bodies), _in_hand()))
    found = union(*parts).subquery("concerned")
    return select(found.c.id)


class _Answering:
    """Asks once for each post and each department who acts there."""

    def __init__(self, tx: Tx, now: datetime) -> None:
        self.tx = tx
        self.now = now
        self._duties: dict[tuple[Place, bool], Duty] = {}
        self._officers: dict[UUID, list[UUID]] = {}

    async def change(self, case: Any) -> _Change | None:  # noqa: ANN401  (a row)
        """Return who has a case now, if it is somebody else than before."""
        place = Place.of(*(getattr(case, name) for name in COLUMNS))
        if case.organization_id is not None:
            return await self._in_department(case, place)
        duty = await self.at(place.up_to(Level(case.hand_level)), case.confidential)
        if duty.person_id == case.hand_person_id:
            return None
        here = duty.node_id == case.hand_node_id and duty.person_id is not None
        role = duty.role.value if here else case.hand_role
        seen = duty.seen if duty.node_id == case.hand_node_id else None
        return _Change(case, duty.person_id, role, seen, duty.person_name)

    async def _in_department(self, case: Any, place: Place) -> _Change | None:  # noqa: ANN401
        """Have an officer that stays go on; where there is none, the street answers."""
        body = case.organization_id
        if body not in self._officers:
            self._officers[body] = await officers_of(self.tx, body, now=self.now)
        officers = self._officers[body]
        if case.hand_person_id in officers or (officers and case.hand_person_id is None):
            return None
        person_id, name = (officers[0] if officers else None), None
        if person_id is None:
            duty = await self.at(place.up_to(HIGHEST), case.confidential)
            person_id, name = duty.person_id, duty.person_name
        if person_id == case.hand_person_id:
            return None
        return _Change(case, person_id, case.hand_role, None, name)

    async def at(self, place: Place, confidential: bool) -> Duty:  # noqa: FBT001
        """Return who answers at a place for such cases."""
        key = place, confidential
        if key not in self._duties:
            answering = answering_for(confidential=confidential)
            self._duties[key] = await who_answers(
                self.tx, place, now=self.now, answering=answering
            )
        return self._duties[key]


async def _write(tx: Tx, changes: Sequence[_Change], *, now: datetime) -> None:
    """Put cases into other hands, turn the ledger's pages, and say so on the timelines."""
    if not changes:
        return
    connection = await tx.connection()
    moment = func.greatest(now, _CASE.c.moved_at)
    await connection.execute(
        update(_CASE)
        .where(_CASE.c.id == bindparam("its_id"))
        .values(
            hand_person_id=bindparam("to_person"),
            hand_role=bindparam("to_role"),
            duty_seen=bindparam("as_seen"),
            moved_at=moment,
        ),
        [
            {
                "its_id": one.case.id,
                "to_person": one.person_id,
                "to_role": one.role,
                "as_seen": one.seen,
            }
            for one in changes
        ],
    )
    await _turn_pages(tx, changes)
    called = await _called(tx, {one.case.district_id for one in changes})
    entries = [_entry(one, called[one.case.district_id], now) for one in changes]
    digests = [trail_of(entry) for entry in entries]
    await connection.execute(insert(_ENTRY), [_plain(entry) for entry in entries])
    await connection.execute(
        insert(_DIGEST),
        [{name: getattr(one, name) for name in _TRAIL} for one in digests],
    )
    for one in changes:
        if one.person_id is None or one.seen is None:
            _announce(tx, one)


def _announce(tx: Tx, change: _Change) -> None:
    """Say that the post which has a case is vacant; a department is no post of a place."""
    if change.case.organization_id is None:
        case = change.case
        emit(tx, PostVacant(case_id=case.id, node_id=case.hand_node_id))


async def _turn_pages(tx: Tx, changes: Sequence[_Change]) -> None:
    ids = [one.case.id for one in changes]
    ended = (
        update(_HAND)
        .where(
            _HAND.c.case_id.in_(ids),
            _HAND.c.held_until.is_(None),
            _CASE.c.id == _HAND.c.case_id,
        )
        .values(held_until=_CASE.c.moved_at)
        .returning(_HAND.c.case_id, _HAND.c.page, _HAND.c.held_until, _HAND.c.node_id)
    )
    by_case = {one.case.id: one for one in changes}
    pages = [
        {
            "case_id": row.case_id,
            "page": row.page + 1,
            "node_id": row.node_id,
            "role": by_case[row.case_id].role,
            "person_id": by_case[row.case_id].person_id,
            "organization_id": by_case[row.case_id].case.organization_id,
            "held_from": row.held_until,
            "idle": False,
        }
        for row in (await tx.execute(ended)).all()
    ]
    if pages:
        await (await tx.connection()).execute(insert(_HAND), pages)


async def _called(tx: Tx, district_ids: Collection[UUID]) -> dict[UUID, dict[str, str]]:
    """Return by district what it calls its posts, as far as it has names of its own."""
    names = select(Profile.district_id, Profile.role_names)
    found = await tx.execute(names.where(Profile.district_id.in_(district_ids)))
    own: dict[UUID, dict[str, str]] = dict(iter(found))
    return {one: own.get(one, {}) for one in district_ids}


def _entry(change: _Change, called: Mapping[str, str], now: datetime) -> Entry:
    """Write the line that says who has a case now, by post and not by name."""
    case = change.case
    post = post_name(change.role, called.get(change.role))
    if change.person_id is None:
        text = "在岗人员变动，暂无人接办"
    elif change.seen is None and case.organization_id is None:
        text = f"在岗人员变动，{post}空缺，暂由上一级接办"
    else:
        text = f"在岗人员变动，由现任{post}接办"
    return Entry(
        case_id=case.id,
        move=Move.COMMENT.value,
        by=By.SYSTEM.value,
        to_state=case.state,
        from_state=case.state,
        recorded_at=max(now, case.moved_at),
        text=text,
        internal=True,
        detail={
            "handed_over": True,
            "from_person_id": _text(case.hand_person_id),
            "to_person_id": _text(change.person_id),
        },
        hand_node_id=case.hand_node_id,
        hand_role=change.role,
    )


def _text(some_id: UUID | None) -> str | None:
    return None if some_id is None else str(some_id)


def _plain(entry: Entry) -> dict[str, Any]:
    values = {column.name: getattr(entry, column.name) for column in _ENTRY.c}
    values["id"] = values["id"] or new_id()
    return values


async def _offer_again(tx: Tx, turnover: Turnover, answering: _Answering) -> None:
    """Name in the open offers whoever would answer them now; the body they are for stays."""
    if not turnover.person_ids:
        return
    people = list(turnover.person_ids)
    open_ones = select(Offer).where(
        Offer.person_id.in_(people),
        Offer.answered_at.is_(None),
        Offer.organization_id.is_(None),
    )
    offers: Iterable[Offer] = await tx.scalars(open_ones.order_by(Offer.id))
    for offer in offers:
        duty = await answering.at(offer.place, confidential=False)
        offer.person_id = duty.person_id
    await tx.flush()
