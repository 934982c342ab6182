"""What settling announces beside the moves."""

from uuid import UUID

from neighborhood_api.issues.settling.models import CallReason
from neighborhood_api.kit.outbox import Event


class CallBackOpened(Event):
    """Somebody must call a reporter back."""

    name = "issues.call_back_opened"
    chinese = "须回访诉求人。"
    issue_id: UUID
    call_back_id: UUID
    reason: CallReason


class CallBackTaken(Event):
    """Somebody will make the call, and was shown the reporter's number for it."""

    name = "issues.call_back_taken"
    chinese = "有人领取了回访，并看到了诉求人的电话。"
    issue_id: UUID
    call_back_id: UUID
    person_id: UUID


class CallBackMade(Event):
    """A reporter was called back, or given up after several attempts."""

    name = "issues.call_back_made"
    chinese = "已回访诉求人，或多次未接通而终止。"
    issue_id: UUID
    call_back_id: UUID
    reached: bool
    solved: bool | None
    satisfied: bool | None


class RatingFormChanged(Event):
    """A new version of the rating form is in force."""

    name = "issues.rating_form_changed"
    chinese = "评价表有了新版本。"
    version: int
