"""Reads the demonstration district from its data files: no database, no clock, no chance.

Division names and codes are real (National Bureau of Statistics). Everything below a community,
every person, number, household and issue is invented. Telephone numbers cannot reach anyone:
the mobile prefix 154 is not assigned in China, and no local number begins with 90. Deadlines in
`limits.csv` are the demo's own, not a norm.
"""

import csv
import json
from dataclasses import dataclass
from datetime import time
from importlib.resources import files
from typing import Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass as checked

Level = Literal["district", "street", "community", "grid", "lane"]
Kind = Literal[
    "district", "street", "town", "management_area",
    "community", "village", "grid", "compound", "lane", "building",
]  # fmt: skip
Role = Literal[
    "lane_chief", "grid_leader", "grid_worker", "community_secretary", "community_worker",
    "street_secretary", "street_dispatcher", "department_officer", "operator",
    "discipline_officer", "chief_operator",
]  # fmt: skip
IssueState = Literal[
    "assigned", "accepted", "handling", "waiting", "suspended", "adjudicating", "verifying",
    "resolved", "confirmed", "closed", "reopened", "rejected", "withdrawn", "merged",
]  # fmt: skip
Post = Literal[
    "chief", "grid_leader", "grid_worker", "community_worker", "community_secretary",
    "dispatcher", "street_secretary",
]  # fmt: skip
Who = Post | Literal["reporter", "system"]
PersonKey = Annotated[str, Field(pattern=r"^[a-z]+(-[a-z]+)?-\d+(-\d+)?$")]
Move = Literal[
    "accept", "respond", "ask", "answer", "resume", "resolve", "confirm", "reopen", "rate",
    "reject", "escalate", "withdraw", "comment", "close", "verify", "refuse_result",
    "take_call_back", "call_back", "remedy",
    "dispatch", "transfer", "take_over", "decline", "lapse", "return", "adjudicate",
    "request_suspension", "request_extension", "decide_request",
    "whistle", "check_in", "report_work", "release", "rate_call", "miss_check_in",
    "urge", "supervise", "answer_order", "decide_order",
    "support", "merge", "unmerge", "moderate", "hide", "reporter_phone",
]  # fmt: skip

BRANCHES = ("routing", "time", "whistles", "settling", "watching", "together", "privacy")
"""The files of stories off the straight path."""

Row = TypeVar("Row")
STRICT = ConfigDict(extra="forbid")
"""A column nobody reads is a mistake in the file."""


@checked(frozen=True, kw_only=True, config=STRICT)
class NodeRow:
    """One place in the tree; lanes and buildings also have a plate and a point (WGS-84)."""

    code: str
    level: Level
    kind: Kind
    name: str
    full_name: str
    parent_code: str | None = None
    plate_code: str | None = None
    longitude: float | None = None
    latitude: float | None = None


@checked(frozen=True, kw_only=True, config=STRICT)
class PersonRow:
    """An invented member of staff, who signs in with a phone number."""

    key: str
    name: str
    phone: str


@checked(frozen=True, kw_only=True, config=STRICT)
class PostRow:
    """Puts a person into a post at a node, with the duty phone the public may see."""

    person_key: str
    role: Role
    node_code: str
    duty_phone: str
    stand_in_key: str | None = None
    organization: str | None = None
    votes_for: int | None = None
    votes_cast: int | None = None
    votes_eligible: int | None = None
    """How she was elected; without votes there is no record of it."""
    ends_in_days: int | None = None
    """When her term ends, counted from the day of the first start."""


@checked(frozen=True, kw_only=True, config=STRICT)
class HouseholdRow:
    """A door in a lane or building."""

    key: str
    lane_code: str
    address: str
    occupancy: Literal["unknown", "owned", "rented", "vacant"] = "unknown"
    verified_days_ago: int | None = None


@checked(frozen=True, kw_only=True, config=STRICT)
class ResidentRow:
    """An invented resident, who signs in with WeChat; some gave no phone or no address."""

    key: str
    name: str
    openid: str
    phone: str | None = None
    household_key: str | None = None


@checked(frozen=True, kw_only=True, config=STRICT)
class VenueRow:
    """A service centre, open to everyone who lives under its node."""

    key: str
    node_code: str
    name: str
    address: str
    phone: str
    longitude: float
    latitude: float
    services: str


@checked(frozen=True, kw_only=True, config=STRICT)
class RoomRow:
    """A room, booked as a whole or by its units."""

    key: str
    venue_key: str
    name: str
    kind: Literal["reading", "chess", "table_tennis", "activity"]
    capacity: int
    slot_minutes: int
    shortest_minutes: int
    longest_minutes: int
    horizon_days: int
    notice_minutes: int
    rules: str
    units: str = ""
    """Their names, with 、 between; none where it is booked as a whole."""


@checked(frozen=True, kw_only=True, config=STRICT)
class OpeningRow:
    """Hours in which a room is open on one weekday (1 = Monday), local time."""

    room_key: str
    weekday: int
    opens: time
    closes: time


@checked(frozen=True, kw_only=True, config=STRICT)
class SessionRow:
    """A weekly class by a volunteer (weekday 1 = Monday, local time, ages in years)."""

    key: str
    title: str
    kind: Literal["tutoring", "activity"]
    subject: str
    grade: str
    teacher: str
    room_key: str
    capacity: int
    weekday: int
    starts: time
    ends: time
    youngest_age: int
    oldest_age: int
    about: str


