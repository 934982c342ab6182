"""What the grid domain announces."""

from uuid import UUID

from neighborhood_api.kit.outbox import Event


class AppointmentMade(Event):
    """Somebody was appointed to a post."""

    name = "grid.appointment_made"
    appointment_id: UUID
    person_id: UUID
    node_id: UUID


class AppointmentEnded(Event):
    """Somebody's appointment ended."""

    name = "grid.appointment_ended"
    appointment_id: UUID
    person_id: UUID
    node_id: UUID


class DutyChanged(Event):
    """Somebody else acts in a post: a stand-in came or went."""

    name = "grid.duty_changed"
    node_id: UUID


class ResidenceStated(Event):
    """A person said where she lives."""

    name = "grid.residence_stated"
    person_id: UUID
    lane_id: UUID
