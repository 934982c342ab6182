"""HTTP operations of rosters."""

from typing import Annotated
from uuid import UUID

from fastapi import Body

from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.venues.dependencies import ONCE, SIGNED_IN, SettingsDep
from neighborhood_api.venues.sessions.grounds import SessionNotFound
from neighborhood_api.venues.sessions.roster import service
from neighborhood_api.venues.sessions.roster.schemas import (
    RosterExportIn,
    RosterLookIn,
    RosterOut,
    SheetOut,
)

router = new_router(tags=["点名册 rosters"])
CLOSED = (service.RosterReasonNeeded, service.RosterClosed)


@router.get(
    "/sessions/{session_id}/roster",
    summary="点名册（老师、工作人员）· Who comes to a session",
    responses=problems(*SIGNED_IN, Forbidden, SessionNotFound, *CLOSED),
)
async def read_roster(
    session_id: UUID, actor: ActorDep, tx: ReadTxDep, now: NowDep
) -> RosterOut:
    """参加人姓名；孩子另有年级、监护人和接送人，不含电话。签到、签退用预约的操作。

    Names; of children the grade, the guardian and who may fetch them. No phone numbers. Staff
    who do not teach there open a roster of children with a reason.
    """
    return await service.read_roster(tx, actor, session_id, now=now)


@router.post(
    "/sessions/{session_id}/roster-looks",
    summary="说明理由后查看点名册（工作人员）· Open a roster of children",
    responses=problems(*SIGNED_IN, *ONCE, Forbidden, SessionNotFound, service.RosterClosed),
)
async def open_roster(
    session_id: UUID,
    body: RosterLookIn,
    actor: ActorDep,
    tx: TxDep,
    now: NowDep,
    settings: SettingsDep,
) -> RosterOut:
    """有孩子的名单，非授课的工作人员说明理由后查看；会留痕，监护人能看到谁、为什么查看。

    For staff who do not teach there; it is logged, and the guardians see who looked and why.
    """
    return await service.open_roster(
        tx, actor, session_id, body.reason, look_days=settings.child_look_days, now=now
    )


@router.post(
    "/sessions/{session_id}/export-roster",
    summary="导出点名册（工作人员）· Take a roster out",
    responses=problems(*SIGNED_IN, *ONCE, Forbidden, SessionNotFound, *CLOSED),
)
async def export_roster(
    session_id: UUID,
    body: Annotated[RosterExportIn, Body(default_factory=RosterExportIn)],
    actor: ActorDep,
    tx: TxDep,
    now: NowDep,
    settings: SettingsDep,
) -> SheetOut:
    """导出为 XLSX 或 CSV（Base64），有孩子的要写理由，导出会留痕。

    As XLSX or CSV, of children with a reason; who took it out is kept.
    """
    return await service.export_roster(
        tx, actor, session_id, body, look_days=settings.child_look_days, now=now
    )
