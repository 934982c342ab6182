"""What is said with a move, and the line of the timeline that keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.cases.policy import Mover
from neighborhood_api.cases.workflow import By, Move, State


@dataclass(frozen=True)
class Said:
    """What goes with a move."""

    text: str | None = None
    note: str | None = None
    """For staff only."""
    internal: bool = False
    file_ids: Sequence[UUID] = field(default_factory=tuple)
    rating: int | None = None
    detail: Mapping[str, Any] | None = None
    """What belongs to this kind of move; plain JSON."""
    organization_id: UUID | None = None
    """The department that it shall go to."""
    node_id: UUID | None = None
    """The node that it shall go to."""


def new_entry(
    case: Case, move: Move, mover: Mover, said: Said, before: State | None, now: datetime
) -> Entry:
    """Write the line of one move, after the case was moved.

    What staff said for a caller without an account is marked with `on_behalf`.
    """
    detail = dict(said.detail or {})
    if mover.by is By.INTAKE:
        detail["on_behalf"] = True
    return Entry(
        case_id=case.id,
        move=move.value,
        by=mover.side,
        to_state=case.state,
        recorded_at=now,
        from_state=None if before is None else before.value,
        person_id=mover.person_id,
        role=None if mover.role is None else mover.role.value,
        text=said.text,
        note=said.note,
        internal=said.internal,
        file_ids=list(said.file_ids),
        rating=said.rating,
        detail=detail or None,
    )
