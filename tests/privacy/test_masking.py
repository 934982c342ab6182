"""No answer shows somebody else's number or door in full, except a look that is kept."""

import re
from http import HTTPStatus
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from httpx import Response
from sqlalchemy import text, update

from neighborhood_api.grid.models import Household, Residence
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import columns_of
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.registers.models import Establishment, Resident
from neighborhood_api.registrations.models import Timetable
from neighborhood_api.venues.sessions.models import Session, SessionTeacher, Teacher
from tests.support.clock import Clock
from tests.support.issues import LANE, Street
from tests.support.people import Caller
from tests.support.posts import phone_number
from tests.venues.arranging import new_venue
from tests.venues.children.arranging import enrolled, new_resource, registered

pytestmark = pytest.mark.slow

PARAMETER = re.compile(r"{(\w+)}")
DOOR = "荔枝湾8栋2单元1203"
BY_DOOR = {
    "list_households",
    "list_register_households",
    "list_residents",
    "list_establishments",
    "list_residence_claims",
    "read_establishment",
    "read_household",
    "read_resident",
}
"""Staff of the place go from door to door with these, and decide whether a door is hers."""
TABLES = {
    "appointment_id": "appointment",
    "booking_id": "registration",
    "child_id": "child",
    "district_id": "node",
    "establishment_id": "establishment",
    "household_id": "household",
    "issue_id": "case_file",
    "node_id": "node",
    "person_id": "person",
    "resident_id": "resident",
    "session_id": "session",
    "venue_id": "venue",
}
"""What the parameters of addresses stand for."""
OFFICES: tuple[tuple[Role, tuple[int, ...]], ...] = (
    (Role.LANE_CHIEF, LANE),
    (Role.GRID_WORKER, (1, 1, 1)),
    (Role.COMMUNITY_WORKER, (1, 1)),
    (Role.STREET_SECRETARY, (1,)),
    (Role.OPERATOR, ()),
)


class Numbers:
    """Numbers that only their owners may read in full."""

    def __init__(self) -> None:
        self.hers, self.callers, self.guests = (phone_number() for _ in range(3))
        self.pick_up, self.teachers, self.residents, self.contacts = (
            phone_number() for _ in range(4)
        )

    def all(self) -> list[str]:
        return list(vars(self).values())


@pytest.fixture
async def ids(street: Street, tx: Tx, clock: Clock) -> tuple[Numbers, dict[str, list[str]]]:
    """People with numbers in every domain, and the ids of what is about them."""
    numbers = Numbers()
    her = street.reporter
    place = columns_of(street.town.place(*LANE))
    person = update(Person).where(Person.id == her.person_id)
    await tx.execute(person.values(phone=numbers.hers))
    home = update(Residence).where(Residence.person_id == her.person_id)
    await tx.execute(home.values(address=DOOR))
    household = Household(id=new_id(), address=DOOR, **place)  # type: ignore[arg-type]
    tx.add(household)
    await tx.flush()
    known: dict[str, Any] = {"household_id": household.id, **place}
    shop = {"address": DOOR, "contact_name": "某人", "contact_phone": numbers.contacts}
    tx.add_all(
        [
            Resident(name="某人", phone=numbers.residents, **known),
            Establishment(name="小店", kind="shop", **shop, **place),  # type: ignore[arg-type]
        ]
    )
    await tx.commit()
    issue_id = await street.reported()
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    call = {"name": "来电人", "phone": numbers.callers, "channel": "telephone"}
    answer = await worker.post("/issues", json=street.wish(on_behalf_of=call))
    session_ids, booking_ids, child_id = await _lesson(street, tx, numbers, clock)
    return numbers, {
        "issue_id": [issue_id, answer.json()["id"]],
        "household_id": [str(household.id)],
        "booking_id": booking_ids,
        "session_id": session_ids,
        "child_id": [child_id],
        "node_id": [str(street.town.at(*LANE[:depth]).id) for depth in range(5)],
        "district_id": [str(street.town.at().id)],
        "person_id": [str(her.person_id)],
        **{name: await _all(tx, TABLES[name]) for name in ("resident_id", "establishment_id")},
        "venue_id": await _all(tx, "venue"),
    }


