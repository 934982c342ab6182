"""How orders and warnings are shown."""

from datetime import datetime

from neighborhood_api.grid.names import post_name
from neighborhood_api.issues.watching.queries import OrderRow, WarningRow
from neighborhood_api.issues.watching.schemas import OrderOut, WarningOut


def order_view(row: OrderRow, *, now: datetime) -> OrderOut:
    """Show an order to staff."""
    waiting = row.answered_at is None and row.settled_at is None
    fields = row._asdict()
    post = post_name(row.role, row.role_name)
    return OrderOut.model_validate(
        fields
        | {
            "given_by": f"{post} {row.giver or ''}".strip(),
            "overdue": waiting and row.answer_by is not None and row.answer_by < now,
        }
    )


def warning_view(row: WarningRow) -> WarningOut:
    """Show a warning to somebody who was warned."""
    return WarningOut.model_validate(row)
