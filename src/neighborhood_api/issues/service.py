"""Rules of reporting an issue, and of each move that an issue makes."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.service import (
    Clocks,
    Mover,
    Said,
    lock_case,
    move_case,
    mover_of,
    open_case,
)
from neighborhood_api.cases.workflow import By, Move
from neighborhood_api.files.service import claim_files
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.coordinates import Point, to_wgs84
from neighborhood_api.grid.duty import who_answers
from neighborhood_api.grid.models import Residence
from neighborhood_api.grid.service import NotALane, current_node, nearest_lane
from neighborhood_api.identity.access import GRANTED, Actor, Permission, Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Level, Place
from neighborhood_api.issues.events import IssueRated, IssueReported
from neighborhood_api.issues.models import Category, Issue
from neighborhood_api.issues.queries import REPORT_CONTEXT, ReportContext
from neighborhood_api.issues.schemas import CommentIn, IssueIn, RateIn, ResolveIn
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Tx, save
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.schema import SHOWN_ZONE


class CategoryNotFound(Problem):
    """The code names no category in use."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "There is no such category"
    message = "诉求类别不存在，请重新选择"


class PlaceNeeded(Problem):
    """Neither a lane nor a position was given, and the reporter has no residence."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Say where: choose a lane or give a position"
    message = "请选择事发街巷或提供位置"


class PhotoNeeded(Problem):
    """Issues of this category are resolved with a photo as evidence."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Resolving needs a photo as evidence"
    message = "此类诉求办结须上传现场照片"


class AlreadyRated(Problem):
    """One rating for one handling."""

    title = "This issue was already rated"
    message = "您已评价过，每件诉求只能评价一次"


class InternalForStaff(Problem):
    """Reporters cannot write notes for staff's eyes only."""

    status = HTTPStatus.FORBIDDEN
    title = "Only staff write internal notes"
    message = "内部备注仅限工作人员"


async def report_issue(tx: Tx, actor: Actor, wish: IssueIn, *, now: datetime) -> Case:
    """Take an issue in, and put it at once into the hands of whoever answers there.

    Raises: PlaceNeeded, NodeNotFound, NotALane, NoLaneNearby, CategoryNotFound, Forbidden,
        FilesNotUsable.
    Emits: CaseMoved, IssueReported.
    """
    lane_id = await _lane_of(tx, actor, wish, now=now)
    context = await _context(tx, lane_id, wish.category_code, now=now)
    place = Place.of(*context[:5])
    reporter_id: UUID | None = actor.person_id
    mover = Mover(By.REPORTER, actor.person_id)
    if wish.on_behalf_of is not None:
        actor.require(Permission.ISSUE_INTAKE, at=place)
        reporter_id = await _known_caller(tx, wish.on_behalf_of.phone)
        mover = Mover(By.READER, actor.person_id, _intake_role(actor, place))
    if wish.photo_ids:
        await claim_files(tx, actor.person_id, wish.photo_ids, now=now)
    case, rows = open_case(
        ISSUE,
        place,
        await who_answers(tx, place, now=now),
        Clocks(context.respond_minutes, context.resolve_minutes),
        mover,
        code=_code(context, now),
        reporter_id=reporter_id,
        said=Said(text=wish.text, file_ids=wish.photo_ids),
        now=now,
    )
    reported = IssueReported(issue_id=case.id, category_code=wish.category_code)
    await save(tx, *rows, _issue(case, wish), reported.row())
    return case


async def move_issue(
    tx: Tx, actor: Actor, issue_id: UUID, move: Move, said: Said, *, now: datetime
) -> None:
    """Make one move that needs nothing of its own.

    Raises: CaseNotFound, Forbidden, MoveNotAllowed, WordsNeeded, NobodyAbove,
        OrganizationNotFound.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    await move_case(tx, ISSUE, case, move, actor, said, now=now)


async def resolve_issue(
    tx: Tx, actor: Actor, issue_id: UUID, wish: ResolveIn, *, now: datetime
) -> None:
    """Say what was done, with the evidence that the category demands.

    Raises: CaseNotFound, Forbidden, MoveNotAllowed, PhotoNeeded, FilesNotUsable.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    said = Said(text=wish.text, file_ids=wish.photo_ids)
    await move_case(tx, ISSUE, case, Move.RESOLVE, actor, said, now=now)
    demanded = (
        select(Category.photo_required)
        .join(Issue, Issue.category_code == Category.code)
        .where(Issue.case_id == issue_id)
    )
    if await tx.scalar(demanded) and not wish.photo_ids:
        raise PhotoNeeded
    await claim_files(tx, actor.person_id, wish.photo_ids, now=now)


