"""A guardian registers her child, by a consent of its own kind; nobody else sees it."""

from datetime import date
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.settings import Settings
from neighborhood_api.venues.children import consent
from neighborhood_api.venues.children.grades import entry_year, grade_on
from neighborhood_api.venues.children.models import Child, PickUpPerson
from neighborhood_api.venues.children.queries import CHILDREN_ON_ROSTER
from neighborhood_api.venues.children.service import (
    ChildFacts,
    ChildNotFound,
    ConsentNeeded,
    enrolled_child,
)
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.refusals import refused
from tests.venues.arranging import at
from tests.venues.children.arranging import CHILD, registered

PUBLISHED = {"2026-11-22": "81aff96b0387a2f62535c2240d98c6e614cc14529e772a6242a67ffc12e49e21"}
"""The digest of every text that was ever published: a guardian agreed to these very words."""


def test_a_published_text_never_changes() -> None:
    found = {
        text.since.isoformat(): sha256(text.words.encode()).hexdigest()
        for text in consent.CONSENT_TEXTS.values()
    }
    assert found == PUBLISHED
    for version in consent.CONSENT_TEXTS:
        day, _, digest = version.rpartition("-")
        assert found[day].startswith(digest)
    assert consent.PRESENT.since.isoformat() == max(PUBLISHED)


def test_no_deployment_keeps_or_shows_more_than_the_text_promises() -> None:
    assert "最长一百八十天" in consent.PRESENT.words
    assert "活动结束三十天后不能再打开" in consent.PRESENT.words
    for wish in ({"child_kept_days": 181}, {"child_look_days": 31}, {"child_kept_days": 0}):
        with pytest.raises(ValidationError):
            Settings(_env_file=None, **wish)  # type: ignore[arg-type]


async def test_a_guardian_reads_the_text_and_registers_her_child(
    guardian: Caller, tx: Tx
) -> None:
    text = (await guardian.get("/children/consent-text")).json()
    assert (text["present"], text["kept_days"], text["look_days"]) == (True, 180, 30)
    for word in ("监护人", "为了什么", "收集什么", "谁能看到", "存多久", "撤回"):
        assert word in text["text"]
    child = await registered(guardian, consent_version=text["version"])
    assert (child["name"], child["birth_month"], child["grade"]) == ("黄小满", "2018-05", 3)
    assert child["consent"] == {
        "version": text["version"],
        "given_at": "2026-11-23T08:00:00+08:00",
        "present": True,
    }
    assert child["pick_ups"] == [
        {"name": "林秀英", "relation": "外婆", "phone": "154****0011"},
        {"name": "黄建国", "relation": "爷爷", "phone": "154****0012"},
    ]
    assert (await guardian.get(f"/children/{child['id']}")).json() == child
    assert (await guardian.get("/children")).json() == {"items": [child]}
    stored = await tx.get_one(Child, UUID(child["id"]))
    assert (stored.guardian_id, stored.birth_month) == (guardian.person_id, date(2018, 5, 1))
    given = await acts(tx, child["id"])
    assert [(act.what, act.person_id, act.detail) for act in given] == [
        ("venues.child_consent_given", guardian.person_id, {"version": text["version"]})
    ]


async def acts(tx: Tx, child_id: str) -> list[Act]:
    return list(await tx.scalars(select(Act).where(Act.subject == child_id).order_by(Act.id)))


async def test_the_least_data_will_do(guardian: Caller) -> None:
    least = {name: CHILD[name] for name in ("name", "birth_month", "consent_version")}
    child = (await guardian.post("/children", json=least)).json()
    assert (child["grade"], child["note"], child["pick_ups"]) == (None, "", [])


