"""What every kind of case announces."""

from uuid import UUID

from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.cases.workflow import Move, State, Workflow
from neighborhood_api.kit.outbox import Code, Event, OutboxRow


class CaseMoved(Event):
    """A case was opened or moved; each move of each kind has a wire name of its own."""

    name = "cases.case_moved"
    chinese = "案卷新建或有了一步进展，每种动作各有事件名。"
    case_id: UUID
    entry_id: UUID
    """Its line on the timeline."""
    kind: Code
    move: Move
    from_state: State | None
    """None for a new case."""
    to_state: State
    hand_node_id: UUID
    """Whose hands it is in now."""
    hand_person_id: UUID | None

    @classmethod
    def of(cls, workflow: Workflow, case: Case, entry: Entry) -> OutboxRow:
        """Return the event of one entry as a row, under the name that the workflow gives."""
        moved = cls(
            case_id=case.id,
            entry_id=entry.id,
            kind=case.kind,
            move=Move(entry.move),
            from_state=None if entry.from_state is None else State(entry.from_state),
            to_state=State(entry.to_state),
            hand_node_id=case.hand_node_id,
            hand_person_id=case.hand_person_id,
        )
        row = moved.row()
        row.name = workflow.announced[Move(entry.move)]
        return row


class PostVacant(Event):
    """A case came to a place whose post is vacant, and went to the next one up."""

    name = "cases.post_vacant"
    chinese = "案卷到了岗位空缺的地方，已转给上一级。"
    case_id: UUID
    node_id: UUID
    """Whose post is vacant."""