async def comment_issue(
    tx: Tx, actor: Actor, issue_id: UUID, wish: CommentIn, *, now: datetime
) -> None:
    """Add a remark, for everyone concerned or for staff only.

    Raises: CaseNotFound, MoveNotAllowed, InternalForStaff, FilesNotUsable.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    mover = mover_of(ISSUE, ISSUE.rules[Move.COMMENT], case, actor)
    if wish.internal and mover.role is None:
        raise InternalForStaff
    said = Said(text=wish.text, internal=wish.internal, file_ids=wish.photo_ids)
    await move_case(tx, ISSUE, case, Move.COMMENT, actor, said, now=now)
    await claim_files(tx, actor.person_id, wish.photo_ids, now=now)


async def rate_issue(
    tx: Tx, actor: Actor, issue_id: UUID, wish: RateIn, *, now: datetime
) -> None:
    """Rate how it was handled; one rating for one handling.

    Raises: CaseNotFound, Forbidden, MoveNotAllowed, AlreadyRated.
    Emits: IssueRated.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    said = Said(text=wish.text, rating=wish.rating)
    await move_case(tx, ISSUE, case, Move.RATE, actor, said, now=now)
    issue = await tx.get_one(Issue, issue_id)
    if issue.rating is not None:
        raise AlreadyRated
    issue.rating, issue.rating_text, issue.rated_at = wish.rating, wish.text, now
    emit(tx, IssueRated(issue_id=issue_id, rating=wish.rating))


async def _lane_of(tx: Tx, actor: Actor, wish: IssueIn, *, now: datetime) -> UUID:
    if wish.lane_id is not None:
        return wish.lane_id
    if wish.position is not None:
        point = Point(wish.position.longitude, wish.position.latitude)
        lane, _ = await nearest_lane(tx, point, wish.position.coordinate_system, now=now)
        return lane.id
    home = None if wish.on_behalf_of else await tx.get(Residence, actor.person_id)
    if home is None or home.lane_id is None:
        raise PlaceNeeded
    return home.lane_id


async def _context(
    tx: Tx, lane_id: UUID, category_code: str, *, now: datetime
) -> ReportContext:
    context = await REPORT_CONTEXT.first(
        tx, lane_id=lane_id, category_code=category_code, day=local_day(now)
    )
    if context is None:
        await current_node(tx, lane_id, now=now)
        raise CategoryNotFound
    if context.level != Level.LANE:
        raise NotALane
    return context


def _intake_role(actor: Actor, place: Place) -> Role:
    """Return the post in which the caller takes in what others report at `place`."""
    return next(
        post.role
        for post in actor.posts
        if Permission.ISSUE_INTAKE in GRANTED[post.role] and post.covers(place, None)
    )


async def _known_caller(tx: Tx, phone: str) -> UUID | None:
    return await tx.scalar(select(Person.id).where(Person.phone == phone))


def _code(context: ReportContext, now: datetime) -> str:
    day = now.astimezone(SHOWN_ZONE)
    return f"{context.code_prefix}{day:%y%m%d}-{context.number:04}"


def _issue(case: Case, wish: IssueIn) -> Issue:
    issue = Issue(
        case_id=case.id,
        category_code=wish.category_code,
        text=wish.text,
        location=wish.location,
        photo_ids=wish.photo_ids,
        anonymous=wish.anonymous,
    )
    if wish.position is not None:
        given = Point(wish.position.longitude, wish.position.latitude)
        system = wish.position.coordinate_system
        issue.longitude, issue.latitude = to_wgs84(given, system)
        issue.given_longitude, issue.given_latitude = given
        issue.coordinate_system = system.value
    if wish.on_behalf_of is not None:
        issue.caller_name = wish.on_behalf_of.name
        issue.caller_phone = wish.on_behalf_of.phone
    return issue
