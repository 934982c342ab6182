"""How issues are shown to the public, and to those who decide what it sees."""

from datetime import datetime

from neighborhood_api.cases.workflow import State
from neighborhood_api.files.links import Links
from neighborhood_api.grid.areas.coordinates import CoordinateSystem
from neighborhood_api.grid.names import post_name
from neighborhood_api.grid.schemas import PositionOut
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.publishing.masking import (
    PERSONAL_NAMES,
    find_personal,
    mask_personal,
)
from neighborhood_api.issues.publishing.models import PublicState
from neighborhood_api.issues.publishing.queries import LookRow, PendingRow, PublicRow
from neighborhood_api.issues.publishing.schemas import (
    FindingOut,
    LookOut,
    PendingOut,
    PublicationOut,
    PublicIssueOut,
    PublicSide,
)
from neighborhood_api.issues.views import show_photos

NOBODY_NAMED = "匿名居民"
ROUNDED_TO = 3
"""Decimals of a degree: about 100 metres."""
STATE_NAMES: dict[State, str] = {
    State.ASSIGNED: "待受理",
    State.REOPENED: "重办中",
    State.SUSPENDED: "暂缓办理",
    State.RESOLVED: "已办结",
    State.CONFIRMED: "已办结",
    State.CLOSED: "已办结",
    State.REJECTED: "不予受理",
    State.WITHDRAWN: "已撤回",
    State.MERGED: "并案办理",
}
"""What the public reads; who waits for whom within is not its business."""
BEING_HANDLED = "办理中"
_PUBLICATION_NAMES: dict[PublicState, str] = {
    PublicState.HIDDEN: "不公开",
    PublicState.PENDING: "待审核",
    PublicState.SHOWN: "已公开",
    PublicState.REFUSED: "未公开",
}


def public_view(row: PublicRow, links: Links, *, now: datetime) -> PublicIssueOut:
    """Show an issue to everybody."""
    result = row.result
    return PublicIssueOut(
        id=row.id,
        code=row.code,
        category_code=row.category_code,
        category_name=row.category_name,
        text=mask_personal(row.public_text or row.text),
        state=PublicSide.SETTLED if row.settled else PublicSide.OPEN,
        state_name=STATE_NAMES.get(State(row.state), BEING_HANDLED),
        lane_id=row.lane_id,
        lane_name=row.lane_name,
        community_name=row.community_name,
        position=_about_where(row),
        photos=show_photos(row.photo_ids if row.photos_shown else (), links, now, public=True),
        reporter=name_in_public(row.reporter_name, anonymous=row.anonymous),
        answered_by=_answering(
            row.hand_node_name,
            row.hand_role,
            row.organization,
            called=row.hand_role_name,
        ),
        reported_at=row.opened_at,
        responded_at=row.first_responded_at,
        settled_at=row.settled_at if row.settled else None,
        result=None if result is None else mask_personal(result),
        supporters=row.supporters,
    )


def publication_view(row: PublicRow, links: Links, *, now: datetime) -> PublicationOut:
    """Show to the reporter and to staff how the public sees an issue, or would."""
    state = PublicState(row.publication_state)
    return PublicationOut(
        state=state,
        state_name=_PUBLICATION_NAMES[state],
        reason=row.reason,
        decided_at=row.decided_at,
        published_at=row.published_at,
        photos_shown=row.photos_shown,
        findings=show_findings(row.text),
        public=public_view(row, links, now=now),
        version=row.version,
    )


def pending_view(row: PendingRow, links: Links, *, now: datetime) -> PendingOut:
    """Show to a moderator what waits for her."""
    return PendingOut(
        id=row.id,
        code=row.code,
        category_name=row.category_name,
        lane_name=row.lane_name,
        text=row.text,
        public_text=mask_personal(row.text),
        findings=show_findings(row.text),
        photos=show_photos(row.photo_ids, links, now),
        reported_at=row.reported_at,
        version=row.version,
    )


def look_view(row: LookRow, *, named: bool) -> LookOut:
    """Show who looked at a number: the person only to those above."""
    return LookOut(
        post=_answering(row.node_name, row.role, row.organization, called=row.role_name),
        who=row.person_name if named else None,
        looked_at=row.looked_at,
    )


def name_in_public(name: str | None, *, anonymous: bool) -> str:
    """Return what the public calls a reporter: `王*` at the most."""
    return NOBODY_NAMED if anonymous or not name else f"{name[0]}*"


def show_findings(text: str) -> list[FindingOut]:
    """Say where personal data stands in a text, counted as front ends count."""
    return [
        FindingOut(
            kind=finding.kind,
            name=PERSONAL_NAMES[finding.kind],
            start=_units(text[: finding.start]),
            end=_units(text[: finding.end]),
        )
        for finding in find_personal(text)
    ]


def _units(text: str) -> int:
    """Return the length of a text in UTF-16, in which JavaScript counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _about_where(row: PublicRow) -> PositionOut | None:
    longitude, latitude = row.longitude, row.latitude
    if longitude is None or latitude is None:
        longitude, latitude = row.lane_longitude, row.lane_latitude
    if longitude is None or latitude is None:
        return None
    return PositionOut(
        longitude=round(longitude, ROUNDED_TO),
        latitude=round(latitude, ROUNDED_TO),
        coordinate_system=CoordinateSystem.WGS84,
    )


def _answering(node: str, role: str, organization: str | None, *, called: str | None) -> str:
    """Name a post; a department answers under its own name."""
    if role == Role.DEPARTMENT_OFFICER.value and organization is not None:
        return organization
    return f"{node} {post_name(role, called)}"
