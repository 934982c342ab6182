"""Named reads about children."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, func, select

from neighborhood_api.identity.models import Person
from neighborhood_api.kit.reads import Query
from neighborhood_api.venues.children.grades import grade_on
from neighborhood_api.venues.children.models import Child, ChildLook, PickUpPerson


class RosterChild(NamedTuple):
    """What a session needs to know of a child, and no more."""

    id: UUID
    name: str
    school_entry_year: int | None
    pick_up_names: list[str]

    def grade(self, day: date) -> int | None:
        """Return the grade on that day."""
        return grade_on(self.school_entry_year, day)


_FETCHED_BY = (
    select(PickUpPerson.name)
    .where(PickUpPerson.child_id == Child.id)
    .order_by(PickUpPerson.position)
    .scalar_subquery()
)

CHILDREN_ON_ROSTER = Query(
    select(
        Child.id,
        Child.name,
        Child.school_entry_year,
        func.array(_FETCHED_BY).label("pick_up_names"),
    ).where(Child.id == any_(bindparam("child_ids", type_=ARRAY(Uuid)))),
    RosterChild,
)
"""The children with these ids; one that was deleted meanwhile is not among them."""


class ChildRow(NamedTuple):
    """What an enrolment must know of a child."""

    id: UUID
    birth_month: date
    school_entry_year: int | None
    consent_version: str


CHILD_TO_ENROL = Query(
    select(Child.id, Child.birth_month, Child.school_entry_year, Child.consent_version)
    .where(
        Child.id == bindparam("child_id", type_=Uuid),
        Child.guardian_id == bindparam("guardian_id", type_=Uuid),
    )
    .with_for_update(read=True, key_share=True),
    ChildRow,
)
"""A child of a guardian, which cannot be deleted before the transaction ends."""


class LookRow(NamedTuple):
    """A look into a child's record, with the name of who looked."""

    id: UUID
    looked_at: datetime
    role: str
    name: str | None
    reason: str


LOOKS = Query(
    select(ChildLook.id, ChildLook.looked_at, ChildLook.role, Person.name, ChildLook.reason)
    .join(Person, Person.id == ChildLook.person_id)
    .where(
        ChildLook.child_id == bindparam("child_id", type_=Uuid),
        ChildLook.id < bindparam("below", type_=Uuid),
    )
    .order_by(ChildLook.id.desc())
    .limit(bindparam("fetch")),
    LookRow,
)
"""Who looked into a child's record, newest first."""
