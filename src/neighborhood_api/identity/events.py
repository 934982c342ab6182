"""What the identity domain announces."""

from uuid import UUID

from neighborhood_api.kit.outbox import Event


class PersonMerged(Event):
    """Somebody who signed in by WeChat turned out to be a person known by phone."""

    name = "identity.person_merged"
    from_person_id: UUID
    into_person_id: UUID
