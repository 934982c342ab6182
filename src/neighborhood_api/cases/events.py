"""What every kind of case announces."""

from uuid import UUID

from neighborhood_api.kit.outbox import Event


class CaseMoved(Event):
    """A case was opened or moved; `kind` and `move` say how."""

    name = "cases.case_moved"
    case_id: UUID
    entry_id: UUID
    kind: str
    move: str
    to_state: str
    hand_node_id: UUID
    hand_person_id: UUID | None
