"""The stories of the demonstration, as they stand in a database once they were told."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pytest
from sqlalchemy import select

from neighborhood_api.cases import sweeps
from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.cases.paths import Call, Offer
from neighborhood_api.cases.timekeeping import Request
from neighborhood_api.cases.workflow import Move, State
from neighborhood_api.demo.place import IssueRow, load_place
from neighborhood_api.identity.places import Level
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.publishing.masking import find_personal
from neighborhood_api.issues.publishing.models import (
    CannedReply,
    Look,
    Publication,
    PublicState,
)
from neighborhood_api.issues.settling.models import CallBack
from neighborhood_api.issues.together.models import Support
from neighborhood_api.issues.watching.models import IssueWarning, Order
from neighborhood_api.issues.watching.orders import miss_orders
from neighborhood_api.issues.watching.warnings import raise_warnings
from neighborhood_api.issues.whistling.service import miss_check_ins
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.trail import verify_trail
from tests.demo.conftest import Loaded
from tests.support.hands import check_ledger

STORIES = load_place().stories
RARE = {Move.ALARM, Move.LAPSE, Move.FOLLOW, Move.MISS_ORDER}
"""Moves that nobody makes, and for which a neighbourhood would have to be badly run."""


@dataclass
class Told:
    """A database in which everything was told, and as of when."""

    database: Database
    now: datetime


@pytest.fixture(scope="module")
async def told(loaded: Loaded) -> AsyncIterator[Told]:
    database = Database(loaded.url, pool_size=2)
    yield Told(database, loaded.now)
    await database.close()


@pytest.fixture
async def tx(told: Told) -> AsyncIterator[Tx]:
    async with told.database.transaction() as tx:
        yield tx


async def cases_by_text(tx: Tx) -> dict[str, Case]:
    rows = await tx.execute(select(Issue.text, Case).join(Case, Case.id == Issue.case_id))
    return {row[0]: row[1] for row in rows}


def story(key: str) -> IssueRow:
    return next(row for row in STORIES if row.key == key)


async def case_of(tx: Tx, key: str) -> Case:
    return (await cases_by_text(tx))[story(key).text]


async def test_every_story_ends_where_its_script_says(tx: Tx) -> None:
    cases = await cases_by_text(tx)

    ended = {
        row.key: (cases[row.text].state, Level(cases[row.text].hand_level).name.lower())
        for row in STORIES
    }

    assert ended == {row.key: (row.state, row.held_at) for row in STORIES}
    assert {state for state, _ in ended.values()} == {state.value for state in State}


async def test_every_minute_of_every_story_has_an_owner(told: Told, tx: Tx) -> None:
    for case in await tx.scalars(select(Case)):
        until = case.moved_at if case.standing is State.MERGED else told.now
        await check_ledger(tx, case.id, now=until)


async def test_every_move_of_the_law_is_made_somewhere(tx: Tx) -> None:
    made = set(await tx.scalars(select(Entry.move).distinct()))

    assert made == {move.value for move in set(Move) - RARE}


async def test_no_line_of_a_timeline_comes_before_the_one_above_it(told: Told, tx: Tx) -> None:
    lines = select(Entry.case_id, Entry.recorded_at).order_by(Entry.case_id, Entry.id)
    last: dict[UUID, datetime] = {}
    for case_id, at in await tx.execute(lines):
        assert last.get(case_id, at) <= at <= told.now
        last[case_id] = at


async def test_nothing_happens_by_itself_as_soon_as_the_demo_starts(told: Told) -> None:
    database, now = told.database, told.now

    moved = [
        await sweeps.pass_up_unanswered(database, ISSUE, now=now),
        await sweeps.lapse_offers(database, ISSUE, now=now),
        await sweeps.resume_suspended(database, ISSUE, now=now),
        await sweeps.close_silent(database, ISSUE, now=now),
        await miss_check_ins(database, now=now),
        await miss_orders(database, now=now),
        await raise_warnings(database, now=now),
    ]

    assert moved == [0] * len(moved)


async def test_warnings_of_both_colours_are_there_to_be_read(tx: Tx) -> None:
    colours = Counter(await tx.scalars(select(IssueWarning.colour)))

    assert set(colours) == {"yellow", "red"}
    assert colours["red"] >= 3


async def test_offers_requests_and_orders_are_there_in_every_stage(tx: Tx) -> None:
    offers = set(await tx.scalars(select(Offer.answer)))
    requests = {(one.kind, one.approved) for one in await tx.scalars(select(Request))}
    orders = list(await tx.scalars(select(Order)))

    assert offers >= {None, "accepted", "returned"}
    assert requests >= {
        ("suspension", True),
        ("extension", True),
        ("extension", False),
        ("extension", None),
    }
    assert any(one.settled_at for one in orders)
    assert any(one.answered_at and not one.settled_at for one in orders)
    assert any(one.times_asked > 1 and not one.answered_at for one in orders)


async def test_departments_came_late_from_afar_or_not_at_all_yet(tx: Tx) -> None:
    going_on = await case_of(tx, "whistle-under-way")
    calls = list(await tx.scalars(select(Call).where(Call.case_id == going_on.id)))
    done = await case_of(tx, "whistle-done")
    rated = set(await tx.scalars(select(Call.rating).where(Call.case_id == done.id)))

    assert sum(call.lead for call in calls) == 1
    assert {(call.late, call.far) for call in calls if call.checked_in_at} == {
        (False, False),
        (True, True),
    }
    assert any(call.checked_in_at is None for call in calls)
    assert rated == {3, 5}


async def test_a_bad_rating_is_made_good_and_another_waits_for_it(tx: Tx) -> None:
    tasks = list(await tx.scalars(select(CallBack).where(CallBack.remedy_wanted)))

    assert any(one.remedied_at and one.reached for one in tasks)
    assert any(one.remedied_at is None and one.attempts for one in tasks)


async def test_two_reports_are_one_with_supporters_and_a_third_went_its_own_way(
    tx: Tx,
) -> None:
    main, merged, own = [
        await case_of(tx, f"together-{which}") for which in ("main", "merged", "unmerged")
    ]
    supporters = set(
        await tx.scalars(select(Support.person_id).where(Support.case_id == main.id))
    )

    assert (merged.main_id, own.main_id) == (main.id, None)
    assert len(supporters) == 3


async def test_the_public_sees_some_waits_for_others_and_never_sees_the_rest(tx: Tx) -> None:
    states = {
        row.key: await tx.scalar(
            select(Publication.state).where(
                Publication.case_id == (await case_of(tx, row.key)).id
            )
        )
        for row in STORIES
        if row.key.startswith("privacy")
    }
    looks = list(
        await tx.scalars(
            select(Look).where(Look.case_id == (await case_of(tx, "privacy-shown")).id)
        )
    )

    assert states == {
        "privacy-conduct": PublicState.HIDDEN,
        "privacy-shown": PublicState.SHOWN,
        "privacy-pending": PublicState.PENDING,
        "privacy-refused": PublicState.REFUSED,
        "privacy-hidden": PublicState.HIDDEN,
    }
    assert (await case_of(tx, "privacy-conduct")).confidential
    assert find_personal(story("privacy-shown").text)
    assert len(looks) == 1


async def test_there_are_words_at_hand_for_every_reply_of_the_script(tx: Tx) -> None:
    titles = set(await tx.scalars(select(CannedReply.title)))

    assert titles == {row.title for row in load_place().replies}
    assert titles


async def test_the_trail_of_all_stories_agrees(told: Told) -> None:
    assert [finding async for finding in verify_trail(told.database)] == []