@checked(frozen=True, kw_only=True, config=STRICT)
class LimitRow:
    """How long an answer and a solution may take in the demo's district, on the wall clock.

    Office hours would make the stories depend on the weekday on which they are told.
    """

    category_code: str
    respond_minutes: int
    resolve_minutes: int
    photo_required: bool
    """Whether resolving demands a photo."""
    verified: bool = False
    """Whether a third person verifies the result."""


@checked(frozen=True, kw_only=True, config=STRICT)
class ReplyRow:
    """Words at hand for a move, for one category or all."""

    move: Move
    title: str
    text: str
    category_code: str | None = None


@checked(frozen=True, kw_only=True, config=STRICT)
class CalledRow:
    """A department that a whistle calls."""

    department: str
    lead: bool = False
    task: str | None = None
    minutes: int | None = None
    """Within how many minutes it checks in."""


@checked(frozen=True, kw_only=True, config=STRICT)
class StepRow:
    """One move in the life of an issue, `after_minutes` after it was reported."""

    after_minutes: int
    who: Who | PersonKey
    """A post above the lane, the reporter, the system, or the key of a person or resident."""
    move: Move
    text: str = ""
    internal: bool = False
    rating: int | None = None
    items: dict[str, int] = Field(default={})
    """Sub-items of a rating."""
    photos: int = 0
    before_photos: int = 0
    """Photos of how it was before."""
    to: str | None = None
    """Where it goes, or whom it is about: a department, the code of a place, a story's key."""
    reason: str | None = None
    """The code of a reason for sending back."""
    minutes: int | None = None
    """For how long."""
    metres: int | None = None
    """How far from the issue somebody is who says so."""
    agrees: bool | None = None
    """What somebody decides; of a call-back, whether the reporter answered."""
    content: bool | None = None
    """What the reporter says when she is called back."""
    called: tuple[CalledRow, ...] = ()


@checked(frozen=True, kw_only=True, config=STRICT)
class IssueRow:
    """An issue as it was reported, its steps, and the state and level it ends up in.

    Either a resident reported it, or `registered_by` took it down for a caller on the phone.
    """

    key: str
    category_code: str
    lane_code: str
    text: str
    reported_minutes_ago: int
    state: IssueState
    held_at: Literal["lane", "grid", "community", "street"]
    steps: tuple[StepRow, ...]
    reporter_key: str | None = None
    registered_by: Literal["community_worker", "dispatcher"] | None = None
    caller_name: str | None = None
    caller_phone: str | None = None
    location_detail: str = ""
    anonymous: bool = True
    photos: int = 0
    pinned: bool = False
    """Whether the phone gave a position: that of the lane's plate."""


@dataclass(frozen=True, kw_only=True)
class DemoPlace:
    """The whole district; nodes come parents first."""

    nodes: tuple[NodeRow, ...]
    people: tuple[PersonRow, ...]
    posts: tuple[PostRow, ...]
    households: tuple[HouseholdRow, ...]
    residents: tuple[ResidentRow, ...]
    venues: tuple[VenueRow, ...]
    rooms: tuple[RoomRow, ...]
    openings: tuple[OpeningRow, ...]
    sessions: tuple[SessionRow, ...]
    limits: tuple[LimitRow, ...]
    replies: tuple[ReplyRow, ...]
    issues: tuple[IssueRow, ...]
    """On the straight path."""
    branches: tuple[IssueRow, ...]
    """On every other path that the law knows."""

    @property
    def stories(self) -> tuple[IssueRow, ...]:
        """Every issue."""
        return self.issues + self.branches


def load_place() -> DemoPlace:
    """Reads every data file and checks the type of every field.

    Raises:
        pydantic.ValidationError: A file holds a field its row does not know or cannot read.
    """
    return DemoPlace(
        nodes=(
            *rows_of("divisions", NodeRow),
            *rows_of("grids", NodeRow),
            *rows_of("lanes", NodeRow),
        ),
        people=rows_of("people", PersonRow),
        posts=rows_of("posts", PostRow),
        households=rows_of("households", HouseholdRow),
        residents=rows_of("residents", ResidentRow),
        venues=rows_of("venues", VenueRow),
        rooms=rows_of("rooms", RoomRow),
        openings=rows_of("openings", OpeningRow),
        sessions=rows_of("sessions", SessionRow),
        limits=rows_of("limits", LimitRow),
        replies=rows_of("replies", ReplyRow),
        issues=_stories("issues"),
        branches=tuple(row for name in BRANCHES for row in _stories(f"stories/{name}")),
    )


def _stories(name: str) -> tuple[IssueRow, ...]:
    return checked_rows(IssueRow, json.loads(text_of(f"{name}.json")))


def text_of(name: str) -> str:
    """Read a data file."""
    return files(__package__).joinpath("data", name).read_text(encoding="utf-8")


def rows_of(name: str, row: type[Row]) -> tuple[Row, ...]:
    """Read the rows of a CSV file and check the type of every field."""
    lines = csv.DictReader(text_of(f"{name}.csv").splitlines())
    # An empty cell means "not given", so that the row's own default applies.
    return checked_rows(
        row, [{key: cell for key, cell in line.items() if cell} for line in lines]
    )


def checked_rows(row: type[Row], raw: list[dict[str, Any]]) -> tuple[Row, ...]:
    """Check the type of every field."""
    return TypeAdapter(tuple[row, ...]).validate_python(raw)  # type: ignore[valid-type]