async def _lesson(
    street: Street, tx: Tx, numbers: Numbers, clock: Clock
) -> tuple[list[str], list[str], str]:
    """A session with a teacher, a child that comes, and a guest."""
    place = street.town.place(1, 1)
    pick_up = {"name": "外公", "relation": "外公", "phone": numbers.pick_up}
    child = await registered(street.reporter, pick_ups=[pick_up])
    resource = await new_resource(tx, place, clock.now)
    comes = await enrolled(tx, resource, street.reporter.person_id, child["id"])
    guest = await enrolled(tx, resource, street.reporter.person_id, str(new_id()))
    guest.person_id, guest.participant_id = None, None
    guest.guest_name, guest.guest_phone = "来宾", numbers.guests
    venue = await new_venue(tx, place)
    timetable = Timetable(id=new_id())
    tx.add(timetable)
    await tx.flush()
    where: dict[str, Any] = {**columns_of(place)}
    teacher = Teacher(id=timetable.id, name="陈老师", phone=numbers.teachers, **where)
    session = Session(
        id=resource.id, venue_id=venue.id, kind="tutoring", subject="数学", grade="三年级"
    )
    tx.add_all([teacher, session])
    await tx.flush()
    tx.add(SessionTeacher(session_id=session.id, teacher_id=teacher.id, role="lead"))
    await tx.commit()
    return [str(resource.id)], [str(comes.id), str(guest.id)], child["id"]


async def _all(tx: Tx, table: str) -> list[str]:
    return [str(one) for one in await tx.scalars(text(f"SELECT id FROM {table}"))]  # noqa: S608


def reads(app: FastAPI) -> dict[str, str]:
    """The addresses of all reads that answer with JSON, by name."""
    return {
        str(context.name): str(context.path)
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
        and "GET" in (context.methods or ())
        and not str(context.path).endswith((".png", ".pdf", ".ics", "/file", "/report"))
    }


async def answers(
    caller: Caller, path: str, ids: dict[str, list[str]], place: str
) -> list[Response]:
    """Everything that an address answers to somebody."""
    names = PARAMETER.findall(path)
    if len(names) > 1 or any(name not in ids for name in names):
        return []
    asked = [path.format(**{names[0]: one}) for one in ids[names[0]]] if names else [path]
    found = []
    for one in asked:
        for extra in ({"limit": 100}, {}, {"node_id": place}):
            answer = await caller.get(f"http://api{one}", params=extra)
            found.append(answer)
            if answer.status_code != HTTPStatus.UNPROCESSABLE_ENTITY:
                break
    return found


@pytest.mark.parametrize(("role", "at_place"), OFFICES, ids=str)
async def test_staff_read_numbers_and_doors_masked(
    app: FastAPI,
    street: Street,
    ids: tuple[Numbers, dict[str, list[str]]],
    role: Role,
    at_place: tuple[int, ...],
) -> None:
    numbers, known = ids
    caller = await street.staff(role, *at_place)
    place = str(street.town.at(1, 1).id)
    shown, masked = set(), set()
    for name, path in reads(app).items():
        for answer in await answers(caller, path, known, place):
            assert answer.status_code < 500, (name, answer.text)
            told = answer.text
            doors = [] if name in BY_DOOR else [DOOR]
            secrets = [*numbers.all(), *doors]
            if any(secret in told for secret in secrets):
                shown.add(name)
            if any(f"{one[:3]}****{one[-4:]}" in told for one in numbers.all()):
                masked.add(name)
    assert shown == set()
    assert "read_one_issue" in masked, masked  # what is masked is there to be masked


async def test_the_owner_reads_her_own(
    street: Street, ids: tuple[Numbers, dict[str, list[str]]]
) -> None:
    numbers, _ = ids
    assert (await street.reporter.get("/me")).json()["phone"] == numbers.hers
    assert (await street.reporter.get("/me/grid")).json()["address"] == DOOR
