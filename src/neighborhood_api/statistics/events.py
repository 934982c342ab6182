"""What statistics announce."""

from uuid import UUID

from neighborhood_api.kit.outbox import Event
from neighborhood_api.statistics.models import ExclusionReason


class ExclusionRequested(Event):
    """Somebody asks not to assess an issue, or to assess it again; a second person decides."""

    name = "issues.exclusion_requested"
    chinese = "有人申请不考核某件诉求或恢复考核，须第二人决定。"
    issue_id: UUID
    exclusion_id: UUID
    excluded: bool
    """True to take it out of the assessment, false to take it in again."""
    reason: ExclusionReason
    person_id: UUID


class ExclusionDecided(Event):
    """A second person has decided whether an issue is assessed."""

    name = "issues.exclusion_decided"
    chinese = "第二人决定了某件诉求是否考核。"
    issue_id: UUID
    exclusion_id: UUID
    """Of the request."""
    excluded: bool
    """What was asked for."""
    approved: bool
    person_id: UUID


class WeightsChanged(Event):
    """The three rates weigh differently in a district from now on."""

    name = "statistics.weights_changed"
    chinese = "区县三率的权重有变。"
    district_id: UUID
    version: int
