"""Tables of the cases engine."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Sequence, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.cases.workflow import State
from neighborhood_api.identity.places import COLUMNS, Level, Place, Placed, place_indexes
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id

CASE_NUMBER = Sequence("case_number", metadata=Model.metadata)
"""Behind the codes that people see; numbers are unique, and not gapless."""

_IN_HAND = "state IN ('assigned', 'reopened', 'accepted', 'handling')"


class Case(Placed, Model):
    """One piece of work on its way (案卷); while it is open exactly one node holds it."""

    __tablename__ = "case_file"
    __table_args__ = (
        *place_indexes("case_file"),
        *(
            Index(
                f"ix_case_file_due_{name}",
                name,
                "resolve_due_at",
                postgresql_where=text(_IN_HAND),
            )
            for name in COLUMNS[Level.STREET :]
        ),
        Index("ix_case_file_reporter", "reporter_id", "id"),
        Index(
            "ix_case_file_hand_person", "hand_person_id", "id", postgresql_where=text(_IN_HAND)
        ),
        Index("ix_case_file_organization", "organization_id", "id"),
        Index(
            "ix_case_file_pass_up",
            "pass_up_at",
            postgresql_where=text("pass_up_at IS NOT NULL"),
        ),
        Index("ix_case_file_silent", "close_at", postgresql_where=text("close_at IS NOT NULL")),
        CheckConstraint("hand_level BETWEEN 0 AND 4", name="hand_level_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    kind: Mapped[str]
    code: Mapped[str] = mapped_column(unique=True)
    """What people call it, e.g. LY261122-0042."""
    state: Mapped[str]
    reported_by_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    """Who entered it: the reporter, or staff on behalf of a caller."""
    opened_at: Mapped[datetime]
    respond_due_at: Mapped[datetime]
    """By when somebody must have answered the reporter; set at dispatch, never reset."""
    resolve_due_at: Mapped[datetime]
    respond_minutes: Mapped[int]
    """How long each level has to take it on before it is passed up."""
    hand_level: Mapped[int]
    hand_node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    hand_role: Mapped[str]
    """The post that must act; with `hand_node_id` it says whose hands hold the case."""
    reporter_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """None while a caller without an account is the reporter."""
    hand_person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """Who acts in that post; None when every post up to the street is vacant."""
    organization_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("organization.id"), default=None
    )
    """The department that holds the case, or held it last."""
    pass_up_at: Mapped[datetime | None] = mapped_column(default=None)
    """When it goes one level up by itself unless somebody takes it on."""
    first_responded_at: Mapped[datetime | None] = mapped_column(default=None)
    resolved_at: Mapped[datetime | None] = mapped_column(default=None)
    close_at: Mapped[datetime | None] = mapped_column(default=None)
    """When the reporter's silence closes it."""
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    times_reopened: Mapped[int] = mapped_column(default=0)
    times_passed_up: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)

    @property
    def standing(self) -> State:
        """The state as the law names it."""
        return State(self.state)

    @property
    def hand_place(self) -> Place:
        """The place of the node that holds the case."""
        return self.place.up_to(Level(self.hand_level))


class Hand(Model):
    """From when to when one node and person held a case; the ledger of whose time it was."""

    __tablename__ = "case_hand"
    __table_args__ = (
        Index("ix_case_hand_case", "case_id", "held_from"),
        Index(
            "uq_case_hand_open",
            "case_id",
            unique=True,
            postgresql_where=text("held_until IS NULL"),
        ),
        CheckConstraint("held_from <= held_until", name="held_forward"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"))
    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    role: Mapped[str]
    held_from: Mapped[datetime]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    organization_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("organization.id"), default=None
    )
    held_until: Mapped[datetime | None] = mapped_column(default=None)


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
    internal: Mapped[bool] = mapped_column(default=False)
    """Whether only staff see it."""
    file_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default_factory=list)
    rating: Mapped[int | None] = mapped_column(default=None)
    hand_node_id: Mapped[UUID | None] = mapped_column(ForeignKey("node.id"), default=None)
    """Whose hands it came into, where the move changed them."""
    hand_role: Mapped[str | None] = mapped_column(default=None)
