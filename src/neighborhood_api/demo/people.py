"""Whom one can be in the demonstration, with a sign-in request that works as it stands.

The staff listed are those who answer for the first residents, so that a report made by one
of them lands with somebody on the list.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from secrets import token_hex
from typing import Literal

import httpx
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import aliased

from neighborhood_api.demo.load import DEMO_PASSWORD
from neighborhood_api.grid.models import Appointment, Household, Node, Organization, Residence
from neighborhood_api.grid.names import ROLE_NAMES
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Place
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.schema import Out
from neighborhood_api.registers.models import Resident

OPENID_PREFIX = "oDemo-"
"""Every invented resident has an openid that WeChat would never give."""
RESIDENT_PREFIX = f"{OPENID_PREFIX}resident-"
RESIDENTS = 6
NEIGHBOURS = 2
"""Of the residents, how many are taken from the first one's own lane."""

StandIn = aliased(Person)

SHOWN = (
    Role.LANE_CHIEF,
    Role.GRID_LEADER,
    Role.GRID_WORKER,
    Role.COMMUNITY_WORKER,
    Role.COMMUNITY_SECRETARY,
    Role.STREET_DISPATCHER,
    Role.STREET_SECRETARY,
    Role.DISCIPLINE_OFFICER,
    Role.DEPARTMENT_OFFICER,
    Role.OPERATOR,
    Role.CHIEF_OPERATOR,
)

DUTIES: dict[Role, tuple[str, str]] = {
    Role.LANE_CHIEF: (
        "只看到自己街巷的诉求：受理、答复、办结，办不了就上报网格；确认住址",
        "GET /api/v1/staff/issues?box=mine 看待办;GET /api/v1/residence-claims 确认住址",
    ),
    Role.GRID_LEADER: (
        "看到本网格所有街巷，办理上报的诉求，核查办结结果，审批延期，吹哨调度部门",
        "GET /api/v1/staff/issues?box=below 看下级;POST /api/v1/issues/{id}/whistle 吹哨",
    ),
    Role.GRID_WORKER: (
        "和网格长一起办理本网格的诉求，核实登记册和关爱对象",
        "GET /api/v1/staff/issues 看诉求;GET /api/v1/registers/residents?stale=true 看待核实",
    ),
    Role.COMMUNITY_WORKER: (
        "看到整个社区，可代居民登记诉求、审核公开、回访，管理本社区活动室",
        "POST /api/v1/issues 带 on_behalf_of 代为登记;GET /api/v1/staff/call-backs 看回访任务",
    ),
    Role.COMMUNITY_SECRETARY: (
        "看到整个社区，督办超时的诉求，准假",
        "GET /api/v1/staff/issues?box=overdue 看超时;POST /api/v1/issues/{id}/supervise 督办",
    ),
    Role.STREET_DISPATCHER: (
        "看到全街道的诉求，派给部门，裁定没人认领的",
        "GET /api/v1/staff/issues?box=overdue 看超时;POST /api/v1/issues/{id}/dispatch 派遣",
    ),
    Role.STREET_SECRETARY: (
        "看到全街道的诉求和保密件（反映工作人员的），督办",
        "GET /api/v1/staff/issues 看诉求;GET /api/v1/staff/orders?side=given 看发出的督办",
    ),
    Role.DEPARTMENT_OFFICER: (
        "只看到派给、转给或吹哨找本部门的诉求：接收或退回、报到、办理",
        "GET /api/v1/staff/issues 看派给本部门的;GET /api/v1/staff/calls 看报到任务",
    ),
    Role.OPERATOR: (
        "管理网格、岗位、类别、办理规则和日历；任命和免职立即生效",
        "POST /api/v1/reorganisations 网格重组;GET /api/v1/grid/nodes/{id}/acts 看操作记录",
    ),
    Role.DISCIPLINE_OFFICER: (
        "只看到反映工作人员的诉求（保密件）：复核、审批，或办理涉及街道负责人的",
        "GET /api/v1/staff/issues 看保密件;GET /api/v1/issues/{id}/requests 看审批",
    ),
    Role.CHIEF_OPERATOR: (
        "和操作员一样管理本区县，另可修改各区县共用的类别、规则、评价表和隐私政策",
        "PUT /api/v1/issue-categories/{code} 改类别;POST /api/v1/consents 发布隐私政策",
    ),
}
RESIDENT_NEXT = (
    "GET /api/v1/me/grid 看谁负责我家;POST /api/v1/issues 上报;GET /api/v1/me/issues 看进展",
    "GET /api/v1/public/issues 看附近公开的诉求;POST /api/v1/issues/{id}/support 附议",
    "GET /api/v1/venues 看活动室;POST /api/v1/rooms/{id}/bookings 预约",
)
NEWCOMER_NEXT = (
    "GET /api/v1/grid/districts 起逐级选择街巷,PUT /api/v1/me/residence 填写住址,"
    "再看 GET /api/v1/me/grid"
)


