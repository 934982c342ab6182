"""Residents and staff who use a service station, and know what they were promised."""

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from typing_extensions import override

from neighborhood_api.kit.ids import new_id
from soak.clients import Answer
from soak.ground import Ground
from soak.premises import Premises
from soak.town import Somebody

Booking = dict[str, Any]
BEGINNINGS = {
    "held": "hold",
    "pending": "register",
    "confirmed": "register",
    "waitlisted": "join_waitlist",
}
"""What a wish came to, as the history of the booking names it."""
WHY = {"reason": "场地调整"}
PHONES = 10_000


@dataclass
class Promise:
    """What was acknowledged of one booking."""

    code: str
    person_id: str | None
    acts: list[str] = field(default_factory=list)
    """What people did to it; that of two at once the answers do not say which came first."""


@dataclass
class Promises:
    """What was acknowledged of the bookings of a run."""

    bookings: dict[str, Promise] = field(default_factory=dict)
    acts: int = 0

    def begin(self, booking: Booking, person_id: UUID | None, *acts: str) -> None:
        """Note that something was had, or is waited for."""
        whose = None if person_id is None else str(person_id)
        self.bookings[booking["id"]] = Promise(booking["code"], whose)
        for act in acts or (BEGINNINGS[booking["state"]],):
            self.note(booking, act)

    def note(self, booking: Booking, act: str) -> None:
        """Note that something was done to it."""
        self.bookings[booking["id"]].acts.append(act)
        self.acts += 1


@dataclass
class User(ABC):
    """Somebody who does one thing after another."""

    on: Ground
    premises: Premises
    promises: Promises
    who: Somebody
    random: Random

    async def live(self, over: asyncio.Event) -> None:
        """Go on until it is over."""
        while not over.is_set():
            await self.turn()

    @abstractmethod
    async def turn(self) -> None:
        """Do something."""

    async def ask(self, path: str, **body: Any) -> Answer:  # noqa: ANN401
        """Ask for something."""
        return await self.on.clients.attempt(self.who, path, **body)

    async def act(
        self,
        booking: Booking,
        path: str,
        act: str | None = None,
        **body: Any,  # noqa: ANN401
    ) -> None:
        """Do something to a booking, and note when that was acknowledged."""
        answer = await self.ask(f"/bookings/{booking['id']}/{path}", **body)
        if answer.done:
            self.promises.note(booking, act or path.replace("-", "_"))

    def chance(self, share: float) -> bool:
        """Tell whether it happens this time."""
        return self.random.random() < share


class Resident(User):
    """Somebody who wants things, has some, and does without others."""

    @override
    async def turn(self) -> None:
        """Want something new, or do something about what one has."""
        mine = (await self.on.clients.get(self.who, "/me/bookings?upcoming=true"))["items"]
        live = [one for one in mine if one["state"] in self._answers()]
        if live and self.chance(0.6):
            booking = self.random.choice(live)
            await self._answers()[booking["state"]](booking)
        else:
            await self.random.choice((self.book, self.hold, self.enrol, self.walk_in))()

    def _answers(self) -> dict[str, Any]:
        return {
            "held": self.finish,
            "offered": self.answer,
            "pending": self.wait,
            "waitlisted": self.wait,
            "confirmed": self.come,
            "checked_in": self.go,
        }

    async def book(self) -> None:
        """Book a room, or wait for one."""
        room_id = self.random.choice(self.premises.rooms)
        times, wait = self.premises.time(self.random), self.chance(0.7)
        path = f"/rooms/{room_id}/bookings"
        self._begin(await self.ask(path, purpose="练球", wait=wait, **times))

    async def hold(self) -> None:
        """Have a slot kept."""
        room_id = self.random.choice(self.premises.rooms)
        times = self.premises.time(self.random)
        self._begin(await self.ask(f"/rooms/{room_id}/holds", **times))

    async def enrol(self) -> None:
        """Enrol in a session, or wait for a seat."""
        session_id = self.random.choice(self.premises.sessions)
        path = f"/sessions/{session_id}/bookings"
        self._begin(await self.ask(path, wait=self.chance(0.8)))

    async def walk_in(self) -> None:
        """Come without a booking."""
        at_door = {"id": str(new_id()), "code": self.premises.sign}
        self._begin(await self.ask("/walk-ins", **at_door), "register", "check_in")

    async def finish(self, booking: Booking) -> None:
        """Fill the form, or do without."""
        if self.chance(0.7):
            await self.act(booking, "confirm", purpose="练球")
        else:
            await self.act(booking, "cancel")

    async def answer(self, booking: Booking) -> None:
        """Take what is offered, or do without."""
        if self.chance(0.7):
            await self.act(booking, "accept-offer", "accept")
        else:
            await self.act(booking, "cancel")

    async def wait(self, booking: Booking) -> None:
        """Mostly wait."""
        if self.chance(0.2):
            await self.act(booking, "cancel")

    async def come(self, booking: Booking) -> None:
        """Check in where there is a sign, keep it, or give it up."""
        if booking["room_id"] == str(self.premises.rooms[-1]) and self.chance(0.7):
            at_door = {"id": str(new_id()), "code": self.premises.sign}
            answer = await self.ask("/check-ins", **at_door)
            for one in answer.body.get("items", ()) if answer.done else ():
                # Whoever is there already stays there: that is no second coming.
                if "check_in" not in self.promises.bookings[one["id"]].acts:
                    self.promises.note(one, "check_in")
        elif self.chance(0.4):
            await self.act(booking, "cancel")

    async def go(self, booking: Booking) -> None:
        """Leave."""
        await self.act(booking, "check-out", id=str(new_id()))

    def _begin(self, answer: Answer, *acts: str) -> None:
        if answer.done:
            self.promises.begin(answer.body, self.who.person_id, *acts)


class Clerk(User):
    """Staff of the station: approves, moves, takes back, books for callers."""

    @override
    async def turn(self) -> None:
        """See to a booking of a room, or to somebody who telephones."""
        room_id = self.random.choice(self.premises.rooms)
        if self.chance(0.1):
            await self.take_call(room_id)
        path = f"/rooms/{room_id}/bookings"
        found = (await self.on.clients.get(self.who, path))["items"]
        known = [one for one in found if one["id"] in self.promises.bookings]
        pending = [one for one in known if one["state"] == "pending"]
        if pending:
            await self.decide(self.random.choice(pending))
        elif known:
            await self.tend(self.random.choice(known))

    async def take_call(self, room_id: UUID) -> None:
        """Book for somebody who telephones."""
        phone = f"1390000{self.random.randrange(PHONES):04}"
        body = {"purpose": "来电预约", "on_behalf_of": {"name": "来电人", "phone": phone}}
        times = self.premises.time(self.random)
        answer = await self.ask(f"/rooms/{room_id}/bookings", **times, **body)
        if answer.done:
            self.promises.begin(answer.body, None)

    async def decide(self, booking: Booking) -> None:
        """Approve, mostly."""
        if self.chance(0.7):
            await self.act(booking, "approve")
        else:
            await self.act(booking, "reject", **WHY)

    async def tend(self, booking: Booking) -> None:
        """Give it another time or room, or take it back."""
        if self.chance(0.7):
            room_id = str(self.random.choice(self.premises.rooms))
            times = self.premises.time(self.random)
            await self.act(booking, "move", room_id=room_id, **times, **WHY)
        elif self.chance(0.4):
            await self.act(booking, "cancel", **WHY)
