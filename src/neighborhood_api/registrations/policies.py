"""How a resource is given: versioned terms, of which each registration keeps its own."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, NamedTuple, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import ForeignKey, Index, UniqueConstraint, Uuid, bindparam, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.db import Handle, Model, Source, save
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.reads import Query
from neighborhood_api.schedules.openings.plans import Limits

DAY_MINUTES = 24 * 60
KEPT = 1024
"""Terms that a process keeps; they never change."""

LONGEST_SUSPENSION = timedelta(days=366)

Minutes = Annotated[int, Field(ge=0, le=366 * DAY_MINUTES)]


class Owner(StrEnum):
    """Whom a quota limits."""

    PERSON = "person"
    """Whoever comes: of two children of one guardian, each."""
    HOUSEHOLD = "household"


class Scope(StrEnum):
    """Over what a quota counts."""

    RESOURCE = "resource"
    GROUP = "group"
    """Everything of the kind in the venue."""
    KIND = "kind"
    """Everything of the kind in the district."""


class Window(StrEnum):
    """Over which time a quota counts."""

    DAY = "day"
    WEEK = "week"
    """Monday to Sunday of the use."""
    MONTH = "month"
    OPEN = "open"
    """What is still to come or under way, whenever it is."""


class Measure(StrEnum):
    """What a quota counts."""

    TIMES = "times"
    MINUTES = "minutes"


class _Terms(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Quota(_Terms):
    """A limit on how much one person or household has."""

    owner: Owner
    """限制对象：个人或家庭 · Whom it limits."""
    window: Window
    """统计周期；open 指未结束的 · Over which time; `open` is what has not ended."""
    limit: Annotated[int, Field(ge=1, le=100_000)]
    """上限 · The most."""
    measure: Measure = Measure.TIMES
    """按次数或分钟 · In times or in minutes."""
    scope: Scope = Scope.GROUP
    """统计范围 · Over what it counts."""


class Waitlist(_Terms):
    """What happens when there is nothing left."""

    longest: Annotated[int, Field(ge=0, le=10_000)] = 0
    """候补人数上限，0 为不设候补 · How many may wait; none with 0."""
    offer_minutes: Annotated[int, Field(ge=1, le=7 * DAY_MINUTES)] | None = None
    """空出名额先保留几分钟等确认；不填为直接给 · Kept so long for an answer; null gives it."""


class Strikes(_Terms):
    """What late cancelling and not coming lead to."""

    limit: Annotated[int, Field(ge=1, le=100)] = 3
    """达到几次后暂停预约 · So many suspend."""
    window_days: Annotated[int, Field(ge=1, le=366)] = 30
    """多少天内累计，过后失效 · Counted over; a strike expires after."""
    suspension_days: Annotated[int, Field(ge=1, le=LONGEST_SUSPENSION.days)] = 14
    """暂停多少天 · How long."""
    late_cancel: bool = True
    """临近取消是否记一次 · Whether a late cancellation is one."""
    no_show: bool = True
    """未到是否记一次 · Whether not coming is one."""


class Audience(_Terms):
    """For whom it is, besides living where the venue serves."""

    node_ids: Annotated[tuple[UUID, ...], Field(max_length=200)] = ()
    """仅限这些地点的居民 · Only those who live at one of these or below; all when empty."""
    youngest: Annotated[int, Field(ge=0, le=120)] | None = None
    """最小年龄 · Youngest, in years."""
    oldest: Annotated[int, Field(ge=0, le=120)] | None = None
    """最大年龄 · Oldest, in years."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        youngest, oldest = self.youngest, self.oldest
        if youngest is not None and oldest is not None and youngest > oldest:
            raise ValueError("最小年龄不能大于最大年龄")
        return self


