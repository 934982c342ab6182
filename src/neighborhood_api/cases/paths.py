"""Tables of how a case finds whoever settles it: offers, calls, and who may see it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.identity.places import COLUMNS, Level, Placed
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id


class Party(Model):
    """A department that may see a case: it holds it, is offered it, or is called to it."""

    __tablename__ = "case_party"

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organization.id"), primary_key=True
    )
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"), primary_key=True)


class Offer(Placed, Model):
    """A case on its way to another body, which accepts or returns it (首接负责).

    Until it is accepted the hands that hold the case stay responsible.
    """

    __tablename__ = "case_offer"
    __table_args__ = (
        Index(
            "uq_case_offer_open",
            "case_id",
            unique=True,
            postgresql_where=text("answered_at IS NULL"),
        ),
        Index("ix_case_offer_case", "case_id", "id"),
        *(
            Index(
                f"ix_case_offer_{name}",
                name,
                "case_id",
                postgresql_where=text("answered_at IS NULL"),
            )
            for name in COLUMNS[Level.COMMUNITY :]
        ),
        Index(
            "ix_case_offer_node",
            "node_id",
            "case_id",
            postgresql_where=text("answered_at IS NULL AND organization_id IS NULL"),
        ),
        Index(
            "ix_case_offer_organization",
            "organization_id",
            "case_id",
            postgresql_where=text("answered_at IS NULL"),
        ),
        Index(
            "ix_case_offer_person",
            "person_id",
            postgresql_where=text("answered_at IS NULL"),
        ),
        Index("ix_case_offer_due", "answer_by", postgresql_where=text("answered_at IS NULL")),
        CheckConstraint(
            "answer IN ('accepted', 'returned', 'lapsed', 'replaced', 'void')",
            name="answer_known",
        ),
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answered_whole"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"))
    move: Mapped[str]
    """dispatch or transfer."""
    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    role: Mapped[str]
    offered_by_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    offered_at: Mapped[datetime]
    answer_by: Mapped[datetime]
    """Who has not answered by then has returned it."""
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    organization_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("organization.id"), default=None
    )
    answered_at: Mapped[datetime | None] = mapped_column(default=None)
    answer: Mapped[str | None] = mapped_column(default=None)


class Whistle(Model):
    """One call for help that several departments hear (吹哨): why, and where to meet when."""

    __tablename__ = "case_whistle"
    __table_args__ = (Index("ix_case_whistle_case", "case_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"))
    whistled_by_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    role: Mapped[str]
    whistled_at: Mapped[datetime]
    reason: Mapped[str]
    meet_at: Mapped[datetime | None] = mapped_column(default=None)
    meeting_place: Mapped[str | None] = mapped_column(default=None)


class Call(Model):
    """One department called to a case (报到); it checks in, reports and is released."""

    __tablename__ = "case_call"
    __table_args__ = (
        Index(
            "uq_case_call_open",
            "case_id",
            "organization_id",
            unique=True,
            postgresql_where=text("released_at IS NULL"),
        ),
        Index(
            "uq_case_call_lead",
            "case_id",
            unique=True,
            postgresql_where=text("released_at IS NULL AND lead"),
        ),
        Index("ix_case_call_case", "case_id", "id"),
        Index(
            "ix_case_call_open",
            "organization_id",
            "case_id",
            postgresql_where=text("released_at IS NULL"),
        ),
        Index(
            "ix_case_call_awaited",
            "organization_id",
            "id",
            postgresql_where=text("released_at IS NULL"),
        ),
        Index(
            "ix_case_call_done",
            "organization_id",
            "id",
            postgresql_where=text("released_at IS NOT NULL"),
        ),
        Index(
            "ix_case_call_late",
            "check_in_by",
            postgresql_where=text(
                "checked_in_at IS NULL AND released_at IS NULL AND missed_at IS NULL"
            ),
        ),
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating_one_to_five"),
        CheckConstraint("rating IS NULL OR released_at IS NOT NULL", name="rated_when_done"),
        CheckConstraint(
            "reported_at IS NULL OR checked_in_at IS NOT NULL", name="reports_who_came"
        ),
        CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name="position_whole"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    whistle_id: Mapped[UUID] = mapped_column(ForeignKey("case_whistle.id"))
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"))
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    from_node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    from_level: Mapped[int]
    """Who has a post at this node, or above it, releases and rates the department."""
    called_at: Mapped[datetime]
    check_in_by: Mapped[datetime]
    task: Mapped[str | None] = mapped_column(default=None)
    """What it is wanted for, where that is not plain from the whistle's reason."""
    lead: Mapped[bool] = mapped_column(default=False)
    """Whether it leads (牵头), and the others assist."""
    checked_in_at: Mapped[datetime | None] = mapped_column(default=None)
    checked_in_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    longitude: Mapped[float | None] = mapped_column(default=None)
    latitude: Mapped[float | None] = mapped_column(default=None)
    """Where its officer was, WGS-84 degrees."""
    metres_away: Mapped[int | None] = mapped_column(default=None)
    """From the case; None where either position is not known."""
    far: Mapped[bool] = mapped_column(default=False)
    """Whether the officer was too far away to be there; noted, and never refused."""
    late: Mapped[bool] = mapped_column(default=False)
    """Whether it checked in after its deadline."""
    missed_at: Mapped[datetime | None] = mapped_column(default=None)
    """When it was noted that the deadline had passed without a check-in."""
    report: Mapped[str | None] = mapped_column(default=None)
    """What it did, in its last report."""
    report_file_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default_factory=list)
    reported_at: Mapped[datetime | None] = mapped_column(default=None)
    released_at: Mapped[datetime | None] = mapped_column(default=None)
    released_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """None where the case went on without it."""
    release_reason: Mapped[str | None] = mapped_column(default=None)
    rating: Mapped[int | None] = mapped_column(default=None)
    rating_text: Mapped[str | None] = mapped_column(default=None)
    rated_at: Mapped[datetime | None] = mapped_column(default=None)
    rated_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