async def test_for_everybody_else_the_child_does_not_exist(
    guardian: Caller, callers: Callers, town: Town, tx: Tx
) -> None:
    child = await registered(guardian)
    others = [
        await callers.resident(town.place(1, 1, 1, 1)),
        await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1),
        await callers.staff(town, Role.COMMUNITY_WORKER, 1, 1),
        await callers.staff(town, Role.STREET_SECRETARY, 1),
        await callers.staff(town, Role.OPERATOR),
    ]
    url = f"/children/{child['id']}"
    change = {k: v for k, v in CHILD.items() if k != "consent_version"} | {"version": 1}
    agreed = {"consent_version": CHILD["consent_version"]}
    for other in others:
        for answer in (
            await other.get(url),
            await other.get(f"{url}/looks"),
            await other.put(url, json=change | {"name": "别人"}),
            await other.post(f"{url}/consent", json=agreed),
            await other.post(f"{url}/withdraw-consent", json={"cancel_enrolments": True}),
            await other.post(f"{url}/looks", json={"reason": "看看"}),
        ):
            refused(answer, 404, "child_not_found")
        assert (await other.get("/children")).json() == {"items": []}
    assert (await guardian.get(url)).json() == child
    assert (await guardian.get(f"{url}/looks")).json()["items"] == []
    assert len(await acts(tx, child["id"])) == 1


async def test_nobody_is_asked_without_signing_in(guardian: Caller, http: Caller) -> None:
    child = await registered(guardian)
    for url in ("/children/consent-text", "/children", f"/children/{child['id']}"):
        refused(await http.get(url), 401, "not_signed_in")


async def test_without_the_consent_to_the_present_text_nothing_is_stored(
    guardian: Caller, tx: Tx
) -> None:
    for version in ("2025-01-01-0123456789ab", PUBLISHED["2026-11-22"][:12], "同意"):
        answer = await guardian.post("/children", json=CHILD | {"consent_version": version})
        assert refused(answer, 409, "consent_needed")["version"] == consent.PRESENT.version
    missing = {name: value for name, value in CHILD.items() if name != "consent_version"}
    assert (await guardian.post("/children", json=missing)).status_code == 422
    mine = select(Child.id).where(Child.guardian_id == guardian.person_id)
    assert (await tx.scalars(mine)).all() == []


