"""What intake announces, beside the moves."""

from uuid import UUID

from neighborhood_api.kit.outbox import Event


class CallerLinked(Event):
    """An issue that staff took in became that of a person who has an account now."""

    name = "issues.caller_linked"
    chinese = "代登记的诉求归到了来电人的账号。"
    issue_id: UUID
    person_id: UUID
