"""Tables of what districts ask of residents, and of residences that were left."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.auditing import audited
from neighborhood_api.kit.db import Model


class LeftResidence(Model):
    """How far the version of a residence had come that is no more.

    What the person states later goes on from there: who decides about the one that she saw
    does not decide about another.
    """

    __tablename__ = "residence_left"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    version: Mapped[int]


class ResidenceRules(Model):
    """What a district asks of its residents, and how often its registers are to be verified.

    A district without a row allows everything to everybody.
    """

    __tablename__ = "residence_rules"
    __table_args__ = (
        CheckConstraint("stale_after_days BETWEEN 1 AND 3650", name="stale_some_day"),
    )

    district_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), primary_key=True)
    report_confirmed_only: Mapped[bool] = mapped_column(default=False)
    """Whether only residents whose residence is confirmed may report issues."""
    book_confirmed_only: Mapped[bool] = mapped_column(default=False)
    enrol_confirmed_only: Mapped[bool] = mapped_column(default=False)
    stale_after_days: Mapped[int] = mapped_column(default=365)
    version: Mapped[int] = mapped_column(default=1)


audited(ResidenceRules)
