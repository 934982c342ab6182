"""What may be reported, where, for whom and with which photos."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from neighborhood_api.cases.models import Case, Entry, Hand
from neighborhood_api.files.models import File
from neighborhood_api.grid.areas.coordinates import Point, to_gcj02
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.models import Issue
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.support.issues import LANE, Street, photos
from tests.support.posts import appoint, phone_number, somebody, vacate
from tests.support.refusals import refused


async def rows_of(tx: Tx) -> list[int]:
    counts = [
        await tx.scalar(select(func.count()).select_from(table))
        for table in (Case, Issue, Entry, Hand, OutboxRow)
    ]
    return [count or 0 for count in counts]


@pytest.mark.parametrize(
    ("empty_from", "level", "role"),
    [
        (LANE, 3, "grid_leader"),
        (LANE[:3], 2, "community_worker"),
        (LANE[:2], 1, "street_dispatcher"),
    ],
)
async def test_where_the_post_is_vacant_the_next_one_up_answers(
    empty_from: tuple[int, ...], level: int, role: str, street: Street, tx: Tx
) -> None:
    empty = [street.town.at(*LANE[:depth]) for depth in range(len(empty_from), 5)]
    await vacate(tx, *empty)
    body = (await street.report()).json()
    node = street.town.at(*LANE[:level])
    assert (body["hand"]["level"], body["hand"]["role"]) == (level, role)
    assert body["hand"]["node_id"] == str(node.id)
    assert body["lane_id"] == str(street.town.at(*LANE).id)
    acting = street.town.staff[Role(role), node.id].id
    assert (await tx.scalar(select(Case.hand_person_id))) == acting


async def test_where_every_post_is_vacant_the_street_holds_it_without_a_person(
    street: Street, tx: Tx
) -> None:
    await vacate(tx, *[street.town.at(*LANE[:depth]) for depth in range(1, 5)])
    body = (await street.report()).json()
    assert body["hand"] | {"node_name": ""} == {
        "level": 1,
        "node_id": str(street.town.at(1).id),
        "node_name": "",
        "role": "street_dispatcher",
        "role_name": "街道调度员",
        "person_name": None,
        "organization": None,
    }
    case = (await tx.scalars(select(Case))).one()
    assert case.hand_person_id is None
    assert case.pass_up_at == case.opened_at + timedelta(minutes=60)
    vacant = select(OutboxRow.payload).where(OutboxRow.name == "cases.post_vacant")
    assert [one["node_id"] for one in await tx.scalars(vacant)] == [
        str(street.town.at(*LANE).id)
    ]


@pytest.mark.parametrize("system", ["gcj02", "wgs84"])
async def test_a_position_finds_the_lane_and_is_kept_as_given(
    system: str, street: Street, tx: Tx
) -> None:
    lane = street.town.at(*LANE)
    assert lane.longitude is not None
    assert lane.latitude is not None
    true = Point(lane.longitude + 0.0001, lane.latitude)
    given = to_gcj02(true) if system == "gcj02" else true
    position = {**given._asdict(), "coordinate_system": system}
    answer = await street.report(lane_id=None, position=position)
    assert answer.status_code == 200, answer.text
    # Every first lane of the test town has the same point; the nearest of them is one.
    assert answer.json()["lane_name"] == lane.name
    issue = (await tx.scalars(select(Issue))).one()
    assert (issue.given_longitude, issue.given_latitude) == given
    assert issue.coordinate_system == system
    assert issue.longitude == pytest.approx(true.longitude, abs=1e-7)
    assert issue.latitude == pytest.approx(true.latitude, abs=1e-7)
    detail = await street.reporter.get(f"/issues/{issue.case_id}")
    assert detail.json()["position"] == position


async def test_a_gcj02_position_is_not_taken_for_a_true_one(street: Street) -> None:
    """The two systems lie some 500 m apart here: mixed up, the lane is missed."""
    lane = street.town.at(*LANE)
    position = {"longitude": lane.longitude, "latitude": lane.latitude}
    wgs84 = await street.report(
        lane_id=None, position=position | {"coordinate_system": "wgs84"}
    )
    gcj02 = await street.report(lane_id=None, position=position)
    assert wgs84.status_code == 200
    refused(gcj02, 404, "no_lane_nearby")


@pytest.mark.parametrize("empty", [0, 1, 4], ids=["chief", "leader", "nobody"])
async def test_the_answer_is_what_the_list_then_shows(
    empty: int, street: Street, tx: Tx
) -> None:
    """It is put together from what is known, and not read back."""
    await vacate(tx, *[street.town.at(*LANE[:depth]) for depth in range(4, 4 - empty, -1)])
    mine = await photos(tx, street.reporter.person_id, 2, now=datetime.now(UTC))
    answer = await street.report(photo_ids=mine, location="3号门口")
    assert answer.status_code == 200, answer.text
    listed = (await street.reporter.get("/me/issues")).json()["items"]
    assert listed == [answer.json()]


async def test_without_lane_and_position_it_happened_at_home(street: Street) -> None:
    answer = await street.report(lane_id=None)
    assert answer.json()["lane_id"] == str(street.town.at(*LANE).id)


async def test_without_any_place_the_reporter_is_asked_for_one(street: Street, tx: Tx) -> None:
    homeless = await street.callers.resident()
    before = await rows_of(tx)
    answer = await homeless.post("/issues", json=street.wish(lane_id=None))
    problem = refused(answer, 422, "place_needed")
    assert problem["message"] == "请选择事发街巷或提供位置"
    assert await rows_of(tx) == before


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"lane_id": str(uuid4())}, 404, "node_not_found"),
        ({"lane_id": "the grid"}, 422, "not_a_lane"),
        ({"category_code": "old.thing"}, 422, "category_not_found"),
        ({"category_code": "no.such"}, 422, "category_not_found"),
        ({"lane_id": None, "position": {"longitude": 0, "latitude": 0}}, 404, "no_lane_nearby"),
        ({"position": {"longitude": 181, "latitude": 0}}, 422, "invalid_request"),
        ({"lane_id": "no uuid"}, 422, "invalid_request"),
        ({"photos": []}, 422, "invalid_request"),
    ],
)
async def test_a_report_of_nothing_real_is_refused_and_leaves_nothing(
    changes: dict[str, object], status: int, code: str, street: Street, tx: Tx
) -> None:
    if changes.get("lane_id") == "the grid":
        changes = {"lane_id": str(street.town.at(*LANE[:3]).id)}
    before = await rows_of(tx)
    refused(await street.report(**changes), status, code)
    assert await rows_of(tx) == before


async def test_a_lane_that_is_no_more_takes_no_reports(street: Street, tx: Tx) -> None:
    lane = await tx.merge(street.town.at(*LANE))
    lane.valid_until = datetime.now(UTC).date() - timedelta(days=2)
    await tx.flush()
    refused(await street.report(), 404, "node_not_found")
    refused(await street.report(lane_id=None), 404, "node_not_found")  # she still lives there


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("垃圾满了", 422),
        ("垃圾都满了", 200),
        ("  垃圾满了  ", 422),
        ("\u3000\u3000\n\t \u00a0\u2003", 422),
        ("满" * 2000, 200),
        ("满" * 2001, 422),
        (f" {'满' * 2000} ", 200),
        ("🗑️🐀👎", 422),
        ("🗑🐀👎😡🆘", 200),
        ("👨‍👩‍👧‍👦" * 285, 200),
        ("垃圾\x00满了没人清", 422),
    ],
)
async def test_a_report_has_five_to_two_thousand_characters(
    text: str, status: int, street: Street, tx: Tx
) -> None:
    answer = await street.report(text=text)
    assert answer.status_code == status, answer.text
    stored = await tx.scalar(select(Issue.text))
    assert stored == (text.strip() if status == 200 else None)
    if status == 200:
        assert answer.json()["text"] == text.strip()


async def test_half_a_surrogate_pair_is_refused(street: Street) -> None:
    body = json.dumps(street.wish(text="垃圾满了没人清X")).replace("X", r"\ud83d")
    headers = {"content-type": "application/json"}
    answer = await street.reporter.post("/issues", content=body, headers=headers)
    assert answer.status_code == 422, answer.text


async def test_nine_photos_are_kept_in_order_and_used_once(street: Street, tx: Tx) -> None:
    now = datetime.now(UTC)
    mine = await photos(tx, street.reporter.person_id, 9, now=now)
    mine.reverse()
    answer = await street.report(photo_ids=mine)
    assert [photo["id"] for photo in answer.json()["photos"]] == mine
    claimed = select(func.count()).select_from(File).where(File.claimed_at.is_not(None))
    assert await tx.scalar(claimed) == 9
    again = refused(await street.report(photo_ids=mine[:1]), 422, "files_not_usable")
    assert again["file_ids"] == mine[:1]
    assert await tx.scalar(select(func.count()).select_from(Issue)) == 1


async def test_ten_photos_and_a_photo_twice_are_refused(street: Street, tx: Tx) -> None:
    mine = await photos(tx, street.reporter.person_id, 10, now=datetime.now(UTC))
    too_many = refused(await street.report(photo_ids=mine), 422, "invalid_request")
    assert too_many["errors"][0]["pointer"] == "#/body/photo_ids"
    twice = refused(await street.report(photo_ids=[mine[0]] * 2), 422, "invalid_request")
    assert twice["errors"][0]["message"] == "照片重复，请去掉重复的"
    assert twice["errors"][0]["pointer"] == "#/body/photo_ids"


async def test_a_foreign_photo_is_refused_and_nothing_is_written(
    street: Street, tx: Tx
) -> None:
    now = datetime.now(UTC)
    mine = await photos(tx, street.reporter.person_id, 1, now=now)
    theirs = await photos(tx, street.chief.person_id, 1, now=now)
    before = await rows_of(tx)
    answer = await street.report(photo_ids=[*mine, *theirs, str(uuid4())])
    problem = refused(answer, 422, "files_not_usable")
    assert theirs[0] in problem["file_ids"]
    assert mine[0] not in problem["file_ids"]
    assert await rows_of(tx) == before
    tx.expire_all()
    claimed = select(func.count()).select_from(File).where(File.claimed_at.is_not(None))
    assert await tx.scalar(claimed) == 0


async def test_an_anonymous_report_is_still_known_to_staff(street: Street) -> None:
    issue_id = await street.reported(anonymous=True)
    seen = (await street.chief.get(f"/issues/{issue_id}")).json()
    assert seen["reporter"]["anonymous"] is True
    assert seen["reporter"]["name"] == "居民"
    mine = (await street.reporter.get(f"/issues/{issue_id}")).json()
    assert mine["reporter"] is None
    assert mine["timeline"][0]["who"] is None


async def test_staff_report_for_a_caller_who_is_not_known(street: Street, tx: Tx) -> None:
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    number = phone_number()
    wish = street.wish(on_behalf_of={"name": "王女士", "phone": number})
    answer = await worker.post("/issues", json=wish)
    assert answer.status_code == 200, answer.text
    issue_id = answer.json()["id"]
    case = (await tx.scalars(select(Case))).one()
    assert (case.reporter_id, case.reported_by_id) == (None, worker.person_id)
    entry = (await tx.scalars(select(Entry))).one()
    assert (entry.by, entry.role) == ("staff", "community_worker")
    assert (await worker.get("/me/issues")).json()["items"] == []
    seen = (await street.chief.get(f"/issues/{issue_id}")).json()
    assert seen["reporter"] == {
        "name": "王女士",
        "phone": f"{number[:3]}****{number[-4:]}",
        "anonymous": True,
        "by_phone": True,
        "channel": "telephone",
        "channel_name": "电话",
        "account": False,
    }


async def test_a_caller_who_is_known_by_phone_finds_the_issue_among_hers(
    street: Street, tx: Tx
) -> None:
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    known = await somebody(tx, "李先生", phone=phone_number())
    caller = await street.callers.person(known.id)
    wish = street.wish(on_behalf_of={"name": "老李", "phone": known.phone})
    issue_id = (await worker.post("/issues", json=wish)).json()["id"]
    assert [row["id"] for row in (await caller.get("/me/issues")).json()["items"]] == [issue_id]
    withdrawn = await street.done(caller, issue_id, "withdraw", text="已解决")
    assert withdrawn["state"] == "withdrawn"


async def test_an_intake_needs_a_place_even_when_the_worker_has_a_home(
    street: Street, tx: Tx
) -> None:
    """The worker's own lane is not where the caller's trouble is."""
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    home = {"lane_id": str(street.town.at(*LANE).id), "address": "1号"}
    assert (await worker.put("/me/residence", json=home)).status_code == 200
    call = {"name": "王女士", "phone": phone_number()}
    wish = street.wish(lane_id=None, on_behalf_of=call)
    refused(await worker.post("/issues", json=wish), 422, "place_needed")
    assert await tx.scalar(select(func.count()).select_from(Case)) == 0


async def test_an_intake_is_noted_under_the_post_that_allows_it(street: Street, tx: Tx) -> None:
    """She is secretary elsewhere too; here she answers the telephone as a worker."""
    both = street.town.staff[Role.COMMUNITY_SECRETARY, street.town.at(1, 2).id]
    await appoint(tx, street.town.at(1, 1), Role.COMMUNITY_WORKER, both.id)
    caller = await street.callers.person(both.id)
    wish = street.wish(on_behalf_of={"name": "王女士", "phone": phone_number()})
    answer = await caller.post("/issues", json=wish)
    assert answer.status_code == 200, answer.text
    assert await tx.scalar(select(Entry.role)) == "community_worker"


async def test_categories_in_use_are_listed_with_their_limits(street: Street) -> None:
    items = (await street.reporter.get("/issue-categories")).json()["items"]
    codes = {item["code"] for item in items}
    assert {"env.garbage", "road.light"} <= codes
    assert "old.thing" not in codes
    light = next(item for item in items if item["code"] == "road.light")
    assert (light["respond"]["amount"], light["evidence"]) == (60, ["photo_after"])
