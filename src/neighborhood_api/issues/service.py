"""Rules of reporting an issue, and of each move that an issue makes."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from neighborhood_api.cases.hands import answering_for
from neighborhood_api.cases.models import Case
from neighborhood_api.cases.opening import first_place, open_case
from neighborhood_api.cases.policy import Mover, mover_of
from neighborhood_api.cases.service import lock_case, move_case
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.workflow import By, Move
from neighborhood_api.files.service import claim_files
from neighborhood_api.grid.areas.coordinates import Point, to_wgs84
from neighborhood_api.grid.areas.locating import lane_at
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.posts.duty import Duty, who_answers
from neighborhood_api.grid.residences.standing import require_confirmed
from neighborhood_api.grid.schemas import PositionIn
from neighborhood_api.grid.service import NotALane, node_missing
from neighborhood_api.identity.access import GRANTED, Actor, Permission, Role
from neighborhood_api.identity.places import Level, Place
from neighborhood_api.issues.categories.queries import PLACE, kept_terms
from neighborhood_api.issues.events import IssueReported
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.publishing.service import begin_publication, move_publication
from neighborhood_api.issues.queries import (
    HOME,
    KNOWN_CALLER,
    REPORT_CONTEXT,
    IssueRow,
    ReportContext,
)
from neighborhood_api.issues.schemas import AnswerIn, CommentIn, IssueIn
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.issues.worklists.words import words_vector
from neighborhood_api.kit.db import Handle, Source, Tx, save_last
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.schedules.working import calendar_at


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


class NotAboutPersons(Problem):
    """Only a report on persons goes past the street."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Only a report on persons goes straight to the district"
    message = "只有反映工作人员的诉求可直接交区级，请取消该选项或改选类别"


class InternalForStaff(Problem):
    """Reporters cannot write notes for staff's eyes only."""

    status = HTTPStatus.FORBIDDEN
    title = "Only staff write internal notes"
    message = "内部备注仅限工作人员"


async def report_issue(
    handle: Handle, actor: Actor, wish: IssueIn, *, now: datetime
) -> IssueRow:
    """Take an issue in, and put it at once into the hands of whoever answers there.

    All rows wait for the commit: with what is looked up before, that is three statements.

    Raises: PlaceNeeded, NodeNotFound, NotALane, NoLaneNearby, CategoryNotFound, Forbidden,
        FilesNotUsable, NotAboutPersons, ResidenceNotConfirmed.
    Emits: CaseMoved, IssueReported, IssuePublished.
    """
    lane_id = await lane_of(
        handle, actor, wish.lane_id, wish.position, at_home=wish.on_behalf_of is None, now=now
    )
    context = await _context(handle, lane_id, wish.category_code, now=now)
    place, terms = context.place, kept_terms(context.rule_id, context)
    if wish.to_district and not terms.confidential:
        raise NotAboutPersons
    reporter_id: UUID | None = actor.person_id
    mover = Mover(By.REPORTER, actor.person_id)
    if wish.on_behalf_of is None:
        asked = context.confirmed_only and not terms.confidential
        await require_confirmed(handle, actor, place, asked=asked)
    else:
        actor.require(Permission.ISSUE_INTAKE, at=place)
        known = await KNOWN_CALLER.first(handle, phone=wish.on_behalf_of.phone)
        reporter_id = None if known is None else known.id
        mover = Mover(By.INTAKE, actor.person_id, _intake_role(actor, place))
    if wish.photo_ids:
        await claim_files(handle, actor.person_id, wish.photo_ids, now=now)
    first = first_place(place, terms, to_district=wish.to_district)
    duty = await who_answers(
        handle,
        first,
        now=now,
        answering=answering_for(confidential=terms.confidential),
    )
    case, rows = open_case(
        ISSUE,
        place,
        duty,
        terms,
        await calendar_at(handle, context.district_id, context.calendar_version),
        mover,
        code=_code(context, now),
        reporter_id=reporter_id,
        said=Said(text=wish.text, file_ids=wish.photo_ids),
        expected=first,
        now=now,
    )
    issue = _issue(case, wish, context.rule_id)
    reported = IssueReported(issue_id=case.id, category_code=wish.category_code)
    rows += begin_publication(case, wish.category_code, context.publicity)
    await save_last(handle, *rows, issue, reported.row())
    return _row(case, issue, context, duty)


