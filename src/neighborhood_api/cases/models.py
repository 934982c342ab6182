"""The case and its timeline; what goes with it lies in `paths.py` and `timekeeping.py`."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ColumnElement,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Sequence,
    UniqueConstraint,
    Uuid,
    and_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship, remote

from neighborhood_api.cases.paths import Call, Offer, Party
from neighborhood_api.cases.terms import Terms
from neighborhood_api.cases.workflow import State
from neighborhood_api.identity.places import COLUMNS, Level, Place, Placed, place_indexes
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.trail import trailed

CASE_NUMBER = Sequence("case_number", metadata=Model.metadata)
"""Behind the codes that people see; numbers are unique, and not gapless."""

IN_HAND_SQL = (
    "state IN ('assigned', 'reopened', 'accepted', 'handling', 'waiting', 'suspended',"
    " 'adjudicating')"
)
_HELD_BY_PLACE = f"(({IN_HAND_SQL}) OR state = 'verifying') AND organization_id IS NULL"
_HELD_BY_DEPARTMENT = f"{IN_HAND_SQL} AND organization_id IS NOT NULL"


def _below(level: int) -> str:
    """Hold for what somebody below `level` has in hand, or a department at it."""
    below = f"hand_level > {level} OR (hand_level = {level} AND organization_id IS NOT NULL)"
    return f"{IN_HAND_SQL} AND ({below})"


def _box_indexes() -> Iterator[Index]:
    """Give the indexes of the boxes of the worklist: those in hand by place, level by level.

    Most cases are over, and most others wait for their first hand, so most of them are small.
    """
    set_aside = (
        "state IN ('waiting', 'suspended', 'adjudicating', 'verifying', 'rejected',"
        " 'withdrawn', 'merged')"
    )
    again = f"{IN_HAND_SQL} AND (times_returned > 0 OR times_reopened > 0)"
    for level, name in enumerate(COLUMNS):
        parts = {
            "due": (("due_at", "id"), IN_HAND_SQL),
            "aside": (("state", "id"), set_aside),
            "again": (("id",), again),
        }
        if level < Level.LANE:
            parts["below"] = (("id",), _below(level))
        for part, (columns, where) in parts.items():
            yield Index(
                f"ix_case_file_{part}_{name}", name, *columns, postgresql_where=text(where)
            )


_SETTLED = (  # as PostgreSQL writes it, so that a comparison finds no difference
    "CASE WHEN state = ANY (ARRAY['resolved'::text, 'confirmed'::text, 'closed'::text,"
    " 'rejected'::text]) THEN true WHEN state = ANY (ARRAY['withdrawn'::text,"
    " 'merged'::text]) THEN NULL::boolean ELSE false END"
)


class Case(Placed, Model):
    """One piece of work on its way (案卷); while it is open exactly one node holds it."""

    __tablename__ = "case_file"
    __table_args__ = (
        *place_indexes("case_file"),
        *_box_indexes(),
        Index("ix_case_file_reporter", "reporter_id", "id"),
        Index(
            "ix_case_file_intake",
            "reported_by_id",
            "id",
            postgresql_where=text("reporter_id IS DISTINCT FROM reported_by_id"),
        ),
        Index(
            "ix_case_file_in_hand_of",
            "hand_person_id",
            "id",
            postgresql_where=text(IN_HAND_SQL),
        ),
        Index(
            "ix_case_file_hand_node",
            "hand_node_id",
            "id",
            postgresql_where=text(_HELD_BY_PLACE),
        ),
        Index(
            "ix_case_file_with_department",
            "organization_id",
            "id",
            postgresql_where=text("organization_id IS NOT NULL"),
        ),
        Index(
            "ix_case_file_department",
            "organization_id",
            "id",
            postgresql_where=text(_HELD_BY_DEPARTMENT),
        ),
        Index(
            "ix_case_file_due_department",
            "organization_id",
            "due_at",
            "id",
            postgresql_where=text(_HELD_BY_DEPARTMENT),
        ),
        Index(
            "ix_case_file_pass_up",
            "pass_up_at",
            postgresql_where=text("pass_up_at IS NOT NULL"),
        ),
        Index("ix_case_file_silent", "close_at", postgresql_where=text("close_at IS NOT NULL")),
        Index(
            "ix_case_file_resume", "resume_at", postgresql_where=text("resume_at IS NOT NULL")
        ),
        *(
            Index(
                f"ix_case_file_confidential_{name}",
                name,
                "id",
                postgresql_where=text("confidential"),
            )
            for name in COLUMNS[: Level.COMMUNITY]
        ),
        Index("ix_case_file_main", "main_id", postgresql_where=text("main_id IS NOT NULL")),
        *(
            Index(
                "ix_case_file_" + "_".join(("published", *level)),
                *level,
                "settled",
                "id",
                postgresql_where=text("published_at IS NOT NULL"),
            )
            for level in ((), *((name,) for name in COLUMNS))
        ),
        UniqueConstraint("id", "opened_at", name="uq_case_file_opened"),
        CheckConstraint("hand_level BETWEEN 0 AND 4", name="hand_level_known"),
        CheckConstraint("state <> 'merged' OR main_id IS NOT NULL", name="merged_into_one"),
        CheckConstraint("main_id <> id", name="not_into_itself"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    kind: Mapped[str]
    code: Mapped[str] = mapped_column(unique=True)
    """What people call it, e.g. LY261122-0042."""
    state: Mapped[str]
    reported_by_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    """Who entered it: the reporter, or staff on behalf of a caller."""
    opened_at: Mapped[datetime]
    moved_at: Mapped[datetime]
    """When its last entry was written; time on a timeline only goes forward."""
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What was agreed when it was taken in, see `Terms`."""
    hand_level: Mapped[int]
    hand_node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    hand_role: Mapped[str]
    """The post that must act; with `hand_node_id` it says whose hands hold the case."""
    respond_due_at: Mapped[datetime | None]
    """By when somebody must have answered the reporter; set at dispatch, never reset."""
    resolve_due_at: Mapped[datetime | None]
    """None while the clock rests."""
    due_at: Mapped[datetime | None] = mapped_column(
        Computed(
            "CASE WHEN first_responded_at IS NULL"
            " THEN LEAST(respond_due_at, resolve_due_at) ELSE resolve_due_at END",
            persisted=True,
        ),
        init=False,
        deferred=True,
    )
    """The next deadline: the answer's while there is none, then the resolution's."""
    reporter_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """None while a caller without an account is the reporter."""
    hand_person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """Who acts in that post, or above it while it is vacant; None when nobody does."""
    duty_seen: Mapped[int | None] = mapped_column(default=None)
    """The `duty_changes` of the hands' node when it was asked who answers there."""
    organization_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("organization.id"), default=None
    )
    """The department that holds the case, or held it last."""
    main_id: Mapped[UUID | None] = mapped_column(ForeignKey("case_file.id"), default=None)
    """The case that it is handled with."""
    published_at: Mapped[datetime | None] = mapped_column(default=None)
    """Since when the public may see it; None while it may not."""
    settled: Mapped[bool | None] = mapped_column(Computed(_SETTLED, persisted=True), init=False)
    """Whether the public reads it as settled; None for what was taken back or merged."""
    confidential: Mapped[bool] = mapped_column(default=False)
    """Whether only the posts named for it may see it (reports on persons)."""
    adjudicated: Mapped[bool] = mapped_column(default=False)
    """Whether the street has decided whose it is; such a case cannot be returned."""
    pass_up_at: Mapped[datetime | None] = mapped_column(default=None)
    """When it goes one level up by itself unless somebody takes it on."""
    resume_at: Mapped[datetime | None] = mapped_column(default=None)
    """When a suspension ends by itself."""
    first_responded_at: Mapped[datetime | None] = mapped_column(default=None)
    resolved_at: Mapped[datetime | None] = mapped_column(default=None)
    resolved_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    close_at: Mapped[datetime | None] = mapped_column(default=None)
    """When the reporter's silence closes it."""
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    times_reopened: Mapped[int] = mapped_column(default=0)
    times_passed_up: Mapped[int] = mapped_column(default=0)
    times_returned: Mapped[int] = mapped_column(default=0)
    times_urged: Mapped[int] = mapped_column(default=0)
    times_transferred: Mapped[int] = mapped_column(server_default="0", default=0)
    version: Mapped[int] = mapped_column(default=1)

    offer: Mapped[Offer | None] = relationship(
        primaryjoin=lambda: and_(
            Case.id == foreign(remote(Offer.case_id)), Offer.answered_at.is_(None)
        ),
        viewonly=True,
        uselist=False,
        lazy="raise",
        init=False,
    )
    """To whom it is offered just now."""
    calls: Mapped[list[Call]] = relationship(
        primaryjoin=lambda: Case.id == foreign(remote(Call.case_id)),
        order_by=lambda: Call.id,
        viewonly=True,
        lazy="raise",
        init=False,
    )
    """Every department that was called to it."""
    parties: Mapped[list[Party]] = relationship(
        primaryjoin=lambda: Case.id == foreign(remote(Party.case_id)),
        viewonly=True,
        lazy="raise",
        init=False,
    )
    """The departments that may see it."""

    @property
    def standing(self) -> State:
        """The state as the law names it."""
        return State(self.state)

    @property
    def agreed(self) -> Terms:
        """The terms as they were taken in."""
        return Terms.model_validate(self.terms)

    @property
    def hand_place(self) -> Place:
        """The place of the node that holds the case."""
        return self.place.up_to(Level(self.hand_level))

    @property
    def party_ids(self) -> set[UUID]:
        """The departments that may see it."""
        return {party.organization_id for party in self.parties}

    @classmethod
    def seen_by(cls, organization_id: UUID) -> ColumnElement[bool]:
        """Hold for the cases that a department may see."""
        return cls.id.in_(select(Party.case_id).where(Party.organization_id == organization_id))


