"""The reads of offers and requests."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import aliased

from neighborhood_api.cases.paths import Offer
from neighborhood_api.cases.timekeeping import Request
from neighborhood_api.grid.models import Node, Organization
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.reads import Query

Decider = aliased(Person)


class RequestRow(NamedTuple):
    """A request with the names that it shows."""

    id: UUID
    kind: str
    reason: str
    requested_by: str | None
    requested_at: datetime
    until: datetime | None
    amount: int | None
    approved: bool | None
    decided_by: str | None
    decided_at: datetime | None
    answer: str | None


REQUESTS = Query(
    select(
        Request.id,
        Request.kind,
        Request.reason,
        Person.name.label("requested_by"),
        Request.requested_at,
        Request.until,
        Request.amount,
        Request.approved,
        Decider.name.label("decided_by"),
        Request.decided_at,
        Request.answer,
    )
    .join(Person, Person.id == Request.requested_by_id)
    .outerjoin(Decider, Decider.id == Request.decided_by_id)
    .where(Request.case_id == bindparam("issue_id"))
    .order_by(Request.id),
    RequestRow,
)


class OfferRow(NamedTuple):
    """An offer with the name of whom it was made to."""

    id: UUID
    to: str
    offered_at: datetime
    answer_by: datetime
    answer: str | None
    answered_at: datetime | None


OFFERS = Query(
    select(
        Offer.id,
        func.coalesce(Organization.name, Node.name).label("to"),
        Offer.offered_at,
        Offer.answer_by,
        Offer.answer,
        Offer.answered_at,
    )
    .join(Node, Node.id == Offer.node_id)
    .outerjoin(Organization, Organization.id == Offer.organization_id)
    .where(Offer.case_id == bindparam("issue_id"))
    .order_by(Offer.id),
    OfferRow,
)
