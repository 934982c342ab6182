"""What registering does, once more: plain lists of people and sets of minutes, no database."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import ClassVar

LIVE = ("held", "pending", "waitlisted", "offered", "confirmed", "checked_in")
PLACED = ("held", "offered", "confirmed", "checked_in", "completed")
HERS = ("held", "pending", "confirmed", "checked_in")
DAY = 4
"""How much of all things together one person may have that day."""


@dataclass
class Thing:
    """What can be had. Times are minutes after the first moment."""

    name: str
    units: int = 0
    capacity: int = 0
    span: tuple[int, int] = (0, 0)
    buffer: int = 0
    longest: int = 3
    offer: int | None = None
    approval: bool = False
    blocks: bool = True
    check_in: bool = False
    broken: set[int] = field(default_factory=set)

    cancel_minutes: ClassVar[int] = 60
    hold: ClassVar[int] = 5
    pending: ClassVar[int] = 120
    release: ClassVar[int] = 15


@dataclass
class Claim:
    """What somebody has or wants of a thing."""

    number: int
    thing: str
    who: int
    start: int
    end: int
    seats: int
    made: int
    state: str = ""
    unit: int | None = None
    queue: int | None = None
    until: int | None = None
    due: int | None = None
    given: int = -1
    """When others gave her the place."""
    late: bool = False
    takes: set[int] = field(default_factory=set, repr=False)
    """Minutes of its unit."""
    there: set[int] = field(default_factory=set, repr=False)
    """Minutes of whoever comes."""

    @property
    def minutes(self) -> set[int]:
        return set(range(self.start, self.end))


class No(Exception):  # noqa: N818
    """Refused, for these reasons."""

    def __init__(self, *codes: str) -> None:
        super().__init__(*codes)
        self.codes = set(codes)


@dataclass
class Reference:
    things: dict[str, Thing]
    now: int = 0
    claims: list[Claim] = field(default_factory=list)
    strikes: list[tuple[int, str]] = field(default_factory=list)

    # What is asked of it

    def of(self, thing: str, *states: str) -> list[Claim]:
        return [c for c in self.claims if c.thing == thing and c.state in states]

    def placed(self, claim: Claim) -> bool:
        thing = self.things[claim.thing]
        return claim.state in PLACED or (claim.state == "pending" and thing.blocks)

    def taken(self, thing: str) -> int:
        return sum(c.seats for c in self.claims if c.thing == thing and self.placed(c))

    def queue(self, thing: str) -> list[Claim]:
        return sorted(self.of(thing, "waitlisted"), key=lambda c: c.queue or 0)

    def run_out(self, claim: Claim) -> bool:
        return claim.state in ("held", "offered") and (claim.until or 0) <= self.now

    def busy(self, claim: Claim) -> bool:
        """Whether whoever comes is somewhere else."""
        others = (c for c in self.claims if c is not claim and c.who == claim.who)
        return any(c.there & claim.minutes for c in others)

    def unit_for(self, claim: Claim) -> int | None:
        thing = self.things[claim.thing]
        wanted = set(range(claim.start, claim.end + thing.buffer))
        for unit in range(thing.units):
            others = (c for c in self.claims if c is not claim and c.thing == thing.name)
            free = not any(c.unit == unit and c.takes & wanted for c in others)
            if free and unit not in thing.broken:
                return unit
        return None

    def fits(self, claim: Claim) -> bool:
        thing = self.things[claim.thing]
        if thing.units:
            return self.unit_for(claim) is not None
        return self.taken(thing.name) + claim.seats <= thing.capacity

    # What is done to it; whatever is refused changes nothing

    def attempt(self, act: str, *arguments: object) -> "Reference":
        trial = deepcopy(self)
        getattr(trial, act)(*arguments)
        return trial

    def register(
        self, thing: str, who: int, start: int, end: int, seats: int, *how: bool
    ) -> None:
        hold, wait = how
        kind = self.things[thing]
        if not kind.units:
            start, end = kind.span
        number = len(self.claims)
        claim = Claim(number, thing, who, start, end, seats, self.now)
        self._refresh(claim)
        reasons = self._against(claim)
        if any(
            c.who == who and c.start == start and not self.run_out(c)
            for c in self.of(thing, *LIVE)
        ):
            reasons = (reasons - {"overlaps_own_booking"}) | {"already_registered"}
        waiting = [c for c in self.queue(thing) if c.minutes & claim.minutes]
        if kind.units and kind.broken >= set(range(kind.units)):
            reasons = reasons | {"closed"}
        if self.fits(claim):
            state = "held" if hold else "pending" if kind.approval else "confirmed"
        elif wait and len(waiting) < kind.longest:
            state = "waitlisted"
        else:
            state = ""
            reasons.add("taken" if kind.units else "full")
            reasons |= {"waitlist_full"} if wait else set()
        if reasons:
            raise No(*reasons)
        self.claims.append(claim)
        if state == "waitlisted":
            claim.queue = number
        self._enter(claim, state, self.now + kind.hold)

    def confirm(self, number: int, seats: int) -> None:
        claim = self._answering(number, "held")
        wish = deepcopy(claim)
        wish.seats = seats
        self._refresh(wish)
        reasons = self._against(wish, but=claim)
        thing = self.things[claim.thing]
        if not thing.units and self.taken(thing.name) - claim.seats + seats > thing.capacity:
            reasons.add("full")
        if reasons:
            raise No(*reasons)
        fewer = seats < claim.seats
        claim.seats = seats
        self._enter(claim, "pending" if thing.approval else "confirmed", unit=claim.unit)
        if fewer or not self.placed(claim):
            self.fill(thing.name)

    def accept(self, number: int) -> None:
        claim = self._answering(number, "offered")
        if self.busy(claim):
            raise No("overlaps_own_booking")
        thing = self.things[claim.thing]
        self._enter(claim, "pending" if thing.approval else "confirmed", unit=claim.unit)
        if not self.placed(claim):
            self.fill(thing.name)

    def approve(self, number: int) -> None:
        claim = self._standing(number, "pending")
        thing = self.things[claim.thing]
        if not thing.blocks:
            self._expire(thing.name)
            if self.busy(claim):
                raise No("overlaps_own_booking")
            if not self.fits(claim):
                raise No("taken" if thing.units else "full")
            self._enter(claim, "confirmed")
        else:
            self._enter(claim, "confirmed", unit=claim.unit)
        claim.given = self.now

    def reject(self, number: int) -> None:
        self._leave(self._standing(number, "pending"), "rejected")
        self.fill(self.claims[number].thing)

    def cancel(self, number: int, by_staff: bool) -> None:  # noqa: FBT001
        claim = self._standing(number, *LIVE)
        if self.now >= (claim.end if by_staff else claim.start):
            raise No("too_late_to_cancel")
        if claim.state == "checked_in":
            if not by_staff:
                raise No("too_late_to_cancel")
            self._cut(claim, "cancelled")
        else:
            cutoff = claim.start - Thing.cancel_minutes
            hers = claim.given <= cutoff and self.now > claim.made + Thing.hold
            late = claim.state == "confirmed" and self.now > cutoff and hers
            claim.late = late and not by_staff
            if claim.late:
                self.strikes.append((claim.who, "late_cancel"))
            self._leave(claim, "cancelled")
        self.fill(claim.thing)

    def check_in(self, number: int) -> None:
        claim = self._standing(number, "confirmed")
        claim.state, claim.due = "checked_in", claim.end

    def move(self, number: int, name: str, start: int) -> None:
        claim = self.claims[number]
        if claim.state not in LIVE or claim.state in ("held", "checked_in"):
            raise No("already_ended")
        if self.run_out(claim):
            raise No("hold_ran_out")
        before = claim.thing
        self._expire(name)
        wish = deepcopy(claim)
        wish.thing, wish.start, wish.end = name, start, start + claim.end - claim.start
        self.claims[number] = wish  # its own time does not stand against it
        self._clear(wish)
        same = any(
            c.who == wish.who and c.start == start and c is not wish
            for c in self.of(name, *LIVE)
        )
        reasons = {"already_registered"} if same else set()
        if not self.fits(wish):
            reasons.add("taken")
        if not reasons and self.busy(wish):
            reasons.add("overlaps_own_booking")
        if reasons:
            raise No(*reasons)
        self._enter(wish, "confirmed")
        wish.given = self.now
        self.fill(before)

    def resize(self, name: str, capacity: int) -> None:
        thing = self.things[name]
        for claim in self.claims:
            if claim.thing == name and self.run_out(claim):
                self._leave(claim, "expired")
        here = [c for c in self.claims if c.thing == name and self.placed(c)]
        movable = [c for c in here if c.state not in ("checked_in", "completed")]
        for claim in sorted(movable, key=self._place, reverse=True):
            if self.taken(name) <= capacity:
                break
            if claim.state == "held":
                self._leave(claim, "expired")
            else:
                claim.queue = self._place(claim)
                self._enter(claim, "waitlisted")
        if self.taken(name) > capacity:
            raise No("seats_in_use")
        thing.capacity = capacity
        self.fill(name)

    def break_or_mend(self, name: str, unit: int) -> None:
        self.things[name].broken ^= {unit}

    def sweep(self) -> None:
        due = [c for c in self.claims if c.due is not None and c.due <= self.now]
        for claim in sorted(due, key=lambda c: (c.due or 0, c.number)):
            if claim.due is None or claim.due > self.now:
                continue  # it was handed something meanwhile
            if claim.state == "confirmed" and self.things[claim.thing].check_in:
                cutoff = claim.start - Thing.cancel_minutes
                self._cut(claim, "no_show")
                if claim.given <= cutoff:
                    self.strikes.append((claim.who, "no_show"))
                self.fill(claim.thing)
            elif claim.state in ("confirmed", "checked_in"):
                claim.state, claim.due = "completed", None
            else:
                self._leave(claim, "expired")
                self.fill(claim.thing)
        for name in self.things:
            self._expire(name)

    def fill(self, name: str) -> None:
        for claim in self.queue(name):
            if claim.start > self.now and not self.busy(claim) and self.fits(claim):
                thing = self.things[name]
                claim.given = self.now if thing.offer is None else claim.given
                if thing.offer is not None:
                    until = min(self.now + thing.offer, claim.start)
                    self._enter(claim, "offered", until)
                else:
                    self._enter(claim, "pending" if thing.approval else "confirmed")

    # How

    @staticmethod
    def _place(claim: Claim) -> int:
        return claim.number if claim.queue is None else claim.queue

    def _standing(self, number: int, *states: str) -> Claim:
        claim = self.claims[number]
        if claim.state not in states:
            raise No("already_ended" if states == LIVE else "not_in_that_state")
        return claim

    def _answering(self, number: int, state: str) -> Claim:
        claim = self._standing(number, state)
        if self.run_out(claim):
            raise No("hold_ran_out")
        return claim

    def _against(self, wish: Claim, but: Claim | None = None) -> set[str]:
        thing = self.things[wish.thing]
        others = [c for c in self.claims if c is not but and c.who == wish.who]
        others = [c for c in others if not self.run_out(c)]
        counted = [c for c in others if c.state in (*LIVE, "completed", "no_show") or c.late]
        clash = any(c.state in HERS and c.minutes & wish.minutes for c in others)
        found = {
            "quota_exceeded": len(counted) + 1 > DAY,
            "overlaps_own_booking": clash,
            "party_too_large": not thing.units and wish.seats > thing.capacity,
        }
        return {code for code, holds in found.items() if holds}

    def _refresh(self, wish: Claim) -> None:
        """What stands before a newcomer gets what is free first."""
        thing = self.things[wish.thing]
        waits = any(c.minutes & wish.minutes for c in self.queue(thing.name))
        may_fit = thing.units or self.taken(thing.name) < thing.capacity
        over = any(self.run_out(c) for c in self.of(thing.name, "held", "offered"))
        if over or (waits and may_fit):
            self._expire(thing.name)

    def _expire(self, name: str) -> None:
        for claim in self.claims:
            if claim.thing == name and self.run_out(claim):
                self._leave(claim, "expired")
        self.fill(name)

    def _enter(
        self, claim: Claim, state: str, until: int | None = None, *, unit: int | None = None
    ) -> None:
        thing = self.things[claim.thing]
        self._clear(claim)
        claim.state = ""
        if thing.units and (state in PLACED or (state == "pending" and thing.blocks)):
            claim.unit = self.unit_for(claim) if unit is None else unit
            claim.takes = set(range(claim.start, claim.end + thing.buffer))
        claim.state = state
        claim.until = until if state in ("held", "offered") else None
        if self.placed(claim) and state not in ("held", "offered"):
            claim.there = claim.minutes
        release = min(claim.start + thing.release, claim.end)
        claim.due = {
            "held": claim.until,
            "offered": claim.until,
            "pending": max(min(self.now + thing.pending, claim.start), self.now),
            "waitlisted": claim.start,
            "confirmed": release if thing.check_in else claim.end,
        }[state]

    def _clear(self, claim: Claim) -> None:
        claim.takes, claim.there = set(), set()

    def _leave(self, claim: Claim, state: str) -> None:
        self._clear(claim)
        claim.state, claim.until, claim.due = state, None, None

    def _cut(self, claim: Claim, state: str) -> None:
        claim.takes = self._past(claim.takes)
        claim.there = self._past(claim.there)
        claim.state, claim.due = state, None

    def _past(self, minutes: Iterable[int]) -> set[int]:
        return {minute for minute in minutes if minute < self.now}
