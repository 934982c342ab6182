"""Rules of correcting what people cannot change themselves: asked for and answered."""

from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import Select, select, true

from neighborhood_api.grid.models import Node, Residence
from neighborhood_api.grid.posts.duty import who_answers
from neighborhood_api.grid.service import NodeNotFound, NotALane, ResidenceUnknown
from neighborhood_api.identity.access import Actor, Permission, Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Level, Place, columns_of
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.paging import PageRequest
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.notifications.service import Subject, notify
from neighborhood_api.privacy.events import CorrectionAnswered, CorrectionAsked
from neighborhood_api.privacy.models import Correction
from neighborhood_api.privacy.schemas import CorrectionAnswerIn, CorrectionIn

ANSWERED_WITHIN = timedelta(days=15)
"""At the latest. Source: App违法违规收集使用个人信息行为认定方法, part 6 (15 working days)."""
REMINDED_BEFORE = timedelta(days=3)
"""How long before it is due the office is told once more, and its street."""
OFFICES: dict[Level, tuple[Role, ...]] = {
    Level.COMMUNITY: (Role.COMMUNITY_WORKER, Role.COMMUNITY_SECRETARY),
    Level.STREET: (Role.STREET_DISPATCHER, Role.STREET_SECRETARY),
}
"""Who is told at each level; all who may answer find it in their list."""
MOST_WAITING = 10
"""Requests of one person that may wait at a time."""


class CorrectionNotFound(Problem):
    """The id names no request that the caller may answer."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such request"
    message = "没有找到这条申请"


class CorrectionSettled(Problem):
    """The request was answered before."""

    title = "This request was answered already"
    message = "这条申请已经答复过了"


class TooManyCorrections(Problem):
    """The caller's earlier requests wait for their answers."""

    title = "Your earlier requests are still waiting"
    message = "您有多条申请还在处理，请等答复后再提交"


async def ask_for_correction(
    tx: Tx, actor: Actor, wish: CorrectionIn, *, now: datetime
) -> Correction:
    """Ask the staff of a place to correct or delete what they keep about the caller.

    Raises: NodeNotFound, NotALane, ResidenceUnknown, TooManyCorrections.
    Emits: CorrectionAsked.
    """
    place = await _place_of(tx, actor, wish.lane_id)
    waiting = select(Correction.id).where(
        Correction.person_id == actor.person_id, Correction.answered_at.is_(None)
    )
    if len((await tx.scalars(waiting.limit(MOST_WAITING))).all()) == MOST_WAITING:
        raise TooManyCorrections
    asked = Correction(
        person_id=actor.person_id,
        about=wish.about.value,
        wish=wish.wish.value,
        text=wish.text,
        asked_at=now,
        due_at=now + ANSWERED_WITHIN,
        **columns_of(place),  # type: ignore[arg-type]
    )
    tx.add(asked)
    emit(tx, CorrectionAsked(correction_id=asked.id, person_id=actor.person_id))
    await tx.flush()
    return asked


async def _place_of(tx: ReadTx, actor: Actor, lane_id: UUID | None) -> Place:
    if lane_id is None:
        home = await tx.get(Residence, actor.person_id)
        if home is None:
            raise ResidenceUnknown
        return home.place
    node = await tx.get(Node, lane_id)
    if node is None or node.valid_until is not None:
        raise NodeNotFound
    if node.level != Level.LANE:
        raise NotALane
    return node.place


def corrections_of(person_id: UUID, page: PageRequest) -> Select[Correction]:
    """Select a page of what a person asked for, newest first."""
    mine = select(Correction).where(
        Correction.person_id == person_id, Correction.id < page.below
    )
    return mine.order_by(Correction.id.desc()).limit(page.fetch)


async def corrections_to_answer(
    tx: ReadTx, actor: Actor, page: PageRequest, *, answered: bool | None
) -> list[tuple[Correction, Person]]:
    """Return a page of the requests at the caller's places, with who asks; newest first.

    Raises: BadCursor.
    """
    wanted = true() if answered is None else (Correction.answered_at.is_not(None) == answered)
    found = await tx.execute(
        select(Correction, Person)
        .join(Person, Person.id == Correction.person_id)
        .where(
            actor.reach(Permission.DATA_REQUEST_ANSWER, Correction),
            Correction.id < page.below,
            wanted,
        )
        .order_by(Correction.id.desc())
        .limit(page.fetch)
    )
    return [(correction, person) for correction, person in found]


async def answer_correction(
    tx: Tx, actor: Actor, correction_id: UUID, given: CorrectionAnswerIn, *, now: datetime
) -> tuple[Correction, Person]:
    """Say what was done about a request, or why it was not; its person is told.

    Raises: CorrectionNotFound, CorrectionSettled.
    Emits: CorrectionAnswered.
    """
    asked = await tx.get(Correction, correction_id, with_for_update=True)
    if asked is None or not actor.may(Permission.DATA_REQUEST_ANSWER, at=asked.place):
        raise CorrectionNotFound
    if asked.answered_at is not None:
        raise CorrectionSettled
    asked.granted, asked.answer = given.granted, given.answer
    asked.answered_at, asked.answered_by_id = now, actor.person_id
    record_act(
        tx,
        "privacy.correction_answered",
        asked.id,
        by=actor.person_id,
        now=now,
        granted=given.granted,
    )
    emit(
        tx,
        CorrectionAnswered(
            correction_id=asked.id, person_id=asked.person_id, granted=given.granted
        ),
    )
    await notify(
        tx,
        asked.person_id,
        "privacy.correction_answered",
        Subject("correction", asked.id),
        title="您的个人信息申请已答复",
        body=given.answer,
        at_most_once_key=f"correction-{asked.id}",
        now=now,
    )
    await tx.flush()
    return asked, await tx.get_one(Person, asked.person_id)


async def tell_office(tx: Tx, correction_id: UUID, *, now: datetime) -> None:
    """Tell who answers at the place that somebody asks for a correction; safe to repeat."""
    asked = await tx.get(Correction, correction_id)
    if asked is not None and asked.answered_at is None:
        await _tell(tx, asked, asked.place, "asked", "有居民申请更正个人信息", now=now)


async def remind_offices(tx: Tx, *, now: datetime) -> int:
    """Tell who answers, and their street, of requests that are soon due; return how many.

    Each is told of once. Safe to repeat.
    """
    soon = select(Correction).where(
        Correction.answered_at.is_(None), Correction.due_at < now + REMINDED_BEFORE
    )
    waiting = (await tx.scalars(soon.order_by(Correction.id))).all()
    for asked in waiting:
        for place in (asked.place, asked.place.up_to(Level.STREET)):
            await _tell(tx, asked, place, "due", "更正申请即将到期，尚未答复", now=now)
    return len(waiting)


async def _tell(
    tx: Tx, asked: Correction, place: Place, what: str, title: str, *, now: datetime
) -> None:
    duty = await who_answers(tx, place, now=now, answering=OFFICES)
    if duty.person_id is None:
        return
    due = asked.due_at.astimezone(SHOWN_ZONE)
    await notify(
        tx,
        duty.person_id,
        f"privacy.correction_{what}",
        Subject("correction", asked.id),
        title=title,
        body=f"请核对后在{due:%m月%d日}前答复本人。",
        at_most_once_key=f"correction-{asked.id}-{what}",
        now=now,
    )
