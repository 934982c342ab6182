"""Before reporting: what is about to be sent to `POST /issues` is looked at as it is."""

from datetime import UTC, datetime

from sqlalchemy import func, select

from neighborhood_api.cases.models import Case
from neighborhood_api.files.models import File
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from tests.support.issues import LANE, Street, photos
from tests.support.posts import phone_number
from tests.support.refusals import refused


async def test_the_whole_body_of_a_report_is_taken_and_nothing_is_kept_of_it(
    street: Street, tx: Tx
) -> None:
    before = await street.reported(text="巷口垃圾桶满了没人清")
    (photo,) = await photos(tx, street.reporter.person_id, 1, now=datetime.now(UTC))
    draft = street.wish(photo_ids=[photo], location="3号门口", anonymous=False)
    answer = await street.reporter.post("/issues/similar", json=draft)
    assert answer.status_code == 200, answer.text
    assert [item["id"] for item in answer.json()["items"]] == [before]
    assert await tx.scalar(select(func.count(Case.id))) == 1
    unused = select(File.claimed_at).where(File.id == photo)
    assert (await tx.scalars(unused)).one() is None
    sent = await street.reporter.post("/issues", json=draft)  # the photo is still to be had
    assert sent.status_code == 200, sent.text


async def test_staff_look_for_a_caller_too_and_what_a_report_would_not_take_is_refused(
    street: Street,
) -> None:
    issue_id = await street.reported()
    clerk = await street.staff(Role.COMMUNITY_WORKER, *LANE[:2])
    call = {"name": "王女士", "phone": phone_number()}
    found = await clerk.post("/issues/similar", json=street.wish(on_behalf_of=call))
    assert [item["id"] for item in found.json()["items"]] == [issue_id]
    short = await street.reporter.post("/issues/similar", json=street.wish(text="脏"))
    refused(short, 422, "invalid_request")
    unknown = await street.reporter.post("/issues/similar", json=street.wish(colour="red"))
    refused(unknown, 422, "invalid_request")
