"""Plays the scripts of the demo's issues through the real use cases, in the order of time."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from io import BytesIO
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.cases.workflow import State
from neighborhood_api.demo.acting import acting_as
from neighborhood_api.demo.pictures import draw_lane
from neighborhood_api.demo.place import IssueRow, StepRow
from neighborhood_api.demo.scenes.dispatching import DISPATCHING
from neighborhood_api.demo.scenes.scene import Cast, Play, Scene
from neighborhood_api.demo.scenes.settling import SETTLING
from neighborhood_api.demo.scenes.together import TOGETHER
from neighborhood_api.demo.scenes.watching import WATCHING
from neighborhood_api.demo.scenes.whistling import WHISTLING
from neighborhood_api.files.service import store_upload
from neighborhood_api.files.store import Store
from neighborhood_api.grid.areas.coordinates import CoordinateSystem
from neighborhood_api.grid.models import Appointment, Node
from neighborhood_api.grid.schemas import PositionIn
from neighborhood_api.identity.access import Actor, Role
from neighborhood_api.identity.places import COLUMNS, Level
from neighborhood_api.issues import service
from neighborhood_api.issues.schemas import AnswerIn, CallerIn, CommentIn, IssueIn
from neighborhood_api.kit.db import Tx

_POSTS = {
    "chief": (Role.LANE_CHIEF, Level.LANE),
    "grid_leader": (Role.GRID_LEADER, Level.GRID),
    "grid_worker": (Role.GRID_WORKER, Level.GRID),
    "community_worker": (Role.COMMUNITY_WORKER, Level.COMMUNITY),
    "community_secretary": (Role.COMMUNITY_SECRETARY, Level.COMMUNITY),
    "dispatcher": (Role.STREET_DISPATCHER, Level.STREET),
    "street_secretary": (Role.STREET_SECRETARY, Level.STREET),
}


class Beat(NamedTuple):
    """A moment in the life of an issue: its report, or one of its steps."""

    at: datetime
    row: IssueRow
    number: int
    step: StepRow | None


def in_order(rows: tuple[IssueRow, ...], now: datetime) -> list[Beat]:
    """Return what happens, the earliest first: stories that meet are played side by side."""
    beats = [beat for row in rows for beat in _beats(row, now)]
    return sorted(beats, key=lambda beat: beat.at)


def _beats(row: IssueRow, now: datetime) -> Iterator[Beat]:
    reported_at = now - timedelta(minutes=row.reported_minutes_ago)
    yield Beat(reported_at, row, 0, None)
    for number, step in enumerate(row.steps):
        yield Beat(reported_at + timedelta(minutes=step.after_minutes), row, number, step)


async def tell_issues(
    tx: Tx,
    store: Store,
    rows: tuple[IssueRow, ...],
    cast: Cast,
    persons: Mapping[str, UUID],
    *,
    now: datetime,
) -> None:
    """Report every issue of the script and make its moves, each at its moment."""
    teller = _Teller(tx, store, cast, persons, now)
    for beat in in_order(rows, now):
        if beat.step is None:
            await teller.report(beat)
        else:
            await teller.play(beat, beat.step)


class _Teller:
    """Plays one beat after the other; knows who is who."""

    def __init__(
        self,
        tx: Tx,
        store: Store,
        cast: Cast,
        persons: Mapping[str, UUID],
        now: datetime,
    ) -> None:
        self._tx = tx
        self._store = store
        self._cast = cast
        self._persons = persons
        self._now = now
        self._actors: dict[UUID, Actor] = {}
        self._holders: dict[tuple[str, UUID], Actor] = {}

    async def report(self, beat: Beat) -> None:
        row, lane = beat.row, self._cast.nodes[beat.row.lane_code]
        caller = None
        if row.reporter_key is None:
            caller = CallerIn(name=row.caller_name or "", phone=row.caller_phone or "")
        reporter = await self._reporter(row, lane)
        wish = IssueIn(
            category_code=row.category_code,
            text=row.text,
            lane_id=lane.id,
            position=_position(lane) if row.pinned else None,
            location=row.location_detail or None,
            photo_ids=await self._photos(row.key, row.photos, reporter, beat.at),
            anonymous=row.anonymous,
            on_behalf_of=caller,
        )
        case = await service.report_issue(self._tx, reporter, wish, now=beat.at)
        self._cast.issues[row.key] = case.id

    async def play(self, beat: Beat, step: StepRow) -> None:
        lane = self._cast.nodes[beat.row.lane_code]
        actor = await self._actor_of(step, beat.row, lane)
        key = f"{beat.row.key}-{beat.number}"
        scene = Scene(
            tx=self._tx,
            cast=self._cast,
            issue_id=self._cast.issues[beat.row.key],
            lane=lane,
            step=step,
            by=actor,
            photos=await self._photos(key, step.photos, actor, beat.at),
            before_photos=await self._photos(f"{key}-0", step.before_photos, actor, beat.at),
            at=beat.at,
        )
        await PLAYS.get(step.move, Scene.plain)(scene)

    async def _actor_of(self, step: StepRow, row: IssueRow, lane: Node) -> Actor | None:
        if step.who == "system":
            return None
        if step.who == "reporter":
            return await self._reporter(row, lane)
        if step.who in _POSTS:
            return await self._holder(step.who, lane)
        return await self._actor(self._persons[step.who])

    async def _reporter(self, row: IssueRow, lane: Node) -> Actor:
        """Whoever reported it, or took it down for a caller."""
        if row.reporter_key is not None:
            return await self._actor(self._persons[row.reporter_key])
        return await self._holder(row.registered_by or "dispatcher", lane)

    async def _photos(
        self, key: str, count: int, actor: Actor | None, at: datetime
    ) -> list[UUID]:
        """Upload drawn photos as the actor would."""
        ids: list[UUID] = []
        if actor is None or not count:
            return ids
        for number in range(count):
            drawn: BytesIO = draw_lane(f"{key}-{number}")
            size = drawn.getbuffer().nbytes
            file = await store_upload(self._tx, self._store, actor, drawn, size, now=at)
            ids.append(file.id)
        await self._tx.flush()
        return ids

    async def _holder(self, who: str, lane: Node) -> Actor:
        """Whoever holds that post above the lane, or stands in."""
        known = self._holders.get((who, lane.id))
        if known is not None:
            return known
        role, level = _POSTS[who]
        held = select(Appointment).where(
            Appointment.node_id == getattr(lane, COLUMNS[level]), Appointment.role == role.value
        )
        post = (await self._tx.scalars(held.order_by(Appointment.id))).first()
        if post is None:
            raise LookupError(f"nobody is {role.value} of {lane.name}")
        holder = await self._actor(post.stand_in_id or post.person_id)
        self._holders[who, lane.id] = holder
        return holder

    async def _actor(self, person_id: UUID) -> Actor:
        if person_id not in self._actors:
            self._actors[person_id] = await acting_as(self._tx, person_id, self._now)
        return self._actors[person_id]


def _position(lane: Node) -> PositionIn:
    if lane.longitude is None or lane.latitude is None:
        raise LookupError(f"{lane.name} lies nowhere")
    return PositionIn(
        longitude=lane.longitude,
        latitude=lane.latitude,
        coordinate_system=CoordinateSystem.WGS84,
    )


async def _comment(scene: Scene) -> None:
    remark = CommentIn(
        text=scene.step.text, internal=scene.step.internal, photo_ids=list(scene.photos)
    )
    await service.comment_issue(scene.tx, scene.actor, scene.issue_id, remark, now=scene.at)


async def _answer(scene: Scene) -> None:
    wish = AnswerIn(text=scene.step.text, photo_ids=list(scene.photos))
    await service.answer_question(scene.tx, scene.actor, scene.issue_id, wish, now=scene.at)


async def _lapse(scene: Scene) -> None:
    await scene.plain(to=State.ADJUDICATING)


PLAYS: dict[str, Play] = (
    {"comment": _comment, "answer": _answer, "lapse": _lapse}
    | SETTLING
    | DISPATCHING
    | WHISTLING
    | WATCHING
    | TOGETHER
)
"""Steps that take more than words."""
