"""People agree to texts in versions, take that back as easily, and lose nothing else by it."""

from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import func, select

from neighborhood_api.kit.db import Tx
from neighborhood_api.privacy.models import Consent, ConsentDocument
from tests.privacy.arranging import done
from tests.support.clock import Clock
from tests.support.issues import Street
from tests.support.people import Caller
from tests.support.posts import chief_operator
from tests.support.refusals import refused
from tests.venues.children.arranging import registered

TEXT: dict[str, Any] = {
    "kind": "privacy_policy",
    "version": "1",
    "title": "隐私政策",
    "text": "我们收集您的手机号，用于回访。",
    "needed": True,
}


@pytest.fixture
async def office(street: Street, tx: Tx) -> Caller:
    """A chief operator."""
    return await street.callers.person(await chief_operator(tx, street.town.at()))


async def mine(caller: Caller, kind: str = "privacy_policy") -> dict[str, Any]:
    items = (await caller.get("/me/consents")).json()["items"]
    found: dict[str, Any] = next(one for one in items if one["kind"] == kind)
    return found


async def test_a_text_is_asked_agreed_to_and_asked_again_in_a_new_version(
    office: Caller, street: Street, http: AsyncClient, clock: Clock
) -> None:
    first = await done(office, "/consents", **TEXT)
    public = (await http.get("/consents/current")).json()["items"]
    assert [(one["version"], one["text"]) for one in public] == [("1", TEXT["text"])]
    her = street.reporter
    assert (await mine(her))["asked"] is True
    await done(her, "/me/consents", document_id=first["id"])
    again = await done(her, "/me/consents", document_id=first["id"])
    assert len(again["items"]) == 1
    agreed = await mine(her)
    assert (agreed["asked"], agreed["agreed"], agreed["agreed_version"]) == (False, True, "1")
    start = clock.now + timedelta(days=1)
    later = TEXT | {"version": "2", "effective_from": start.isoformat()}
    second = await done(office, "/consents", **later)
    assert (await mine(her))["asked"] is False
    refused(
        await her.post("/me/consents", json={"document_id": second["id"]}),
        409,
        "consent_document_superseded",
    )
    clock.forward(days=2)
    asked = await mine(her)
    assert (asked["version"], asked["asked"], asked["agreed_version"]) == ("2", True, "1")
    refused(
        await her.post("/me/consents", json={"document_id": first["id"]}),
        409,
        "consent_document_superseded",
    )
    await done(her, "/me/consents", document_id=second["id"])
    assert (await mine(her))["agreed_version"] == "2"


async def test_what_was_taken_back_is_kept_and_not_begged_for(
    office: Caller, street: Street, tx: Tx, clock: Clock
) -> None:
    her = street.reporter
    first = await done(office, "/consents", **TEXT)
    await done(her, "/me/consents", document_id=first["id"])
    await done(her, "/me/consents/privacy_policy/withdraw")
    said = await mine(her)
    assert (said["agreed"], said["asked"]) == (False, False)
    kept = (await tx.scalars(select(Consent))).one()
    assert (kept.withdrawn, kept.ended_at) == (True, clock.now)
    assert await street.reported()  # nothing else is refused
    clock.forward(minutes=1)
    await done(office, "/consents", **TEXT | {"version": "2"})
    assert (await mine(her))["asked"] is True
    for _ in range(2):
        await done(her, "/me/consents/privacy_policy/withdraw")  # declined without agreeing
        assert (await mine(her))["asked"] is False
    assert await tx.scalar(select(func.count(Consent.id))) == 2
    answer = await her.post("/me/consents/unheard_of/withdraw")
    refused(answer, 404, "consent_kind_unknown")


async def test_a_childs_consent_stands_in_the_same_list(street: Street) -> None:
    child = await registered(street.reporter)
    found = await mine(street.reporter, "child")
    assert (found["child_id"], found["agreed"], found["asked"]) == (child["id"], True, False)


async def test_texts_are_for_chief_operators_and_never_from_the_past(
    office: Caller, street: Street, tx: Tx, clock: Clock
) -> None:
    for caller in (street.reporter, street.leader):
        refused(await caller.post("/consents", json=TEXT), 403, "forbidden")
    assert await tx.scalar(select(func.count(ConsentDocument.id))) == 0
    await done(office, "/consents", **TEXT)
    refused(await office.post("/consents", json=TEXT), 409, "consent_version_taken")
    yesterday = (clock.now - timedelta(days=1)).isoformat()
    past = TEXT | {"version": "0", "effective_from": yesterday}
    refused(await office.post("/consents", json=past), 422, "consent_from_the_past")
