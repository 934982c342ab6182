"""Domain events, stored in the transaction of the change they report."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import Identity, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.db import Handle, Model

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.]{0,79}$")]
"""An id in words, such as a category's."""


class Event(BaseModel):
    """Something that has happened, in the past tense, carrying ids rather than rows."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)
    name: ClassVar[str]
    """Stable wire name, `domain.past_tense_verb`."""
    chinese: ClassVar[str]
    """What the docstring says, in Chinese."""

    def row(self) -> "OutboxRow":
        """Return the event as a row, for a use case that saves its rows together."""
        return OutboxRow(name=self.name, payload=self.model_dump(mode="json"))


class OutboxRow(Model):
    """An event on its way to the jobs that react to it, and kept for a while after."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_waiting", "id", postgresql_where=text("relayed_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True, init=False)
    name: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now(), init=False)
    relayed_at: Mapped[datetime | None] = mapped_column(init=False)


def emit(handle: Handle, event: Event) -> None:
    """Record `event`; it is delivered at least once after the commit, or never."""
    handle.add(event.row())
