"""What the issues domain announces."""

from uuid import UUID

from neighborhood_api.kit.outbox import Code, Event


class IssueReported(Event):
    """Somebody reported an issue."""

    name = "issues.issue_reported"
    chinese = "有人上报了诉求。"
    issue_id: UUID
    category_code: Code


class IssueRated(Event):
    """The reporter rated how an issue was handled."""

    name = "issues.issue_rated"
    chinese = "诉求人评价了办理情况。"
    issue_id: UUID
    rating: int
