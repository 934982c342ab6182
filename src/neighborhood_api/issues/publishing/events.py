"""What publishing announces."""

from typing import Literal
from uuid import UUID

from neighborhood_api.kit.outbox import Event


class IssuePublished(Event):
    """The public may see an issue from now on, or sees it in other words."""

    name = "issues.published"
    chinese = "诉求向公众公开，或公开的文字有变。"
    issue_id: UUID


class IssueUnpublished(Event):
    """The public does not see an issue any more."""

    name = "issues.unpublished"
    chinese = "诉求不再向公众公开。"
    issue_id: UUID
    by: Literal["moderator", "reporter"]


class PublicationRefused(Event):
    """A moderator decided that the public shall not see an issue, and it never did."""

    name = "issues.publication_refused"
    chinese = "审核决定不公开，此前也未公开过。"
    issue_id: UUID


class ReporterPhoneShown(Event):
    """Somebody was shown the reporter's whole number."""

    name = "issues.reporter_phone_shown"
    chinese = "有人查看了诉求人的完整电话。"
    issue_id: UUID
    look_id: UUID


class CannedReplyChanged(Event):
    """A canned reply was made, changed or withdrawn."""

    name = "issues.canned_reply_changed"
    chinese = "常用回复新建、修改或停用。"
    reply_id: UUID
