"""Who may see a case, and in which quality the law lets somebody move it."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, or_, select

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.paths import Call, Offer
from neighborhood_api.cases.sight import counts, reached
from neighborhood_api.cases.terms import TRANSFERS_ALLOWED
from neighborhood_api.cases.workflow import By, Hands, Move, Rule, Workflow
from neighborhood_api.grid.posts.duty import HIGHEST
from neighborhood_api.identity.access import Actor, Forbidden, Permission, Post, Role
from neighborhood_api.identity.places import COLUMNS, Level, Place
from neighborhood_api.kit.problems import Problem


class CaseNotFound(Problem):
    """There is no such case, or none that the caller may see."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such case"
    message = "没有找到这条记录，请返回列表刷新"


class ThirdPersonNeeded(Problem):
    """Who did the work, or asked for it, cannot verify it."""

    status = HTTPStatus.FORBIDDEN
    title = "A third person must verify"
    message = "须由办理人和诉求人以外的人员核查"


class WhistleFromGrid(Problem):
    """Only posts from the grid up call departments; a lane passes the case up."""

    status = HTTPStatus.FORBIDDEN
    title = "Departments are called from the grid up"
    message = "须由网格及以上岗位吹哨，请先上报网格"


@dataclass(frozen=True)
class Mover:
    """Who makes a move, and in which post."""

    by: By
    person_id: UUID | None = None
    role: Role | None = None

    @property
    def side(self) -> str:
        """How the timeline calls the mover: reporter, supporter, staff or system."""
        if self.by in {By.REPORTER, By.SUPPORTER, By.SYSTEM}:
            return self.by.value
        return "reporter" if self.role is None else "staff"


SYSTEM = Mover(By.SYSTEM)

_STAFF = (
    By.HANDS,
    By.OFFERED,
    By.CALLED,
    By.WHISTLER,
    By.CALLER,
    By.ABOVE,
    By.VERIFIER,
    By.DISPATCHER,
    By.INTAKE,
    By.READER,
)
"""The qualities of staff, in the order in which they are tried."""


def may_read(workflow: Workflow, case: Case, actor: Actor) -> bool:
    """Tell whether the caller may see the case at all."""
    return case.reporter_id == actor.person_id or reads_as_staff(workflow, case, actor)


def reads_as_staff(workflow: Workflow, case: Case, actor: Actor) -> bool:
    """Tell whether the caller sees the case as staff does, internal entries included."""
    return _quality(workflow, case, actor, By.READER) is not None


def readable(workflow: Workflow, actor: Actor) -> ColumnElement[bool]:
    """Return the WHERE clause for the cases that `reads_as_staff` would let the caller see.

    Every list of cases takes it from here, so that what is about persons stays with the posts
    named for it.
    """
    return or_(false(), *readable_parts(workflow, actor))


def readable_parts(workflow: Workflow, actor: Actor) -> list[ColumnElement[bool]]:
    """Return what `readable` is made of: clauses each of which an index answers alone."""
    parts: list[ColumnElement[bool]] = []
    for post in actor.posts:
        there = reached(workflow, actor, post, workflow.read)
        if there is None:
            continue
        parts.append(there)
        if post.organization_id is None and post.level > HIGHEST:  # offers stay in the street
            open_offer = select(Offer.case_id).where(
                getattr(Offer, COLUMNS[post.level]) == post.node_id,
                Offer.answered_at.is_(None),
            )
            offered = Case.id.in_(open_offer)  # what is about persons is not offered
            parts.append(and_(offered, Case.kind == workflow.kind, ~Case.confidential))
    return parts


def handled(workflow: Workflow, actor: Actor) -> ColumnElement[bool]:
    """Return the WHERE clause for the cases at whose place the caller handles such cases."""
    parts = (reached(workflow, actor, post, workflow.handle) for post in actor.posts)
    return or_(false(), *(part for part in parts if part is not None))


def may_handle(workflow: Workflow, case: Case, actor: Actor) -> bool:
    """Tell whether the caller acts for the hands that hold the case, or is above them."""
    return _quality(workflow, case, actor, By.HANDS) is not None


