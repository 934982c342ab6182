"""Plates to print: what stands on them, what one scans, and who may print them."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from PIL import Image
from pydantic import SecretStr
from sqlalchemy import select, update
from typing_extensions import override

from neighborhood_api.files.store import fetch
from neighborhood_api.grid.layers.models import Profile
from neighborhood_api.grid.layers.ready import KINDS, USUAL_LEVELS
from neighborhood_api.grid.models import Appointment, Node
from neighborhood_api.identity.access import Actor, Post, Role
from neighborhood_api.identity.places import Level
from neighborhood_api.kit.db import Tx
from neighborhood_api.plates import drawing
from neighborhood_api.plates.codes import mini_program_code
from neighborhood_api.plates.service import CodeKind, Press, print_plate, print_plates
from neighborhood_api.wechat.answers import WechatUnavailable
from neighborhood_api.wechat.client import WeChat
from tests.support.people import Callers
from tests.support.places import Town
from tests.support.refusals import refused

PLATE = drawing.Plate(
    lane="文魁街一巷",
    place="罗阳街道 · 观华社区 · 第1网格",
    people=(
        drawing.Responsible("巷长", "陈巷长", "0752-9000001"),
        drawing.Responsible("网格长", None, None),
    ),
    posts=("巷长", "网格长"),
    supervision="0752-9000002",
    code="P1234567",
    qr=drawing.qr_of("https://example.cn/p/P1234567"),
    as_of="2026-11-22",
)


def picture(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content)).convert("L")


def ink(image: Image.Image, box: tuple[int, int, int, int]) -> int:
    """How many dark dots there are in a part of the plate."""
    return sum(image.crop(box).histogram()[:128])


def pages_of(pdf: bytes) -> int:
    """How many pages the newest page tree of a file says that it has."""
    return int(re.findall(rb"/Type /Pages\n/Count (\d+)", pdf)[-1])


async def test_a_plate_is_a5_at_300_dots_an_inch_with_its_code_on_the_right() -> None:
    image = Image.open(BytesIO(drawing.png_of(PLATE)))
    assert image.size == (2480, 1748)
    assert [round(one) for one in image.info["dpi"]] == [300, 300]
    grey = image.convert("L")
    assert ink(grey, (1660, 500, 2360, 1200)) > 100_000
    assert ink(grey, (120, 500, 1500, 860)) > 5_000
    vacant = ink(grey, (120, 870, 1500, 1210))
    assert vacant > 3_000


async def test_a_rare_character_and_a_long_name_fit() -> None:
    long = drawing.Plate(**{**vars(PLATE), "lane": "㙓城鄣祎" * 12})
    grey = picture(drawing.png_of(long))
    assert ink(grey, (2360, 190, 2410, 480)) == 0
    assert ink(grey, (120, 190, 2360, 480)) > 5_000


async def test_pages_hold_two_plates_each() -> None:
    pdf = drawing.pdf_of([PLATE] * 3, "公示牌")
    assert pdf.startswith(b"%PDF-")
    assert pages_of(pdf) == 2


async def png(caller: Any, node: Node, query: str = "code=url") -> Any:  # noqa: ANN401
    return await caller.get(f"/grid/nodes/{node.id}/plate.png?{query}")


async def test_a_chiefs_plate_changes_with_the_chief_and_without_names_it_never_does(
    callers: Callers, town: Town, tx: Tx
) -> None:
    lane = town.at(1, 1, 1, 1)
    chief = await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1)

    async def digests() -> list[str]:
        answers = [
            await png(chief, lane, query) for query in ("code=url", "code=url&names=false")
        ]
        assert [a.status_code for a in answers] == [200, 200], answers[0].text
        assert answers[0].headers["content-type"] == "image/png"
        return [hashlib.sha256(answer.content).hexdigest() for answer in answers]

    before = await digests()
    assert before[0] != before[1]
    assert await digests() == before
    mine = (Appointment.node_id == lane.id, Appointment.role == Role.LANE_CHIEF.value)
    await tx.execute(update(Appointment).where(*mine).values(duty_phone="0752-9999999"))
    after = await digests()
    assert (after[0] == before[0], after[1] == before[1]) == (False, True)


async def test_where_there_is_wechat_its_own_code_is_printed(
    callers: Callers, town: Town, app: FastAPI
) -> None:
    lane = town.at(1, 1, 1, 1)
    chief = await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1)
    url, usual, wechat = [
        (await png(chief, lane, query)).content for query in ("code=url", "", "code=wechat")
    ]
    assert usual == wechat != url
    assert picture(usual).size == (2480, 1748)
    # Another mini-program, such as the real one after a trial, has codes of its own.
    store, asked = app.state.store, app.state.wechat
    kept = f"plates/{asked.app_id}/{lane.plate_code}.jpg"
    assert await fetch(store, kept) is not None
    secret = SecretStr("another")
    async with AsyncClient(trust_env=False) as http:
        other = WeChat("wx-another", secret, "http://127.0.0.1:9", http)
        with pytest.raises(WechatUnavailable):
            await mini_program_code(store, other, lane.plate_code or "", None)


async def test_all_plates_of_a_place_are_in_one_file(callers: Callers, town: Town) -> None:
    worker = await callers.staff(town, Role.COMMUNITY_WORKER, 1, 1)
    answer = await worker.get(f"/grid/nodes/{town.at(1, 1).id}/plates.pdf?code=url")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert pages_of(answer.content) == 2  # four lanes


async def test_what_has_no_plate_is_told(callers: Callers, town: Town, tx: Tx) -> None:
    operator = await callers.staff(town, Role.OPERATOR)
    grid = town.at(1, 1, 1)
    refused(await png(operator, grid), 422, "not_a_lane")
    below = select(Node.id).where(Node.parent_id == grid.id)
    await tx.execute(update(Node).where(Node.id.in_(below)).values(plate_code=None))
    refused(await png(operator, town.at(1, 1, 1, 1)), 404, "no_plates")
    answer = await operator.get(f"/grid/nodes/{grid.id}/plates.pdf?code=url")
    refused(answer, 404, "no_plates")


async def test_only_who_works_there_prints(callers: Callers, town: Town) -> None:
    lane = town.at(1, 1, 1, 1)
    resident = await callers.resident(lane.place)
    neighbour = await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 2)
    across = await callers.staff(town, Role.COMMUNITY_SECRETARY, 1, 2)
    for caller in (resident, neighbour, across):
        refused(await png(caller, lane), 403, "forbidden")
        answer = await caller.get(f"/grid/nodes/{lane.id}/plates.pdf?code=url")
        refused(answer, 403, "forbidden")


@dataclass(frozen=True)
class Watching(Press):
    """Notes whether a transaction is open while a code is made, which may ask WeChat."""

    tx: Tx
    seen: list[bool] = field(default_factory=list)

    @override
    async def code_of(self, plate_code: str, kind: CodeKind) -> bytes:
        self.seen.append(self.tx.in_transaction())
        return await super().code_of(plate_code, kind)


async def test_nobody_waits_for_wechat_with_a_connection_in_hand(
    callers: Callers, town: Town, tx: Tx, app: FastAPI
) -> None:
    chief = await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1)
    await tx.commit()
    post = Post(Role.LANE_CHIEF, Level.LANE, town.at(1, 1, 1, 1).id)
    actor = Actor(chief.person_id, chief.person_id, (post,))
    press = Watching(app.state.wechat, app.state.store, None, "https://example.cn/p/", tx)
    lane, now = town.at(1, 1, 1, 1).id, datetime.now(UTC)
    for printed in (print_plate, print_plates):
        await printed(tx, actor, press, lane, CodeKind.URL, names=True, now=now)
    assert press.seen == [False, False]


async def test_a_plate_without_names_says_what_the_district_calls_the_posts(
    callers: Callers, town: Town, tx: Tx
) -> None:
    chief = await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1)
    lane = town.at(1, 1, 1, 1)
    usual = (await png(chief, lane, "code=url&names=false")).content
    district = town.at()
    roles = {Role.LANE_CHIEF.value: "楼栋长", Role.GRID_LEADER.value: "小区书记"}
    profile = Profile(
        district_id=district.id,
        level_names=[*USUAL_LEVELS],
        kinds=[[*one] for one in KINDS],
        role_names=roles,
    )
    tx.add(profile)
    await tx.flush()
    own = (await png(chief, lane, "code=url&names=false")).content
    assert ink(picture(own), (120, 500, 1500, 680)) != ink(
        picture(usual), (120, 500, 1500, 680)
    )
