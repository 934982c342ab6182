"""Plates (公示牌) of lanes: who is responsible, and a code to scan that never changes."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import literal, select

from neighborhood_api.files.store import Store
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.layers.profiles import role_names_of
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.queries import Contact, exists_on
from neighborhood_api.grid.service import NotALane, current_node
from neighborhood_api.identity.access import Actor, Permission, Role
from neighborhood_api.identity.places import COLUMNS, Level
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.plates import drawing
from neighborhood_api.plates.codes import mini_program_code
from neighborhood_api.plates.queries import CONTACTS_OF_NODES
from neighborhood_api.wechat.client import WeChat

MOST_AT_ONCE = 200
"""Lanes of one file; a community has half as many."""
_SHOWN = (Role.LANE_CHIEF, Role.GRID_LEADER)
_SUPERVISES = (Role.STREET_DISPATCHER, Role.STREET_SECRETARY)
_PRINTER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="plates")


class CodeKind(StrEnum):
    """What a plate has one scan."""

    AUTO = "auto"
    """A mini-program code where WeChat is configured, else an address."""
    WECHAT = "wechat"
    URL = "url"


class NoPlates(Problem):
    """None of the lanes of the place has a plate."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no lane with a plate here"
    message = "这里没有可打印公示牌的街巷"


class TooManyPlates(Problem):
    """The place has more lanes than one file takes."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "There are too many lanes for one file"
    message = "街巷太多，请按社区或网格分别打印"


@dataclass(frozen=True)
class Press:
    """How plates are made here."""

    wechat: WeChat
    store: Store
    page: str | None
    """Which page of the mini-program opens; its home page without one."""
    address: str
    """What the address of a plate begins with."""

    async def code_of(self, plate_code: str, kind: CodeKind) -> bytes:
        """Return the image to scan.

        Raises: WechatNotConfigured, WechatUnavailable, WechatMisconfigured, WechatPageUnknown,
            FileStoreUnavailable.
        """
        wanted = kind is CodeKind.WECHAT or (
            kind is CodeKind.AUTO and self.wechat.is_configured
        )
        if wanted:
            return await mini_program_code(self.store, self.wechat, plate_code, self.page)
        return await _printed(partial(drawing.qr_of, self.address + plate_code))


async def print_plate(
    tx: ReadTx,
    actor: Actor,
    press: Press,
    node_id: UUID,
    kind: CodeKind,
    *,
    names: bool,
    now: datetime,
) -> bytes:
    """Draw the plate of a lane, as PNG.

    Raises: NodeNotFound, Forbidden, NotALane, NoPlates, and those of `Press.code_of`.
    """
    node = await current_node(tx, node_id, now=now)
    actor.require(Permission.HOUSEHOLD_READ, at=node.place)
    if node.level != Level.LANE:
        raise NotALane
    (plate,) = await _plates(tx, [node], names=names, now=now)
    await tx.commit()  # nobody waits for WeChat with a connection in hand
    plate = await _with_code(press, plate, kind)
    return await _printed(partial(drawing.png_of, plate))


async def print_plates(
    tx: ReadTx,
    actor: Actor,
    press: Press,
    node_id: UUID,
    kind: CodeKind,
    *,
    names: bool,
    now: datetime,
) -> bytes:
    """Draw the plates of all lanes of a place, by their codes, as PDF.

    Raises: NodeNotFound, Forbidden, NoPlates, TooManyPlates, and those of `Press.code_of`.
    """
    node = await current_node(tx, node_id, now=now)
    actor.require(Permission.HOUSEHOLD_READ, at=node.place)
    here = getattr(Node, COLUMNS[node.level]) == node.id
    day = literal(local_day(now))
    lanes = select(Node).where(here, Node.level == Level.LANE.value, exists_on(day))
    with_plates = lanes.where(Node.plate_code.is_not(None)).order_by(Node.code)
    found = (await tx.scalars(with_plates.limit(MOST_AT_ONCE + 1))).all()
    if len(found) > MOST_AT_ONCE:
        raise TooManyPlates(most=MOST_AT_ONCE)
    drafts = await _plates(tx, found, names=names, now=now)
    await tx.commit()  # nobody waits for WeChat with a connection in hand
    plates = [await _with_code(press, plate, kind) for plate in drafts]
    return await _printed(partial(drawing.pdf_of, plates, f"{node.name}公示牌"))


async def _plates(
    tx: ReadTx, lanes: Sequence[Node], *, names: bool, now: datetime
) -> list[drawing.Plate]:
    """Gather what stands on the plates of lanes, still without anything to scan."""
    if not any(lane.plate_code for lane in lanes):
        raise NoPlates
    day = local_day(now)
    above = {node_id for lane in lanes for node_id in lane.place if node_id is not None}
    called = await role_names_of(tx, lanes[0].district_id)
    contacts: dict[UUID, list[Contact]] = defaultdict(list)
    for contact in await CONTACTS_OF_NODES.all(tx, node_ids=[*above], day=day):
        contacts[contact.node_id].append(contact)
    plates = []
    for lane in lanes:
        code = lane.plate_code or ""
        way = [contacts[n] for n in reversed(lane.place) if n is not None]
        plates.append(
            drawing.Plate(
                lane=lane.name,
                place=" · ".join(rows[0].node_name for rows in reversed(way[1:-1]) if rows),
                people=tuple(_responsible(way, role, called[role]) for role in _SHOWN)
                if names
                else (),
                posts=tuple(called[role] for role in _SHOWN),
                supervision=next((c.duty_phone for c in _holding(way, _SUPERVISES)), None),
                code=code,
                qr=b"",
                as_of=day.isoformat(),
            )
        )
    return plates


async def _with_code(press: Press, plate: drawing.Plate, kind: CodeKind) -> drawing.Plate:
    return replace(plate, qr=await press.code_of(plate.code, kind))


def _responsible(way: Sequence[list[Contact]], role: Role, post: str) -> drawing.Responsible:
    held = next(iter(_holding(way, (role,))), None)
    return drawing.Responsible(
        post=post,
        name=None if held is None else held.person_name,
        phone=None if held is None else held.duty_phone,
    )


def _holding(way: Sequence[list[Contact]], roles: Sequence[Role]) -> list[Contact]:
    """Return who acts in these posts on the way up, the first post first."""
    return [c for role in roles for rows in way for c in rows if c.role == role.value]


async def _printed(draw: partial[bytes]) -> bytes:
    """Draw in a thread of its own: a page takes a tenth of a second, and 26 MB."""
    return await asyncio.get_running_loop().run_in_executor(_PRINTER, draw)
