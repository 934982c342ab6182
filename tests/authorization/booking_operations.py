"""The law of who may do what at a venue, written once more from whom each rule names.

Whoever may not is told 404 where the thing itself is not hers to know, such as others'
bookings and children, and 403 where it is public, such as a room.
"""

from typing import Any, NamedTuple

from tests.authorization.booking_cast import (
    ALSO_NEXT_DOOR,
    EVERYBODY,
    HERE,
    LOOKING,
    OFFICES,
    RUNNING,
)
from tests.authorization.booking_world import CLOSURE, OTHER_HOURS, SERIES, SESSION
from tests.venues.arranging import POLICY, wish
from tests.venues.children.arranging import CHILD
from tests.venues.sessions.arranging import TEACHER, TIMES

HOLDER, GUARDIAN = {"holder"}, {"guardian"}
TENDING = RUNNING | {"teacher"}
"""Whoever keeps the roster of the lesson."""
SOME = {"holder", "neighbour", "outsider", "teacher", "own clerk", "own chief", "far operator"}
FORBIDDEN, HIDDEN, CLASH = 403, 404, 409


class Line(NamedTuple):
    """An operation on something, those who may, and what they send."""

    operation: str
    on: str
    """What stands in the address: its name in the world, or nothing."""
    allowed: set[str]
    body: dict[str, Any] | None = None
    otherwise: int = HIDDEN
    """What all others are told."""
    past: int = 200
    """What those are told who may."""
    answers: dict[str, int] = {}  # noqa: RUF012  (nobody changes it)
    """Of those who may, but are elsewhere then."""
    query: dict[str, str] = {}  # noqa: RUF012
    hour: float | None = None
    """When it is tried on Tuesday, if it must not be at the usual time."""
    among: set[str] = EVERYBODY
    """Who tries it."""
    reveals: str = ""
    """What it shows, and nothing else does."""


REASON, TEXT = {"reason": "说明"}, {"text": "说明"}
PRESENT = {"id": "01990000-0000-7000-8000-000000000001"}
FETCHED = {**PRESENT, "picked_up_by": "林秀英"}
ROOM: dict[str, Any] = {"name": "书法室", "kind": "activity", "policy": POLICY}
CHANGED_ROOM = ROOM | {"house_rules": "", "accepts_bookings": True, "version": 1}
VENUE: dict[str, Any] = {
    "kind": "care_station",
    "name": "驿站",
    "address": "文魁街18号",
    "phone": "0752-9000901",
}
CHANGED_VENUE = VENUE | {
    "host": "",
    "services": "",
    "position": None,
    "photo_ids": [],
    "version": 1,
}
CALLER = {"name": "来电群众", "phone": "15400000077"}
PREVIEW = {"preview": True, "version": 3}
"""Of the opening hours, after an exception and a closure."""
_PERIOD = {"from": "2026-11-24", "to": "2026-11-25"}
_AROUND = {"node_id": "{community}"}


def _window(start: float, end: float) -> dict[str, object]:
    whole = wish(start, end)
    return {name: whole[name] for name in ("starts_at", "ends_at")}


def _everybody(operation: str, on: str = "", **more: Any) -> Line:  # noqa: ANN401
    return Line(operation, on, EVERYBODY, **more)


def _public(operation: str, on: str = "", **more: Any) -> Line:  # noqa: ANN401
    """What shows everybody the same, so that some of each kind are enough."""
    return Line(operation, on, SOME, among=SOME, **more)


def _staff(operation: str, on: str, body: dict[str, Any] | None = None, **more: Any) -> Line:  # noqa: ANN401
    return Line(operation, on, RUNNING, body, FORBIDDEN, **more)


def _openings() -> list[Line]:
    lines = []
    for on in ("venue", "room"):
        changes: dict[str, dict[str, Any]] = {
            f"replace_{on}_rules": {"rules": []},
            f"set_{on}_holidays": {"on_holidays": "open"},
            f"add_{on}_exception": OTHER_HOURS | REASON,
            f"add_{on}_closure": CLOSURE | REASON,
            f"withdraw_{on}_exception": {},
        }
        lines.append(_public(f"read_{on}_opening", on))
        lines += [_staff(name, on, PREVIEW | body) for name, body in changes.items()]
        lines.append(_staff(f"lift_{on}_closure", on, {"version": 3}))
    return lines


