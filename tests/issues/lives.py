"""A simple model of an issue's life: what may happen to it, and what is true afterwards.

It knows one lane beside another, one ladder above them and one department; every post is
filled, and the rule is the one that tests start from, on wall time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from neighborhood_api.cases.workflow import Move, State

LADDER = ("lane", "grid", "community", "street")
COVERED = {
    "chief": {"lane"},
    "neighbour": {"beside"},
    "leader": {"lane", "beside", "grid"},
    "worker": {"lane", "beside", "grid", "community"},
    "dispatcher": {"lane", "beside", "grid", "community", "street", "body"},
    "secretary": {"lane", "beside", "grid", "community", "street", "body"},
    "officer": {"body"},
}
"""Whose hands each may act for."""
OWN = {
    "chief": "lane",
    "neighbour": "beside",
    "leader": "grid",
    "worker": "community",
    "dispatcher": "street",
    "secretary": "street",
    "officer": "body",
}
PEOPLE = ("reporter", *COVERED)
S, M = State, Move

NEW = {S.ASSIGNED, S.REOPENED}
TAKEN = {S.ACCEPTED, S.HANDLING}
PAUSED = {S.WAITING, S.SUSPENDED}
OPEN = NEW | TAKEN | PAUSED | {S.ADJUDICATING}
ENDED = {S.CLOSED, S.REJECTED, S.WITHDRAWN}

HOUR = timedelta(minutes=60)
WEEK = timedelta(days=7)
LIMIT = timedelta(minutes=600)
RETURNS = 2
TRANSFERS = 5

FROM: dict[Move, set[State]] = {
    M.ACCEPT: NEW,
    M.RESPOND: TAKEN,
    M.ASK: TAKEN,
    M.ANSWER: {S.WAITING},
    M.RESUME: PAUSED,
    M.RESOLVE: TAKEN,
    M.REJECT: NEW | {S.ACCEPTED},
    M.WITHDRAW: OPEN,
    M.COMMENT: OPEN | {S.RESOLVED, S.CONFIRMED},
    M.CONFIRM: {S.RESOLVED},
    M.REOPEN: {S.RESOLVED, S.CONFIRMED, S.CLOSED, S.REJECTED},
    M.ESCALATE: OPEN - {S.ADJUDICATING},
    M.DISPATCH: OPEN - {S.ADJUDICATING},
    M.TRANSFER: NEW | TAKEN,
    M.TAKE_OVER: OPEN - {S.ADJUDICATING},
    M.DECLINE: OPEN - {S.ADJUDICATING},
    M.RETURN: NEW | {S.ACCEPTED},
    M.ADJUDICATE: {S.ADJUDICATING},
    M.REQUEST_SUSPENSION: TAKEN,
    M.SUSPEND: TAKEN,
    M.REQUEST_EXTENSION: TAKEN | PAUSED,
    M.EXTEND: OPEN,
    M.REFUSE_REQUEST: OPEN,
}
REPORTERS = {M.ANSWER, M.WITHDRAW, M.CONFIRM, M.REOPEN}
DISPATCHERS = {M.DISPATCH, M.ADJUDICATE}
DECIDING = {M.SUSPEND, M.EXTEND, M.REFUSE_REQUEST}
ANSWERING = {M.RESPOND, M.ASK, M.RESOLVE, M.REJECT}


@dataclass
class Page:
    """Who held it from when to when."""

    hands: str
    since: datetime
    until: datetime | None = None
    idle: bool = False


@dataclass
class Wish:
    """What was asked for, and by whom."""

    kind: Move
    by: str
    until: datetime


@dataclass
class Life:
    """An issue as the model sees it."""

    opened: datetime
    now: datetime
    state: State = S.ASSIGNED
    hands: str = "lane"
    lane: str = "lane"
    offer: str | None = None
    offer_ends: datetime | None = None
    wish: Wish | None = None
    extended: bool = False
    adjudicated: bool = False
    objected: bool = False
    up_at: datetime | None = None
    close_at: datetime | None = None
    resume_at: datetime | None = None
    responded_at: datetime | None = None
    closed_at: datetime | None = None
    due: datetime | None = None
    returned: int = 0
    passed_up: int = 0
    transferred: int = 0
    reopened: int = 0
    entries: int = 1
    rests: list[list[datetime | None]] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.up_at, self.due = self.opened + HOUR, self.opened + LIMIT
        self.pages.append(Page("lane", self.opened))

    # Who may do what.

    def may(self, who: str, move: Move) -> bool:
        return self.state in FROM[move] and self._is_hers(who, move) and self._fits(who, move)

    def _is_hers(self, who: str, move: Move) -> bool:
        if move is M.COMMENT:
            return who == "reporter" or self._sees(who)
        if move in REPORTERS or who == "reporter":
            return move in REPORTERS and who == "reporter"
        if move in DISPATCHERS:
            return who in {"dispatcher", "secretary"}
        if move in {M.TAKE_OVER, M.DECLINE}:
            return self.offer in COVERED[who] and (self.offer != "body" or who == "officer")
        if move in DECIDING:
            return self._is_above(who)
        return self.hands in COVERED[who]

    def _sees(self, who: str) -> bool:
        places = {self.lane} | ({self.offer} if self.offer == "beside" else set())
        if who == "officer":
            return "body" in {self.hands, self.offer}
        return bool(places & COVERED[who])

    def _is_above(self, who: str) -> bool:
        if self.hands == "street":
            return who == "secretary"
        return self.hands in COVERED[who] and OWN[who] != self.hands

    def _fits(self, who: str, move: Move) -> bool:
        """Whether nothing about this very issue stands against it."""
        fits: dict[Move, Callable[[], bool]] = {
            M.ESCALATE: lambda: self.hands != "street",
            M.RETURN: lambda: self.hands != "street" and not self.adjudicated,
            M.TRANSFER: lambda: (
                self.hands != "beside" and not self.adjudicated and self.transferred < TRANSFERS
            ),
            M.REOPEN: self._may_reopen,
            M.REQUEST_SUSPENSION: lambda: self.wish is None,
            M.REQUEST_EXTENSION: lambda: self.wish is None and not self.extended,
            M.SUSPEND: lambda: self._decidable(who, M.SUSPEND),
            M.EXTEND: lambda: self._decidable(who, M.EXTEND),
            M.REFUSE_REQUEST: lambda: self.wish is not None and self.wish.by != who,
        }
        return fits[move]() if move in fits else True

    def _decidable(self, who: str, kind: Move) -> bool:
        wish = self.wish
        if wish is None or wish.kind is not kind or wish.by == who:
            return False
        return kind is M.EXTEND or wish.until > self.now

    def _may_reopen(self) -> bool:
        in_time = self.closed_at is None or self.now <= self.closed_at + WEEK
        return in_time and not (self.state is S.REJECTED and self.objected)

    # What happens.

    def make(self, who: str, move: Move) -> None:
        self.entries += 1
        if move in ANSWERING and self.responded_at is None:
            self.responded_at = self.now
        happen: dict[Move, Callable[[], None]] = {
            M.ACCEPT: lambda: self._become(S.ACCEPTED),
            M.RESPOND: lambda: self._become(S.HANDLING),
            M.ASK: lambda: self._become(S.WAITING),
            M.ANSWER: lambda: self._become(S.HANDLING),
            M.RESUME: lambda: self._become(S.HANDLING),
            M.RESOLVE: lambda: self._become(S.RESOLVED),
            M.CONFIRM: lambda: self._become(S.CONFIRMED),
            M.REJECT: lambda: self._become(S.REJECTED),
            M.WITHDRAW: lambda: self._become(S.WITHDRAWN),
            M.REOPEN: self._reopen,
            M.ESCALATE: self._escalate,
            M.DISPATCH: lambda: self._offer("other" if self.hands == "body" else "body"),
            M.TRANSFER: self._transfer,
            M.TAKE_OVER: self._take_over,
            M.DECLINE: self._decline,
            M.RETURN: self._return,
            M.ADJUDICATE: self._adjudicate,
            M.REQUEST_SUSPENSION: lambda: self._ask(who, M.SUSPEND),
            M.REQUEST_EXTENSION: lambda: self._ask(who, M.EXTEND),
            M.SUSPEND: self._suspend,
            M.EXTEND: self._extend,
            M.REFUSE_REQUEST: self._drop_wish,
        }
        if move in happen:
            happen[move]()

    def pass_time(self) -> None:
        """What the four sweeps do, in their order."""
        if self.up_at is not None and self.up_at <= self.now:
            self.entries += 1
            if self.hands == "street":
                self.up_at = None
            else:
                self._climb()
        if self.offer_ends is not None and self.offer_ends <= self.now:
            self.entries += 1
            self.returned += 1
            self._to_the_street()
        if self.resume_at is not None and self.resume_at <= self.now:
            self.entries += 1
            self._become(S.HANDLING)
        if self.close_at is not None and self.close_at <= self.now:
            self.entries += 1
            self._become(S.CLOSED)

    def _become(self, state: State) -> None:
        before, self.state = self.state, state
        if state not in NEW:
            self.up_at = None
        if state is not S.SUSPENDED:
            self.resume_at = None
        if state in {S.RESOLVED, S.CONFIRMED}:
            self.close_at = self.close_at or self.now + WEEK
        else:
            self.close_at = None
        if state in ENDED:
            self.closed_at = self.closed_at or self.now
            self.pages[-1].until = self.pages[-1].until or self.now
        elif state in OPEN:
            self.closed_at = None
        if state not in OPEN:
            self._no_offer()
            self._drop_wish()
        self._rest(before)

    def _rest(self, before: State) -> None:
        runs, ran = self.state in OPEN - PAUSED, before in OPEN - PAUSED
        if ran and not runs:
            self.rests.append([self.now, None])
        elif runs and not ran:
            self.rests[-1][1] = self.now
        if runs or (ran and self.state in PAUSED):
            self.due = self._used_up()

    def _used_up(self) -> datetime | None:
        """Count the limit down from the report, leaving the rests out."""
        left = LIMIT + (HOUR if self.extended else timedelta())
        here = self.opened
        for start, end in self.rests:
            if start is None or start - here >= left:
                break
            left -= start - here
            if end is None:
                return None
            here = end
        return here + left

    def _give(self, hands: str, state: State) -> None:
        last = self.pages[-1]
        if last.until is None:
            last.until = self.now
        elif last.until < self.now:
            self.pages.append(Page(self.hands, last.until, self.now, idle=True))
        self.pages.append(Page(hands, self.now))
        self.hands = hands
        self._no_offer()
        self._drop_wish()
        self.up_at = self.now + HOUR
        self._become(state)

    def _above(self) -> str:
        if self.hands in {"body", "street"}:
            return "street"
        return LADDER[LADDER.index("lane" if self.hands == "beside" else self.hands) + 1]

    def _escalate(self) -> None:
        self.passed_up += 1
        self._give(self._above(), S.ASSIGNED)

    def _climb(self) -> None:
        offered = self.offer, self.offer_ends
        self._escalate()
        self.offer, self.offer_ends = offered

    def _reopen(self) -> None:
        self.objected = self.objected or self.state is S.REJECTED
        self.reopened += 1
        self._give(self._above(), S.REOPENED)

    def _to_the_street(self) -> None:
        self._give("street", S.ADJUDICATING)

    def _take_over(self) -> None:
        target = self.offer or ""
        self.lane = "beside" if target == "beside" else self.lane
        self._give(target, S.ACCEPTED)

    def _decline(self) -> None:
        self.returned += 1
        if self.returned > RETURNS and not self.adjudicated:
            self._to_the_street()
        else:
            self._no_offer()

    def _return(self) -> None:
        self.returned += 1
        if self.returned > RETURNS:
            self._to_the_street()
        else:
            self._give(self._above(), S.ASSIGNED)

    def _adjudicate(self) -> None:
        self.adjudicated, self.lane = True, "lane"
        self._give("lane", S.ASSIGNED)

    def _transfer(self) -> None:
        self.transferred += 1
        self._offer("beside")

    def _offer(self, target: str) -> None:
        self.offer, self.offer_ends = target, self.now + HOUR

    def _no_offer(self) -> None:
        self.offer = self.offer_ends = None

    def _ask(self, who: str, kind: Move) -> None:
        self.wish = Wish(kind, who, self.now + timedelta(days=3))

    def _drop_wish(self) -> None:
        self.wish = None

    def _suspend(self) -> None:
        until = self.wish.until if self.wish else None
        self._drop_wish()
        self._become(S.SUSPENDED)
        self.resume_at = until

    def _extend(self) -> None:
        self._drop_wish()
        self.extended = True
        self.due = self._used_up()
