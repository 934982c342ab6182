"""What is announced when categories or their rules change."""

from uuid import UUID

from neighborhood_api.kit.outbox import Code, Event


class CategoryChanged(Event):
    """A category was created, changed, or taken out of use."""

    name = "issues.category_changed"
    chinese = "诉求类别新建、修改或停用。"
    category_code: Code


class RuleChanged(Event):
    """A handling rule came into force at a place, or was withdrawn there."""

    name = "issues.rule_changed"
    chinese = "办理规则在某地生效或撤销。"
    category_code: Code
    node_id: UUID | None
    """None for the rule of everywhere."""
    rule_id: UUID
    version: int
    in_force: bool
    """False when the rule was withdrawn, and the one of the place above applies again."""
