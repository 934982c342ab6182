"""What watching announces, beside the moves."""

from datetime import datetime
from uuid import UUID

from neighborhood_api.cases.timekeeping import Purpose
from neighborhood_api.cases.warnings import Colour
from neighborhood_api.kit.outbox import Event


class WarningRaised(Event):
    """A limit is nearly used up (yellow), or has passed (red)."""

    name = "issues.warning_raised"
    chinese = "时限将满（黄）或已过（红）。"
    issue_id: UUID
    warning_id: UUID
    purpose: Purpose
    colour: Colour
    due_at: datetime
    recipient_ids: list[UUID]
    """Who held the issue at that moment; at red who was above too."""


class OrderOverdue(Event):
    """A superior's order was not answered in time."""

    name = "issues.order_overdue"
    chinese = "督办逾期未回复。"
    issue_id: UUID
    order_id: UUID
    recipient_ids: list[UUID]
    """Who held the issue, who was above, and who gave the order."""
