"""Plays the scripts of the demo's issues through the real use cases."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from io import BytesIO
from uuid import UUID, uuid4

from sqlalchemy import select

from neighborhood_api.cases.service import Said, lock_case, move_case
from neighborhood_api.cases.workflow import Move
from neighborhood_api.demo.pictures import draw_lane
from neighborhood_api.demo.place import DemoPlace, IssueRow, StepRow
from neighborhood_api.files.service import store_upload
from neighborhood_api.files.store import Store
from neighborhood_api.grid.models import Appointment, Node
from neighborhood_api.grid.service import standing_of
from neighborhood_api.identity.access import Actor, Role
from neighborhood_api.identity.places import COLUMNS, Level
from neighborhood_api.issues import service
from neighborhood_api.issues.schemas import CallerIn, CommentIn, IssueIn, RateIn, ResolveIn
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Tx

_WHO = {
    "chief": (Role.LANE_CHIEF, Level.LANE),
    "grid_leader": (Role.GRID_LEADER, Level.GRID),
    "community_worker": (Role.COMMUNITY_WORKER, Level.COMMUNITY),
    "dispatcher": (Role.STREET_DISPATCHER, Level.STREET),
}


async def tell_issues(
    tx: Tx,
    store: Store,
    place: DemoPlace,
    nodes: dict[str, Node],
    residents: dict[str, UUID],
    *,
    now: datetime,
) -> None:
    """Report every issue of the script, oldest first, and make its moves at their moments."""
    teller = _Teller(tx, store, nodes, residents, now)
    for row in sorted(place.issues, key=lambda issue: -issue.reported_minutes_ago):
        await teller.tell(row)


class _Teller:
    """Plays one issue after the other; knows who is who."""

    def __init__(
        self,
        tx: Tx,
        store: Store,
        nodes: dict[str, Node],
        residents: dict[str, UUID],
        now: datetime,
    ) -> None:
        self._tx = tx
        self._store = store
        self._nodes = nodes
        self._residents = residents
        self._now = now
        self._actors: dict[UUID, Actor] = {}

    async def tell(self, row: IssueRow) -> None:
        reported_at = self._now - timedelta(minutes=row.reported_minutes_ago)
        lane = self._nodes[row.lane_code]
        if row.reporter_key is not None:
            reporter = await self._actor(self._residents[row.reporter_key])
            caller = None
        else:
            reporter = await self._holder(row.registered_by or "dispatcher", lane)
            caller = CallerIn(name=row.caller_name or "", phone=row.caller_phone or "")
        wish = IssueIn(
            category_code=row.category_code,
            text=row.text,
            lane_id=lane.id,
            location=row.location_detail or None,
            photo_ids=await self._photos(row.key, row.photos, reporter, reported_at),
            anonymous=row.anonymous,
            on_behalf_of=caller,
        )
        case = await service.report_issue(self._tx, reporter, wish, now=reported_at)
        for number, step in enumerate(row.steps):
            at = reported_at + timedelta(minutes=step.after_minutes)
            if step.who == "system":
                await self._by_itself(case.id, step, at)
                continue
            actor = reporter if step.who == "reporter" else await self._holder(step.who, lane)
            photos = await self._photos(f"{row.key}-{number}", step.photos, actor, at)
            await self._step(case.id, step, actor, photos, at)

    async def _step(
        self,
        issue_id: UUID,
        step: StepRow,
        actor: Actor,
        photos: Sequence[UUID],
        at: datetime,
    ) -> None:
        tx, text = self._tx, step.text or None
        match Move(step.move):
            case Move.RESOLVE:
                resolved = ResolveIn(text=step.text, photo_ids=list(photos))
                await service.resolve_issue(tx, actor, issue_id, resolved, now=at)
            case Move.RATE:
                rated = RateIn(rating=step.rating or 5, text=text)
                await service.rate_issue(tx, actor, issue_id, rated, now=at)
            case Move.COMMENT:
                remark = CommentIn(
                    text=step.text, internal=step.internal, photo_ids=list(photos)
                )
                await service.comment_issue(tx, actor, issue_id, remark, now=at)
            case move:
                await service.move_issue(tx, actor, issue_id, move, Said(text=text), now=at)

    async def _by_itself(self, issue_id: UUID, step: StepRow, at: datetime) -> None:
        case = await lock_case(self._tx, ISSUE, issue_id)
        words = Said(text=step.text)
        await move_case(self._tx, ISSUE, case, Move(step.move), None, words, now=at)

    async def _photos(self, key: str, count: int, actor: Actor, at: datetime) -> list[UUID]:
        """Upload drawn photos as the actor would."""
        ids = []
        for number in range(count):
            drawn: BytesIO = draw_lane(f"{key}-{number}")
            size = drawn.getbuffer().nbytes
            file = await store_upload(self._tx, self._store, actor, drawn, size, now=at)
            ids.append(file.id)
        await self._tx.flush()
        return ids

    async def _holder(self, who: str, lane: Node) -> Actor:
        """Whoever holds that post above the lane, or stands in."""
        role, level = _WHO[who]
        held = select(Appointment).where(
            Appointment.node_id == getattr(lane, COLUMNS[level]), Appointment.role == role.value
        )
        post = (await self._tx.scalars(held.order_by(Appointment.id))).first()
        if post is None:
            raise LookupError(f"nobody is {role.value} of {lane.name}")
        return await self._actor(post.stand_in_id or post.person_id)

    async def _actor(self, person_id: UUID) -> Actor:
        if person_id not in self._actors:
            standing = await standing_of(self._tx, person_id, self._now)
            self._actors[person_id] = Actor(
                person_id, uuid4(), standing.posts, standing.residence
            )
        return self._actors[person_id]
