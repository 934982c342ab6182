"""What whistling announces, beside the moves."""

from datetime import datetime
from uuid import UUID

from neighborhood_api.kit.outbox import Event


class DepartmentCalled(Event):
    """A department was called to an issue."""

    name = "issues.department_called"
    chinese = "吹哨调度了一个部门。"
    issue_id: UUID
    call_id: UUID
    organization_id: UUID
    lead: bool
    check_in_by: datetime
    recipient_ids: list[UUID]
    """Who acted for the department at that moment."""


class CheckInOverdue(Event):
    """A called department did not check in by its deadline."""

    name = "issues.check_in_overdue"
    chinese = "被吹哨的部门逾期未报到。"
    issue_id: UUID
    call_id: UUID
    organization_id: UUID
    check_in_by: datetime
    recipient_ids: list[UUID]
    """Who acted for the department, who answered at the street, and who had whistled."""