class SignInRequestOut(Out):
    """A sign-in request, ready to be sent."""

    method: Literal["POST"] = "POST"
    path: str
    body: dict[str, str]
    """微信 code 只能用一次，五分钟内有效；再取名单即有新的 · A WeChat code works once."""


class NextRequestOut(Out):
    """A request, ready to be sent with the token of the sign-in."""

    what: str
    """做什么 · What it does."""
    method: Literal["POST", "PUT"]
    path: str
    body: dict[str, str]


class DemoPersonOut(Out):
    """Somebody one can be."""

    name: str | None
    description: str
    """是谁 · Who it is, and what she sees."""
    role: Role | None
    """岗位，居民为空 · Post; null for residents."""
    role_name: str
    place: list[str]
    """从区县到街巷的地点名称 · Names of the places, from the district down."""
    sign_in: SignInRequestOut
    try_next: str
    """登录后可以试试 · What to try after signing in."""
    then: list[NextRequestOut] = Field(default_factory=list)
    """登录后可直接发送的请求 · Requests that need ids or codes, ready to be sent."""


@dataclass(frozen=True)
class PhoneMaker:
    """Makes sign-in codes as a phone with WeChat does, through the stand-in."""

    http: httpx.AsyncClient
    base_url: str

    async def code(self, openid: str) -> str:
        """Return a fresh code of the person whom WeChat calls `openid`."""
        answer = await self.http.post(f"{self.base_url}/phone/login", json={"openid": openid})
        answer.raise_for_status()
        return str(answer.json()["code"])

    async def number_code(self, openid: str, phone: str) -> str:
        """Return the code of a tap on the button that shares a phone number."""
        tap = {"openid": openid, "phone": phone}
        answer = await self.http.post(f"{self.base_url}/phone/number", json=tap)
        answer.raise_for_status()
        return str(answer.json()["code"])


async def list_people(tx: ReadTx, phones: PhoneMaker) -> list[DemoPersonOut]:
    """List residents, a newcomer, and those in office around the first residents."""
    homes = await _residents(tx)
    people = [await _resident(tx, phones, person, home) for person, home in homes]
    people.append(await _newcomer(tx, phones, [home for _, home in homes[:1]]))
    return people + await _staff(tx, [home.place for _, home in homes[:2]])


async def _residents(tx: ReadTx) -> list[tuple[Person, Residence]]:
    """Take the first residents from different lanes, then neighbours of the very first.

    Newcomers who have moved in meanwhile do not take anybody's place on the list.
    """
    known = (
        select(Person, Residence)
        .join(Residence, Residence.person_id == Person.id)
        .where(Person.openid.startswith(RESIDENT_PREFIX, autoescape=True))
        .order_by(Person.openid)
    )
    rows: list[tuple[Person, Residence]] = [
        (person, home) for person, home in await tx.execute(known)
    ]
    first = rows[: RESIDENTS - NEIGHBOURS]
    beside = [row for row in rows[len(first) :] if row[1].lane_id == rows[0][1].lane_id][
        :NEIGHBOURS
    ]
    return first + beside


async def _resident(
    tx: ReadTx, phones: PhoneMaker, person: Person, home: Residence
) -> DemoPersonOut:
    names = await _names(tx, home.place)
    return DemoPersonOut(
        name=person.name,
        description=f"居民，住{names[-1]}{home.address}",
        role=None,
        role_name="居民",
        place=names,
        sign_in=await _with_wechat(phones, person.openid or ""),
        try_next=";".join(RESIDENT_NEXT),
    )


