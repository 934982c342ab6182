"""The demonstration district is complete and consistent before it meets a database."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from datetime import time
from itertools import combinations, pairwise
from typing import get_args

import pytest

from neighborhood_api.demo.place import (
    DemoPlace,
    IssueRow,
    IssueState,
    Level,
    Move,
    PersonRow,
    Post,
    ResidentRow,
    Role,
    StepRow,
    load_place,
)
from neighborhood_api.issues.categories.seed import category_seeds

STREET = "441322001000"
OLD_TOWN = ("441322001002", "441322001005")
LEVELS: tuple[Level, ...] = get_args(Level)
ROLE_LEVEL: dict[Role, Level] = {
    "lane_chief": "lane",
    "grid_leader": "grid",
    "grid_worker": "grid",
    "community_secretary": "community",
    "community_worker": "community",
    "street_secretary": "street",
    "street_dispatcher": "street",
    "department_officer": "street",
    "operator": "district",
    "discipline_officer": "district",
    "chief_operator": "district",
}
HANDLER: dict[Level, Post] = {
    "lane": "chief",
    "grid": "grid_leader",
    "community": "community_worker",
    "street": "dispatcher",
}
LADDER = tuple(HANDLER)
UNDER_WAY: frozenset[IssueState] = frozenset({"assigned", "accepted", "handling", "reopened"})
BECOMES: dict[Move, tuple[frozenset[IssueState], IssueState]] = {
    "accept": (frozenset({"assigned", "reopened"}), "accepted"),
    "respond": (frozenset({"accepted", "handling"}), "handling"),
    "resolve": (frozenset({"handling"}), "resolved"),
    "confirm": (frozenset({"resolved"}), "confirmed"),
    "reopen": (frozenset({"resolved"}), "reopened"),
    "rate": (frozenset({"confirmed"}), "closed"),
    "reject": (frozenset({"assigned"}), "rejected"),
    "escalate": (frozenset({"assigned", "accepted", "handling"}), "assigned"),
    "withdraw": (UNDER_WAY, "withdrawn"),
}
REPORTERS_MOVES: frozenset[Move] = frozenset({"confirm", "reopen", "rate", "withdraw"})
PLACEHOLDER_MOBILE = re.compile(r"154\d{8}")
PLACEHOLDER_DESK = re.compile(r"0752-90\d{5}")


@pytest.fixture(scope="module")
def place() -> DemoPlace:
    return load_place()


def repeated(values: Iterator[str]) -> list[str]:
    return [value for value, times in Counter(values).items() if times > 1]


def codes(place: DemoPlace, level: Level) -> list[str]:
    return [node.code for node in place.nodes if node.level == level]


def test_the_tree_is_the_real_county_with_the_old_towns_64_lanes(place: DemoPlace) -> None:
    kinds = Counter(node.kind for node in place.nodes)
    assert kinds["district"] == 1
    assert kinds["street"] + kinds["town"] == 17
    assert kinds["management_area"] == 1
    assert kinds["community"] == 19
    assert kinds["village"] == 31
    old_town = [n for n in place.nodes if n.level == "lane" and n.code.startswith(OLD_TOWN)]
    assert len(old_town) == 64
    assert {lane.kind for lane in old_town} == {"lane"}
    assert len({lane.code[:15] for lane in old_town}) == 6
    names = {node.code: node.name for node in place.nodes}
    assert (names["441322001005"], names["441322001201"]) == ("观华社区", "鸡麻地村")


def test_every_node_stands_one_level_below_a_parent_listed_before_it(place: DemoPlace) -> None:
    seen: dict[str, Level] = {}
    for node in place.nodes:
        if node.parent_code is None:
            assert node.level == "district"
        else:
            assert LEVELS.index(node.level) == LEVELS.index(seen[node.parent_code]) + 1
        if node.level in {"grid", "lane"}:
            assert node.code[:-3] == node.parent_code
        seen[node.code] = node.level
    assert len(seen) == len(place.nodes)


def test_every_community_of_the_street_has_a_grid_and_every_grid_two_lanes(
    place: DemoPlace,
) -> None:
    children = Counter(node.parent_code for node in place.nodes)
    communities = [n.code for n in place.nodes if n.kind == "community"]
    assert min(children[code] for code in communities) >= 1
    assert min(children[code] for code in codes(place, "grid")) >= 2


def test_lane_names_and_plates_are_unique_and_easy_to_read_aloud(place: DemoPlace) -> None:
    lanes = [node for node in place.nodes if node.level == "lane"]
    assert repeated(lane.name for lane in lanes) == []
    plates = [lane.plate_code or "" for lane in lanes]
    assert repeated(iter(plates)) == []
    assert [p for p in plates if not re.fullmatch("[2-9A-HJKMNP-Z]{6}", p)] == []
    assert {node.plate_code for node in place.nodes if node.level != "lane"} == {None}


def test_lanes_lie_60_to_120_metres_from_their_nearest_neighbour(place: DemoPlace) -> None:
    points = {
        n.code: (n.longitude * 102_340, n.latitude * 110_750)
        for n in place.nodes
        if n.longitude is not None and n.latitude is not None
    }
    assert set(points) == set(codes(place, "lane"))
    nearest = dict.fromkeys(points, math.inf)
    for a, b in combinations(points, 2):
        metres = math.dist(points[a], points[b])
        nearest[a], nearest[b] = min(nearest[a], metres), min(nearest[b], metres)
    assert 60 <= min(nearest.values()) <= max(nearest.values()) <= 120


def test_every_post_is_filled_where_it_belongs(place: DemoPlace) -> None:
    level = {node.code: node.level for node in place.nodes}
    assert [p for p in place.posts if ROLE_LEVEL[p.role] != level[p.node_code]] == []
    held = Counter((p.role, p.node_code) for p in place.posts)
    for lane in codes(place, "lane"):
        assert held["lane_chief", lane] == 1
    for grid in codes(place, "grid"):
        assert (held["grid_leader", grid], held["grid_worker", grid]) == (1, 1)
    for community in codes(place, "community"):
        assert held["community_secretary", community] == 1
        assert held["community_worker", community] >= 1
    assert held["street_secretary", STREET] == 1
    assert held["street_dispatcher", STREET] == 2
    assert held["department_officer", STREET] == 4
    for role in ("operator", "discipline_officer", "chief_operator"):
        assert held[role, "441322000000"] == 1


def test_nobody_leads_two_grids_or_holds_more_than_two_lanes(place: DemoPlace) -> None:
    held = Counter((p.person_key, p.role) for p in place.posts)
    assert max(n for (_, role), n in held.items() if role == "lane_chief") == 2
    assert max(n for (_, role), n in held.items() if role != "lane_chief") == 1


def test_posts_name_known_people_and_three_chiefs_have_a_stand_in(place: DemoPlace) -> None:
    keys = {person.key for person in place.people}
    assert {p.person_key for p in place.posts} == keys
    stand_ins = [p for p in place.posts if p.stand_in_key]
    assert {p.stand_in_key for p in stand_ins} < keys
    assert [p.role for p in stand_ins] == ["lane_chief"] * 3
    assert all(p.stand_in_key != p.person_key for p in stand_ins)
    officers = [p for p in place.posts if p.role == "department_officer"]
    assert len({p.organization for p in officers} - {None}) == len(officers)


def test_people_are_unique_by_key_name_phone_and_openid(place: DemoPlace) -> None:
    everyone: list[PersonRow | ResidentRow] = [*place.people, *place.residents]
    assert repeated(one.key for one in everyone) == []
    assert repeated(one.name for one in everyone) == []
    assert repeated(one.phone for one in everyone if one.phone) == []
    openids = [resident.openid for resident in place.residents]
    assert repeated(iter(openids)) == []
    assert [openid for openid in openids if not re.fullmatch(r"oDemo[\w-]{23}", openid)] == []


def test_no_number_anywhere_can_reach_a_real_person(place: DemoPlace) -> None:
    mobiles = [person.phone for person in place.people]
    mobiles += [resident.phone for resident in place.residents if resident.phone]
    mobiles += [issue.caller_phone for issue in place.issues if issue.caller_phone]
    assert [number for number in mobiles if not PLACEHOLDER_MOBILE.fullmatch(number)] == []
    public = [p.duty_phone for p in place.posts] + [venue.phone for venue in place.venues]
    assert [
        number
        for number in public
        if not PLACEHOLDER_MOBILE.fullmatch(number) and not PLACEHOLDER_DESK.fullmatch(number)
    ] == []
    texts = [part for issue in place.stories for part in written(issue)]
    texts += [session.about for session in place.sessions]
    assert len(texts) > 100
    assert [text for text in texts if re.search(r"\d{7}", text)] == []


def written(issue: IssueRow) -> Iterator[str]:
    yield issue.text
    yield issue.location_detail
    yield from (step.text for step in issue.steps)


def test_households_have_their_own_door_in_a_lane_and_residents_live_in_them(
    place: DemoPlace,
) -> None:
    assert len(place.households) >= 400
    assert repeated(f"{home.lane_code} {home.address}" for home in place.households) == []
    assert {home.lane_code for home in place.households} == set(codes(place, "lane"))
    homes = {home.key for home in place.households}
    assert len(homes) == len(place.households)
    assert {one.household_key for one in place.residents} - {None} < homes
    assert any(one.household_key is None for one in place.residents)
    assert any(one.phone is None for one in place.residents)


def test_rooms_are_bookable_in_whole_slots_and_their_hours_do_not_overlap(
    place: DemoPlace,
) -> None:
    assert {venue.node_code for venue in place.venues} == {STREET, "441322001005"}
    assert {room.venue_key for room in place.rooms} == {venue.key for venue in place.venues}
    for room in place.rooms:
        assert 0 < room.shortest_minutes <= room.longest_minutes
        assert room.shortest_minutes % room.slot_minutes == 0
        assert room.longest_minutes % room.slot_minutes == 0
        hours = [o for o in place.openings if o.room_key == room.key]
        assert {o.weekday for o in hours} < set(range(1, 8))
        assert all(o.opens < o.closes for o in hours)
        hours.sort(key=lambda o: (o.weekday, o.opens))
        for one, other in pairwise(hours):
            assert one.weekday < other.weekday or one.closes <= other.opens
    assert {o.room_key for o in place.openings} == {room.key for room in place.rooms}


def test_sessions_take_place_while_their_room_is_open_and_fit_in_it(place: DemoPlace) -> None:
    rooms = {room.key: room for room in place.rooms}
    taken: set[tuple[str, int, time]] = set()
    for session in place.sessions:
        assert any(
            o.opens <= session.starts < session.ends <= o.closes
            for o in place.openings
            if (o.room_key, o.weekday) == (session.room_key, session.weekday)
        ), session.key
        assert session.capacity <= rooms[session.room_key].capacity
        assert session.youngest_age < session.oldest_age
        taken.add((session.room_key, session.weekday, session.starts))
    assert len(taken) == len(place.sessions) >= 8


def test_answers_are_due_before_solutions_in_every_category_of_the_stories(
    place: DemoPlace,
) -> None:
    seeded = {seed.code for seed in category_seeds()}
    assert repeated(row.category_code for row in place.limits) == []
    assert len({row.category_code.split(".")[0] for row in place.limits}) >= 6
    for row in place.limits:
        assert row.category_code in seeded
        assert 30 <= row.respond_minutes <= 1440
        assert 240 <= row.resolve_minutes <= 14400
        assert row.respond_minutes < row.resolve_minutes


def test_every_issue_is_reported_by_someone_about_something_somewhere(
    place: DemoPlace,
) -> None:
    residents = {resident.key for resident in place.residents}
    categories = {row.category_code for row in place.limits}
    lanes = set(codes(place, "lane"))
    assert repeated(issue.key for issue in place.stories) == []
    assert repeated(issue.text for issue in place.stories) == []
    for issue in place.stories:
        assert issue.category_code in categories
        assert issue.lane_code in lanes
        assert 15 <= len(issue.text) <= 200
        if issue.registered_by is None:
            assert issue.reporter_key in residents
        else:
            assert issue.reporter_key is None
            assert issue.caller_name
            assert issue.caller_phone
    assert sum(issue.registered_by is not None for issue in place.stories) == 3


def test_every_state_level_rating_and_category_is_shown(place: DemoPlace) -> None:
    straight = Counter(issue.state for issue in place.issues)
    assert min(straight.values()) >= 3
    assert {issue.state for issue in place.stories} == set(get_args(IssueState))
    waiting = {issue.held_at for issue in place.issues if issue.state == "assigned"}
    assert waiting == set(LADDER)
    ratings = {step.rating for issue in place.issues for step in issue.steps} - {None}
    assert ratings == {1, 2, 3, 4, 5}
    assert {i.category_code for i in place.stories} == {
        row.category_code for row in place.limits
    }
    assert {issue.anonymous for issue in place.stories} == {True, False}


def test_branches_are_told_in_order_by_people_and_about_things_that_are_there(
    place: DemoPlace,
) -> None:
    people = {one.key for one in place.people} | {one.key for one in place.residents}
    departments = {post.organization for post in place.posts if post.organization}
    known = departments | {node.code for node in place.nodes}
    known |= {issue.key for issue in place.stories}
    for issue in place.branches:
        moments = [step.after_minutes for step in issue.steps]
        assert moments == sorted(moments), issue.key
        assert all(moment < issue.reported_minutes_ago for moment in moments), issue.key
        for step in issue.steps:
            assert step.who in {*get_args(Post), "reporter", "system"} | people, issue.key
            if step.to is not None and step.move != "whistle":
                assert step.to in known, (issue.key, step.to)
            assert {one.department for one in step.called} <= departments


def test_the_script_of_every_issue_leads_by_allowed_moves_to_its_state(
    place: DemoPlace,
) -> None:
    photo_required = {row.category_code: row.photo_required for row in place.limits}
    for issue in place.issues:
        state: IssueState = "assigned"
        level: Level = "lane"
        elapsed = 0
        for step in issue.steps:
            assert step.after_minutes >= elapsed, issue.key
            elapsed = step.after_minutes
            check_actor(issue, step, level)
            if step.move == "comment":
                assert state in UNDER_WAY, issue.key
                assert step.text
                continue
            before, after = BECOMES[step.move]
            assert state in before, (issue.key, step)
            if step.move in {"escalate", "reopen"}:
                level = LADDER[LADDER.index(level) + 1]
            if step.move == "resolve" and photo_required[issue.category_code]:
                assert step.photos > 0, issue.key
            state = after
        assert (state, level) == (issue.state, issue.held_at), issue.key
        assert elapsed < issue.reported_minutes_ago, issue.key


def check_actor(issue: IssueRow, step: StepRow, level: Level) -> None:
    if step.who == "reporter":
        assert issue.reporter_key, issue.key
        assert step.move in REPORTERS_MOVES | {"comment"}, issue.key
        assert not step.internal
    elif step.who == "system":
        assert step.move == "escalate", issue.key
    else:
        assert step.who == HANDLER[level], (issue.key, step)
        assert step.move not in REPORTERS_MOVES, issue.key
    assert (step.rating is not None) == (step.move == "rate"), issue.key
    if step.move in {"respond", "resolve", "reject", "escalate", "reopen", "withdraw"}:
        assert step.text, (issue.key, step)


def test_some_open_issues_are_overdue_and_no_untouched_one_is_late_on_arrival(
    place: DemoPlace,
) -> None:
    """An unanswered issue past its deadline would be passed up as soon as the demo starts."""
    limits = {row.category_code: row for row in place.limits}
    overdue = [
        issue
        for issue in place.issues
        if issue.state == "handling"
        and issue.reported_minutes_ago > limits[issue.category_code].resolve_minutes
    ]
    assert len(overdue) >= 3
    for issue in place.issues:
        if issue.state in {"assigned", "accepted", "reopened"}:
            arrived = [s.after_minutes for s in issue.steps if s.move in {"escalate", "reopen"}]
            waited = issue.reported_minutes_ago - max(arrived, default=0)
            assert waited < limits[issue.category_code].respond_minutes, issue.key


def test_an_issue_leaves_unanswered_hands_in_time_or_is_passed_up_by_the_system(
    place: DemoPlace,
) -> None:
    respond_minutes = {row.category_code: row.respond_minutes for row in place.limits}
    by_system = 0
    for issue in place.issues:
        limit, arrived_at, waiting = respond_minutes[issue.category_code], 0, True
        for step in issue.steps:
            if waiting and step.move not in {"comment", "withdraw"}:
                late = step.after_minutes - arrived_at > limit
                assert late == (step.who == "system"), (issue.key, step)
                by_system += step.who == "system"
                waiting = False
            if step.move in {"escalate", "reopen"}:
                arrived_at, waiting = step.after_minutes, True
    assert by_system
