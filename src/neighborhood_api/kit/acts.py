"""What somebody did to how the neighbourhood works, kept in the audit trail.

Issues have their timelines. Whatever else staff decide, such as rules, posts and calendars, may
change again; that it was decided, by whom and when, is kept here and never changes.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.auditing import take_changes
from neighborhood_api.kit.db import Handle, Model
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.trail import trail_of, trailed


class Act(Model):
    """One thing that somebody did; never changed, never deleted."""

    __tablename__ = "act"
    __table_args__ = (
        Index("ix_act_subject", "subject", "id"),
        Index("ix_act_person", "person_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    what: Mapped[str]
    """Named as events are: the domain, and what has happened."""
    subject: Mapped[str]
    """The id or the code of what it was done to."""
    person_id: Mapped[UUID]
    acted_at: Mapped[datetime]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)


trailed(
    "act/1",
    Act,
    ("id", "what", "subject", "person_id", "acted_at", "detail"),
    texts=("detail",),
)


def record_act(
    handle: Handle,
    what: str,
    subject: UUID | str,
    *,
    by: UUID,
    now: datetime,
    **detail: Any,  # noqa: ANN401  (plain JSON, and ids)
) -> None:
    """Keep for ever that somebody did something.

    The detail holds ids, codes, numbers and days; no names, phone numbers or texts. What the
    transaction changed in administered tables is kept with it, before and after.
    """
    changes = take_changes(handle) if isinstance(handle, AsyncSession) else []
    if changes:
        detail["changes"] = changes
    kept = {name: str(one) if isinstance(one, UUID) else one for name, one in detail.items()}
    act = Act(what=what, subject=str(subject), person_id=by, acted_at=now, detail=kept)
    for row in (act, trail_of(act)):
        handle.add(row)