VENUES = [
    _everybody("list_venues", query=_AROUND),
    _public("read_venue", "venue"),
    _public("read_venue_availability", "venue", query=_PERIOD),
    _public("read_room", "room"),
    _public("read_availability", "room", query=_PERIOD),
    _staff("add_venue", "", VENUE | {"node_id": "{community}"}),
    _staff("change_venue", "venue", CHANGED_VENUE),
    _staff("check_equipment", "venue", {"items": [{"item": "drinks", "state": "broken"}]}),
    Line("list_equipment_gaps", "", OFFICES, None, FORBIDDEN),
    _staff("close_venue", "venue", {"version": 1, "preview": True, **REASON}),
    _staff("list_outside", "venue"),
    _staff("read_venue_week", "venue"),
    _staff("add_room", "venue", ROOM),
    _staff("change_room", "room", CHANGED_ROOM),
    _staff(
        "replace_units",
        "room",
        {"version": 1, "units": [{"id": "{unit of room}", "name": "1号台"}]},
    ),
    _staff("read_room_sign", "room"),
    _staff("renew_room_sign", "room"),
    *_openings(),
]
USE = [
    _staff("read_venue_use", "venue"),
    _staff("read_node_use", "", query=_AROUND),
    Line(
        "read_node_use",
        "",
        RUNNING | {"own leader"},
        None,
        FORBIDDEN,
        query={"node_id": "{grid}"},
    ),
    _staff("export_bookings", "venue", {"first_on": "2026-11-24", "last_on": "2026-11-25"}),
]
BOOKING = [
    Line("book_room", "free room", HERE, wish(34, 35), FORBIDDEN),
    Line("hold_room", "free room", HERE, _window(34, 35), FORBIDDEN),
    _staff("book_room", "free room", wish(33, 34) | {"on_behalf_of": CALLER}),
    Line("confirm_booking", "held", HOLDER, {"party_size": 2, "purpose": "练球"}),
    Line("accept_offer", "offered", HOLDER),
    _everybody("list_my_bookings"),
    *(
        Line(operation, on, RUNNING | readers)
        for operation in ("read_booking", "read_booking_history")
        for on, readers in (
            ("confirmed", HOLDER),
            ("offered", HOLDER),
            ("place of child", GUARDIAN),
        )
    ),
    Line("cancel_booking", "confirmed", RUNNING | HOLDER, REASON),
    Line("cancel_booking", "pending", RUNNING | HOLDER, REASON),
    Line("approve_booking", "pending", RUNNING),
    Line("reject_booking", "pending", RUNNING, REASON),
    Line("move_booking", "confirmed", RUNNING, _window(33, 34) | REASON),
    Line("show_holder_phone", "confirmed", RUNNING, REASON, reveals="phone of holder"),
    Line(
        "move_booking",
        "confirmed",
        ALSO_NEXT_DOOR,
        _window(33, 34) | REASON | {"room_id": "{next room}"},
        answers=dict.fromkeys(RUNNING - ALSO_NEXT_DOOR, FORBIDDEN),
    ),
    _staff("list_room_bookings", "room", query=_PERIOD),
]
COMING = [
    Line(
        "check_in_by_sign",
        "",
        HOLDER,
        PRESENT | {"code": "{sign of room}"},
        CLASH,
        hour=15.1,
    ),
    Line(
        "walk_in",
        "",
        HERE,
        PRESENT | {"code": "{sign of free room}"},
        FORBIDDEN,
        answers={"holder": CLASH, "teacher": CLASH, "former teacher": CLASH},
    ),
    Line("check_in_booking", "confirmed", RUNNING, PRESENT),
    Line("check_in_booking", "place of child", TENDING, PRESENT),
    Line("check_out_booking", "checked in", RUNNING | HOLDER, PRESENT),
    Line("check_out_booking", "place of child that came", TENDING, FETCHED),
    Line("mark_no_show", "confirmed", RUNNING, hour=15.1),
    Line("mark_no_show", "place of child", TENDING, hour=15.1),
]
STRIKES = [
    _everybody("list_my_strikes"),
    _everybody("list_strikes"),
    Line("appeal_strike", "strike", HOLDER, TEXT),
    Line("answer_appeal", "appealed strike", RUNNING, {"lift": True, **TEXT}),
    Line("lift_strike", "strike", RUNNING, TEXT),
]
FEEDS = [
    _everybody("renew_my_feed"),
    _everybody("revoke_my_feed"),
    _staff("renew_room_feed", "room"),
    _staff("revoke_room_feed", "room"),
    _staff("renew_teacher_feed", "teacher's"),
    _staff("revoke_teacher_feed", "teacher's"),
]
CHILDREN = [
    _public("read_consent_text"),
    _everybody("list_my_children"),
    _everybody("register_child", body=CHILD),
    Line("read_child", "child", GUARDIAN),
    Line(
        "change_child",
        "child",
        GUARDIAN,
        {key: value for key, value in CHILD.items() if key != "consent_version"}
        | {"version": 1},
    ),
    Line("renew_consent", "child", GUARDIAN, {"consent_version": CHILD["consent_version"]}),
    Line("withdraw_consent", "child at home", GUARDIAN, {}),
    Line("open_child_record", "child", LOOKING, REASON, reveals="phone of guardian"),
    Line("open_child_record", "child at home", set(), REASON),
    Line("list_child_looks", "child", GUARDIAN),
]
SESSIONS = [
    _everybody("list_sessions", query=_AROUND),
    _everybody("read_session", "talk"),
    Line("read_session", "lesson", GUARDIAN, query={"child_id": "{child}"}),
    _public("read_draw", "drawn"),
    Line(
        "enrol_in_session",
        "talk",
        HERE,
        {},
        FORBIDDEN,
        answers={"other teacher": CLASH},
    ),
    Line(
        "enrol_in_session",
        "lesson",
        GUARDIAN,
        {"child_id": "{child at home}"},
        past=CLASH,  # it has begun
    ),
    _staff("enrol_in_session", "talk", {"on_behalf_of": CALLER}),
    _staff("add_session", "venue", SESSION | {"kind": "activity"}),
    _staff("change_session", "talk", SESSION | TIMES | {"version": 1}),
    _staff("cancel_session", "talk", REASON),
    Line(
        "drop_out",
        "talk",
        RUNNING | {"other teacher"},
        {"teacher_id": "{other teacher's}"},
        FORBIDDEN,
    ),
    Line(
        "drop_out",
        "talk",
        RUNNING,
        {"teacher_id": "{other teacher's}", "substitute_id": "{teacher's}"},
        FORBIDDEN,
    ),
    _staff("add_series", "venue", SERIES | {"kind": "activity", "first_on": "2026-12-02"}),
    _staff("read_series", "series"),
    _staff("change_series", "series", SERIES | {"version": 1}),
    _staff("cancel_series", "series", {"version": 1, **REASON}),
    Line(
        "read_roster",
        "lesson",
        {"teacher"},
        answers=dict.fromkeys(RUNNING, FORBIDDEN),  # of children, without a reason
    ),
    Line("read_roster", "talk", RUNNING | {"other teacher"}),
    Line(
        "open_roster",
        "lesson",
        TENDING - {"own operator"},
        REASON,
        answers={"own operator": FORBIDDEN},
    ),
    Line(
        "export_roster",
        "lesson",
        RUNNING - {"own operator"},
        {"format": "csv"} | REASON,
        answers={"teacher": FORBIDDEN, "own operator": FORBIDDEN},
    ),
    _everybody("list_my_teaching"),
    _everybody("list_my_teaching_offers"),
    Line("accept_teaching_offer", "offered teacher's", HOLDER),
    Line("decline_teaching_offer", "offered teacher's", HOLDER),
    _staff("list_teachers", "venue"),
    _staff("add_teacher", "venue", {"name": "新老师"}),
    _staff(
        "change_teacher",
        "other teacher's",
        TEACHER | {"name": "改名", "version": 1, "keep_phone": True},
    ),
]
LINES = [*VENUES, *USE, *BOOKING, *COMING, *STRIKES, *FEEDS, *CHILDREN, *SESSIONS]