async def _newcomer(tx: ReadTx, phones: PhoneMaker, beside: list[Residence]) -> DemoPersonOut:
    """Somebody new, with a number that the register knows at a door of the first lane."""
    openid = f"{OPENID_PREFIX}newcomer-{token_hex(6)}"
    then = [one for home in beside for one in await _moving_in(tx, phones, openid, home)]
    return DemoPersonOut(
        name=None,
        description="新居民：第一次打开小程序，登录即建立账号，还没有填写住址",
        role=None,
        role_name="居民",
        place=[],
        sign_in=await _with_wechat(phones, openid),
        try_next=NEWCOMER_NEXT,
        then=then,
    )


async def _moving_in(
    tx: ReadTx, phones: PhoneMaker, openid: str, beside: Residence
) -> list[NextRequestOut]:
    """Share a number that the register has and no account, and say the door where it is."""
    registered = (
        select(Resident.phone, Household.address)
        .join(Household, Household.id == Resident.household_id)
        .outerjoin(Person, Person.phone == Resident.phone)
        .where(Resident.lane_id == beside.lane_id, Resident.moved_out_on.is_(None))
        .where(Resident.phone.is_not(None), Person.id.is_(None))
        .order_by(Resident.id)
        .limit(1)
    )
    found = (await tx.execute(registered)).one_or_none()
    if found is None or found[0] is None:
        return []
    phone, door = found[0], found[1]
    return [
        NextRequestOut(
            what="授权手机号（登记册中有这个号码）",
            method="POST",
            path="/api/v1/me/phone",
            body={"code": await phones.number_code(openid, phone)},
        ),
        NextRequestOut(
            what="填写住址",
            method="PUT",
            path="/api/v1/me/residence",
            body={"lane_id": str(beside.lane_id), "address": door},
        ),
    ]


async def _staff(tx: ReadTx, homes: list[Place]) -> list[DemoPersonOut]:
    nodes = {node for home in homes for node in home if node is not None}
    held = (
        select(Appointment, Person, Node, Organization.name, StandIn.name)
        .join(Person, Person.id == Appointment.person_id)
        .join(Node, Node.id == Appointment.node_id)
        .outerjoin(Organization, Organization.id == Appointment.organization_id)
        .outerjoin(StandIn, StandIn.id == Appointment.stand_in_id)
        .where(Appointment.node_id.in_(nodes), Appointment.role.in_(SHOWN))
        .where(Appointment.ended_at.is_(None), Person.phone.is_not(None))
        .order_by(Node.level.desc(), Node.code, Appointment.id)
    )
    seen: set[tuple[str, object]] = set()
    people: list[DemoPersonOut] = []
    for appointment, person, node, organization, stand_in in await tx.execute(held):
        seat = (appointment.role, appointment.organization_id or node.id)
        if seat not in seen:
            seen.add(seat)
            names = await _names(tx, node.place)
            officer = _officer(Role(appointment.role), person, names, organization)
            if stand_in is not None:
                officer.description += f"；目前由{stand_in}代班"
            people.append(officer)
    return sorted(people, key=lambda one: SHOWN.index(one.role or Role.OPERATOR))


def _officer(
    role: Role, person: Person, names: list[str], organization: str | None
) -> DemoPersonOut:
    sees, try_next = DUTIES[role]
    return DemoPersonOut(
        name=person.name,
        description=f"{organization or names[-1]}{ROLE_NAMES[role]},{sees}",
        role=role,
        role_name=ROLE_NAMES[role],
        place=names,
        sign_in=SignInRequestOut(
            path="/api/v1/auth/staff",
            body={"phone": person.phone or "", "password": DEMO_PASSWORD},
        ),
        try_next=try_next,
    )


async def _with_wechat(phones: PhoneMaker, openid: str) -> SignInRequestOut:
    return SignInRequestOut(
        path="/api/v1/auth/wechat", body={"code": await phones.code(openid)}
    )


async def _names(tx: ReadTx, place: Iterable[object]) -> list[str]:
    wanted = [node for node in place if node is not None]
    named = select(Node.name).where(Node.id.in_(wanted)).order_by(Node.level)
    return list(await tx.scalars(named))