class Hand(Model):
    """From when to when one node and person held a case; the ledger of whose time it was.

    The database refuses a gap: a page begins when the page before it ends, the first one when
    the case was opened.
    """

    __tablename__ = "case_hand"
    __table_args__ = (
        Index(
            "uq_case_hand_open",
            "case_id",
            unique=True,
            postgresql_where=text("held_until IS NULL"),
        ),
        UniqueConstraint("case_id", "page", "held_until", name="uq_case_hand_ends"),
        ForeignKeyConstraint(
            ["case_id", "page_before", "held_from"],
            ["case_hand.case_id", "case_hand.page", "case_hand.held_until"],
            name="fk_case_hand_no_gap",
        ),
        ForeignKeyConstraint(
            ["case_id", "opened_at"],
            ["case_file.id", "case_file.opened_at"],
            name="fk_case_hand_from_the_start",
        ),
        CheckConstraint("held_from <= held_until", name="held_forward"),
        CheckConstraint("page > 0", name="pages_from_one"),
        Index("ix_case_hand_node", "node_id", "held_from"),
    )

    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"), primary_key=True)
    page: Mapped[int] = mapped_column(primary_key=True)
    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    role: Mapped[str]
    held_from: Mapped[datetime]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    organization_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("organization.id"), default=None
    )
    held_until: Mapped[datetime | None] = mapped_column(default=None)
    idle: Mapped[bool] = mapped_column(default=False)
    """Nobody's time: the case was over, and was reopened later."""
    page_before: Mapped[int | None] = mapped_column(
        Computed("NULLIF(page - 1, 0)", persisted=True), init=False
    )
    opened_at: Mapped[datetime | None] = mapped_column(
        Computed("CASE WHEN page = 1 THEN held_from END", persisted=True), init=False
    )


