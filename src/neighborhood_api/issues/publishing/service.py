"""Rules of what the public sees of an issue."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.policy import CaseNotFound, may_read, reads_as_staff
from neighborhood_api.cases.service import find_case, lock_case
from neighborhood_api.identity.access import Actor, Forbidden, Permission
from neighborhood_api.identity.places import COLUMNS, columns_of
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.issues.categories.models import Publicity
from neighborhood_api.issues.publishing.events import (
    IssuePublished,
    IssueUnpublished,
    PublicationRefused,
)
from neighborhood_api.issues.publishing.models import Publication, PublicState
from neighborhood_api.issues.publishing.schemas import HideIn, ModerateIn
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Model, ReadTx, Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem

_BEGINNING = {
    Publicity.NEVER: PublicState.HIDDEN,
    Publicity.MODERATED: PublicState.PENDING,
    Publicity.AT_ONCE: PublicState.SHOWN,
}


class NotForThePublic(Problem):
    """Its rule keeps it from the public, or the reporter does; no moderator changes that."""

    title = "This issue is not for the public"
    message = "该诉求不对公众公开，无需审核"


class ReportersWish(Problem):
    """Whoever reported it decides for herself; moderators use their own operation."""

    status = HTTPStatus.FORBIDDEN
    title = "Only the reporter takes back her own issue from the public"
    message = "只有诉求人本人可以这样撤下，工作人员请用审核"


def begin_publication(case: Case, category_code: str, publicity: str) -> list[Model]:
    """Return the rows to save with a new case, by what its rule says of the public.

    Emits: IssuePublished, where the public may see it at once.
    """
    state = PublicState.HIDDEN if case.confidential else _BEGINNING[Publicity(publicity)]
    place = columns_of(case.place)
    rows: list[Model] = [
        Publication(
            case_id=case.id,
            category_code=category_code,
            state=state.value,
            **place,  # type: ignore[arg-type]
        )
    ]
    if state is PublicState.SHOWN:
        case.published_at = case.opened_at
        rows.append(IssuePublished(issue_id=case.id).row())
    return rows


async def move_publication(tx: Tx, case: Case) -> None:
    """Have a locked issue that turned out to lie elsewhere moderated and listed there."""
    publication = await tx.get_one(Publication, case.id)
    for name, node_id in zip(COLUMNS, case.place, strict=True):
        setattr(publication, name, node_id)


async def moderate_issue(
    tx: Tx, actor: Actor, issue_id: UUID, wish: ModerateIn, *, now: datetime
) -> None:
    """Show an issue to the public, or keep or take it from there; as often as needed.

    Raises: CaseNotFound, Forbidden, NotForThePublic, StaleVersion.
    Emits: IssuePublished, IssueUnpublished or PublicationRefused.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    if not may_read(ISSUE, case, actor):
        raise CaseNotFound
    actor.require(Permission.ISSUE_MODERATE, at=case.place)
    publication = await tx.get_one(Publication, issue_id)
    if case.confidential or publication.state == PublicState.HIDDEN:
        raise NotForThePublic
    if wish.version != publication.version:
        raise StaleVersion(version=publication.version)
    if wish.show:
        _show(case, publication, wish, now)
        emit(tx, IssuePublished(issue_id=case.id))
    elif _take_away(case, publication, PublicState.REFUSED):
        emit(tx, IssueUnpublished(issue_id=case.id, by="moderator"))
    else:
        emit(tx, PublicationRefused(issue_id=case.id))
    _decide(tx, publication, actor, wish.reason, now)


async def hide_issue(
    tx: Tx, actor: Actor, issue_id: UUID, wish: HideIn, *, now: datetime
) -> None:
    """Take one's own issue from the public for good; done twice, it changes nothing.

    Raises: CaseNotFound, ReportersWish.
    Emits: IssueUnpublished, where the public could see it.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    if case.reporter_id != actor.person_id:
        raise ReportersWish if reads_as_staff(ISSUE, case, actor) else CaseNotFound
    publication = await tx.get_one(Publication, issue_id)
    if publication.state == PublicState.HIDDEN:
        return
    if _take_away(case, publication, PublicState.HIDDEN):
        emit(tx, IssueUnpublished(issue_id=case.id, by="reporter"))
    _decide(tx, publication, actor, wish.reason, now)


async def require_reader(tx: ReadTx, actor: Actor, issue_id: UUID) -> Case:
    """Load an issue's case for its reporter or for staff.

    Raises: CaseNotFound.
    """
    case = await find_case(tx, ISSUE, issue_id)
    if not may_read(ISSUE, case, actor):
        raise CaseNotFound
    return case


async def require_staff(tx: ReadTx, actor: Actor, issue_id: UUID) -> Case:
    """Load an issue's case for staff who may read it.

    Raises: CaseNotFound, Forbidden for its reporter.
    """
    case = await require_reader(tx, actor, issue_id)
    if not reads_as_staff(ISSUE, case, actor):
        raise Forbidden
    return case


def _show(case: Case, publication: Publication, wish: ModerateIn, now: datetime) -> None:
    publication.state = PublicState.SHOWN.value
    publication.public_text = wish.text
    publication.photos_shown = wish.photos
    case.published_at = case.published_at or now


def _take_away(case: Case, publication: Publication, state: PublicState) -> bool:
    """Keep it from the public; return whether the public could see it until now."""
    publication.state = state.value
    was_public, case.published_at = case.published_at is not None, None
    return was_public


def _decide(
    tx: Tx, publication: Publication, actor: Actor, reason: str | None, now: datetime
) -> None:
    publication.decided_by_id, publication.decided_at = actor.person_id, now
    publication.reason = reason
    publication.version += 1
    record_act(
        tx,
        "issues.publication_decided",
        publication.case_id,
        by=actor.person_id,
        now=now,
        state=publication.state,
        photos_shown=publication.photos_shown,
        version=publication.version,
    )