def _row(case: Case, issue: Issue, context: ReportContext, duty: Duty) -> IssueRow:
    """Show a new issue as a query would, without asking."""
    return IssueRow(
        id=case.id,
        code=case.code,
        category_code=issue.category_code,
        category_name=context.category_name,
        text=issue.text,
        state=case.state,
        lane_id=case.lane_id,
        lane_name=context.lane_name,
        location=issue.location,
        photo_ids=issue.photo_ids,
        hand_level=case.hand_level,
        hand_node_id=case.hand_node_id,
        hand_node_name=duty.node_name,
        hand_role=case.hand_role,
        hand_role_name=(context.role_names or {}).get(case.hand_role),
        hand_person_name=duty.person_name,
        organization=None,
        opened_at=case.opened_at,
        respond_due_at=case.respond_due_at,
        resolve_due_at=case.resolve_due_at,
        first_responded_at=None,
        times_reopened=0,
        rating=None,
        version=case.version,
    )


async def move_issue(
    tx: Tx, actor: Actor, issue_id: UUID, move: Move, said: Said, *, now: datetime
) -> None:
    """Make one move that needs nothing of its own.

    Raises: CaseNotFound, Forbidden, MoveNotAllowed, WordsNeeded, NobodyAbove,
        OrganizationNotFound.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    before = case.place
    await move_case(tx, ISSUE, case, move, actor, said, now=now)
    if case.place != before:
        await move_publication(tx, case)


async def answer_question(
    tx: Tx, actor: Actor, issue_id: UUID, wish: AnswerIn, *, now: datetime
) -> None:
    """Tell what the staff asked for, so that they can go on.

    Raises: CaseNotFound, Forbidden, MoveNotAllowed, FilesNotUsable.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    said = Said(text=wish.text, file_ids=wish.photo_ids)
    await move_case(tx, ISSUE, case, Move.ANSWER, actor, said, now=now)
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


async def lane_of(
    source: Source,
    actor: Actor,
    lane_id: UUID | None,
    position: PositionIn | None,
    *,
    at_home: bool = True,
    now: datetime,
) -> UUID:
    """Return the lane that is meant: the one named, else by position, else where she lives.

    Raises: PlaceNeeded, NoLaneNearby.
    """
    if lane_id is not None:
        return lane_id
    if position is not None:
        point = Point(position.longitude, position.latitude)
        return await lane_at(source, point, position.coordinate_system, now=now)
    home = await HOME.first(source, person_id=actor.person_id) if at_home else None
    if home is None or home.lane_id is None:
        raise PlaceNeeded
    return home.lane_id


async def _context(
    source: Source, lane_id: UUID, category_code: str, *, now: datetime
) -> ReportContext:
    day = local_day(now)
    context = await REPORT_CONTEXT.first(
        source, lane_id=lane_id, category_code=category_code, day=day
    )
    if context is None:
        if await PLACE.first(source, node_id=lane_id, day=day) is None:
            raise await node_missing(source, lane_id, now=now)
        raise CategoryNotFound
    if context.level != Level.LANE:
        raise NotALane
    return context


def _intake_role(actor: Actor, place: Place) -> Role:
    """Return the post in which the caller takes in what others report at `place`."""
    return next(
        post.role
        for post in actor.posts
        if Permission.ISSUE_INTAKE in GRANTED[post.role] and post.covers(place, ())
    )


def _code(context: ReportContext, now: datetime) -> str:
    day = now.astimezone(SHOWN_ZONE)
    return f"{context.code_prefix}{day:%y%m%d}-{context.number:04}"


def _issue(case: Case, wish: IssueIn, rule_id: UUID) -> Issue:
    issue = Issue(
        case_id=case.id,
        category_code=wish.category_code,
        rule_id=rule_id,
        text=wish.text,
        location=wish.location,
        photo_ids=wish.photo_ids,
        anonymous=wish.anonymous,
        words=words_vector(
            wish.text,
            wish.location,
            case.code,
            None if wish.on_behalf_of is None else wish.on_behalf_of.name,
            street_id=case.street_id,
        ),
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
        issue.channel = wish.on_behalf_of.channel.value
    return issue
