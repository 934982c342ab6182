"""What the operations of leaves and of vacant posts take and return."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict

from neighborhood_api.grid.schemas import AppointeeIn, DutyPhone, NodeOut
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.schema import In, Moment, Out, named


class LeaveIn(In):
    """A wish to let the holder of a post be away (请假)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "first_on": "2026-12-01",
                    "last_on": "2026-12-05",
                    "stand_in": {"name": "周巷长", "phone": "15400000009"},
                }
            ]
        }
    )
    first_on: date
    """请假首日，不早于今天 · First day, today or later."""
    last_on: date
    """请假末日（含当天）· Last day, included."""
    stand_in: AppointeeIn | None = None
    """代班人，不填则该岗位视为空缺 · Who acts meanwhile; left out, the post is vacant."""
    duty_phone: DutyPhone | None = None
    """代班期间的值班电话，不填沿用原号 · Duty phone meanwhile; the old one when left out."""


class LeaveOut(Out):
    """A leave of the holder of a post."""

    id: UUID
    appointment_id: UUID
    first_on: date
    last_on: date
    stand_in_id: UUID | None
    stand_in_name: str | None
    """代班人姓名 · Who acts meanwhile; null while the post is vacant."""
    duty_phone: str | None
    """代班期间的值班电话，空则沿用原号 · Duty phone meanwhile; null for the old one."""
    begun: bool
    """是否已开始 · Whether it has begun."""
    ended: bool
    """是否已结束或取消 · Whether it is over or cancelled."""


COVER_NAMES = {"vacant": "空缺", "double": "一人多岗"}


class CoverOut(Out):
    """A post that must answer, and how it is covered today."""

    role: Role
    role_name: str
    cover: Literal["vacant", "double"]
    """vacant 空缺 · nobody acts; double 一人多岗 · who acts here also acts in other posts."""
    cover_name: str = named("cover", COVER_NAMES)
    """空缺或一人多岗 · The same in Chinese, to be shown as it is."""
    since: Moment | None
    """空缺报警时间；从未有人任职则为空 · When it became vacant; null if never held."""
    away_until: date | None
    """因请假空缺时的请假末日 · Last day of the leave that leaves it vacant."""
    name: str | None
    """一人多岗者姓名 · Who acts in several posts; null when vacant."""
    acts_in: int | None
    """其在岗岗位数 · In how many posts; null when vacant."""


class VacancyOut(Out):
    """A place where a post is vacant, or held by somebody who also acts elsewhere."""

    id: UUID
    """地点编号 · Id of the place."""
    node: NodeOut
    unanswered: bool
    """本级无人应答，诉求转上一级 · Nobody answers here: issues go one level up."""
    posts: list[CoverOut]
