"""How orders and warnings are shown."""

from datetime import datetime

from neighborhood_api.grid.names import ROLE_NAMES
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.watching.queries import OrderRow, WarningRow
from neighborhood_api.issues.watching.schemas import OrderOut, WarningOut


def order_view(row: OrderRow, *, now: datetime) -> OrderOut:
    """Show an order to staff."""
    waiting = row.answered_at is None and row.settled_at is None
    fields = row._asdict()
    return OrderOut.model_validate(
        fields
        | {
            "given_by": f"{ROLE_NAMES[Role(row.role)]} {row.giver or ''}".strip(),
            "overdue": waiting and row.answer_by is not None and row.answer_by < now,
        }
    )


def warning_view(row: WarningRow) -> WarningOut:
    """Show a warning to somebody who was warned."""
    return WarningOut.model_validate(row)
