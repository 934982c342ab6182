"""Every move of handling, routing and time below the API, with what its shape demands."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from neighborhood_api.cases import requests
from neighborhood_api.cases.models import Case
from neighborhood_api.cases.service import lock_case, move_case
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.workflow import Move
from neighborhood_api.identity.access import Actor
from neighborhood_api.issues import service
from neighborhood_api.issues.dispatching import service as dispatching
from neighborhood_api.issues.dispatching.schemas import ReturnIn, ReturnReason
from neighborhood_api.issues.schemas import CommentIn
from neighborhood_api.issues.settling import service as settling
from neighborhood_api.issues.settling.schemas import ResolveIn
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Tx
from tests.support.issues import LANE
from tests.support.places import Town

WORDS = Said(text="说明")
RETURN = ReturnIn(reason=ReturnReason.NOT_OUR_DUTY, text="不归我们管")
BESIDE = (1, 1, 1, 2)
"""Where a transfer goes."""
SUSPENDED_FOR = timedelta(days=3)
EXTENDED_BY = 60


@dataclass(frozen=True)
class Attempt:
    """Somebody who moves an issue at a moment."""

    tx: Tx
    town: Town
    actor: Actor
    case: Case
    now: datetime

    async def resolve(self) -> None:
        wish = ResolveIn(text="办好了")
        await settling.resolve_issue(self.tx, self.actor, self.case.id, wish, now=self.now)

    async def comment(self) -> None:
        wish = CommentIn(text="留言")
        await service.comment_issue(self.tx, self.actor, self.case.id, wish, now=self.now)

    async def dispatch(self) -> None:
        bodies = [body.id for body in self.town.organizations]
        said = Said(organization_id=bodies[bodies[0] == self.case.organization_id])
        await move_case(
            self.tx, ISSUE, self.case, Move.DISPATCH, self.actor, said, now=self.now
        )

    async def transfer(self) -> None:
        said = Said(text="在隔壁", node_id=self.town.at(*BESIDE).id)
        await dispatching.transfer_issue(self.tx, self.case, self.actor, said, now=self.now)

    async def send_back(self) -> None:
        await dispatching.return_issue(self.tx, self.case, self.actor, RETURN, now=self.now)

    async def decline(self) -> None:
        await dispatching.decline_issue(self.tx, self.case, self.actor, RETURN, now=self.now)

    async def adjudicate(self) -> None:
        said = Said(text="归巷里", node_id=self.town.at(*LANE).id)
        await dispatching.adjudicate_issue(self.tx, self.case, self.actor, said, now=self.now)

    async def request_suspension(self) -> None:
        until = self.now + SUSPENDED_FOR
        await requests.request_suspension(
            self.tx, ISSUE, self.case, self.actor, WORDS, until=until, now=self.now
        )

    async def request_extension(self) -> None:
        await requests.request_extension(
            self.tx, ISSUE, self.case, self.actor, WORDS, amount=EXTENDED_BY, now=self.now
        )

    async def suspend(self) -> None:
        await self._decide("suspension")

    async def extend(self) -> None:
        await self._decide("extension")

    async def refuse_request(self) -> None:
        await self._decide(None)

    async def _decide(self, approved: str | None) -> None:
        """Approve a request of that kind, or refuse any."""
        asked = await requests.open_request(self.tx, self.case.id)
        if asked is not None and approved is not None and asked.kind != approved:
            raise requests.NoRequest
        await requests.decide_request(
            self.tx,
            ISSUE,
            self.case,
            self.actor,
            WORDS,
            approve=approved is not None,
            now=self.now,
        )


_OF_ITS_OWN: dict[Move, Callable[[Attempt], Awaitable[None]]] = {
    Move.RESOLVE: Attempt.resolve,
    Move.COMMENT: Attempt.comment,
    Move.DISPATCH: Attempt.dispatch,
    Move.TRANSFER: Attempt.transfer,
    Move.RETURN: Attempt.send_back,
    Move.DECLINE: Attempt.decline,
    Move.ADJUDICATE: Attempt.adjudicate,
    Move.REQUEST_SUSPENSION: Attempt.request_suspension,
    Move.REQUEST_EXTENSION: Attempt.request_extension,
    Move.SUSPEND: Attempt.suspend,
    Move.EXTEND: Attempt.extend,
    Move.REFUSE_REQUEST: Attempt.refuse_request,
}
_PLAIN = (
    Move.ACCEPT,
    Move.RESPOND,
    Move.ASK,
    Move.ANSWER,
    Move.RESUME,
    Move.REJECT,
    Move.WITHDRAW,
    Move.CONFIRM,
    Move.ESCALATE,
    Move.TAKE_OVER,
)
MOVES = (*_PLAIN, *_OF_ITS_OWN)


async def attempt(
    tx: Tx, town: Town, actor: Actor, issue_id: UUID, move: Move, *, now: datetime
) -> None:
    """Make a move with everything that its shape demands."""
    case = await lock_case(tx, ISSUE, issue_id)
    if move in _OF_ITS_OWN:
        await _OF_ITS_OWN[move](Attempt(tx, town, actor, case, now))
    else:
        await move_case(tx, ISSUE, case, move, actor, WORDS, now=now)
    await tx.flush()
