"""The boxes of the worklist, and from where each is filled for the caller's posts."""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from neighborhood_api.cases.sight import Sight, sight_of
from neighborhood_api.grid.posts.duty import HIGHEST
from neighborhood_api.identity.access import Actor, Post
from neighborhood_api.identity.places import Level
from neighborhood_api.issues.workflow import ISSUE


class Box(StrEnum):
    """What lies together before staff."""

    MINE = "mine"
    NODE = "node"
    OFFERED = "offered"
    BELOW = "below"
    OVERDUE = "overdue"
    DUE_TODAY = "due_today"
    WAITING = "waiting"
    SUSPENDED = "suspended"
    ADJUDICATING = "adjudicating"
    RETURNED = "returned"
    REOPENED = "reopened"
    CALLED = "called"
    TO_VERIFY = "to_verify"


BOX_NAMES: dict[Box, str] = {
    Box.MINE: "待我办理",
    Box.NODE: "本单位在办",
    Box.OFFERED: "待接收",
    Box.BELOW: "下级在办",
    Box.OVERDUE: "已超时",
    Box.DUE_TODAY: "今日到期",
    Box.WAITING: "待诉求人补充",
    Box.SUSPENDED: "已挂账",
    Box.ADJUDICATING: "街道裁定中",
    Box.RETURNED: "被退单",
    Box.REOPENED: "重办",
    Box.CALLED: "被吹哨",
    Box.TO_VERIFY: "待核查",
}
BY_DUE = frozenset({Box.OVERDUE, Box.DUE_TODAY})
"""Listed by their deadline, the most pressing first; all others newest first."""

_OF_HANDLERS = frozenset({Box.MINE, Box.NODE, Box.OFFERED, Box.CALLED, Box.TO_VERIFY})


class Draw(StrEnum):
    """Which rows lead to a part of a box; each has an index of its own."""

    PLACE = "place"
    """What lies at a place."""
    PARTY = "party"
    """What a department may see."""
    OFFER_TO_PLACE = "offer_to_place"
    """What is offered to a place or below it, and so may be seen there."""
    PERSON_AT_PLACE = "person_at_place"
    PERSON_IN_DEPARTMENT = "person_in_department"
    """What the caller has in hand by one of her posts."""
    HANDS = "hands"
    """What a node has in hand."""
    DEPARTMENT = "department"
    """What a department has in hand."""
    OFFER_TO_NODE = "offer_to_node"
    OFFER_TO_DEPARTMENT = "offer_to_department"
    CALL = "call"
    """What a department is called to."""


class Source(NamedTuple):
    """One stream of cases, in the order of its index; the id it is bound to comes apart."""

    draw: Draw
    level: Level
    """Of the place that the stream is bound to."""
    post_level: Level
    sight: Sight
    """Whether the post may see ordinary cases, those about persons, or both."""


Bound = tuple[Source, UUID]

_OF_PLACES: dict[Box, Draw] = {
    Box.MINE: Draw.PERSON_AT_PLACE,
    Box.NODE: Draw.HANDS,
    Box.OFFERED: Draw.OFFER_TO_NODE,
}
_OF_DEPARTMENTS: dict[Box, Draw | None] = {
    Box.MINE: Draw.PERSON_IN_DEPARTMENT,
    Box.OFFERED: Draw.OFFER_TO_DEPARTMENT,
    Box.CALLED: Draw.CALL,
    Box.BELOW: None,
    Box.TO_VERIFY: None,
}


def sources_of(actor: Actor, box: Box | None) -> list[Bound]:
    """Return from where a box is filled; without a box, all that the caller may see as staff.

    For the posts of a place a box about states holds what lies at the place and below; for a
    department, what it has in hand.
    """
    needed = ISSUE.handle if box in _OF_HANDLERS else ISSUE.read
    return [
        (Source(draw, post.level, post.level, sight), bound)
        for post in actor.posts
        if (sight := sight_of(ISSUE, post, needed)) is not Sight.NOTHING
        for draw, bound in _drawn(post, box)
    ]


def _drawn(post: Post, box: Box | None) -> Iterator[tuple[Draw, UUID]]:
    if post.organization_id is not None:
        draw = Draw.PARTY if box is None else _OF_DEPARTMENTS.get(box, Draw.DEPARTMENT)
        if draw is not None:
            yield draw, post.organization_id
        return
    if box is Box.CALLED or (box is Box.BELOW and post.level is Level.LANE):
        return
    yield _OF_PLACES.get(box, Draw.PLACE) if box else Draw.PLACE, post.node_id
    if box is None and post.level > HIGHEST:  # offers stay in the street
        yield Draw.OFFER_TO_PLACE, post.node_id
