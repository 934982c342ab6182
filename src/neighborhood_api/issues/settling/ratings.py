"""Rules of rating (好差评): the form with its sub-items, and one rating for each handling."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from neighborhood_api.cases.models import Case
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.issues.events import IssueRated
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.settling.events import RatingFormChanged
from neighborhood_api.issues.settling.models import Channel, Rating, RatingForm
from neighborhood_api.issues.settling.schemas import RateIn, RatingFormIn, RatingItemBody
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx, refusing
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem

MANAGE = Permission.CATEGORY_MANAGE
BAD = 2
"""Ratings up to this one are followed up. Source: the provincial 好差评 rules (四川, 2020)."""

FIRST_FORM = {
    "version": 1,
    "valid_from": datetime(2026, 1, 1, tzinfo=UTC),
    "online": [
        {"code": "overall", "name": "整体满意度"},
        {"code": "efficiency", "name": "办事效率"},
        {"code": "guidance", "name": "指南精确度"},
        {"code": "convenience", "name": "便捷度"},
        {"code": "platform", "name": "平台操作性"},
    ],
    "offline": [
        {"code": "efficiency", "name": "服务效率"},
        {"code": "competence", "name": "服务水平"},
        {"code": "attitude", "name": "服务态度"},
    ],
}
"""In force until an operator makes another. Source: the sub-items usual in 好差评 (2020)."""


class AlreadyRated(Problem):
    """One rating for one handling."""

    title = "This handling was already rated"
    message = "您已评价过，每次办理只能评价一次"


class RatingItemsUnknown(Problem):
    """The form has no such sub-items; `unknown` names them."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The rating form has no such sub-items"
    message = "评价项目已更新，请刷新后重新评价"


class RatingFormUnknown(Problem):
    """There is no version of the form with this number."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "There is no such version of the rating form"
    message = "评价表版本不存在，请刷新后重新评价"


@dataclass(frozen=True)
class Whose:
    """Whose rating it is, of which handling, and who wrote it down for her."""

    handling: int
    person_id: UUID | None = None
    recorded_by_id: UUID | None = None


async def form_in_force(tx: ReadTx) -> RatingForm:
    """Return the newest version of the form; the first one is there without being stored."""
    newest = select(RatingForm).order_by(RatingForm.version.desc()).limit(1)
    return await tx.scalar(newest) or RatingForm(**FIRST_FORM)  # type: ignore[arg-type]


async def save_rating_form(
    tx: Tx, actor: Actor, wish: RatingFormIn, *, now: datetime
) -> RatingForm:
    """Put other sub-items in force as a new version; unchanged, they make none.

    Raises: Forbidden, StaleVersion.
    Emits: RatingFormChanged.
    """
    actor.require_for_all(MANAGE)
    before = await form_in_force(tx)
    online, offline = _plain(wish.online), _plain(wish.offline)
    if (before.online, before.offline) == (online, offline):
        return before
    if wish.version != before.version:
        raise StaleVersion(version=before.version)
    await _store_first(tx)
    form = RatingForm(
        version=before.version + 1,
        valid_from=max(now, before.valid_from),
        online=online,
        offline=offline,
        created_by=actor.person_id,
    )
    tx.add(form)
    with refusing({"pk_rating_form": StaleVersion}):
        await tx.flush()
    emit(tx, RatingFormChanged(version=form.version))
    what = RatingFormChanged.name
    record_act(tx, what, str(form.version), by=actor.person_id, now=now)
    return form


async def store_rating(
    tx: Tx, case: Case, wish: RateIn, whose: Whose, *, now: datetime
) -> Rating:
    """Keep the rating of one handling of a locked case, and show it as the issue's newest.

    Raises: AlreadyRated, RatingFormUnknown, RatingItemsUnknown.
    Emits: IssueRated.
    """
    rated = select(Rating.id).where(
        Rating.case_id == case.id, Rating.handling == whose.handling
    )
    if await tx.scalar(rated) is not None:
        raise AlreadyRated
    form = await _form_filled_in(tx, wish)
    rating = Rating(
        case_id=case.id,
        handling=whose.handling,
        rating=wish.rating,
        rated_at=now,
        channel=wish.channel.value,
        form_version=form.version,
        items=dict(wish.items),
        text=wish.text,
        person_id=whose.person_id,
        recorded_by_id=whose.recorded_by_id,
    )
    tx.add(rating)
    with refusing({"uq_issue_rating_handling": AlreadyRated}):
        await tx.flush()
    issue = await tx.get_one(Issue, case.id)
    issue.rating, issue.rating_text, issue.rated_at = wish.rating, wish.text, now
    emit(tx, IssueRated(issue_id=case.id, rating=wish.rating))
    return rating


def items_of(form: RatingForm, channel: Channel) -> dict[str, str]:
    """Return the sub-items of a channel: names by code, in the order to show them."""
    items = form.online if channel is Channel.ONLINE else form.offline
    return {item["code"]: item["name"] for item in items}


async def _form_filled_in(tx: Tx, wish: RateIn) -> RatingForm:
    """Return the version of the form that was filled in, which may be one of before."""
    await _store_first(tx)
    form = await form_in_force(tx)
    if wish.form_version is not None and wish.form_version != form.version:
        form = await tx.get(RatingForm, wish.form_version) or form
        if form.version != wish.form_version:
            raise RatingFormUnknown
    unknown = wish.items.keys() - items_of(form, wish.channel).keys()
    if unknown:
        raise RatingItemsUnknown(unknown=[*sorted(unknown)])
    return form


async def _store_first(tx: Tx) -> None:
    """Store the first version before something refers to it; harmless when it is there."""
    await tx.execute(insert(RatingForm).values(FIRST_FORM).on_conflict_do_nothing())


def _plain(items: Sequence[RatingItemBody]) -> list[dict[str, str]]:
    return [item.model_dump() for item in items]
