"""What the issues domain announces."""

from uuid import UUID

from neighborhood_api.kit.outbox import Event


class IssueReported(Event):
    """Somebody reported an issue."""

    name = "issues.issue_reported"
    issue_id: UUID
    category_code: str


class IssueRated(Event):
    """The reporter rated how an issue was handled."""

    name = "issues.issue_rated"
    issue_id: UUID
    rating: int
