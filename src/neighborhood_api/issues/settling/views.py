"""How ratings and call-backs are shown."""

from neighborhood_api.identity.service import masked
from neighborhood_api.issues.settling.models import CallReason, Channel, RatingForm
from neighborhood_api.issues.settling.queries import CallBackRow, RatingRow
from neighborhood_api.issues.settling.schemas import (
    RATING_NAMES,
    CallBackOut,
    CallBackState,
    ItemRatedOut,
    LevelOut,
    RatingFormOut,
    RatingItemOut,
    RatingOut,
)


def form_view(form: RatingForm) -> RatingFormOut:
    """Show a version of the form."""
    return RatingFormOut(
        version=form.version,
        valid_from=form.valid_from,
        levels=[LevelOut(rating=rating, name=name) for rating, name in RATING_NAMES.items()],
        online=[RatingItemOut(**item) for item in form.online],
        offline=[RatingItemOut(**item) for item in form.offline],
    )


def rating_view(row: RatingRow) -> RatingOut:
    """Show a rating with the names that its version of the form had."""
    asked = row.online if row.channel == Channel.ONLINE else row.offline
    return RatingOut(
        id=row.id,
        handling=row.handling,
        rating=row.rating,
        rating_name=RATING_NAMES[row.rating],
        text=row.text,
        channel=Channel(row.channel),
        form_version=row.form_version,
        items=[
            ItemRatedOut(code=item["code"], name=item["name"], rating=row.items[item["code"]])
            for item in asked
            if item["code"] in row.items
        ],
        rated_at=row.rated_at,
        by_call_back=row.recorded_by_id is not None,
    )


def call_back_view(row: CallBackRow) -> CallBackOut:
    """Show a call-back; the whole number is shown by an operation that records it."""
    by_phone = row.caller_phone is not None
    phone = row.caller_phone if by_phone else row.reporter_phone
    return CallBackOut(
        id=row.id,
        issue_id=row.issue_id,
        issue_code=row.issue_code,
        issue_text=row.issue_text,
        category_name=row.category_name,
        lane_name=row.lane_name,
        handling=row.handling,
        reason=CallReason(row.reason),
        state=_state(row),
        rating=row.rating,
        rating_text=row.rating_text,
        opened_at=row.opened_at,
        attempts=row.attempts,
        name=row.caller_name if by_phone else row.reporter_name,
        phone=masked(phone),
        taken_by=row.taken_by,
        called_at=None if row.reached is None else row.ended_at,
        reached=row.reached,
        solved=row.solved,
        satisfied=row.satisfied,
        text=row.text,
        remedy_due_at=row.remedy_due_at,
        remedied_at=row.remedied_at,
    )


def _state(row: CallBackRow) -> CallBackState:
    if row.ended_at is None:
        return CallBackState.TO_CALL
    waits = row.remedy_wanted and row.remedied_at is None
    return CallBackState.TO_REMEDY if waits else CallBackState.DONE
