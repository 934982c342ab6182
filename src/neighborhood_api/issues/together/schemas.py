"""What the operations about shared issues accept and return."""

from uuid import UUID

from pydantic import ConfigDict

from neighborhood_api.cases.workflow import State
from neighborhood_api.identity.places import Level
from neighborhood_api.issues.schemas import EntryOut, PhotoOut, Text
from neighborhood_api.kit.schema import In, Moment, Out

_SOME_ID = "0198c0de-0000-7000-8000-000000000001"


class SharedOut(Out):
    """An issue as others in the neighbourhood may see it: without who reported it."""

    id: UUID
    code: str
    category_name: str
    text: str
    """已隐去个人信息；不公开时不显示 · Without personal data; not while it is not public."""
    state: State
    state_name: str
    lane_name: str
    photos: list[PhotoOut]
    reported_at: Moment
    supporters: int
    """附议人数 · How many said "me too"."""
    mine: bool
    """是否本人上报 · Whether the caller reported it."""
    supported: bool
    """本人是否已附议 · Whether the caller supports it."""


class SimilarOut(SharedOut):
    """A likely duplicate."""

    metres: int | None
    """相距（米）；无定位时为 null · Distance; null where a position is missing."""
    likelihood: float
    """可能性 0–1 · How likely it is the same thing."""


class SimilarList(Out):
    """Likely duplicates, the likeliest first."""

    items: list[SimilarOut]


class MergeIn(In):
    """Which issue it shall be handled with."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"into_id": _SOME_ID, "text": "同一处垃圾堆放。"}]}
    )
    into_id: UUID
    """主件 · The issue that goes on."""
    text: Text
    """理由，被并件的诉求人可见 · Why; the reporter of the merged one reads it."""


class MergedOut(Out):
    """An issue that is handled with another."""

    id: UUID
    code: str
    text: str
    state: State
    state_name: str
    reported_at: Moment
    photos: list[PhotoOut]


class MainOut(Out):
    """The issue that another one is handled with, as that one's reporter sees it."""

    code: str
    state: State
    state_name: str
    hand: str
    """承办单位 · Who holds it."""
    timeline: list[EntryOut]
    """办理单位的公开进展 · What staff did, as far as the public may know it."""


class TogetherOut(Out):
    """What else is about the same thing."""

    supporters: int
    main: MainOut | None
    """已并入的主件 · The issue that it is handled with."""
    merged: list[MergedOut]
    """并入本件的诉求（仅工作人员可见）· For staff: what is handled with it."""


class HotSpotOut(Out):
    """Many reports of one kind in one place."""

    node_id: UUID
    node_name: str
    level: Level
    category_code: str
    category_name: str
    issues: int
    """件数 · Reports in the period."""
    reporters: int
    """不同诉求人数 · Different reporters."""
    supporters: int
    open: int
    """未办结件数 · Still in hand."""
    newest_at: Moment
    newest_ids: list[UUID]
    """最近几件 · The newest of them."""


class HotSpotList(Out):
    """Hot spots, the hottest first."""

    items: list[HotSpotOut]