class Terms(_Terms):
    """How something is given."""

    slot_minutes: Annotated[int, Field(ge=5, le=DAY_MINUTES)] = 30
    """每格分钟数 · Opening hours are cut into slots of this length."""
    shortest_minutes: Annotated[int, Field(ge=5, le=DAY_MINUTES)] = 30
    """最短使用分钟数 · Shortest use."""
    longest_minutes: Annotated[int, Field(ge=5, le=DAY_MINUTES)] = 120
    """最长使用分钟数 · Longest use."""
    buffer_before_minutes: Annotated[int, Field(ge=0, le=12 * 60)] = 0
    """使用前预留分钟数 · Kept free before each use."""
    buffer_after_minutes: Annotated[int, Field(ge=0, le=12 * 60)] = 0
    """使用后预留分钟数 · Kept free after each use."""
    smallest_party: Annotated[int, Field(ge=1, le=10_000)] = 1
    """最少人数 · Smallest party."""
    largest_party: Annotated[int, Field(ge=1, le=10_000)] = 10_000
    """最多人数 · Largest party."""
    notice_minutes: Minutes = 30
    """至少提前多少分钟 · How long before the start one must ask."""
    horizon_days: Annotated[int, Field(ge=0, le=366)] = 7
    """最多提前几天（今天不计）· How many days ahead, today not counted."""
    cancel_minutes: Minutes = 120
    """开始前多少分钟之后取消算临近取消 · Later than so long before the start is late."""
    hold_minutes: Annotated[int, Field(ge=0, le=60)] = 5
    """填写时保留几分钟，0 为不保留 · How long a form holds it; none with 0."""
    approval: bool = False
    """是否需要审批 · Whether staff approve."""
    pending_blocks: bool = True
    """待审批时是否占用 · Whether what waits for approval has its unit or seat."""
    pending_minutes: Annotated[int, Field(ge=5, le=60 * DAY_MINUTES)] = 2 * DAY_MINUTES
    """多久未审批即失效 · Unanswered for so long, it expires."""
    audience: Audience = Audience()
    """对象 · For whom."""
    check_in: bool = False
    """是否需要签到 · Whether one must check in."""
    check_in_before_minutes: Annotated[int, Field(ge=0, le=DAY_MINUTES)] = 15
    """开始前多少分钟起可签到 · How long before the start one may."""
    release_minutes: Annotated[int, Field(ge=1, le=DAY_MINUTES)] = 15
    """开始后多少分钟未签到即释放 · So long after the start it is given up, if nobody came."""
    remind_minutes: Annotated[int, Field(ge=0, le=7 * DAY_MINUTES)] = 120
    """提前多少分钟提醒，0 为不提醒 · How long before the start to remind; never with 0."""
    quotas: Annotated[tuple[Quota, ...], Field(max_length=12)] = ()
    """次数额度 · Quotas."""
    waitlist: Waitlist = Waitlist()
    """候补 · The waitlist."""
    strikes: Strikes = Strikes()
    """爽约规则 · What not coming leads to."""

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.shortest_minutes > self.longest_minutes:
            raise ValueError("最长使用时间不能短于最短使用时间")
        if self.slot_minutes > self.longest_minutes:
            raise ValueError("最长使用时间不能短于一格")
        if self.smallest_party > self.largest_party:
            raise ValueError("最多人数不能少于最少人数")
        return self

    @property
    def limits(self) -> Limits:
        """When it may be asked for."""
        return Limits(
            slot_minutes=self.slot_minutes,
            shortest_minutes=self.shortest_minutes,
            longest_minutes=self.longest_minutes,
            notice_minutes=self.notice_minutes,
            horizon_days=self.horizon_days,
        )

    def held(self, starts_at: datetime, ends_at: datetime) -> tuple[datetime, datetime]:
        """Return the time that a use takes, with the buffers around it."""
        return (
            starts_at - timedelta(minutes=self.buffer_before_minutes),
            ends_at + timedelta(minutes=self.buffer_after_minutes),
        )


class Policy(Model):
    """One version of terms; never changed."""

    __tablename__ = "policy"
    __table_args__ = (
        UniqueConstraint("family_id", "number", name="policy_version"),
        Index("ix_policy_family", "family_id", "number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    family_id: Mapped[UUID]
    """What its versions have in common: the resource or series that it was made for."""
    number: Mapped[int]
    """1 for the first version."""
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB)
    made_at: Mapped[datetime]
    made_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)


class _Stored(NamedTuple):
    terms: Any


_TERMS = Query(select(Policy.terms).where(Policy.id == bindparam("id", type_=Uuid)), _Stored)
_kept: dict[UUID, Terms] = {}


async def terms_of(source: Source, policy_id: UUID) -> Terms:
    """Return the terms of a policy; asked once per process, because they never change."""
    terms = _kept.get(policy_id)
    if terms is None:
        stored = await _TERMS.first(source, id=policy_id)
        if stored is None:
            raise LookupError(policy_id)
        if isinstance(stored.terms, str):
            terms = Terms.model_validate_json(stored.terms)
        else:
            terms = Terms.model_validate(stored.terms)
        while len(_kept) >= KEPT:
            del _kept[next(iter(_kept))]
        _kept[policy_id] = terms
    return terms


class _Newest(NamedTuple):
    number: int


_NEWEST = Query(
    select(Policy.number)
    .where(Policy.family_id == bindparam("family_id", type_=Uuid))
    .order_by(Policy.number.desc())
    .limit(1),
    _Newest,
)


async def new_policy(
    handle: Handle, family_id: UUID, terms: Terms, *, by_id: UUID | None, now: datetime
) -> Policy:
    """Store the next version of a family's terms; the caller has locked whose they are."""
    newest = await _NEWEST.first(handle, family_id=family_id)
    policy = Policy(
        family_id=family_id,
        number=1 + (newest.number if newest else 0),
        terms=terms.model_dump(mode="json"),
        made_at=now,
        made_by_id=by_id,
    )
    await save(handle, policy)
    return policy
