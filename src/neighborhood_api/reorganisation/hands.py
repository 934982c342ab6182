"""Open issues in the hands of whoever answers where they lie now.

Clocks, numbers and what was agreed stay. The timeline gets a line that says so, and the ledger
a new page where the hands changed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Integer,
    Text,
    Uuid,
    and_,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from neighborhood_api.cases.hands import answering_for
from neighborhood_api.cases.models import Entry
from neighborhood_api.cases.workflow import By, Move, State
from neighborhood_api.grid.models import Node, Organization
from neighborhood_api.grid.posts.duty import HIGHEST, Duty, who_answers
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import COLUMNS, Level, Place
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.trail import trail_of
from neighborhood_api.reorganisation.counting import OPEN_STATES, table
from neighborhood_api.reorganisation.effects import deepest
from neighborhood_api.reorganisation.offers import settle_parties
from neighborhood_api.reorganisation.placing import MOVED, ROW, keep_rows

HANDS = ("hand_level", "hand_node_id", "hand_role", "hand_person_id", "organization_id")
IN_HANDS = sorted({*OPEN_STATES, State.MERGED.value})
"""What somebody must act on, or will when it is handled by itself again."""


_DIGEST = ("kind", "subject_id", "digest", "texts", "salt")


@dataclass(frozen=True)
class Handed:
    """A case whose hands changed."""

    case_id: UUID
    duty: Duty
    organization_id: UUID | None


async def settle_hands(
    tx: Tx,
    reorganisation_id: UUID,
    closed: Sequence[UUID],
    text: str,
    *,
    now: datetime,
    back: Sequence[Handed] = (),
    withdrawn: Collection[UUID] = (),
) -> dict[UUID, int]:
    """Give the open cases that lie elsewhere now to whoever answers there.

    Those that were given `back` to the hands they had are only written down, and so are those
    whose offer was `withdrawn`. Returns how many came to each person.
    """
    given = {one.case_id: one for one in back}
    cases = await _moved(tx, reorganisation_id, closed)
    answering = _Answering(tx, now)
    handed: list[Handed] = []
    for case in cases:
        change = None if case.id in given else await answering.change(case)
        if change is not None:
            handed.append(change)
    rows = table("case_file")
    which = rows.c.id.in_([one.case_id for one in handed])
    await keep_rows(tx, reorganisation_id, rows, "id", HANDS, which, null())
    await hand_over_all(tx, handed, now=now)
    given |= {one.case_id: one for one in handed}
    await settle_parties(tx, {*given, *withdrawn})
    await write_lines(tx, reorganisation_id, cases, given, text, withdrawn, now=now)
    merged = {case.id for case in cases if case.state == State.MERGED.value}
    came: dict[UUID, int] = {}
    for one in handed:
        if one.duty.person_id is not None and one.case_id not in merged:
            came[one.duty.person_id] = came.get(one.duty.person_id, 0) + 1
    return came


async def _moved(tx: Tx, reorganisation_id: UUID, closed: Sequence[UUID]) -> Sequence[Any]:
    """Load the cases that lie elsewhere, or in the hands of a place that ended."""
    rows = table("case_file")
    noted = select(ROW.c.row_id).where(
        ROW.c.reorganisation_id == reorganisation_id, ROW.c.table_name == rows.name
    )
    elsewhere = or_(
        deepest(rows).in_(select(MOVED.c.id)),
        rows.c.id.in_(noted),
        rows.c.hand_node_id.in_(list(closed)),
    )
    columns = (
        "id",
        "state",
        "moved_at",
        "confidential",
        *HANDS,
        *COLUMNS,
    )
    query = select(*(rows.c[name] for name in columns), Organization.node_id.label("body_at"))
    query = query.outerjoin(Organization, Organization.id == rows.c.organization_id)
    open_ones = and_(rows.c.state.in_(IN_HANDS), elsewhere)
    return (await tx.execute(query.where(open_ones).order_by(rows.c.id))).all()


class _Answering:
    """Asks once for each place who answers there."""

    def __init__(self, tx: Tx, now: datetime) -> None:
        self.tx = tx
        self.now = now
        self.known: dict[tuple[Place, bool], Duty] = {}

    async def change(self, case: Any) -> Handed | None:  # noqa: ANN401  (a row)
        """Return whose hands a case comes into, if they are others."""
        place = Place.of(*(getattr(case, name) for name in COLUMNS))
        level = Level(min(case.hand_level, place.level))
        if case.organization_id is not None:
            return await self._of_department(case, place)
        if case.hand_node_id == place.at(level):
            return None
        return Handed(case.id, await self.at(place.up_to(level), case.confidential), None)

    async def _of_department(
        self,
        case: Any,  # noqa: ANN401  (a row)
        place: Place,
    ) -> Handed | None:
        """A department keeps its case as long as it belongs to where the case lies."""
        street = place.at(HIGHEST)
        if street is None or case.hand_node_id == street:
            return None
        if case.body_at in place:
            duty = Duty(HIGHEST, street, Role.DEPARTMENT_OFFICER, case.hand_person_id)
            return Handed(case.id, duty, case.organization_id)
        return Handed(case.id, await self.at(place.up_to(HIGHEST), case.confidential), None)

    async def at(self, place: Place, confidential: bool) -> Duty:  # noqa: FBT001
        key = place, confidential
        if key not in self.known:
            answering = answering_for(confidential=confidential)
            self.known[key] = await who_answers(
                self.tx, place, now=self.now, answering=answering
            )
        return self.known[key]


async def hand_over_all(tx: Tx, handed: Sequence[Handed], *, now: datetime) -> None:
    """Put cases into other hands, and turn the ledger's pages without a gap."""
    if not handed:
        return
    case, hand = table("case_file"), table("case_hand")
    moment = func.greatest(now, case.c.moved_at)
    to = (
        func.unnest(
            literal([one.case_id for one in handed], ARRAY(Uuid)),
            literal([one.duty.level.value for one in handed], ARRAY(Integer)),
            literal([one.duty.node_id for one in handed], ARRAY(Uuid)),
            literal([one.duty.role.value for one in handed], ARRAY(Text)),
            literal([one.duty.person_id for one in handed], ARRAY(Uuid)),
            literal([one.organization_id for one in handed], ARRAY(Uuid)),
        )
        .table_valued("its_id", *HANDS, name="handed")
        .render_derived()
    )
    values = {name: to.c[name] for name in HANDS}
    later = {"moved_at": moment, "version": case.c.version + 1}
    await tx.execute(update(case).where(case.c.id == to.c.its_id).values(values | later))
    ids = [one.case_id for one in handed]
    ended = (
        update(hand)
        .where(
            hand.c.case_id.in_(ids), hand.c.held_until.is_(None), case.c.id == hand.c.case_id
        )
        .values(held_until=case.c.moved_at)
        .returning(hand.c.case_id, hand.c.page, hand.c.held_until)
    )
    pages = (await tx.execute(ended)).all()
    given = {one.case_id: one for one in handed}
    if pages:
        await (await tx.connection()).execute(
            insert(hand),
            [
                {
                    "case_id": row.case_id,
                    "page": row.page + 1,
                    "node_id": given[row.case_id].duty.node_id,
                    "role": given[row.case_id].duty.role.value,
                    "person_id": given[row.case_id].duty.person_id,
                    "organization_id": given[row.case_id].organization_id,
                    "held_from": row.held_until,
                    "idle": False,
                }
                for row in pages
            ],
        )


