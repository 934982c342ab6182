"""How a case changes hands: up, to whom it was offered, to the street, or where it is sent."""

from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm.attributes import set_committed_value

from neighborhood_api.cases.events import PostVacant
from neighborhood_api.cases.ledger import turn_page
from neighborhood_api.cases.models import Case
from neighborhood_api.cases.paths import Offer, Party
from neighborhood_api.cases.policy import Mover, at_the_top
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.terms import TRANSFERS_ALLOWED
from neighborhood_api.cases.workflow import By, Hands, Move
from neighborhood_api.grid.models import Node, Organization
from neighborhood_api.grid.posts.duty import ANSWERING, HIGHEST, Duty, who_answers
from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import COLUMNS, Level, Place, columns_of
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem

ANSWERING_CONFIDENTIAL: dict[Level, tuple[Role, ...]] = {
    Level.STREET: (Role.DISCIPLINE_OFFICER, Role.STREET_SECRETARY),
    Level.DISTRICT: (Role.DISCIPLINE_OFFICER,),
}
"""Who answers for what is about persons: nobody below the street, and above it the district."""


class NobodyAbove(Problem):
    """The case is already in the hands of the highest level."""

    title = "There is no level above that takes cases"
    message = "已在最高层级，不能再上报"


class OrganizationNotFound(Problem):
    """The id names no department of the place of the case, or none that may be called."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "There is no such department here"
    message = "没有找到这个部门，或该类诉求不能派给它，请重新选择"


class TargetNeeded(Problem):
    """Neither a department nor a place was named, or both were."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Name either a department or a place"
    message = "请选择一个部门或一个地点（只选其一）"


