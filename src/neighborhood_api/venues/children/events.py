"""What is announced about children: ids only."""

from uuid import UUID

from neighborhood_api.kit.outbox import Event


class ChildRegistered(Event):
    """A guardian registered a child."""

    name = "venues.child_registered"
    chinese = "监护人登记了孩子。"
    child_id: UUID
    guardian_id: UUID


class ChildLookedUp(Event):
    """Somebody of the staff opened a child's record, with a reason that the guardian sees."""

    name = "venues.child_looked_up"
    chinese = "工作人员或老师打开了孩子的记录，理由对监护人可见。"
    look_id: UUID
    child_id: UUID
    guardian_id: UUID
    person_id: UUID
    """Who looked."""


class ChildForgotten(Event):
    """A child's data were deleted."""

    name = "venues.child_forgotten"
    chinese = "孩子的信息已删除：监护人撤回同意，或保存期满。"
    child_id: UUID
    guardian_id: UUID
    withdrawn: bool
    """True when the guardian withdrew her consent, false when the time was over."""
