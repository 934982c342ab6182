"""What codes are called in a copy that is read, by the part and field that they stand in."""

from neighborhood_api.grid.names import ROLE_NAMES
from neighborhood_api.grid.posts.choosing import SELECTION_NAMES
from neighborhood_api.identity.names import OUTCOME_NAMES, SIGN_IN_NAMES
from neighborhood_api.issues.names import CHANNEL_NAMES, MOVE_NAMES
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.privacy.schemas import (
    ABOUT_NAMES,
    ERASURE_NAMES,
    EXPORT_NAMES,
    WISH_NAMES,
)
from neighborhood_api.registers.names import CARE_NAMES, CONFIRMATION_NAMES
from neighborhood_api.registrations.names import ACT_NAMES, STATE_NAMES

_BY = {"reporter": "诉求人", "staff": "工作人员", "system": "系统"}
_ROLES = {role.value: name for role, name in ROLE_NAMES.items()} | {"teacher": "授课老师"}
_ISSUE_STATES = {state.value: name for state, name in ISSUE.names.items()}
_BOOKING_STATES = {state.value: name for state, name in STATE_NAMES.items()}
_SIGN_IN_KINDS = {kind.value: name for kind, name in SIGN_IN_NAMES.items()}

NAMES: dict[str, dict[str, str]] = {
    "role": _ROLES,
    "move": {move.value: name for move, name in MOVE_NAMES.items()},
    "by": _BY,
    "issues.state": _ISSUE_STATES,
    "issues.channel": {channel.value: name for channel, name in CHANNEL_NAMES.items()},
    "issue_timeline.to_state": _ISSUE_STATES,
    "bookings.state": _BOOKING_STATES,
    "booking_history.state": _BOOKING_STATES,
    "booking_history.act": {act.value: name for act, name in ACT_NAMES.items()},
    "check_ins.direction": {"in": "签到", "out": "签退"},
    "check_ins.method": {"qr": "扫码", "staff": "工作人员"},
    "strikes.reason": {"late_cancel": "临近取消", "no_show": "未到"},
    "sign_ins.kind": _SIGN_IN_KINDS,
    "sign_in_attempts.kind": _SIGN_IN_KINDS,
    "sign_in_attempts.outcome": {one.value: name for one, name in OUTCOME_NAMES.items()},
    "residence.confirmed_how": {how.value: name for how, name in CONFIRMATION_NAMES.items()},
    "care.kind": {kind.value: name for kind, name in CARE_NAMES.items()},
    "selections.kind": {kind.value: name for kind, name in SELECTION_NAMES.items()},
    "register_looks.what": {"resident": "人口登记", "care": "关爱登记"},
    "requests.about": {about.value: name for about, name in ABOUT_NAMES.items()},
    "requests.wish": {wish.value: name for wish, name in WISH_NAMES.items()},
    "copies.state": {state.value: name for state, name in EXPORT_NAMES.items()},
    "cancellations.state": {state.value: name for state, name in ERASURE_NAMES.items()},
}
"""By the field alone where it is the same everywhere."""


def named(section: str, field: str, code: str) -> str:
    """Return what a code is called; a text that is no code is itself."""
    names = NAMES.get(f"{section}.{field}") or NAMES.get(field, {})
    return names.get(code, code)