async def write_lines(
    tx: Tx,
    reorganisation_id: UUID,
    cases: Sequence[Any],
    given: dict[UUID, Handed],
    text: str,
    withdrawn: Collection[UUID] = (),
    *,
    now: datetime,
) -> None:
    """Append to each timeline that the place was reorganised, and who has the case now."""
    names = await _names(tx, given)
    entries, digests = [], []
    for case in cases:
        entry = Entry(
            case_id=case.id,
            move=Move.COMMENT.value,
            by=By.SYSTEM.value,
            to_state=case.state,
            from_state=case.state,
            recorded_at=max(now, case.moved_at),
            text=text,
            detail={"reorganisation_id": str(reorganisation_id)},
        )
        handed = given.get(case.id)
        if handed is not None:
            entry.text = f"{text}，现由{names[handed.duty.node_id]}承办"
            entry.hand_node_id = handed.duty.node_id
            entry.hand_role = handed.duty.role.value
        if case.id in withdrawn:
            entry.text = f"{entry.text}；待接收的转办已撤回，请重新转办"
        entries.append(entry)
        digests.append(trail_of(entry))
    if not entries:
        return
    connection = await tx.connection()
    await connection.execute(insert(table("case_entry")), [_plain(one) for one in entries])
    await connection.execute(
        insert(table("trail")),
        [{name: getattr(one, name) for name in _DIGEST} for one in digests],
    )
    rows = table("case_file")
    others = [case.id for case in cases if case.id not in given]
    moved = update(rows).where(rows.c.id.in_(others))
    await tx.execute(moved.values(moved_at=func.greatest(now, rows.c.moved_at)))


def _plain(entry: Entry) -> dict[str, Any]:
    values = {column.name: getattr(entry, column.name) for column in table("case_entry").c}
    values["id"] = values["id"] or new_id()
    return values


async def _names(tx: Tx, given: dict[UUID, Handed]) -> dict[UUID, str]:
    nodes = {one.duty.node_id for one in given.values()}
    found = await tx.execute(select(Node.id, Node.name).where(Node.id.in_(nodes)))
    return {row.id: row.name for row in found}


async def give_back(
    tx: Tx, reorganisation_id: UUID, *, since: datetime, now: datetime
) -> list[Handed]:
    """Give open cases back to the hands that they were in, if nobody moved them since."""
    rows, hand = table("case_file"), table("case_hand")
    moved_on = select(hand.c.page).where(hand.c.case_id == rows.c.id, hand.c.held_from > since)
    query = select(rows.c.id, ROW.c.before).where(
        ROW.c.table_name == rows.name,
        ROW.c.row_id == rows.c.id,
        ROW.c.reorganisation_id == reorganisation_id,
        ROW.c.before.has_key("hand_node_id"),
        rows.c.state.in_(IN_HANDS),
        ~moved_on.exists(),
    )
    back = []
    for case_id, was in await tx.execute(query):
        duty = Duty(
            Level(was["hand_level"]),
            UUID(was["hand_node_id"]),
            Role(was["hand_role"]),
            _id(was["hand_person_id"]),
        )
        back.append(Handed(case_id, duty, _id(was["organization_id"])))
    await hand_over_all(tx, back, now=now)
    return back


def _id(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)
