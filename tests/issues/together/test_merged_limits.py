"""To merge an issue whose limit has passed does not make it as if it had been kept."""

from typing import Any

from httpx import AsyncClient

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.statistics.keeping import write_facts
from tests.support.clock import Clock
from tests.support.issues import Street

MISSED = {"response": (1, 0), "resolution_in_time": (1, 0)}
NOTHING = {"response": (0, 0), "resolution_in_time": (0, 0)}


async def judged(caller: AsyncClient, street: Street) -> dict[str, Any]:
    """How many issues of the first lane are judged, and how many of them were in time."""
    here = {"node_id": str(street.town.at(1, 1, 1, 1).id)}
    answer = await caller.get("/statistics", params=here)
    assert answer.status_code == 200, answer.text
    figures = answer.json()["total"]["figures"]
    return {name: (figures[name]["n"], figures[name]["hits"]) for name in MISSED}


async def test_what_was_late_already_is_counted_as_missed(
    street: Street, tx: Tx, clock: Clock
) -> None:
    leader = street.leader
    late = await street.reported()
    clock.forward(hours=11)  # both limits of the first have passed
    fresh, main = await street.reported(), await street.reported()
    assert await judged(leader, street) == MISSED
    for issue_id in (late, fresh):
        await street.done(street.chief, issue_id, "merge", into_id=main, text="同一件事")
    assert await judged(leader, street) == MISSED
    await write_facts(tx)
    await tx.commit()
    assert await judged(leader, street) == MISSED
    clock.forward(days=1)
    # The main one has missed its own limits meanwhile; the other merged one counts with it.
    assert await judged(leader, street) == {"response": (2, 0), "resolution_in_time": (2, 0)}


async def test_what_was_in_time_is_judged_with_the_main_issue_alone(
    street: Street, clock: Clock
) -> None:
    first, main = await street.reported(), await street.reported()
    await street.done(street.chief, first, "merge", into_id=main, text="同一件事")
    assert await judged(street.leader, street) == NOTHING
    await street.done(street.chief, main, "accept")
    await street.done(street.chief, main, "resolve", text="已清运")
    clock.forward(hours=11)
    kept = {"response": (1, 1), "resolution_in_time": (1, 1)}
    assert await judged(street.leader, street) == kept


async def test_a_late_answer_before_the_merge_stays_late_and_its_own_way_is_judged_anew(
    street: Street, clock: Clock
) -> None:
    first = await street.accepted()
    clock.forward(hours=2)
    await street.done(street.chief, first, "respond", text="下午处理")
    main = await street.reported()
    await street.done(street.chief, first, "merge", into_id=main, text="同一件事")
    answered_late = {"response": (1, 0), "resolution_in_time": (0, 0)}
    assert await judged(street.leader, street) == answered_late
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    await street.done(dispatcher, first, "unmerge", text="不是一件事")
    assert await judged(street.leader, street) == answered_late
    await street.done(street.chief, first, "accept")
    await street.done(street.chief, first, "resolve", text="已清运")
    resolved = {"response": (1, 0), "resolution_in_time": (1, 1)}
    assert await judged(street.leader, street) == resolved
