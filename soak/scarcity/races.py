"""The races: each plays one round with fifty clients, and checks what came of it."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

from neighborhood_api.kit.db import Handle
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations import deciding, ending, promoting
from neighborhood_api.registrations.granting import register
from neighborhood_api.registrations.locking import (
    lock_registration,
    lock_resource,
    lock_resources,
)
from neighborhood_api.registrations.merging import merge_person
from neighborhood_api.registrations.queries import REGISTRATION, RegistrationRow
from neighborhood_api.registrations.wishes import Applicant, Wish
from soak.scarcity.arena import CLIENTS, HOUR, NOW, Arena, Work, wishing, won

STEP = timedelta(minutes=30)
QUARTERS = 24
OFFER_MINUTES = 30


async def slot(on: Arena) -> None:
    """Fifty want one slot of a room: one has it."""
    room, at = await on.room(), on.next_start()
    results = await on.at_once([wishing(room, who, at) for who in on.people[:CLIENTS]])
    on.require("who has the slot", len(won(results)), 1)
    on.won += 1
    await on.check_time([room])


async def overlapping(on: Arena) -> None:
    """Fifty want overlapping times of three rooms: each refusal has a winner in its way."""
    rooms = [await on.room() for _ in range(3)]
    at, chance = on.next_start(), on.random
    wishes = []
    for _ in range(CLIENTS):
        start = at + STEP / 2 * chance.randrange(QUARTERS)
        end = start + STEP / 2 * chance.randrange(1, 8)
        wishes.append((chance.choice(rooms), chance.choice(on.people[:25]), start, end))
    works = [wishing(room, who, start, ends_at=end) for room, who, start, end in wishes]
    results = await on.at_once(works)
    kept = won(results)
    on.won += len(kept)
    for (room, who, start, end), result in zip(wishes, results, strict=True):
        if not isinstance(result, RegistrationRow):
            in_way = [k for k in kept if k.starts_at < end and start < k.ends_at]
            there = any(room == k.resource_id or who == k.person_id for k in in_way)
            on.require("a refusal without somebody in the way", there, wanted=True)
    await on.check_time(rooms)


async def seats(on: Arena) -> None:
    """Fifty want seats, some of them two: as many as there are."""
    at = on.next_start()
    session = await on.session(7, at)
    works = [wishing(session, who, at, seats=1) for who in on.people[:CLIENTS]]
    results = await on.at_once(works)
    on.require("who has a seat", len(won(results)), 7)
    on.won += 7
    await on.check_seats(session, 7)
    pairs = await on.session(9, at + 2 * HOUR)
    both = [wishing(pairs, who, at, seats=1 + n % 2) for n, who in enumerate(on.people[:50])]
    await on.at_once(both)
    await on.check_seats(pairs, 9)


async def quota_of_person(on: Arena) -> None:
    """One asks for fifty things at once, of which she may have three."""
    quota = {"owner": "person", "window": "open", "limit": 3}
    await _quota(on, quota, [(on.people[0], None)] * CLIENTS, 3)


async def quota_of_household(on: Arena) -> None:
    """A household of ten asks for fifty things at once, of which it may have four."""
    quota = {"owner": "household", "window": "open", "limit": 4}
    household = on.households[0]
    await _quota(on, quota, [(on.people[n % 10], household) for n in range(CLIENTS)], 4)


async def _quota(
    on: Arena, quota: dict[str, object], who: list[tuple[UUID, UUID | None]], most: int
) -> None:
    group, at = new_id(), on.next_start()
    rooms = [await on.room(group_id=group, quotas=[quota]) for _ in range(5)]
    works = []
    for n, (person, household) in enumerate(who):
        start = at + n * STEP  # what is refused is refused for the quota alone
        works.append(
            wishing(rooms[n % 5], person, start, ends_at=start + STEP, household_id=household)
        )
    results = await on.at_once(works)
    on.require("what one may have", len(won(results)), most)
    on.won += most
    codes = {one.code() for one in results if isinstance(one, Problem)}
    on.require("reasons", codes, {"quota_exceeded"})


def _cancelling(row: RegistrationRow, now: datetime = NOW) -> Work:
    async def work(handle: Handle) -> None:
        resource, fresh = await lock_registration(handle, row.id)
        await ending.cancel(
            handle, resource, fresh, by_id=row.person_id, by_staff=False, why=None, now=now
        )

    return work


async def waitlist(on: Arena) -> None:
    """Five give up their seats, while newcomers ask: the first five who waited have them."""
    at = on.next_start()
    session = await on.session(5, at, waitlist={"longest": 40})
    holders, waiting, newcomers = on.people[:5], on.people[5:15], on.people[15:60]
    have = [await on.attempt(wishing(session, who, at), fast=True) for who in holders]
    joins = [wishing(session, who, at, wait=True) for who in waiting]
    wait = [await on.attempt(join, fast=False) for join in joins]
    asks = [wishing(session, who, at, wait=n % 2 == 0) for n, who in enumerate(newcomers)]
    await on.at_once([*(_cancelling(row) for row in have), *asks])
    rows = {row.id: row for row in await on.rows(session)}
    promoted = [row.id for row in rows.values() if row.state == "confirmed"]
    on.require("who was promoted", promoted, [row.id for row in wait[:5]])
    queue = [row for row in rows.values() if row.state == "waitlisted"]
    order = [row.number for row in queue]
    on.require("the order of the queue", [row.queued for row in queue], order)
    on.require("who waits", len(queue), 5 + 23)
    on.won += 5
    await on.check_seats(session, 5)


async def pendings(on: Arena) -> None:
    """Two overlapping wishes wait for approval, and both are approved at once: one is had."""
    at, works, rooms = on.next_start(), [], []
    for n in range(CLIENTS // 2):
        room = await on.room(approval=True, pending_blocks=False)
        rooms.append(room)
        for who, later in ((on.people[2 * n], 0), (on.people[2 * n + 1], 1)):
            row = await on.attempt(wishing(room, who, at + later * STEP), fast=True)
            works.append(_approving(row, on.people[-1]))
    results = await on.at_once(works)
    for first, second in zip(results[::2], results[1::2], strict=True):
        on.require("approved of two", len(won([first, second])), 1)
    on.won += len(won(results))
    await on.check_time(rooms)


def _approving(row: RegistrationRow, by_id: UUID) -> Work:
    async def work(handle: Handle) -> RegistrationRow:
        resource, fresh = await lock_registration(handle, row.id)
        return await deciding.approve(handle, resource, fresh, by_id=by_id, now=NOW)

    return work


async def capacity(on: Arena) -> None:
    """Seats become fewer and more while people enrol: whoever came first has them."""
    at = on.next_start()
    session = await on.session(12, at, waitlist={"longest": 100})

    def resizing(seats: int) -> Work:
        async def work(handle: Handle) -> None:
            resource = await lock_resource(handle, session)
            await promoting.set_capacity(handle, resource, seats, now=NOW)

        return work

    joins = [wishing(session, who, at, wait=True) for who in on.people[: CLIENTS - 4]]
    await on.at_once([*joins[:23], *map(resizing, (8, 4, 15, 6)), *joins[23:]])
    await on.attempt(resizing(6), fast=True)
    rows = await on.rows(session)
    states = ["confirmed"] * 6 + ["waitlisted"] * 40
    on.require("who has a seat", [row.state for row in rows], states)
    on.won += 6
    await on.check_seats(session, 6)


async def moves(on: Arena) -> None:
    """Bookings go from one room to the other, while others ask for both times and rooms."""
    at = on.next_start()
    rooms = [await on.room(), await on.room()]
    times = [at + n * HOUR for n in range(12)]
    held = []
    for n, start in enumerate(times):
        held.append(await on.attempt(wishing(rooms[n % 2], on.people[n], start), fast=True))

    def moving(row: RegistrationRow) -> Work:
        async def work(handle: Handle) -> RegistrationRow:
            locked = await lock_resources(handle, rooms)
            fresh = await REGISTRATION.first(handle, id=row.id) or row
            (other,) = set(rooms) - {fresh.resource_id}
            wish = Wish(fresh.starts_at, fresh.ends_at, by_id=on.people[-1])
            pair = locked[fresh.resource_id], locked[other]
            return await deciding.move(handle, pair, fresh, wish, now=NOW)

        return work

    asks = [
        wishing(rooms[n % 2], on.people[12 + n], times[n * 5 % 12] + STEP * (n % 3 // 2))
        for n in range(CLIENTS - 12)
    ]
    results = await on.at_once([*map(moving, held), *asks])
    on.won += len(won(results))
    await on.check_time(rooms)
    there = [(row.resource_id, row.starts_at) for row in await on.rows(*rooms)]
    pairs = [(room, start) for room in rooms for start in times]
    for n, (room, start) in enumerate(pairs):
        result = await on.attempt(wishing(room, on.people[60 + n], start), fast=False)
        free = not any(r == room and abs(start - other) < HOUR for r, other in there)
        on.require("free when nobody is in the way", bool(won([result])), free)
        if free:
            there.append((room, start))


async def series(on: Arena) -> None:
    """Series take several rooms at once, in any order, against single bookings: all or none."""
    at, chance = on.next_start(), on.random
    rooms = [await on.room() for _ in range(4)]
    times = [at + n * HOUR for n in range(4)]

    def taking(who: UUID, wanted: list[tuple[UUID, datetime]]) -> Work:
        async def work(handle: Handle) -> list[RegistrationRow]:
            locked = await lock_resources(handle, [room for room, _ in wanted])
            return [
                await register(
                    handle, locked[room], Applicant(who), Wish(start, start + HOUR), now=NOW
                )
                for room, start in wanted
            ]

        return work

    works = []
    for n in range(CLIENTS):
        times_of = chance.sample(times, 3 if n % 3 else 1)
        wanted = [(chance.choice(rooms), start) for start in times_of]
        works.append(taking(on.people[n], wanted))
    results = await on.at_once(works)
    kept = [row for one in results if isinstance(one, list) for row in one]
    stored = {row.id for row in await on.rows(*rooms)}
    on.require("all or none", stored, {row.id for row in kept})
    on.won += len(kept)
    await on.check_time(rooms)


async def offers(on: Arena) -> None:
    """Offers are answered while time ends them: each is one or the other, and none is lost."""
    at = on.next_start()
    session = await on.session(10, at, waitlist={"longest": 90, "offer_minutes": OFFER_MINUTES})
    holders, waiting = on.people[:10], on.people[10:40]
    have = [await on.attempt(wishing(session, who, at), fast=True) for who in holders]
    for who in waiting:
        await on.attempt(wishing(session, who, at, wait=True), fast=True)
    await on.at_once([_cancelling(row) for row in have])
    ends = NOW + timedelta(minutes=OFFER_MINUTES)
    offered = [row for row in await on.rows(session) if row.state == "offered"]
    on.require("offers", [row.person_id for row in offered], waiting[:10])

    def answering(row_id: UUID) -> Work:
        async def work(handle: Handle) -> RegistrationRow:
            resource, row = await lock_registration(handle, row_id)
            return await deciding.accept_offer(
                handle, resource, row, now=ends - timedelta(seconds=1)
            )

        return work

    def ending_one(row_id: UUID) -> Work:
        async def work(handle: Handle) -> None:
            resource, row = await lock_registration(handle, row_id)
            await ending.pass_time(handle, resource, row, now=ends)

        return work

    ids = [row.id for row in offered]
    newcomers = [wishing(session, who, at, now=ends) for who in on.people[40:60]]
    works = [*map(answering, ids), *map(ending_one, ids), *map(ending_one, ids), *newcomers]
    results = await on.at_once(works)
    accepted = {row.id for row in won(results[:10])}
    on.require("newcomers who pass those who wait", len(won(results[-20:])), 0)
    rows = {row.id: row for row in await on.rows(session)}
    for one in ids:
        state = "confirmed" if one in accepted else "expired"
        on.require("an offer's end", rows[one].state, state)
    after = [row.state for row in rows.values()][20:40]
    left = 10 - len(accepted)
    on.require("the next", after, ["offered"] * left + ["waitlisted"] * (20 - left))
    on.won += len(accepted)
    await on.check_seats(session, 10)


async def two_queues(on: Arena) -> None:
    """The same people wait for two sessions at one time: each gets a seat in one of them."""
    at = on.next_start()
    terms = {"waitlist": {"longest": 40}}
    sessions = [await on.session(10, at, **terms) for _ in range(2)]
    holders, waiting = on.people[:20], on.people[20:35]
    have = []
    for n, who in enumerate(holders):
        have.append(await on.attempt(wishing(sessions[n % 2], who, at), fast=True))
    for session, order in ((sessions[0], waiting), (sessions[1], waiting[::-1])):
        for who in order:
            await on.attempt(wishing(session, who, at, wait=True), fast=True)
    # Whoever gives up one seat hands it on to somebody whom the other queue names, too.
    others = [wishing(await on.room(), who, at) for who in waiting]
    cancels = [_cancelling(row) for row in have]
    results = await on.at_once([*cancels, *others])
    rooms = {row.resource_id for row in won(results)}
    await on.check_time([*sessions, *rooms])
    rows = [*await on.rows(*sessions), *await on.rows(*rooms)] if rooms else []
    there = [row.person_id for row in rows if row.state == "confirmed"]
    on.require("in two places", len(there), len(set(there)))
    on.require("seats for all who wait", set(waiting) <= set(there), wanted=True)
    on.won += len(there)


async def merging(on: Arena) -> None:
    """Persons become one while both have, want and give up things: nothing is had twice."""
    at, pairs = on.next_start(), await on.pairs(12)
    session = await on.session(12, at, waitlist={"longest": 90})
    rooms = [await on.room() for _ in range(3)]
    have = []
    for n, (one, into) in enumerate(pairs):
        have.append(await on.attempt(wishing(session, one, at), fast=True))
        thing, start = (rooms[n % 3], at + n // 3 * HOUR) if n % 2 else (session, at)
        await on.attempt(wishing(thing, into, start, wait=thing == session), fast=True)
    waiting = on.people[:10]
    for who in waiting:
        await on.attempt(wishing(session, who, at, wait=True), fast=False)
    await on.become_one(pairs)

    def joining(one: UUID, into: UUID) -> Work:
        async def work(handle: Handle) -> None:
            await merge_person(handle, one, into, now=NOW)

        return work

    merges = [joining(one, into) for one, into in pairs]
    asks = [wishing(rooms[n % 3], into, at + STEP) for n, (_, into) in enumerate(pairs)]
    others = [wishing(rooms[n % 3], who, at) for n, who in enumerate(on.people[10:28])]
    gone = [_cancelling(row) for row in have[:6]]
    await on.at_once([*merges, *asks, *others, *gone])
    for merge in merges:  # safe to repeat
        await on.attempt(merge, fast=True)
    rows = await on.rows(session, *rooms)
    live = [row for row in rows if row.state in ("confirmed", "waitlisted")]
    left = {row.person_id for row in rows} & {one for one, _ in pairs}
    on.require("what stayed behind", left, set())
    seats = [row for row in live if row.resource_id == session]
    on.require("twice", len(seats), len({row.person_id for row in seats}))
    on.won += len(seats)
    await on.check_seats(session, 12)
    await on.check_time([session, *rooms])


RACES: dict[str, Callable[[Arena], Awaitable[None]]] = {
    "slot": slot,
    "overlapping": overlapping,
    "seats": seats,
    "quota of a person": quota_of_person,
    "quota of a household": quota_of_household,
    "waitlist": waitlist,
    "pendings": pendings,
    "capacity": capacity,
    "moves": moves,
    "series": series,
    "offers": offers,
    "two queues": two_queues,
    "merging": merging,
}
