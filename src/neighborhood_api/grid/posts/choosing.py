"""How holders of posts were chosen, as the API takes and shows it."""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from neighborhood_api.kit.schema import In, Line, Moment, Out, Whole, named

Votes = Annotated[int, Field(ge=0, le=1_000_000)]


class SelectionKind(StrEnum):
    """How somebody came into her post."""

    ELECTED = "elected"
    """推选、选举"""
    NOMINATED = "nominated"
    """提名、推荐"""
    RECRUITED = "recruited"
    """公开招聘"""
    APPOINTED = "appointed"
    """任命"""


SELECTION_NAMES: dict[SelectionKind, str] = {
    SelectionKind.ELECTED: "推选、选举",
    SelectionKind.NOMINATED: "提名、推荐",
    SelectionKind.RECRUITED: "公开招聘",
    SelectionKind.APPOINTED: "任命",
}


class SelectionIn(In):
    """How the holder of a post was chosen."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "elected",
                    "decided_on": "2026-11-20",
                    "votes_for": 41,
                    "votes_cast": 52,
                    "votes_eligible": 60,
                    "document_number": "罗阳居字〔2026〕7号",
                }
            ]
        }
    )
    kind: SelectionKind
    """elected 推选 · nominated 提名 · recruited 招聘 · appointed 任命 · How."""
    decided_on: date
    """推选或任命日期 · Day of the vote or decision."""
    votes_for: Votes | None = None
    """赞成票 · Votes for her."""
    votes_cast: Votes | None = None
    """实到票数 · Votes cast."""
    votes_eligible: Votes | None = None
    """应到票数 · Votes that could have been cast."""
    nominated_by: Annotated[Line, Field(max_length=60)] | None = None
    """提名或任命单位 · The body that named her."""
    document_number: Annotated[Line, Field(max_length=60)] | None = None
    """文号 · Number of the document."""
    note: Annotated[Line, Field(max_length=200)] | None = None
    """备注 · Note."""


class SelectionChangeIn(Whole, SelectionIn):
    """The record of how somebody was chosen, written anew."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "elected",
                    "decided_on": "2026-11-20",
                    "votes_for": 41,
                    "votes_cast": 52,
                    "votes_eligible": 60,
                    "nominated_by": "观华社区党委",
                    "document_number": "罗阳居字〔2026〕7号",
                    "note": "居民代表会议推选",
                    "version": 1,
                }
            ]
        }
    )
    may_be_left_out: ClassVar = frozenset({"version"})
    version: int | None = None
    """修改已有记录时带上读到的版本号 · The version read, when there is a record."""


class SelectionOut(Out):
    """How the holder of a post was chosen."""

    kind: SelectionKind
    kind_name: str = named("kind", SELECTION_NAMES)
    """产生方式 · The same in Chinese, to be shown as it is."""
    decided_on: date
    votes_for: int | None
    votes_cast: int | None
    votes_eligible: int | None
    turnout: float | None
    """投票率，实到 ÷ 应到 · Votes cast of those that could have been, 0 to 1."""
    nominated_by: str | None
    document_number: str | None
    note: str | None
    recorded_at: Moment
    version: int