def holds(workflow: Workflow, case: Case, actor: Actor) -> bool:
    """Tell whether the caller has a post in the very hands that hold the case."""
    return holding_post(workflow, case, actor) is not None


def holding_post(workflow: Workflow, case: Case, actor: Actor) -> Post | None:
    """Return the caller's post in the very hands that hold the case, None without one."""
    for post in _posts(workflow, case, actor, workflow.handle):
        if _in_hands(case, post):
            return post
    return None


def moves_for(workflow: Workflow, case: Case, actor: Actor) -> list[Move]:
    """Return the moves that this caller could make now, for the buttons of a front end."""
    return [
        move
        for move in workflow.allowed_from(case.standing)
        if _mover(workflow, workflow.rules[move], case, actor) is not None
        and not _is_closed_to(case, move, workflow.rules[move].hands)
        and _calls_for(case, move)
    ]


def mover_of(
    workflow: Workflow, line: Rule, case: Case, actor: Actor, *, supports: bool = False
) -> Mover:
    """Return the caller as the one who makes a move; the domain knows whether she `supports`.

    Raises: CaseNotFound when she may not even see it, Forbidden when she may,
        ThirdPersonNeeded, WhistleFromGrid.
    """
    mover = _mover(workflow, line, case, actor)
    if mover is not None:
        return mover
    if supports and By.SUPPORTER in line.by:
        return Mover(By.SUPPORTER, actor.person_id)
    if not may_read(workflow, case, actor):
        raise CaseNotFound
    if By.VERIFIER in line.by and may_handle(workflow, case, actor):
        raise ThirdPersonNeeded
    if By.WHISTLER in line.by and may_handle(workflow, case, actor):
        raise WhistleFromGrid
    raise Forbidden


def whistling_post(workflow: Workflow, case: Case, actor: Actor) -> Post:
    """Return the post from which the caller calls departments to the case.

    Raises: Forbidden.
    """
    for post in _posts(workflow, case, actor, workflow.handle):
        if _may_whistle(case, post):
            return post
    raise Forbidden


def at_the_top(case: Case) -> bool:
    """Tell whether nobody is above; above a department is the dispatcher.

    What is about persons goes up to the district, if somebody there is named for it.
    """
    highest = Level.DISTRICT if case.confidential else HIGHEST
    return case.hand_level <= highest and case.hand_role != Role.DEPARTMENT_OFFICER.value


def _is_closed_to(case: Case, move: Move, hands: Hands) -> bool:
    """Tell whether the move, though the law knows it here, would be refused for this case."""
    return (
        (hands is Hands.UP and at_the_top(case))
        or (case.confidential and (hands is Hands.OFFER or move is Move.RETURN))
        or (case.adjudicated and move in {Move.RETURN, Move.TRANSFER})
        or (move is Move.TRANSFER and case.times_transferred >= TRANSFERS_ALLOWED)
    )


def _mover(workflow: Workflow, line: Rule, case: Case, actor: Actor) -> Mover | None:
    for by in _STAFF:
        if by in line.by:
            role = _quality(workflow, case, actor, by)
            if role is not None:
                return Mover(by, actor.person_id, role)
    may_report = line.by & {By.REPORTER, By.READER}
    if may_report and case.reporter_id == actor.person_id:
        return Mover(By.REPORTER, actor.person_id)
    return None


def _quality(workflow: Workflow, case: Case, actor: Actor, by: By) -> Role | None:
    """Return the post by which staff acts in the quality `by`, None without one."""
    held = () if case.organization_id is None else (case.organization_id,)
    match by:
        case By.HANDS:
            return _post(workflow, case, actor, workflow.handle, case.hand_place, held)
        case By.DISPATCHER:
            return _post(workflow, case, actor, workflow.dispatch, case.place, ())
        case By.READER:
            role = _post(workflow, case, actor, workflow.read, case.place, case.party_ids)
            return role or _post_offered(workflow, case, actor, workflow.read)
        case By.OFFERED:
            return _post_offered(workflow, case, actor, workflow.handle)
        case By.VERIFIER | By.INTAKE:
            return _post_unconcerned(workflow, case, actor, by)
        case _:
            return _special(workflow, case, actor, by)


