"""Years and office hours over HTTP: who may set them, what contradicts itself."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient
from sqlalchemy import func, select

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.schedules.clocks import Clock as Kind
from neighborhood_api.schedules.clocks import deadline
from neighborhood_api.schedules.models import (
    CalendarChange,
    OfficeWeek,
    SpecialDay,
    WorkingYear,
)
from neighborhood_api.schedules.published import load_published_years
from neighborhood_api.schedules.working import calendar_of
from tests.schedules.calendars import at
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.refusals import refused

NOTICE = "国务院办公厅关于2027年部分节假日安排的通知"
NEW_YEAR = {"day": "2027-01-01", "is_workday": False, "name": "元旦"}
MAKE_UP = {"day": "2027-01-03", "is_workday": True, "name": "元旦"}
YEAR = "/working-calendar/years/2027"
HOURS = "/working-calendar/office-hours"
MORNINGS = [{"weekday": n, "opens_at": "08:00", "closes_at": "12:00"} for n in range(1, 6)]


@pytest.fixture(autouse=True)
async def _shipped(tx: Tx, clock: Clock) -> None:
    await load_published_years(tx, now=clock.now)
    await tx.commit()


def year_of(town: Town, *days: dict[str, Any], **changes: object) -> dict[str, Any]:
    return {
        "district_id": str(town.at().id),
        "source": NOTICE,
        "days": list(days or (NEW_YEAR, MAKE_UP)),
        "version": 0,
    } | changes


def hours_of(town: Town, **changes: object) -> dict[str, Any]:
    return {
        "district_id": str(town.at().id),
        "valid_from": "2026-12-01",
        "windows": MORNINGS,
        "version": 0,
    } | changes


async def events(tx: Tx) -> list[dict[str, Any]]:
    mine = select(OutboxRow.payload).where(
        OutboxRow.name == "schedules.calendar_changed",
        OutboxRow.payload["district_id"].as_string().is_not(None),
    )
    return list(await tx.scalars(mine.order_by(OutboxRow.id)))


async def untouched(tx: Tx) -> bool:
    """Whether no district has anything of its own."""
    years = select(func.count()).where(WorkingYear.district_id.is_not(None))
    weeks = select(func.count()).select_from(OfficeWeek)
    nothing = (await tx.scalar(years), await tx.scalar(weeks)) == (0, 0)
    return nothing and await events(tx) == []


async def test_an_operator_publishes_a_year_and_deadlines_follow(
    operator: Caller, town: Town, tx: Tx, clock: Clock
) -> None:
    start = at("2026-12-30", "10:00")
    guess = deadline(Kind.WORKING_DAYS, 2, start, await calendar_of(tx, town.at().id))
    assert guess == (at("2027-01-02"), True)
    answer = await operator.put(YEAR, json=year_of(town))
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "year": 2027,
        "published": True,
        "own": True,
        "source": NOTICE,
        "days": [NEW_YEAR, MAKE_UP],
        "version": 1,
    }
    row = (await tx.scalars(select(WorkingYear).where(WorkingYear.year == 2027))).one()
    assert (row.district_id, row.published_at) == (town.at().id, clock.now)
    days = await tx.scalars(select(SpecialDay).where(SpecialDay.working_year_id == row.id))
    assert {(str(one.day), one.is_workday) for one in days} == {
        ("2027-01-01", False),
        ("2027-01-03", True),
    }
    change = (
        await tx.scalars(select(CalendarChange).order_by(CalendarChange.id.desc()))
    ).first()
    assert change is not None
    assert (change.changed_by_id, change.district_id) == (operator.person_id, town.at().id)
    assert await events(tx) == [
        {"year": 2027, "district_id": str(town.at().id), "since_on": "2027-01-01"}
    ]
    calendar = await calendar_of(tx, town.at().id)
    assert deadline(Kind.WORKING_DAYS, 2, start, calendar) == (at("2027-01-04"), False)


async def test_saying_it_again_changes_nothing(operator: Caller, town: Town, tx: Tx) -> None:
    first = await operator.put(YEAR, json=year_of(town))
    again = await operator.put(YEAR, json=year_of(town, MAKE_UP, NEW_YEAR))
    assert again.json() == first.json()
    assert len(await events(tx)) == 1


async def test_a_correction_is_announced_from_the_first_day_it_changes(
    operator: Caller, town: Town, tx: Tx
) -> None:
    await operator.put(YEAR, json=year_of(town))
    labour = {"day": "2027-05-03", "is_workday": False, "name": "劳动节"}
    stale = await operator.put(YEAR, json=year_of(town, NEW_YEAR, MAKE_UP, labour))
    assert refused(stale, 409, "stale_version")["version"] == 1
    assert len(await events(tx)) == 1
    wish = year_of(town, NEW_YEAR, MAKE_UP, labour, version=1)
    answer = await operator.put(YEAR, json=wish)
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    # The weekend before that Monday belongs to the holiday now.
    assert [event["since_on"] for event in await events(tx)] == ["2027-01-01", "2027-05-01"]
    assert not (await calendar_of(tx, town.at().id)).is_workday(
        at("2027-05-03", "12:00").date()
    )


async def test_new_names_alone_are_kept_and_not_announced(
    operator: Caller, town: Town, tx: Tx
) -> None:
    await operator.put(YEAR, json=year_of(town))
    first = date(2027, 1, 1)
    assert (await calendar_of(tx, town.at().id)).holiday(first) == "元旦"
    named = [NEW_YEAR | {"name": "新年"}, MAKE_UP]
    answer = await operator.put(YEAR, json=year_of(town, *named, version=1))
    assert answer.json()["days"] == named
    assert len(await events(tx)) == 1
    assert (await calendar_of(tx, town.at().id)).holiday(first) == "新年"


async def test_a_weekend_that_becomes_a_holiday_is_announced_and_known_at_once(
    operator: Caller, town: Town, tx: Tx
) -> None:
    await operator.put(YEAR, json=year_of(town))
    saturday = date(2027, 5, 8)
    assert (await calendar_of(tx, town.at().id)).holiday(saturday) is None
    fair = {"day": "2027-05-08", "is_workday": False, "name": "花会"}
    days = (NEW_YEAR, MAKE_UP, fair)
    answer = await operator.put(YEAR, json=year_of(town, *days, version=1))
    assert answer.status_code == 200, answer.text
    assert (await calendar_of(tx, town.at().id)).holiday(saturday) == "花会"
    assert [event["since_on"] for event in await events(tx)] == ["2027-01-01", "2027-05-08"]


async def test_a_notice_may_move_the_last_days_of_december(
    operator: Caller, town: Town, tx: Tx
) -> None:
    make_up = {"day": "2026-12-27", "is_workday": True, "name": "元旦"}
    answer = await operator.put(YEAR, json=year_of(town, make_up, NEW_YEAR))
    assert answer.status_code == 200, answer.text
    assert [event["since_on"] for event in await events(tx)] == ["2026-12-27"]
    assert (await calendar_of(tx, town.at().id)).is_workday(at("2026-12-27", "12:00").date())


TUESDAY = {"day": "2027-01-05", "is_workday": True, "name": "元旦"}


@pytest.mark.parametrize(
    ("address", "days", "code"),
    [
        (YEAR, [TUESDAY], "already_workday"),
        (YEAR, [NEW_YEAR | {"day": "2028-01-03"}], "day_outside_year"),
        (YEAR, [NEW_YEAR | {"day": "2026-12-01"}], "day_outside_year"),
        (YEAR, [NEW_YEAR, MAKE_UP, NEW_YEAR], "day_named_twice"),
        (YEAR, [NEW_YEAR, NEW_YEAR | {"is_workday": True}], "day_named_twice"),
        ("/working-calendar/years/2028", [NEW_YEAR | {"day": "2028-01-03"}], "notice_not_out"),
        ("/working-calendar/years/1999", [NEW_YEAR], "invalid_request"),
        ("/working-calendar/years/2200", [NEW_YEAR], "invalid_request"),
        (YEAR, [NEW_YEAR | {"name": " "}], "invalid_request"),
    ],
)
async def test_a_year_that_contradicts_itself_is_refused(
    address: str,
    days: list[dict[str, Any]],
    code: str,
    operator: Caller,
    town: Town,
    tx: Tx,
) -> None:
    answer = await operator.put(address, json=year_of(town, *days))
    problem = refused(answer, 422, code)
    if code.startswith(("already", "day")):
        assert problem["day"] == days[-1]["day"]
    assert await untouched(tx)


async def test_a_year_without_days_is_refused(operator: Caller, town: Town, tx: Tx) -> None:
    refused(await operator.put(YEAR, json=year_of(town, days=[])), 422, "invalid_request")
    assert await untouched(tx)


@pytest.mark.parametrize(
    ("role", "path", "body"),
    [
        (Role.LANE_CHIEF, (1, 1, 1, 1), None),
        (Role.GRID_LEADER, (1, 1, 1), None),
        (Role.COMMUNITY_SECRETARY, (1, 1), None),
        (Role.STREET_DISPATCHER, (1,), None),
        (Role.STREET_SECRETARY, (1,), None),
        (Role.DEPARTMENT_OFFICER, (1,), 0),
    ],
)
async def test_nobody_but_the_operator_changes_the_calendar(
    role: Role, path: tuple[int, ...], body: int | None, callers: Callers, town: Town, tx: Tx
) -> None:
    caller = await callers.staff(town, role, *path, body=body)
    refused(await caller.put(YEAR, json=year_of(town)), 403, "forbidden")
    refused(await caller.put(HOURS, json=hours_of(town)), 403, "forbidden")
    assert await untouched(tx)


async def test_neither_residents_nor_the_neighbouring_operator_change_it(
    neighbour: Caller, callers: Callers, town: Town, tx: Tx
) -> None:
    resident = await callers.resident(town.place(1, 1, 1, 1))
    for caller in (resident, neighbour):
        refused(await caller.put(YEAR, json=year_of(town)), 403, "forbidden")
        refused(await caller.put(HOURS, json=hours_of(town)), 403, "forbidden")
    assert await untouched(tx)
    own = neighbour.headers["x-district"]
    answer = await neighbour.put(YEAR, json=year_of(town, district_id=own))
    assert answer.status_code == 200, answer.text
    assert not (await calendar_of(tx, town.at().id)).is_published(at("2027-03-01").date())
    assert (await calendar_of(tx, UUID(own))).is_published(at("2027-03-01").date())


async def test_strangers_see_nothing(http: AsyncClient, town: Town) -> None:
    for address in ("/working-calendar", YEAR, HOURS):
        query = {"district_id": str(town.at().id)}
        refused(await http.get(address, params=query), 401, "not_signed_in")
    refused(await http.put(YEAR, json=year_of(town)), 401, "not_signed_in")
    refused(await http.put(HOURS, json=hours_of(town)), 401, "not_signed_in")


async def test_calendars_are_those_of_districts(operator: Caller, town: Town, tx: Tx) -> None:
    street, unknown = str(town.at(1).id), str(uuid4())
    for district_id, status, code in (
        (street, 422, "not_a_district"),
        (unknown, 404, "node_not_found"),
    ):
        query = {"district_id": district_id}
        for address in ("/working-calendar", YEAR, HOURS):
            refused(await operator.get(address, params=query), status, code)
        year = await operator.put(YEAR, json=year_of(town, district_id=district_id))
        hours = await operator.put(HOURS, json=hours_of(town, district_id=district_id))
        refused(year, status, code)
        refused(hours, status, code)
    assert await untouched(tx)


async def test_anybody_signed_in_sees_which_days_are_worked(
    callers: Callers, operator: Caller, town: Town
) -> None:
    await operator.put(HOURS, json=hours_of(town))
    await operator.put(YEAR, json=year_of(town))
    resident = await callers.resident(town.place(1, 1, 1, 1))
    answer = await resident.get(
        "/working-calendar", params={"from": "2026-09-25", "to": "2026-09-27"}
    )
    assert answer.status_code == 200, answer.text
    usual = [
        {"opens_at": "08:30", "closes_at": "12:00"},
        {"opens_at": "14:30", "closes_at": "17:30"},
    ]
    assert answer.json()["district_id"] == str(town.at().id)
    assert answer.json()["days"][0] == {
        "day": "2026-09-25",
        "is_workday": False,
        "name": "中秋节",
        "provisional": False,
        "hours": [],
    }
    later = await resident.get(
        "/working-calendar", params={"from": "2026-11-30", "to": "2028-01-03"}
    )
    refused(later, 422, "bad_calendar_period")
    days: dict[str, Any] = {}
    for first, last in (("2026-11-30", "2027-06-01"), ("2028-01-03", "2028-01-03")):
        shown = await resident.get("/working-calendar", params={"from": first, "to": last})
        days |= {day["day"]: day for day in shown.json()["days"]}
    assert days["2026-11-30"]["hours"] == usual
    mornings = [{"opens_at": "08:00", "closes_at": "12:00"}]
    assert days["2026-12-01"]["hours"] == mornings
    assert days["2027-01-03"] == {
        "day": "2027-01-03",
        "is_workday": True,
        "name": "元旦",
        "provisional": False,
        "hours": mornings,
    }
    assert (days["2028-01-03"]["is_workday"], days["2028-01-03"]["provisional"]) == (True, True)


async def test_the_calendar_begins_today_and_is_that_of_the_callers_district(
    callers: Callers, neighbour: Caller, town: Town
) -> None:
    chief = await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1)
    homeless = await callers.resident()
    for caller, district in (
        (chief, str(town.at().id)),
        (neighbour, neighbour.headers["x-district"]),
        (homeless, None),
    ):
        shown = (await caller.get("/working-calendar")).json()
        assert shown["district_id"] == district
        assert [shown["days"][0]["day"], shown["days"][-1]["day"]] == [
            "2026-11-22",
            "2026-12-22",
        ]


@pytest.mark.parametrize(
    "period",
    [
        {"from": "2026-11-22", "to": "2026-11-21"},
        {"from": "2026-01-01", "to": "2027-01-02"},
        {"from": "0001-01-01"},
        {"from": "9999-12-31"},
        {"from": "2199-12-31"},
    ],
)
async def test_a_period_that_cannot_be_shown_is_refused(
    period: dict[str, str], operator: Caller
) -> None:
    answer = await operator.get("/working-calendar", params=period)
    refused(answer, 422, "bad_calendar_period")


async def test_a_year_shows_whose_it_is(operator: Caller, town: Town) -> None:
    query = {"district_id": str(town.at().id)}
    country = (await operator.get("/working-calendar/years/2026", params=query)).json()
    assert (country["published"], country["own"], country["version"]) == (True, False, 0)
    assert len(country["days"]) == 25
    assert country["source"] == "国务院办公厅关于2026年部分节假日安排的通知"
    unknown = (await operator.get(YEAR, params=query)).json()
    assert (unknown["published"], unknown["source"], unknown["days"]) == (False, None, [])


async def test_office_hours_hold_from_their_day_on(
    operator: Caller, town: Town, tx: Tx
) -> None:
    answer = await operator.put(HOURS, json=hours_of(town))
    assert answer.status_code == 200, answer.text
    usual, changed = answer.json()["items"]
    assert (usual["valid_from"], changed["valid_from"]) == (None, "2026-12-01")
    assert len(usual["windows"]) == 14
    assert changed["windows"] == [
        {"opens_at": "08:00", "closes_at": "12:00", "weekday": n} for n in range(1, 8)
    ]
    assert (await tx.scalars(select(OfficeWeek.week))).one() == [[[480, 720]]] * 5 + [[], []]
    assert await events(tx) == [
        {"year": 2026, "district_id": str(town.at().id), "since_on": "2026-12-01"}
    ]
    calendar = await calendar_of(tx, town.at().id)
    due = deadline(Kind.WORKING_HOURS, 60, at("2026-11-30", "17:00"), calendar)
    assert due.at == at("2026-12-01", "08:30")
    shown = await operator.get(HOURS, params={"district_id": str(town.at().id)})
    assert shown.json() == answer.json()


async def test_office_hours_are_corrected_by_version(
    operator: Caller, town: Town, tx: Tx
) -> None:
    first = await operator.put(HOURS, json=hours_of(town))
    again = await operator.put(HOURS, json=hours_of(town))
    assert again.json() == first.json()
    assert len(await events(tx)) == 1
    night = [*MORNINGS, {"weekday": 1, "opens_at": "20:00", "closes_at": "24:00"}]
    stale = await operator.put(HOURS, json=hours_of(town, windows=night))
    assert refused(stale, 409, "stale_version")["version"] == 1
    answer = await operator.put(HOURS, json=hours_of(town, windows=night, version=1))
    assert answer.status_code == 200, answer.text
    monday = await tx.scalars(select(OfficeWeek.week).execution_options(populate_existing=True))
    assert monday.one()[0] == [[480, 720], [1200, 1440]]
    assert answer.json()["items"][1]["version"] == 2
    assert len(await events(tx)) == 2


OVERLAP = {"weekday": 1, "opens_at": "11:00", "closes_at": "15:00"}
BACKWARDS = {"weekday": 2, "opens_at": "15:00", "closes_at": "14:00"}
SATURDAY = {"weekday": 6, "opens_at": "09:00", "closes_at": "12:00"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"windows": [*MORNINGS, OVERLAP]}, "bad_office_hours"),
        ({"windows": [*MORNINGS, MORNINGS[0]]}, "bad_office_hours"),
        ({"windows": [*MORNINGS, BACKWARDS]}, "bad_office_hours"),
        ({"windows": [SATURDAY]}, "bad_office_hours"),
        ({"windows": []}, "invalid_request"),
        ({"windows": [MORNINGS[0] | {"closes_at": "24:01"}]}, "invalid_request"),
        ({"windows": [MORNINGS[0] | {"weekday": 8}]}, "invalid_request"),
        ({"valid_from": "2026-11-21"}, "hours_in_the_past"),
    ],
)
async def test_office_hours_that_cannot_be_are_refused(
    changes: dict[str, Any], code: str, operator: Caller, town: Town, tx: Tx
) -> None:
    refused(await operator.put(HOURS, json=hours_of(town, **changes)), 422, code)
    assert await untouched(tx)
