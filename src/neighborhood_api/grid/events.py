"""What the grid domain announces."""

from datetime import datetime
from uuid import UUID

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.outbox import Event


class AppointmentMade(Event):
    """Somebody was appointed to a post."""

    name = "grid.appointment_made"
    chinese = "有人任职。"
    appointment_id: UUID
    person_id: UUID
    node_id: UUID


class AppointmentAmended(Event):
    """An appointment has another duty phone or last day."""

    name = "grid.appointment_amended"
    chinese = "任职的值班电话或任期末日有改动。"
    appointment_id: UUID
    person_id: UUID
    node_id: UUID


class AppointmentEnded(Event):
    """Somebody's appointment ended."""

    name = "grid.appointment_ended"
    chinese = "有人任职结束。"
    appointment_id: UUID
    person_id: UUID
    node_id: UUID


class DutyChanged(Event):
    """Somebody else acts in a post: a stand-in came or went."""

    name = "grid.duty_changed"
    chinese = "岗位换人在岗：代班开始或结束。"
    node_id: UUID


class LeaveGranted(Event):
    """The holder of a post will be away for some days."""

    name = "grid.leave_granted"
    chinese = "批准了请假。"
    leave_id: UUID
    appointment_id: UUID
    node_id: UUID


class LeaveBegun(Event):
    """The holder of a post is away from now on."""

    name = "grid.leave_begun"
    chinese = "请假开始。"
    leave_id: UUID
    appointment_id: UUID
    node_id: UUID


class LeaveEnded(Event):
    """A leave is over, was cut short, or was cancelled before it began."""

    name = "grid.leave_ended"
    chinese = "请假结束、提前结束或取消。"
    leave_id: UUID
    appointment_id: UUID
    node_id: UUID


class PostVacant(Event):
    """A post that must answer lost whoever acted in it, and nobody acts there now."""

    name = "grid.post_vacant"
    chinese = "须有人答复的岗位无人在岗。"
    node_id: UUID
    role: Role
    since: datetime


class PostFilled(Event):
    """Somebody acts again in a post that was announced as vacant."""

    name = "grid.post_filled"
    chinese = "空缺的岗位又有人在岗。"
    node_id: UUID
    role: Role


class RosterChanged(Event):
    """Somebody came onto the roster of a place, went off it, or has other hours."""

    name = "grid.roster_changed"
    chinese = "值班表有改动。"
    node_id: UUID


class RosterGapFound(Event):
    """In the coming days there are hours in which nobody is on the roster of a place."""

    name = "grid.roster_gap_found"
    chinese = "值班表在未来两周内有无人值班的时段。"
    alarm_id: UUID
    node_id: UUID
    gap_from: datetime
    gap_until: datetime


class RosterGapClosed(Event):
    """All hours of the coming days are covered again by the roster of a place."""

    name = "grid.roster_gap_closed"
    chinese = "值班表的空档已补上。"
    node_id: UUID


class ResidenceStated(Event):
    """A person said where she lives."""

    name = "grid.residence_stated"
    chinese = "有人填报了住址。"
    person_id: UUID
    lane_id: UUID


class ResidenceConfirmed(Event):
    """It is known that a person lives where she said: by her phone, or by the staff's word."""

    name = "grid.residence_confirmed"
    chinese = "有人的住址得到确认。"
    person_id: UUID
    lane_id: UUID
    household_id: UUID | None


class ResidenceRefused(Event):
    """Staff found that a person does not live where she said."""

    name = "grid.residence_refused"
    chinese = "有人的住址未通过确认，或确认被撤销。"
    person_id: UUID
    lane_id: UUID


class ResidenceLeft(Event):
    """A person whose residence was confirmed does not live there any more."""

    name = "grid.residence_left"
    chinese = "住址已确认的人搬离或改了住址。"
    person_id: UUID
    lane_id: UUID
    household_id: UUID | None


class RepresentativeChanged(Event):
    """Somebody else speaks for a household, or nobody does."""

    name = "grid.representative_changed"
    chinese = "户代表变更。"
    household_id: UUID
    person_id: UUID | None
    version: int
    """Which change of the household it was."""
