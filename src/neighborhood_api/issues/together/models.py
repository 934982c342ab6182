"""Table of the people who say that an issue is theirs, too."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.db import Model


class Support(Model):
    """Somebody says "me too" (附议)."""

    __tablename__ = "issue_support"
    __table_args__ = (Index("ix_issue_support_person", "person_id", "case_id"),)

    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    supported_at: Mapped[datetime]
