"""From the report to the rating, as the reporter and the lane chief see it."""

from datetime import datetime

from sqlalchemy import select

from neighborhood_api.cases.models import Case, Entry, Hand
from neighborhood_api.issues.models import Issue
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.support.issues import LANE, Street, act


async def test_a_report_is_assigned_at_once_to_the_lane_chief(street: Street, tx: Tx) -> None:
    answer = await street.report(anonymous=True, location="3号门口")
    body = answer.json()
    assert answer.status_code == 200, answer.text
    assert body["state"] == "assigned"
    assert body["state_name"] == "待受理"
    assert body["hand"]["role"] == "lane_chief"
    assert body["hand"]["node_id"] == str(street.town.at(*LANE).id)
    assert body["code"].startswith("TS")
    minutes = datetime.fromisoformat(body["respond_due_at"]) - datetime.fromisoformat(
        body["reported_at"]
    )
    assert minutes.total_seconds() == 3600
    case = (await tx.scalars(select(Case))).one()
    assert case.hand_person_id == street.chief.person_id
    hand = (await tx.scalars(select(Hand))).one()
    assert (hand.person_id, hand.held_until) == (street.chief.person_id, None)
    names = set(await tx.scalars(select(OutboxRow.name)))
    assert {"issues.issue_opened", "issues.issue_reported"} <= names


async def test_the_whole_straight_path(street: Street, tx: Tx) -> None:
    issue_id = await street.reported()
    accepted = await act(street.chief, issue_id, "accept")
    assert accepted.json()["state"] == "accepted", accepted.text
    responded = await act(street.chief, issue_id, "respond", text="下午去清")
    assert responded.json()["state"] == "handling"
    resolved = await act(street.chief, issue_id, "resolve", text="已清运")
    assert resolved.json()["state"] == "resolved"
    confirmed = await act(street.reporter, issue_id, "confirm")
    assert confirmed.json()["state"] == "confirmed"
    rated = await act(street.reporter, issue_id, "rate", rating=5, text="很快")
    body = rated.json()
    assert (body["state"], body["rating"], body["rating_text"]) == ("closed", 5, "很快")
    assert [entry["move"] for entry in body["timeline"]] == [
        "report", "accept", "respond", "resolve", "confirm", "rate",
    ]  # fmt: skip
    case = (await tx.scalars(select(Case))).one()
    assert case.closed_at is not None
    assert case.first_responded_at is not None
    issue = (await tx.scalars(select(Issue))).one()
    assert issue.rating == 5
    assert len((await tx.scalars(select(Entry))).all()) == 6
