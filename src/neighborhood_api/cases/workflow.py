"""The law of a kind of case: which move leads from where to where, and whose move it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from neighborhood_api.identity.access import Permission


class State(StrEnum):
    """Where a case stands."""

    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    HANDLING = "handling"
    WAITING = "waiting"
    """For what only the reporter knows; the clock of the resolution rests."""
    SUSPENDED = "suspended"
    """Put on file with approval (挂账), until a day; the clock of the resolution rests."""
    ADJUDICATING = "adjudicating"
    """Nobody wants it: the street decides (裁定)."""
    VERIFYING = "verifying"
    """Done, as those say who did it; a third person looks (核查)."""
    RESOLVED = "resolved"
    REOPENED = "reopened"
    CONFIRMED = "confirmed"
    CLOSED = "closed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"
    """Handled with another case about the same thing (并案)."""


UNANSWERED = frozenset({State.ASSIGNED, State.REOPENED})
"""Nobody has taken it on yet."""
TAKEN_ON = frozenset({State.ACCEPTED, State.HANDLING})
PAUSED = frozenset({State.WAITING, State.SUSPENDED})
"""The clock of the resolution rests."""
IN_HAND = UNANSWERED | TAKEN_ON | PAUSED | {State.ADJUDICATING}
"""Staff must act."""
WITH_REPORTER = frozenset({State.RESOLVED, State.CONFIRMED})
OVER = frozenset({State.CLOSED, State.REJECTED, State.WITHDRAWN})
"""Nobody must act any more."""
IN_NO_HANDS = OVER | {State.MERGED}
"""Time that passes now is nobody's."""


class Move(StrEnum):
    """What can happen to a case."""

    REPORT = "report"
    ACCEPT = "accept"
    RESPOND = "respond"
    ASK = "ask"
    ANSWER = "answer"
    RESUME = "resume"
    RESOLVE = "resolve"
    VERIFY = "verify"
    REFUSE_RESULT = "refuse_result"
    REJECT = "reject"
    ESCALATE = "escalate"
    ALARM = "alarm"
    DISPATCH = "dispatch"
    TRANSFER = "transfer"
    TAKE_OVER = "take_over"
    DECLINE = "decline"
    LAPSE = "lapse"
    RETURN = "return"
    ADJUDICATE = "adjudicate"
    REQUEST_SUSPENSION = "request_suspension"
    SUSPEND = "suspend"
    REQUEST_EXTENSION = "request_extension"
    EXTEND = "extend"
    REFUSE_REQUEST = "refuse_request"
    WHISTLE = "whistle"
    CHECK_IN = "check_in"
    REPORT_WORK = "report_work"
    RELEASE = "release"
    RATE_CALL = "rate_call"
    MISS_CHECK_IN = "miss_check_in"
    CONFIRM = "confirm"
    REOPEN = "reopen"
    RATE = "rate"
    CALL_BACK = "call_back"
    REMEDY = "remedy"
    WITHDRAW = "withdraw"
    CLOSE = "close"
    COMMENT = "comment"
    URGE = "urge"
    SUPERVISE = "supervise"
    ANSWER_ORDER = "answer_order"
    SETTLE_ORDER = "settle_order"
    REPEAT_ORDER = "repeat_order"
    MISS_ORDER = "miss_order"
    MERGE = "merge"
    UNMERGE = "unmerge"
    FOLLOW = "follow"


class By(StrEnum):
    """Whose move it is."""

    HANDS = "hands"
    """Whoever may handle cases at the node that holds it, or above."""
    OFFERED = "offered"
    """Whoever may handle cases at the node or department that it is offered to."""
    CALLED = "called"
    """An officer of a department that was called to it and not yet released."""
    WHISTLER = "whistler"
    """Whoever may handle cases at the hands that hold it, or above, from the grid up."""
    CALLER = "caller"
    """Whoever called departments to it, or has the same post or one above."""
    ABOVE = "above"
    """Whoever may handle cases above the hands that hold it."""
    VERIFIER = "verifier"
    """Whoever may handle cases there, and neither did the work nor reported it."""
    DISPATCHER = "dispatcher"
    """Whoever dispatches at the place of the case."""
    REPORTER = "reporter"
    """The person who reported it."""
    INTAKE = "intake"
    """Whoever takes in there what others say, for a caller who has no account."""
    SUPPORTER = "supporter"
    """Somebody who said that it is hers, too; the domain knows who did."""
    READER = "reader"
    """Everyone who may read it."""
    SYSTEM = "system"
    """A job, when a clock runs out, or the same move of another case."""


class Hands(StrEnum):
    """What a move does to the hands that hold the case."""

    KEEP = "keep"
    UP = "up"
    """To whoever answers one level up."""
    UP_OR_STAY = "up_or_stay"
    """One level up, or back to the same hands at the top."""
    OFFER = "offer"
    """Stay, and are offered to a node or a department, which must accept or return it."""
    TO_OFFERED = "to_offered"
    """To the node or department that it was offered to."""
    WITHOUT_OFFER = "without_offer"
    """Stay; what was offered is no longer."""
    TO_STREET = "to_street"
    """To the street."""
    TO_TARGET = "to_target"
    """To the node or department that the mover names."""


@dataclass(frozen=True)
class Rule:
    """One line of the law."""

    moves: frozenset[State]
    """The states from which the move is allowed."""
    to: State | None
    """The state that it leads to; None leaves the state as it is."""
    by: frozenset[By]
    hands: Hands = Hands.KEEP
    words: bool = False
    """Whether the mover must say something."""
    also: frozenset[State] = frozenset()
    """Other states that the move may lead to, where the terms of the case say so."""


def rule(
    moves: frozenset[State] | set[State],
    to: State | None,
    *by: By,
    hands: Hands = Hands.KEEP,
    words: bool = False,
    also: frozenset[State] | set[State] = frozenset(),
) -> Rule:
    """Write one line of the law."""
    return Rule(frozenset(moves), to, frozenset(by), hands, words, frozenset(also))


@dataclass(frozen=True)
class Workflow:
    """The law of one kind of case."""

    kind: str
    rules: Mapping[Move, Rule]
    read: Permission
    read_confidential: Permission
    """What it takes for cases about persons: such a post, where it is not below the hands,
    reads and handles them."""
    handle: Permission
    dispatch: Permission
    intake: Permission
    """What it takes to speak for callers who have no account."""
    names: Mapping[State, str] = field(default_factory=dict)
    """What residents read for each state."""
    announced: Mapping[Move, str] = field(default_factory=dict)
    """The name of the event that each move is announced by."""

    def allowed_from(self, state: State) -> list[Move]:
        """Return the moves that the law knows from `state`, whoever makes them."""
        return [move for move, line in self.rules.items() if state in line.moves]
