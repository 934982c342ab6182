"""What every answer carries, whatever happened."""

import pytest
from httpx import AsyncClient

from neighborhood_api.kit.ids import new_id
from tests.support.probe import Probe

PATHS = ["/shown", "/refused", "/nothing", "/crash"]


async def test_a_sane_request_id_is_kept(probe: Probe) -> None:
    answer = await probe.get("/shown", headers={"x-request-id": "gw-2026.11_22"})
    assert answer.headers["x-request-id"] == "gw-2026.11_22"


@pytest.mark.parametrize("given", [None, "", "short", "x" * 65, "a b c d e f", "a\tb\tc\td\te"])
async def test_any_other_is_replaced_by_a_new_one(probe: Probe, given: str | None) -> None:
    headers = {} if given is None else {"x-request-id": given}
    ids = [(await probe.get("/shown", headers=headers)).headers["x-request-id"] for _ in "ab"]
    assert ids[0] != ids[1]
    assert all(len(one) == 32 and one.isalnum() for one in ids)
    problem = (await probe.get("/nothing", headers=headers)).json()
    assert len(problem["request_id"]) == 32


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_forbids_what_browsers_would_do_with_it(
    probe: Probe, path: str
) -> None:
    method = "POST" if path in {"/refused", "/crash"} else "GET"
    answer = await probe.request(method, path, json={"words": new_id().hex})
    sent = answer.headers
    assert sent["x-content-type-options"] == "nosniff"
    assert sent["x-frame-options"] == "DENY"
    assert sent["referrer-policy"] == "no-referrer"
    assert sent["strict-transport-security"].startswith("max-age=")
    assert sent["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert sent["cache-control"] in {"no-store", "private, no-cache"}
    assert len(sent.get_list("x-request-id")) == 1


async def test_a_page_keeps_its_own_policy(http: AsyncClient) -> None:
    page = await http.get("http://api/docs")
    assert page.status_code == 200
    assert len(page.headers.get_list("content-security-policy")) == 1
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"


async def test_a_crash_tells_nothing_but_its_number(probe: Probe) -> None:
    words = f"秘密{new_id().hex}"
    answer = await probe.post("/crash", json={"words": words})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "/problems/internal-error",
        "title": "Something went wrong on the server",
        "status": 500,
        "code": "internal_error",
        "message": "系统出错了，请稍后再试；如一直出现，请把编号告诉社区工作人员",
        "request_id": answer.headers["x-request-id"],
    }
    assert words not in answer.text
