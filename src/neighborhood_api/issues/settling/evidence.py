"""What must be there before an issue counts as resolved."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from neighborhood_api.cases.models import Case
from neighborhood_api.grid.areas.coordinates import Point, metres_between, to_wgs84
from neighborhood_api.issues.categories.models import Evidence
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.settling.schemas import EvidencePositionIn, ResolveIn
from neighborhood_api.kit.problems import FieldError, Problem

FAR_METRES = 300
"""Farther from the issue than this, beyond the phone's own accuracy, is flagged: the
project's choice, some blocks of houses."""
SKEW = timedelta(minutes=5)
"""How far a phone's clock may be wrong."""

_ASKED: dict[Evidence, tuple[str, str]] = {
    Evidence.TEXT: ("text", "请填写办理结果"),
    Evidence.PHOTO_BEFORE: ("before_photo_ids", "请上传处理前照片"),
    Evidence.PHOTO_AFTER: ("photo_ids", "请上传处理后照片"),
    Evidence.POSITION: ("position", "请提供办理地点定位"),
}


class EvidenceMissing(Problem):
    """The category demands more; `missing` and `errors` name every piece at once."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Resolving needs more evidence; see `missing`"
    message = "办结材料不全，请按提示补齐后再提交"


class DoneAtImpossible(Problem):
    """The work was done before it was asked for, or is still to be done."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The work must have been done between the report and now"
    message = "办好的时间须在上报之后、现在之前，请检查"


def require_evidence(case: Case, wish: ResolveIn, *, now: datetime) -> None:
    """Refuse a result without what the terms of its case demand.

    Raises: EvidenceMissing, DoneAtImpossible.
    """
    given = {
        Evidence.TEXT: wish.text,
        Evidence.PHOTO_BEFORE: wish.before_photo_ids,
        Evidence.PHOTO_AFTER: wish.photo_ids,
        Evidence.POSITION: wish.position,
    }
    demanded = case.agreed.evidence
    missing = [piece for piece in Evidence if piece in demanded and not given[piece]]
    if missing:
        raise EvidenceMissing(
            missing=[piece.value for piece in missing],
            errors=[_shown(piece).model_dump() for piece in missing],
        )
    if wish.done_at is not None and not (case.opened_at - SKEW <= wish.done_at <= now + SKEW):
        raise DoneAtImpossible


def detail_of(issue: Issue, wish: ResolveIn) -> dict[str, Any] | None:
    """Return the evidence as the timeline keeps it, beside the photos of the result."""
    detail: dict[str, Any] = {}
    if wish.before_photo_ids:
        detail["before_file_ids"] = [str(file_id) for file_id in wish.before_photo_ids]
    if wish.done_at is not None:
        detail["done_at"] = wish.done_at.isoformat()
    if wish.position is not None:
        detail["position"] = wish.position.model_dump(mode="json")
        detail |= _distance(issue, wish.position)
    return detail or None


def before_photos_of(detail: Mapping[str, Any] | None) -> list[UUID]:
    """Return the photos of how it was before, from a line of the timeline."""
    return [UUID(file_id) for file_id in (detail or {}).get("before_file_ids", ())]


def _distance(issue: Issue, position: EvidencePositionIn) -> dict[str, Any]:
    """Say how far away it was done; that is flagged and never refused, phones do err."""
    if issue.longitude is None or issue.latitude is None:
        return {}
    there = to_wgs84(Point(position.longitude, position.latitude), position.coordinate_system)
    metres = metres_between(Point(issue.longitude, issue.latitude), there)
    surely = metres - (position.accuracy_metres or 0)
    return {"metres_away": round(metres), "far_away": surely > FAR_METRES}


def _shown(piece: Evidence) -> FieldError:
    field, message = _ASKED[piece]
    return FieldError(pointer=f"#/body/{field}", code=f"{piece.value}_missing", message=message)
