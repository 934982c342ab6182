"""Resolving with the evidence that the terms of the issue demand."""

from datetime import UTC, datetime, timedelta

import pytest

from neighborhood_api.grid.areas.coordinates import Point, to_gcj02
from neighborhood_api.kit.db import Tx
from tests.issues.settling.arranging import case_of, entries_of
from tests.support.clock import Clock
from tests.support.issues import Street, act, new_rule, photos
from tests.support.refusals import refused

ALL = ["text", "photo_before", "photo_after", "position"]
THERE = Point(114.2862, 23.1727)
SHOWN = to_gcj02(THERE)
AT_THE_PLACE = {"longitude": SHOWN.longitude, "latitude": SHOWN.latitude}
GIVEN = {"longitude": THERE.longitude, "latitude": THERE.latitude, "coordinate_system": "wgs84"}
TWO_KILOMETRES_NORTH = GIVEN | {"latitude": THERE.latitude + 0.018}


async def test_every_missing_piece_is_named_at_once_and_nothing_is_changed(
    street: Street, tx: Tx
) -> None:
    await new_rule(tx, "env.garbage", evidence=ALL)
    issue_id = await street.accepted()
    bare = await act(street.chief, issue_id, "resolve", text="已清运")
    body = refused(bare, 422, "evidence_missing")
    assert body["missing"] == ["photo_before", "photo_after", "position"]
    assert [error["pointer"] for error in body["errors"]] == [
        "#/body/before_photo_ids",
        "#/body/photo_ids",
        "#/body/position",
    ]
    mine = await photos(tx, street.chief.person_id, 1, now=datetime.now(UTC))
    part = await act(street.chief, issue_id, "resolve", text="已清运", photo_ids=mine)
    assert refused(part, 422, "evidence_missing")["missing"] == ["photo_before", "position"]
    assert (await case_of(tx, issue_id)).state == "accepted"
    assert await entries_of(tx, issue_id, "resolve") == []
    await tx.commit()
    whole = {"before_photo_ids": mine, "position": GIVEN}
    after = await photos(tx, street.chief.person_id, 1, now=datetime.now(UTC))
    body = await street.done(
        street.chief, issue_id, "resolve", text="已清运", photo_ids=after, **whole
    )
    assert body["state"] == "resolved"  # the photo of the refused attempt was still free


async def test_the_evidence_is_kept_and_shown_and_the_position_only_to_staff(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.accepted(position=GIVEN, lane_id=None)
    done_at = clock.now
    clock.forward(hours=1)
    before = await photos(tx, street.chief.person_id, 2, now=clock.now)
    after = await photos(tx, street.chief.person_id, 1, now=clock.now)
    position = AT_THE_PLACE | {"accuracy_metres": 12.5}
    body = await street.done(
        street.chief,
        issue_id,
        "resolve",
        text="已清运",
        before_photo_ids=before,
        photo_ids=after,
        position=position,
        done_at=done_at.isoformat(),
    )
    (entry,) = await entries_of(tx, issue_id, "resolve")
    assert [str(file_id) for file_id in entry.file_ids] == after
    detail = entry.detail
    assert detail is not None
    assert detail["before_file_ids"] == before
    assert detail["position"] == position | {"coordinate_system": "gcj02"}
    assert datetime.fromisoformat(detail["done_at"]) == done_at
    assert (detail["metres_away"], detail["far_away"]) == (0, False)
    line = body["timeline"][-1]
    assert line["detail"] == detail
    seen = (await street.reporter.get(f"/issues/{issue_id}")).json()["timeline"][-1]
    assert [photo["id"] for photo in seen["before_photos"]] == before
    assert [photo["id"] for photo in seen["photos"]] == after
    assert all(before[0] in seen["before_photos"][0][link] for link in ("url", "thumbnail_url"))
    assert seen["detail"] is None


@pytest.mark.parametrize(("accuracy", "far"), [(None, True), (20.0, True), (1900.0, False)])
async def test_who_was_far_away_is_flagged_and_not_refused(
    accuracy: float | None,
    far: bool,  # noqa: FBT001
    street: Street,
    tx: Tx,
) -> None:
    issue_id = await street.accepted(position=GIVEN, lane_id=None)
    position = TWO_KILOMETRES_NORTH | {"accuracy_metres": accuracy}
    body = await street.done(
        street.chief, issue_id, "resolve", text="已清运", position=position
    )
    assert body["state"] == "resolved"
    detail = (await entries_of(tx, issue_id, "resolve"))[0].detail or {}
    assert 1990 < detail["metres_away"] < 2010
    assert detail["far_away"] is far


async def test_without_a_position_of_the_issue_there_is_no_distance(
    street: Street, tx: Tx
) -> None:
    issue_id = await street.accepted()
    await street.done(street.chief, issue_id, "resolve", text="已清运", position=GIVEN)
    detail = (await entries_of(tx, issue_id, "resolve"))[0].detail or {}
    assert set(detail) == {"position"}


async def test_what_was_done_neither_before_the_report_nor_in_the_future(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.accepted()
    clock.forward(hours=1)
    for hours in (-2, 1):
        at = (clock.now + timedelta(hours=hours)).isoformat()
        answer = await act(street.chief, issue_id, "resolve", text="已清运", done_at=at)
        refused(answer, 422, "done_at_impossible")
    assert (await case_of(tx, issue_id)).state == "accepted"


async def test_a_photo_shows_either_before_or_after_and_is_ones_own(
    street: Street, tx: Tx
) -> None:
    issue_id = await street.accepted()
    now = datetime.now(UTC)
    mine = await photos(tx, street.chief.person_id, 1, now=now)
    theirs = await photos(tx, street.reporter.person_id, 1, now=now)
    await tx.commit()
    twice = {"before_photo_ids": mine, "photo_ids": mine}
    answer = await act(street.chief, issue_id, "resolve", text="已清运", **twice)
    refused(answer, 422, "invalid_request")
    stolen = {"before_photo_ids": theirs, "photo_ids": mine}
    answer = await act(street.chief, issue_id, "resolve", text="已清运", **stolen)
    assert refused(answer, 422, "files_not_usable")["file_ids"] == theirs
    assert (await case_of(tx, issue_id)).state == "accepted"