def _post_unconcerned(workflow: Workflow, case: Case, actor: Actor, by: By) -> Role | None:
    """Return the post by which the caller verifies, or speaks for who has no account.

    Never about her own work: who resolved it does not say that it is settled.
    """
    if actor.person_id in {case.resolved_by_id, case.reporter_id}:
        return None
    if by is By.INTAKE and case.reporter_id is not None:
        return None
    permission = workflow.intake if by is By.INTAKE else workflow.handle
    return _post(workflow, case, actor, permission, case.place, ())


def _special(workflow: Workflow, case: Case, actor: Actor, by: By) -> Role | None:
    fits = _FITS[by]
    for post in _posts(workflow, case, actor, workflow.handle):
        if fits(case, post):
            return post.role
    return None


def _post_offered(
    workflow: Workflow, case: Case, actor: Actor, permission: Permission
) -> Role | None:
    """Return the post by which the caller belongs to the body that the case is offered to."""
    offer = case.offer
    if offer is None:
        return None
    if offer.organization_id is not None:
        nowhere = Place.of()
        return _post(workflow, case, actor, permission, nowhere, (offer.organization_id,))
    return _post(workflow, case, actor, permission, offer.place, ())


def _is_called(case: Case, post: Post) -> bool:
    return post.organization_id is not None and any(
        call.organization_id == post.organization_id and call.released_at is None
        for call in case.calls
    )


def _may_whistle(case: Case, post: Post) -> bool:
    return (
        post.organization_id is None
        and post.level <= Level.GRID
        and post.covers(case.hand_place, ())
    )


def has_called(case: Case, call: Call, post: Post) -> bool:
    """Tell whether a department was called from the node of the post, or from below it."""
    return stands_at_or_above(case, post, call.from_node_id, call.from_level)


def stands_at_or_above(case: Case, post: Post, node_id: UUID, level: int) -> bool:
    """Tell whether a post has its place where something was said about a case, or above."""
    if post.organization_id is not None:
        return False
    return post.node_id == node_id or (post.level < level and post.covers(case.place, ()))


def _called_from(case: Case, post: Post) -> bool:
    return any(has_called(case, call, post) for call in case.calls)


def _calls_for(case: Case, move: Move) -> bool:
    """Tell whether a move about called departments has any that it can be about."""
    match move:
        case Move.WHISTLE:
            return not case.confidential
        case Move.CHECK_IN:
            return any(c.released_at is None and c.checked_in_at is None for c in case.calls)
        case Move.REPORT_WORK:
            return any(c.released_at is None and c.checked_in_at for c in case.calls)
        case Move.RELEASE:
            return any(c.released_at is None for c in case.calls)
        case Move.RATE_CALL:
            return any(c.released_at and c.rating is None for c in case.calls)
        case _:
            return True


def _is_above(case: Case, post: Post) -> bool:
    """Tell whether the post is above the hands; above the street is its secretary.

    Of those named for what is about persons each stands above the others, as second person.
    """
    if post.organization_id is not None or not post.covers(case.hand_place, ()):
        return False
    if post.level < case.hand_level or case.hand_role == Role.DEPARTMENT_OFFICER.value:
        return True
    return case.confidential or (at_the_top(case) and post.role is Role.STREET_SECRETARY)


_FITS: dict[By, Callable[[Case, Post], bool]] = {
    By.CALLED: _is_called,
    By.WHISTLER: _may_whistle,
    By.CALLER: _called_from,
    By.ABOVE: _is_above,
}


def _in_hands(case: Case, post: Post) -> bool:
    if case.hand_role == Role.DEPARTMENT_OFFICER.value:
        return post.organization_id == case.organization_id
    return post.organization_id is None and post.node_id == case.hand_node_id


def _post(
    workflow: Workflow,
    case: Case,
    actor: Actor,
    permission: Permission,
    place: Place,
    organizations: Collection[UUID],
) -> Role | None:
    for post in _posts(workflow, case, actor, permission):
        if post.covers(place, organizations):
            return post.role
    return None


def _posts(
    workflow: Workflow, case: Case, actor: Actor, permission: Permission
) -> Iterable[Post]:
    """Return the posts that count for this case: for a confidential one, those named for it."""
    return (post for post in actor.posts if counts(workflow, case, post, permission))
