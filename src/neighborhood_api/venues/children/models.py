"""Tables of children."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.sealing import Sealed, sealed_only

MOST_PICK_UPS = 4


class Child(Model):
    """A child whom a guardian registered; deleted when she withdraws, or when it is not needed.

    Enrolments know a child by its id alone, so deleting this row leaves nothing that tells who
    it was.
    """

    __tablename__ = "child"
    __table_args__ = (
        CheckConstraint("extract(day FROM birth_month) = 1", name="no_birthday"),
        CheckConstraint("consent_version <> ''", name="consent_is_to_a_text"),
        Index("ix_child_guardian", "guardian_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    created_at: Mapped[datetime]
    guardian_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    """The only one who sees and changes it."""
    name: Mapped[str]
    birth_month: Mapped[date]
    """First of the month of birth: a rule about age needs no more."""
    consent_version: Mapped[str]
    """Which text the guardian agreed to."""
    consented_at: Mapped[datetime]
    school_entry_year: Mapped[int | None] = mapped_column(default=None)
    """The year in which its first grade began; the grade follows from it, every September."""
    note: Mapped[str] = mapped_column(default="")
    """What the teacher must know, e.g. allergies."""
    version: Mapped[int] = mapped_column(default=1)


class PickUpPerson(Model):
    """Somebody who may fetch the child."""

    __tablename__ = "pick_up_person"
    __table_args__ = (
        CheckConstraint(f"position BETWEEN 1 AND {MOST_PICK_UPS}", name="few"),
        sealed_only("phone"),
    )

    child_id: Mapped[UUID] = mapped_column(
        ForeignKey("child.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    relation: Mapped[str]
    phone: Mapped[str] = mapped_column(Sealed("phone"))


class ChildLook(Model):
    """Somebody of the staff opened a child's record; outlives the child, without its name."""

    __tablename__ = "child_look"
    __table_args__ = (
        Index("ix_child_look_child", "child_id", "id"),
        CheckConstraint("reason <> ''", name="with_a_reason"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    child_id: Mapped[UUID]
    """No foreign key: the log is kept when the child is deleted."""
    guardian_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    """Whose child it was: she may still ask who looked."""
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    """Who looked."""
    role: Mapped[str]
    """As what: a post, or teacher."""
    reason: Mapped[str]
    looked_at: Mapped[datetime] = mapped_column(index=True)