class OtherStreet(Problem):
    """A street gives its cases to its own places; others are asked by letter."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The place lies in another street"
    message = "只能转给本街道内的单位，请重新选择"


class AlreadyThere(Problem):
    """The hands that it shall go to hold it already."""

    title = "It is already there"
    message = "已在该单位手上，无需再转"


class TransferredTooOften(Problem):
    """Who holds it settles it, or returns it, so that the street decides in the end."""

    title = "The issue was offered to others too often"
    message = "转办次数已用完，请自行办理，或退单由上级决定"


class ConfidentialStays(Problem):
    """A case about persons is not given to departments or lower levels."""

    title = "A confidential case stays with the posts named for it"
    message = "涉密诉求只能由指定岗位办理，不能转派"


async def who_answers_case(tx: ReadTx, case: Case, place: Place, *, now: datetime) -> Duty:
    """Find who answers for a case at `place`, as far as its confidentiality allows."""
    return await who_answers(
        tx, place, now=now, answering=answering_for(confidential=case.confidential)
    )


def answering_for(*, confidential: bool) -> dict[Level, tuple[Role, ...]]:
    """Return the posts that take cases, those named for confidential ones if it is one."""
    return ANSWERING_CONFIDENTIAL if confidential else ANSWERING


async def is_highest(tx: ReadTx, case: Case, *, now: datetime) -> bool:
    """Tell whether nobody takes the case above the hands that hold it.

    What is about persons goes up to the district only if somebody there is named for it.
    """
    if at_the_top(case) or not case.confidential:
        return at_the_top(case)
    return (await who_answers_case(tx, case, case.hand_place.up(), now=now)).person_id is None


async def change_hands(
    tx: Tx, case: Case, move: Move, hands: Hands, mover: Mover, said: Said, *, now: datetime
) -> None:
    """Do to the hands of a locked case what its law says of a move.

    Raises: NobodyAbove, OrganizationNotFound, TargetNeeded, OtherStreet, AlreadyThere,
        ConfidentialStays, TransferredTooOften, NodeNotFound.
    """
    if case.confidential and move is Move.RETURN:
        raise ConfidentialStays
    match hands:
        case Hands.KEEP:
            return
        case Hands.UP:
            await _up(tx, case, now, by_time=mover.by is By.SYSTEM)
            case.times_passed_up += move is Move.ESCALATE
        case Hands.UP_OR_STAY:
            highest = await is_highest(tx, case, now=now)
            await (_again if highest else _up)(tx, case, now)
        case Hands.TO_STREET:
            await _to_street(tx, case, move, now)
        case Hands.TO_TARGET:
            await _to_target(tx, case, said, now)
        case _:
            await _change_offer(tx, case, move, hands, mover, said, now)


async def naming_target(tx: ReadTx, hands: Hands, said: Said) -> Said:
    """Add whom a move was directed to, by the name of that day, to what the timeline keeps."""
    if hands not in {Hands.OFFER, Hands.TO_TARGET}:
        return said
    target: dict[str, str] = {}
    if said.organization_id is not None:
        organization = await tx.get_one(Organization, said.organization_id)
        target = {"organization_id": str(organization.id), "sent_to": organization.name}
    elif said.node_id is not None:
        node = await tx.get_one(Node, said.node_id)
        target = {"node_id": str(node.id), "sent_to": node.name}
    return replace(said, detail=dict(said.detail or {}) | target)


async def _change_offer(
    tx: Tx, case: Case, move: Move, hands: Hands, mover: Mover, said: Said, now: datetime
) -> None:
    match hands:
        case Hands.OFFER:
            await _offer(tx, case, move, mover, said, now)
        case Hands.TO_OFFERED:
            await _take_over(tx, case, mover, now)
        case _:
            await settle_offer(tx, case, _answer_by(move), now=now)


async def settle_offer(tx: Tx, case: Case, answer: str, *, now: datetime) -> None:
    """Note how the open offer ended, if there is one; whoever sent it back sees it no more."""
    offer = case.offer
    if offer is None:
        return
    offer.answer, offer.answered_at = answer, now
    if answer != "accepted" and offer.organization_id not in _involved(case):
        await _forget(tx, case, offer.organization_id)
    await tx.flush()
    set_committed_value(case, "offer", None)


async def hand_over(tx: Tx, case: Case, *, now: datetime) -> None:
    """Note who acts now in the post that holds a locked case; the node stays the same.

    A post that is vacant now does not send away what it has taken on, since a leave ends; it
    is announced, and whoever answers above has the case until somebody acts there again.

    Emits: PostVacant.
    """
    now = max(now, case.moved_at)
    duty = await who_answers_case(tx, case, case.hand_place, now=now)
    if duty.person_id == case.hand_person_id:
        return
    _leave_with(tx, case, duty)
    case.moved_at = now
    await turn_page(tx, case, None, now)


async def take_up_again(tx: Tx, case: Case, *, now: datetime) -> None:
    """Open the ledger of a case that was in no hands, for those that had it.

    Emits: PostVacant, where nobody acts there any more.
    """
    if case.organization_id is None:
        _leave_with(tx, case, await who_answers_case(tx, case, case.hand_place, now=now))
    await turn_page(tx, case, case.organization_id, now)


def _leave_with(tx: Tx, case: Case, duty: Duty) -> None:
    """Leave a case with the post that has it, in the hands of who answers for that now."""
    case.hand_person_id = duty.person_id
    here = duty.node_id == case.hand_node_id
    case.duty_seen = duty.seen if here else None
    if here and duty.person_id is not None:
        case.hand_role = duty.role.value
    else:
        emit(tx, PostVacant(case_id=case.id, node_id=case.hand_node_id))


async def department_of(tx: ReadTx, case: Case, organization_id: UUID | None) -> UUID:
    """Return the id of a department that may be called to the case.

    Raises: OrganizationNotFound.
    """
    organization = (
        None if organization_id is None else await tx.get(Organization, organization_id)
    )
    allowed = case.agreed.department_ids
    if (
        organization is None
        or organization.node_id not in case.place
        or (allowed and organization.id not in allowed)
    ):
        raise OrganizationNotFound
    return organization.id


async def let_in(tx: Tx, case: Case, organization_id: UUID) -> None:
    """Let a department see the case."""
    party = {"organization_id": organization_id, "case_id": case.id}
    await tx.execute(insert(Party).values(party).on_conflict_do_nothing())
    await tx.refresh(case, ["parties"])


async def _forget(tx: Tx, case: Case, organization_id: UUID | None) -> None:
    mine = select(Party).where(
        Party.case_id == case.id, Party.organization_id == organization_id
    )
    for party in await tx.scalars(mine):
        await tx.delete(party)
    await tx.flush()
    await tx.refresh(case, ["parties"])


def _involved(case: Case) -> set[UUID | None]:
    """Return the departments that see the case whatever becomes of an offer."""
    return {None, case.organization_id, *(call.organization_id for call in case.calls)}


async def _up(tx: Tx, case: Case, now: datetime, *, by_time: bool = False) -> None:
    """Give a case one level up; an offer outlives that when it is time that passed it up."""
    if await is_highest(tx, case, now=now):
        raise NobodyAbove
    if not by_time:
        await settle_offer(tx, case, "void", now=now)
    of_department = case.hand_role == Role.DEPARTMENT_OFFICER.value
    up = case.hand_place if of_department else case.hand_place.up()
    await _give_to_place(tx, case, up, now)
    offer = case.offer
    if offer and offer.organization_id is None and offer.node_id == case.hand_node_id:
        await settle_offer(tx, case, "void", now=now)


def _answer_by(move: Move) -> str:
    return "lapsed" if move is Move.LAPSE else "returned"


async def _again(tx: Tx, case: Case, now: datetime) -> None:
    """Give a case to whoever acts now in the post that had it."""
    await _give_to_place(tx, case, case.hand_place, now)


async def _to_street(tx: Tx, case: Case, move: Move, now: datetime) -> None:
    await settle_offer(tx, case, _answer_by(move), now=now)
    await _give_to_place(tx, case, case.place.up_to(HIGHEST), now)


async def _to_target(tx: Tx, case: Case, said: Said, now: datetime) -> None:
    """Send a case where the street decides, which may be the street itself."""
    _, organization_id, place = await _target(tx, case, said, now)
    await settle_offer(tx, case, "void", now=now)
    if organization_id is None:
        _move_to(case, place)
        await _give_to_place(tx, case, place, now)
    else:
        await _give(tx, case, _department(case, None), organization_id, now)


async def _offer(
    tx: Tx, case: Case, move: Move, mover: Mover, said: Said, now: datetime
) -> None:
    duty, organization_id, place = await _target(tx, case, said, now)
    if mover.person_id is None:
        raise ValueError("a case is offered by somebody")
    if organization_id == case.organization_id and (
        organization_id is not None or duty.node_id == case.hand_node_id
    ):
        raise AlreadyThere
    if move is Move.TRANSFER:
        if case.times_transferred >= TRANSFERS_ALLOWED:
            raise TransferredTooOften
        case.times_transferred += 1
    await settle_offer(tx, case, "replaced", now=now)
    offer = Offer(
        case_id=case.id,
        move=move.value,
        node_id=duty.node_id,
        role=duty.role.value,
        person_id=duty.person_id,
        organization_id=organization_id,
        offered_by_id=mover.person_id,
        offered_at=now,
        answer_by=now + timedelta(minutes=case.agreed.accept_minutes),
        district_id=place.up_to(Level.DISTRICT).node_id,
        **{k: v for k, v in columns_of(place).items() if k != "district_id"},  # type: ignore[arg-type]
    )
    tx.add(offer)
    await tx.flush()
    set_committed_value(case, "offer", offer)
    if organization_id is not None:
        await let_in(tx, case, organization_id)


async def _take_over(tx: Tx, case: Case, mover: Mover, now: datetime) -> None:
    offer = case.offer
    if offer is None:
        raise ValueError("nobody takes over what was not offered")
    place, organization_id = offer.place, offer.organization_id
    await settle_offer(tx, case, "accepted", now=now)
    if organization_id is not None:
        await _give(tx, case, _department(case, mover.person_id), organization_id, now)
        return
    _move_to(case, place)
    await _give_to_place(tx, case, place, now)


async def _target(
    tx: ReadTx, case: Case, said: Said, now: datetime
) -> tuple[Duty, UUID | None, Place]:
    """Find whom the mover means: a department of the place, or who answers at a node."""
    street = case.place.up_to(HIGHEST)
    if case.confidential:
        raise ConfidentialStays
    if said.organization_id is not None:
        if said.node_id is not None:
            raise TargetNeeded
        organization_id = await department_of(tx, case, said.organization_id)
        return _department(case, None), organization_id, street
    if said.node_id is None:
        raise TargetNeeded
    node: Node = await current_node(tx, said.node_id, now=now)
    place = node.place
    if place.level < HIGHEST or place.at(HIGHEST) != street.node_id:
        raise OtherStreet
    return await who_answers_case(tx, case, place, now=now), None, place


def _department(case: Case, person_id: UUID | None) -> Duty:
    """Return the hands of a department, which lie at the street whatever its own place."""
    street = case.place.up_to(HIGHEST)
    return Duty(HIGHEST, street.node_id, Role.DEPARTMENT_OFFICER, person_id)


def _move_to(case: Case, place: Place) -> None:
    """Correct the place of a case that turns out to lie elsewhere in the street."""
    if place.node_id not in case.place:
        for name, node in zip(COLUMNS, place, strict=True):
            setattr(case, name, node)


async def _give_to_place(tx: Tx, case: Case, place: Place, now: datetime) -> None:
    """Give a case to whoever answers at `place`; a vacant post there is announced."""
    duty = await who_answers_case(tx, case, place, now=now)
    if duty.person_id is None or duty.node_id != place.node_id:
        emit(tx, PostVacant(case_id=case.id, node_id=place.node_id))
    await _give(tx, case, duty, None, now)


async def _give(
    tx: Tx, case: Case, duty: Duty, organization_id: UUID | None, now: datetime
) -> None:
    """Put a case into the hands of `duty`, and turn the ledger's page.

    A department that had it and was not called to it sees it no more.
    """
    before = case.organization_id
    case.hand_level, case.hand_node_id = duty.level.value, duty.node_id
    case.hand_role, case.hand_person_id = duty.role.value, duty.person_id
    case.duty_seen = duty.seen
    case.organization_id = organization_id
    case.pass_up_at = now + timedelta(minutes=case.agreed.accept_minutes)
    if before not in _involved(case):
        await _forget(tx, case, before)
    if organization_id is not None:
        await let_in(tx, case, organization_id)
    await turn_page(tx, case, organization_id, now)