async def test_a_new_text_needs_a_new_consent_before_the_next_enrolment(
    guardian: Caller, tx: Tx, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = await registered(guardian)
    me, child_id = guardian.person_id, UUID(child["id"])
    facts = ChildFacts(child_id, date(2018, 5, 1), 3)
    assert await enrolled_child(tx, me, child_id, now=clock.now) == facts
    new = consent.ConsentText("2027-01-01-ffffffffffff", date(2027, 1, 1), "新的规则")
    for module in ("service", "routes"):
        name = f"neighborhood_api.venues.children.{module}.PRESENT"
        monkeypatch.setattr(name, new)
    with pytest.raises(ConsentNeeded):
        await enrolled_child(tx, me, child_id, now=clock.now)
    await tx.rollback()
    url = f"/children/{child['id']}"
    assert (await guardian.get(url)).json()["consent"]["present"] is False
    old = {"consent_version": child["consent"]["version"]}
    refused(await guardian.post(f"{url}/consent", json=old), 409, "consent_needed")
    clock.forward(days=1)
    for _ in range(2):  # once more changes nothing
        answer = await guardian.post(f"{url}/consent", json={"consent_version": new.version})
        assert answer.json()["consent"] == {
            "version": new.version,
            "given_at": "2026-11-24T08:00:00+08:00",
            "present": True,
        }
        clock.forward(hours=1)
    assert await enrolled_child(tx, me, child_id, now=clock.now) == facts
    versions = [act.detail["version"] for act in await acts(tx, child["id"])]
    assert versions == [child["consent"]["version"], new.version]


async def test_earlier_texts_can_still_be_read(
    guardian: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = consent.ConsentText("2025-01-01-0123456789ab", date(2025, 1, 1), "旧的规则")
    monkeypatch.setitem(consent.CONSENT_TEXTS, old.version, old)
    url = "/children/consent-text"
    shown = (await guardian.get(url, params={"version": old.version})).json()
    assert (shown["text"], shown["present"]) == ("旧的规则", False)
    unknown = await guardian.get(url, params={"version": "2020-01-01-0123456789ab"})
    refused(unknown, 404, "consent_text_not_found")


async def test_only_the_guardian_enrols_her_child(
    guardian: Caller, callers: Callers, tx: Tx, clock: Clock
) -> None:
    child = await registered(guardian)
    other = await callers.resident(None)
    for who, which in ((other.person_id, UUID(child["id"])), (guardian.person_id, UUID(int=7))):
        with pytest.raises(ChildNotFound):
            await enrolled_child(tx, who, which, now=clock.now)


async def test_a_changed_child_keeps_the_numbers_that_are_not_given_again(
    guardian: Caller, tx: Tx
) -> None:
    child = await registered(guardian)
    change = {
        "name": "黄小满满",
        "birth_month": "2018-06",
        "grade": None,
        "note": "",
        "pick_ups": [
            {"name": "黄建国", "relation": "爷爷"},
            {"name": "周小芳", "relation": "邻居", "phone": "15400000013"},
        ],
        "version": 1,
    }
    url = f"/children/{child['id']}"
    changed = (await guardian.put(url, json=change)).json()
    assert (changed["name"], changed["grade"], changed["version"]) == ("黄小满满", None, 2)
    assert (changed["birth_month"], changed["note"]) == ("2018-06", "")
    assert changed == (await guardian.get(url)).json()
    stored = select(PickUpPerson.name, PickUpPerson.phone).order_by(PickUpPerson.position)
    mine = stored.where(PickUpPerson.child_id == UUID(child["id"]))
    assert [tuple(row) for row in await tx.execute(mine)] == [
        ("黄建国", "15400000012"),
        ("周小芳", "15400000013"),
    ]
    refused(await guardian.put(url, json=change), 409, "stale_version")
    dropped = change | {"version": 2, "pick_ups": [{"name": "林秀英", "relation": "外婆"}]}
    problem = refused(await guardian.put(url, json=dropped), 422, "pick_up_phone_needed")
    assert problem["name"] == "林秀英"
    assert (await guardian.get(url)).json() == changed


async def test_what_the_guardian_reads_can_be_sent_back_and_keeps_the_numbers(
    guardian: Caller, tx: Tx
) -> None:
    child = await registered(guardian)
    url = f"/children/{child['id']}"
    stored = select(PickUpPerson.name, PickUpPerson.phone).order_by(PickUpPerson.position)
    mine = stored.where(PickUpPerson.child_id == UUID(child["id"]))
    before = [tuple(row) for row in await tx.execute(mine)]
    assert all("*" in one["phone"] for one in child["pick_ups"])
    fields = ("name", "birth_month", "grade", "note", "pick_ups", "version")
    same = {name: child[name] for name in fields} | {"note": "新的提醒"}
    changed = await guardian.put(url, json=same)
    assert (changed.status_code, changed.json()["note"]) == (200, "新的提醒"), changed.text
    assert [tuple(row) for row in await tx.execute(mine)] == before
    somebody = [{"name": "别人", "relation": "邻居", "phone": child["pick_ups"][0]["phone"]}]
    answer = await guardian.put(url, json=same | {"version": 2, "pick_ups": somebody})
    refused(answer, 422, "pick_up_phone_needed")


async def test_a_new_pick_up_person_needs_a_number(guardian: Caller) -> None:
    pick_ups = [{"name": "林秀英", "relation": "外婆"}]
    answer = await guardian.post("/children", json=CHILD | {"pick_ups": pick_ups})
    refused(answer, 422, "pick_up_phone_needed")
    assert (await guardian.get("/children")).json() == {"items": []}


async def test_the_same_child_is_registered_once(guardian: Caller) -> None:
    await registered(guardian)
    again = await guardian.post("/children", json=CHILD | {"note": ""})
    refused(again, 409, "child_already_registered")
    await registered(guardian, name="黄小暑")  # her twin
    assert len((await guardian.get("/children")).json()["items"]) == 2


async def test_nobody_registers_a_whole_school(guardian: Caller) -> None:
    for number in range(10):
        await registered(guardian, name=f"孩子{number}")
    refused(await guardian.post("/children", json=CHILD), 409, "too_many_children")


@pytest.mark.parametrize(
    ("month", "status"),
    [("2026-11", 200), ("2026-12", 422), ("2008-11", 200), ("2008-10", 422), ("1999-01", 422)],
)
async def test_only_minors_are_registered(guardian: Caller, month: str, status: int) -> None:
    answer = await guardian.post("/children", json=CHILD | {"birth_month": month})
    assert answer.status_code == status, answer.text
    if status == 422:
        refused(answer, 422, "not_a_minor")


ODD: dict[str, list[Any]] = {
    "name": ["", "  ", "满" * 41, None, 7, "满\0"],
    "birth_month": ["2018-05-03", "2018-13", "2018-5", "0000-01", "99999-01", 201805, None, ""],
    "grade": [0, 13, -1, "三年级", 2.5, 10**30],
    "note": ["敏" * 201, None, 5],
    "pick_ups": [
        [{"name": f"人{n}", "relation": "亲戚", "phone": f"1540000001{n}"} for n in range(5)],
        [{"name": "林秀英", "relation": "外婆", "phone": "154****0011"}],
        [{"name": "林秀英", "relation": "外婆", "phone": "07521234567"}],
        [{"name": "林秀英", "relation": "", "phone": "15400000011"}],
        [{"name": "林秀英", "relation": "外婆", "phone": "15400000011", "id_card": "44"}],
        [CHILD["pick_ups"][0], CHILD["pick_ups"][0] | {"relation": "奶奶"}],
        None,
        {},
    ],
    "consent_version": ["", None, "x" * 41],
    "school": ["第一小学"],
    "birthday": ["2018-05-03"],
}


@pytest.mark.parametrize("field", ODD)
async def test_what_does_not_fit_is_refused_and_not_stored(
    guardian: Caller, field: str
) -> None:
    for odd in ODD[field]:
        answer = await guardian.post("/children", json=CHILD | {field: odd})
        assert answer.status_code == 422, (odd, answer.text)
    assert (await guardian.get("/children")).json() == {"items": []}


def test_a_grade_moves_up_each_september() -> None:
    entered = entry_year(3, date(2026, 11, 23))
    assert entered == entry_year(3, date(2027, 8, 31)) == 2024
    days = {
        date(2024, 8, 31): None,
        date(2024, 9, 1): 1,
        date(2027, 8, 31): 3,
        date(2027, 9, 1): 4,
        date(2036, 8, 31): 12,
        date(2036, 9, 1): None,
    }
    assert {day: grade_on(entered, day) for day in days} == days
    assert grade_on(None, date(2026, 11, 23)) is None


async def test_the_grade_is_shown_as_it_is_by_now(guardian: Caller, clock: Clock) -> None:
    child = await registered(guardian)
    clock.now = at(8, date(2027, 9, 1))
    assert (await guardian.get(f"/children/{child['id']}")).json()["grade"] == 4


async def test_a_roster_line_holds_what_the_session_needs_and_no_more(
    guardian: Caller, rolled_back: Database
) -> None:
    child = await registered(guardian)
    alone = await registered(guardian, name="黄小暑", grade=None, pick_ups=[])
    ids = [UUID(child["id"]), UUID(alone["id"]), UUID(int=7)]
    rows = await CHILDREN_ON_ROSTER.all(rolled_back.reader, child_ids=ids)
    lines = {row.name: (row.grade(date(2026, 11, 23)), row.pick_up_names) for row in rows}
    assert lines == {"黄小满": (3, ["林秀英", "黄建国"]), "黄小暑": (None, [])}
    assert rows[0]._fields == ("id", "name", "school_entry_year", "pick_up_names")


async def test_a_form_sent_twice_registers_once(guardian: Caller) -> None:
    key = {"Idempotency-Key": "one-form"}
    first, second = [await guardian.post("/children", json=CHILD, headers=key) for _ in "12"]
    assert first.json() == second.json()
    assert len((await guardian.get("/children")).json()["items"]) == 1
