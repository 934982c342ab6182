"""Telling those who hold posts that the grid was redrawn."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from neighborhood_api.kit.db import Tx
from neighborhood_api.notifications.service import Subject, notify
from neighborhood_api.reorganisation.models import Reorganisation

KIND = "grid.reorganised"


async def tell_everybody(
    tx: Tx,
    plan: Reorganisation,
    people: set[UUID],
    came: Mapping[UUID, int],
    *,
    now: datetime,
    undone: bool = False,
) -> None:
    """Tell whoever holds a post at a place that changed, and how many issues came to her."""
    what = "已撤销，恢复原状" if undone else "已生效"
    for person_id in sorted(people | set(came)):
        number = came.get(person_id, 0)
        issues = f"；有 {number} 件未办结诉求转到您手上" if number else ""
        await notify(
            tx,
            person_id,
            KIND,
            Subject("reorganisation", plan.id),
            title=f"网格重组方案「{plan.name}」{what}",
            body=f"您的岗位所在网格有调整，请重新打开小程序查看{issues}。",
            at_most_once_key=f"{KIND}:{plan.id}:{plan.version}",
            now=now,
        )


async def tell_failed(tx: Tx, plan: Reorganisation, *, now: datetime) -> None:
    """Tell who scheduled a plan, once, that it is due and an error of the system stops it."""
    await notify(
        tx,
        plan.applied_by_id or plan.created_by_id,
        f"{KIND}_failed",
        Subject("reorganisation", plan.id),
        title=f"网格重组方案「{plan.name}」暂未生效",
        body="系统出错，网格没有变动，每五分钟自动重试；如仍未生效，请联系运维人员查看日志。",
        at_most_once_key=f"{KIND}_failed:{plan.id}:{plan.version}",
        now=now,
    )


async def tell_refused(tx: Tx, plan: Reorganisation, *, now: datetime) -> None:
    """Tell who scheduled a plan that it could not be applied on its day."""
    await notify(
        tx,
        plan.applied_by_id or plan.created_by_id,
        f"{KIND}_refused",
        Subject("reorganisation", plan.id),
        title=f"网格重组方案「{plan.name}」未能生效",
        body="网格有变动，方案已退回草稿，请查看原因后重新提交。",
        at_most_once_key=f"{KIND}_refused:{plan.id}:{plan.version}",
        now=now,
    )
