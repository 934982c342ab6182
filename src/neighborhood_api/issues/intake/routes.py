"""HTTP operations of intake."""

from datetime import datetime

from neighborhood_api.files.handles import LinksDep
from neighborhood_api.files.links import Links
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.service import masked
from neighborhood_api.issues.intake.queries import IntakeRow, list_intake
from neighborhood_api.issues.intake.schemas import IntakeOut
from neighborhood_api.issues.models import ReportChannel
from neighborhood_api.issues.moving import SIGNED_IN
from neighborhood_api.issues.views import issue_view
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems

router = new_router(tags=["来电来访 intake"])


@router.get(
    "/staff/intake",
    summary="我代登记的诉求 · What I took in for others",
    responses=problems(*SIGNED_IN, Forbidden, paging.BadCursor),
)
async def list_intake_issues(
    actor: ActorDep, tx: ReadTxDep, links: LinksDep, page: paging.PageDep, now: NowDep
) -> paging.Page[IntakeOut]:
    """本人代来电、来访群众登记的诉求及进展，新的在前；涉及人员的诉求只有指定岗位可看。

    What the caller entered for people who telephoned or came, newest first, with its progress.
    """
    rows = await list_intake(tx, actor, page)
    return page.page(rows, lambda row: _view(row, links, now))


def _view(row: IntakeRow, links: Links, now: datetime) -> IntakeOut:
    return IntakeOut(
        **dict(issue_view(row.issue, links, now=now)),
        channel=ReportChannel(row.channel),
        caller_name=row.caller_name or "",
        caller_phone=masked(row.caller_phone) or "",
        account=row.account,
    )
