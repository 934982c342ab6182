"""What is announced about issues that many share."""

from uuid import UUID

from neighborhood_api.kit.outbox import Event


class IssueSupported(Event):
    """Somebody said that an issue is hers, too."""

    name = "issues.issue_supported"
    chinese = "有人附议了诉求。"
    issue_id: UUID
    person_id: UUID


class SupportWithdrawn(Event):
    """Somebody took her support back."""

    name = "issues.support_withdrawn"
    chinese = "有人取消了附议。"
    issue_id: UUID
    person_id: UUID
