"""What every operation that moves an issue has in common."""

from typing import Annotated
from uuid import UUID

from fastapi import Body, Depends

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.policy import CaseNotFound
from neighborhood_api.cases.service import MoveNotAllowed, find_case, lock_case
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.workflow import Move
from neighborhood_api.files.handles import LinksDep
from neighborhood_api.identity.access import Actor, Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.issues import service
from neighborhood_api.issues.schemas import AcceptIn, ConfirmIn, IssueDetailOut
from neighborhood_api.issues.views import show_issue
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.asking import asked
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import TxDep
from neighborhood_api.kit.problems import TooManyRequests

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked, TooManyRequests)
MOVING = (*SIGNED_IN, CaseNotFound, Forbidden, MoveNotAllowed)

AcceptBody = Annotated[AcceptIn, Body(default_factory=AcceptIn)]
ConfirmBody = Annotated[ConfirmIn, Body(default_factory=ConfirmIn)]
"""Who has nothing to say sends no body at all."""


class Moving:
    """What every move needs: the parts of its request, and the answer after it."""

    def __init__(
        self, issue_id: UUID, actor: ActorDep, tx: TxDep, links: LinksDep, now: NowDep
    ) -> None:
        """Gather the parts."""
        self.issue_id = issue_id
        self.actor: Actor = actor
        self.tx = tx
        self.links = links
        self.now = now

    async def lock(self) -> Case:
        """Load the issue's case and hold it until the transaction ends.

        Raises: CaseNotFound.
        """
        return await lock_case(self.tx, ISSUE, self.issue_id)

    async def make(self, move: Move, said: Said) -> IssueDetailOut:
        """Make a move that needs nothing of its own, and show the issue after it."""
        await service.move_issue(self.tx, self.actor, self.issue_id, move, said, now=self.now)
        return await self.answer()

    async def answer(self) -> IssueDetailOut:
        """Show the issue to the caller, even if her move took it out of her sight."""
        await self.tx.flush()
        case = await find_case(self.tx, ISSUE, self.issue_id)
        return await show_issue(self.tx, self.actor, case, self.links, now=self.now)


MovingDep = Annotated[Moving, Depends(asked(Moving))]
