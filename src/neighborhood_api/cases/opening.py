"""How a case is opened: in somebody's hands, with its clocks running."""

from datetime import datetime, timedelta
from uuid import UUID

from neighborhood_api.cases.events import CaseMoved, PostVacant
from neighborhood_api.cases.ledger import first_page
from neighborhood_api.cases.models import Case
from neighborhood_api.cases.policy import Mover
from neighborhood_api.cases.telling import Said, new_entry
from neighborhood_api.cases.terms import Terms
from neighborhood_api.cases.timekeeping import Purpose
from neighborhood_api.cases.timers import new_timer
from neighborhood_api.cases.workflow import Move, State, Workflow
from neighborhood_api.grid.posts.duty import HIGHEST, Duty
from neighborhood_api.identity.places import Level, Place, columns_of
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.trail import trail_of
from neighborhood_api.schedules.calendar import WorkingCalendar


def first_place(place: Place, terms: Terms, *, to_district: bool = False) -> Place:
    """Return where a case is handled first.

    What is about persons begins at the street, or `to_district` where it is about the street.
    """
    if to_district:
        return place.up_to(Level.DISTRICT)
    return place.up_to(HIGHEST if terms.confidential else min(place.level, terms.first_level))


def open_case(
    workflow: Workflow,
    place: Place,
    duty: Duty,
    terms: Terms,
    calendar: WorkingCalendar,
    mover: Mover,
    *,
    code: str,
    reporter_id: UUID | None,
    said: Said,
    expected: Place,
    now: datetime,
) -> tuple[Case, list[Model]]:
    """Make a case in the hands of `duty`, who answers at `expected`, its `first_place`.

    Returns it, and all rows to save with it.

    Emits: the workflow's event for the report, PostVacant.
    """
    if mover.person_id is None:
        raise ValueError("a case is opened by somebody")
    case = Case(
        kind=workflow.kind,
        code=code,
        state=State.ASSIGNED.value,
        reported_by_id=mover.person_id,
        opened_at=now,
        moved_at=now,
        terms=terms.plain,
        respond_due_at=None,
        resolve_due_at=None,
        hand_level=duty.level.value,
        hand_node_id=duty.node_id,
        hand_role=duty.role.value,
        hand_person_id=duty.person_id,
        duty_seen=duty.seen,
        reporter_id=reporter_id,
        confidential=terms.confidential,
        pass_up_at=now + timedelta(minutes=terms.accept_minutes),
        district_id=place.up_to(Level.DISTRICT).node_id,
        **{k: v for k, v in columns_of(place).items() if k != "district_id"},  # type: ignore[arg-type]
    )
    respond = new_timer(case.id, Purpose.RESPOND, terms.respond, calendar, now=now)
    resolve = new_timer(case.id, Purpose.RESOLVE, terms.resolve, calendar, now=now, rests=True)
    case.respond_due_at, case.resolve_due_at = respond.due_at, resolve.due_at
    entry = new_entry(case, Move.REPORT, mover, said, None, now)
    entry.hand_node_id, entry.hand_role = case.hand_node_id, case.hand_role
    rows: list[Model] = [case, respond, resolve, entry, first_page(case, now)]
    rows.append(trail_of(entry))
    rows.append(CaseMoved.of(workflow, case, entry))
    if duty.person_id is None or duty.node_id != expected.node_id:
        rows.append(PostVacant(case_id=case.id, node_id=expected.node_id).row())
    return case, rows