class Entry(Model):
    """One line of a case's timeline; never changed, never deleted."""

    __tablename__ = "case_entry"
    __table_args__ = (Index("ix_case_entry_case", "case_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"))
    move: Mapped[str]
    by: Mapped[str]
    """reporter, staff or system."""
    to_state: Mapped[str]
    recorded_at: Mapped[datetime]
    from_state: Mapped[str | None] = mapped_column(default=None)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    role: Mapped[str | None] = mapped_column(default=None)
    """The post in which staff acted."""
    text: Mapped[str | None] = mapped_column(default=None)
    note: Mapped[str | None] = mapped_column(default=None)
    """What only staff read, beside `text`."""
    internal: Mapped[bool] = mapped_column(default=False)
    """Whether only staff see the line at all."""
    file_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default_factory=list)
    rating: Mapped[int | None] = mapped_column(default=None)
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSONB, default=None)
    """What belongs to this kind of move, e.g. a reason code."""
    hand_node_id: Mapped[UUID | None] = mapped_column(ForeignKey("node.id"), default=None)
    """Whose hands it came into, where the move changed them."""
    hand_role: Mapped[str | None] = mapped_column(default=None)


trailed(
    "case_entry/1",
    Entry,
    (
        "id",
        "case_id",
        "move",
        "by",
        "to_state",
        "recorded_at",
        "from_state",
        "person_id",
        "role",
        "text",
        "note",
        "internal",
        "file_ids",
        "rating",
        "detail",
        "hand_node_id",
        "hand_role",
    ),
    texts=("text", "note", "detail"),
)
