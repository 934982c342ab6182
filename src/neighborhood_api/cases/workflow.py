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
    RESOLVED = "resolved"
    REOPENED = "reopened"
    CONFIRMED = "confirmed"
    CLOSED = "closed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


UNANSWERED = frozenset({State.ASSIGNED, State.REOPENED})
"""Nobody has taken it on yet."""
IN_HAND = UNANSWERED | {State.ACCEPTED, State.HANDLING}
"""Staff must act."""
OVER = frozenset({State.CLOSED, State.REJECTED, State.WITHDRAWN})
"""Nobody must act any more."""


class Move(StrEnum):
    """What can happen to a case."""

    REPORT = "report"
    ACCEPT = "accept"
    RESPOND = "respond"
    RESOLVE = "resolve"
    REJECT = "reject"
    ESCALATE = "escalate"
    DISPATCH = "dispatch"
    CONFIRM = "confirm"
    REOPEN = "reopen"
    RATE = "rate"
    WITHDRAW = "withdraw"
    CLOSE = "close"
    COMMENT = "comment"


class By(StrEnum):
    """Whose move it is."""

    HANDS = "hands"
    """Whoever may handle cases at the node that holds it, or above."""
    DISPATCHER = "dispatcher"
    """Whoever dispatches at the place of the case."""
    REPORTER = "reporter"
    """The person who reported it."""
    READER = "reader"
    """Everyone who may read it."""
    SYSTEM = "system"
    """A job, when a clock runs out."""


class Hands(StrEnum):
    """What a move does to the hands that hold the case."""

    KEEP = "keep"
    UP = "up"
    """To whoever answers one level up."""
    TO_ORGANIZATION = "to_organization"
    """To a department."""


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


def rule(
    moves: frozenset[State] | set[State],
    to: State | None,
    *by: By,
    hands: Hands = Hands.KEEP,
    words: bool = False,
) -> Rule:
    """Write one line of the law."""
    return Rule(frozenset(moves), to, frozenset(by), hands, words)


@dataclass(frozen=True)
class Workflow:
    """The law of one kind of case."""

    kind: str
    rules: Mapping[Move, Rule]
    read: Permission
    handle: Permission
    dispatch: Permission
    names: Mapping[State, str] = field(default_factory=dict)
    """What residents read for each state."""

    def allowed_from(self, state: State) -> list[Move]:
        """Return the moves that the law knows from `state`, whoever makes them."""
        return [move for move, line in self.rules.items() if state in line.moves]
