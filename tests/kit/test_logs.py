"""The logs find a request again, and tell nothing about people."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import structlog
from httpx import AsyncClient

from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.logs import configure
from tests.support.posts import phone_number
from tests.support.probe import Probe
from tests.support.wechat import Phones, new_openid

QUIET = ("uvicorn.access", "httpx", "httpcore")


@pytest.fixture
def written() -> Iterator[StringIO]:
    """What the process would write at the most talkative level."""
    root = logging.getLogger()
    handlers, level, before = root.handlers[:], root.level, structlog.get_config()
    quietened = {name: logging.getLogger(name).level for name in QUIET}
    stream = StringIO()
    configure(level="DEBUG", json=True)
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, loudness in quietened.items():
        logging.getLogger(name).setLevel(loudness)
    structlog.configure(**before)


def lines_of(written: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


async def test_every_request_is_one_line_with_its_number(
    probe: Probe, written: StringIO
) -> None:
    answer = await probe.get("/shown", headers={"x-request-id": "request-17"})
    assert answer.status_code == 200
    (line,) = [one for one in lines_of(written) if one["event"] == "request"]
    assert line["request_id"] == "request-17"
    assert (line["operation"], line["method"], line["status"]) == ("show", "GET", 200)
    assert line["milliseconds"] >= 0
    assert line["level"] == "info"
    assert line["timestamp"]


async def test_a_crash_is_found_by_its_number_and_place_without_its_words(
    probe: Probe, written: StringIO
) -> None:
    words = f"秘密{new_id().hex}"
    answer = await probe.post("/crash", json={"words": words})
    (crash,) = [one for one in lines_of(written) if one["event"] == "crashed"]
    assert crash["request_id"] == answer.headers["x-request-id"]
    assert crash["error"] == "RuntimeError"
    assert "write_and_crash" in crash["frames"][-1]
    assert words not in written.getvalue()


async def test_a_refused_row_is_told_by_its_constraint_and_not_by_its_content(
    probe: Probe, written: StringIO
) -> None:
    words = f"秘密{new_id().hex}"
    for _ in range(2):
        await probe.post("/note", json={"words": words})
    (crash,) = [one for one in lines_of(written) if one["event"] == "crashed"]
    assert (crash["sqlstate"], crash["constraint_name"]) == ("23505", "uq_words")
    assert words not in written.getvalue()


async def test_a_librarys_traceback_is_told_without_its_words(written: StringIO) -> None:
    words = f"秘密{new_id().hex}"
    try:
        int(words)
    except ValueError:
        logging.getLogger("some.library").exception("it failed")
    (line,) = [one for one in lines_of(written) if one["event"] == "it failed"]
    assert line["error"] == "ValueError"
    assert words not in written.getvalue()


async def test_signing_in_and_binding_a_phone_leave_no_trace_of_the_person(
    http: AsyncClient, phones: Phones, written: StringIO
) -> None:
    openid, number = new_openid(), phone_number()
    login_code, phone_code = await phones.login_code(openid), await phones.phone_code(number)
    secrets = [openid, number, login_code, phone_code, "stand-in"]
    signed_in = (await http.post("/auth/wechat", json={"code": login_code})).json()
    device = {"authorization": f"Bearer {signed_in['access_token']}"}
    bound = await http.post("/me/phone", json={"code": phone_code}, headers=device)
    assert bound.json()["phone"] == number
    await http.put("/me", json={"name": "林秘密", "version": 2}, headers=device)
    refresh = {"refresh_token": signed_in["refresh_token"]}
    refreshed = (await http.post("/auth/refresh", json=refresh)).json()
    await http.post("/auth/staff", json={"phone": number, "password": "Secret-99"})
    again = await http.post("/auth/wechat", json={"code": login_code})
    assert again.status_code == 422
    await http.post("/auth/logout", json=refresh)
    secrets += ["林秘密", "Secret-99", signed_in["access_token"], signed_in["refresh_token"]]
    secrets += [refreshed["access_token"], refreshed["refresh_token"]]

    requests = [one for one in lines_of(written) if one["event"] == "request"]
    assert len(requests) == 7
    assert all(one["request_id"] for one in requests)
    for secret in secrets:
        assert secret not in written.getvalue(), secret
