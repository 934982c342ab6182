"""A phone that has an answer already is not sent it again."""

import pytest

from tests.support.probe import Probe, shown


async def test_an_answer_is_marked_by_its_content(probe: Probe) -> None:
    first = await probe.get("/shown")
    again = await probe.get("/shown")
    assert len(first.headers["etag"]) == 34
    assert first.headers["etag"] == again.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("sent", ["{tag}", "W/{tag}", '"x", {tag}', '"x",W/{tag} , "y"', "*"])
async def test_what_the_caller_has_is_not_repeated(probe: Probe, sent: str) -> None:
    tag = (await probe.get("/shown")).headers["etag"]
    answer = await probe.get("/shown", headers={"if-none-match": sent.format(tag=tag)})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == tag
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "content-length" not in answer.headers
    assert "content-type" not in answer.headers


@pytest.mark.parametrize("sent", ["", '"x"', "W/", "{bare}", '"{bare}', "not a tag, at all"])
async def test_anything_else_is_answered_in_full(probe: Probe, sent: str) -> None:
    bare = (await probe.get("/shown")).headers["etag"].strip('"')
    answer = await probe.get("/shown", headers={"if-none-match": sent.format(bare=bare)})
    assert (answer.status_code, answer.json()) == (200, shown)


async def test_a_change_is_seen(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    tag = (await probe.get("/shown")).headers["etag"]
    monkeypatch.setitem(shown, "words", "再见")
    answer = await probe.get("/shown", headers={"if-none-match": tag})
    assert (answer.status_code, answer.json()) == (200, {"words": "再见"})
    assert answer.headers["etag"] != tag


async def test_an_operation_may_mark_its_answer_itself(probe: Probe) -> None:
    answer = await probe.get("/tagged", headers={"if-none-match": "*"})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"mine"')


@pytest.mark.parametrize(("path", "status"), [("/stream", 200), ("/refused", 409), ("/x", 404)])
async def test_streams_and_errors_are_not_marked(probe: Probe, path: str, status: int) -> None:
    answer = await probe.get(path, headers={"if-none-match": "*"})
    assert answer.status_code == status
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


async def test_a_write_is_never_answered_304(probe: Probe) -> None:
    answer = await probe.post("/missing", json={"words": "a"}, headers={"if-none-match": "*"})
    assert answer.status_code == 200
    assert "etag" not in answer.headers
