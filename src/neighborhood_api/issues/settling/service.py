"""Rules of resolving with evidence, of verifying, of reopening, and of rating."""

from datetime import datetime
from uuid import UUID

from neighborhood_api.cases.service import lock_case, move_case
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.workflow import By, Move, State
from neighborhood_api.files.service import claim_files
from neighborhood_api.identity.access import Actor
from neighborhood_api.issues.categories.models import ReopenBy
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.settling.call_backs import end_remedy, follow_rating
from neighborhood_api.issues.settling.evidence import detail_of, require_evidence
from neighborhood_api.issues.settling.queries import STANDING
from neighborhood_api.issues.settling.ratings import Whose, store_rating
from neighborhood_api.issues.settling.rights import before_moving, refuses_reopening
from neighborhood_api.issues.settling.schemas import (
    RateIn,
    RefuseResultIn,
    ReopenIn,
    ResolveIn,
    VerifyIn,
)
from neighborhood_api.issues.together.parting import part_from_main
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Tx


async def resolve_issue(
    tx: Tx, actor: Actor, issue_id: UUID, wish: ResolveIn, *, now: datetime
) -> None:
    """Say what was done, with the evidence that the rule demands.

    Where the rule demands a check, a third person makes it before the reporter is asked.

    Raises: CaseNotFound, Forbidden, MoveNotAllowed, EvidenceMissing, DoneAtImpossible,
        FilesNotUsable.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    detail = detail_of(await tx.get_one(Issue, issue_id), wish)
    said = Said(text=wish.text, file_ids=wish.photo_ids, detail=detail)
    to = State.VERIFYING if case.agreed.verification else State.RESOLVED
    await move_case(tx, ISSUE, case, Move.RESOLVE, actor, said, now=now, to=to)
    require_evidence(case, wish, now=now)
    await claim_files(tx, actor.person_id, [*wish.before_photo_ids, *wish.photo_ids], now=now)
    if to is State.RESOLVED:
        await end_remedy(tx, case, actor.person_id, now=now)


async def verify_issue(
    tx: Tx, actor: Actor, issue_id: UUID, wish: VerifyIn, *, now: datetime
) -> None:
    """Say, as a third person, that it is settled; now the reporter is asked.

    Raises: CaseNotFound, Forbidden, ThirdPersonNeeded, MoveNotAllowed, FilesNotUsable.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    said = Said(text=wish.text, file_ids=wish.photo_ids)
    await move_case(tx, ISSUE, case, Move.VERIFY, actor, said, now=now)
    await claim_files(tx, actor.person_id, wish.photo_ids, now=now)
    await end_remedy(tx, case, case.resolved_by_id, now=now)


async def refuse_result(
    tx: Tx, actor: Actor, issue_id: UUID, wish: RefuseResultIn, *, now: datetime
) -> None:
    """Say, as a third person, that it is not settled; the same hands go on.

    Raises: CaseNotFound, Forbidden, ThirdPersonNeeded, MoveNotAllowed, FilesNotUsable.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    said = Said(text=wish.text, file_ids=wish.photo_ids)
    await move_case(tx, ISSUE, case, Move.REFUSE_RESULT, actor, said, now=now)
    await claim_files(tx, actor.person_id, wish.photo_ids, now=now)


async def reopen_issue(
    tx: Tx,
    actor: Actor,
    issue_id: UUID,
    wish: ReopenIn,
    *,
    now: datetime,
    supports: bool = False,
) -> None:
    """Say that it is not settled, or object to a refusal: it goes one level up.

    Whoever `supports` it may do so, too, where the rule gives her the right. What was merged
    and settled with another goes its own way from then on.

    Raises: CaseNotFound, Forbidden, MoveNotAllowed, ReopenTooLate, ReopenNotYours,
        ObjectedAlready, FilesNotUsable.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    before = before_moving(case)
    standing = await STANDING.first(tx, issue_id=issue_id)
    said = Said(text=wish.text, file_ids=wish.photo_ids)
    entry = await move_case(
        tx, ISSUE, case, Move.REOPEN, actor, said, now=now, supports=supports
    )
    objections = standing.objections if standing else 0
    whose = ReopenBy.SUPPORTER if entry.by == By.SUPPORTER else ReopenBy.REPORTER
    refusal = refuses_reopening(case, before, objections, whose, now=now)
    if refusal is not None:
        raise refusal
    if case.main_id is not None:
        await part_from_main(tx, case)
    await claim_files(tx, actor.person_id, wish.photo_ids, now=now)


async def rate_issue(
    tx: Tx, actor: Actor, issue_id: UUID, wish: RateIn, *, now: datetime
) -> None:
    """Rate how it was handled; one rating for one handling, and a bad one is followed up.

    Raises: CaseNotFound, Forbidden, MoveNotAllowed, AlreadyRated, RatingFormUnknown,
        RatingItemsUnknown.
    Emits: IssueRated, CallBackOpened.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    said = Said(text=wish.text, rating=wish.rating, detail=dict(wish.items) or None)
    entry = await move_case(tx, ISSUE, case, Move.RATE, actor, said, now=now)
    whose = (
        Whose(case.times_reopened, person_id=actor.person_id)
        if entry.role is None
        else Whose(case.times_reopened, recorded_by_id=actor.person_id)
    )
    await store_rating(tx, case, wish, whose, now=now)
    await follow_rating(tx, case, wish.rating, now=now)
