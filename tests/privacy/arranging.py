"""Somebody of whom there are traces in every domain."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

from PIL import Image
from sqlalchemy import select, text, update

from neighborhood_api.grid.layers.models import Profile
from neighborhood_api.grid.models import Household, PastResidence, Residence
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import columns_of
from neighborhood_api.imports.models import GridExport
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.kit.trail import trail_of
from neighborhood_api.notifications.service import Subject, notify
from neighborhood_api.privacy.models import ConsentDocument
from neighborhood_api.registers.models import RegisterLook, Resident
from neighborhood_api.registrations.histories import CheckIn, Strike
from neighborhood_api.registrations.histories import Entry as RegistrationEntry
from tests.support.issues import LANE, Street
from tests.support.people import Caller
from tests.support.places import Town
from tests.support.posts import phone_number
from tests.venues.children.arranging import enrolled, new_resource, registered, seated

NAME = "欧阳慎之"
CHILD_NAME = "欧阳小满"
PICK_UP = "司徒建国"
ADDRESS = "荔枝湾8栋2单元1203"
OLD_NAME, OLDEST_NAME = "慎之小号", "慎之旧号"


@dataclass
class Traces:
    """Her, and what tells who she is."""

    caller: Caller
    phone: str
    pick_up_phone: str
    openid: str
    unionid: str
    issue_id: str
    others_issue_id: str
    caller_issue_id: str
    child_id: str
    photo_id: str
    unused_photo_id: str

    @property
    def needles(self) -> list[str]:
        """What nobody may find any more."""
        telling = [NAME, CHILD_NAME, PICK_UP, ADDRESS, OLD_NAME, OLDEST_NAME, self.phone]
        return [*telling, self.pick_up_phone, self.openid, self.unionid]

    @property
    def spoken_phone(self) -> str:
        """The number as people write it in a text."""
        return f"{self.phone[:3]}-{self.phone[3:7]} {self.phone[7:]}"


async def own_names(tx: Tx, town: Town) -> None:
    """Let the district call its lanes' chiefs otherwise."""
    names = {Role.LANE_CHIEF.value: "邻长"}
    profile = Profile(
        district_id=town.at().id, level_names=[], kinds=[], role_names=names, version=0
    )
    tx.add(profile)
    await tx.commit()


async def traces(street: Street, tx: Tx, *, now: datetime) -> Traces:
    """Leave traces of somebody everywhere, over the API where that is how they come about."""
    her = await street.callers.resident(street.town.place(*LANE), name=NAME)
    street.reporter = her
    mine = Traces(
        her,
        phone_number(),
        phone_number(),
        f"o-her-{new_id().hex}",
        f"u-her-{new_id().hex}",
        "",
        "",
        "",
        "",
        "",
        "",
    )
    await _account(street, tx, mine, now=now)
    mine.photo_id, mine.unused_photo_id = [await _uploaded(her) for _ in range(2)]
    await _issues(street, tx, mine)
    await _child(street, tx, mine, now=now)
    await _told(street, tx, mine, now=now)
    await _asked(tx, mine, now=now)
    await tx.commit()
    return mine


async def _account(street: Street, tx: Tx, mine: Traces, *, now: datetime) -> None:
    her = mine.caller.person_id
    place = columns_of(street.town.place(*LANE))
    person = update(Person).where(Person.id == her)
    await tx.execute(person.values(phone=mine.phone, openid=mine.openid, unionid=mine.unionid))
    home = update(Residence).where(Residence.person_id == her)
    await tx.execute(home.values(address=ADDRESS))
    household = Household(id=new_id(), address=ADDRESS, representative_id=her, **place)  # type: ignore[arg-type]
    before = Person(name=OLD_NAME, merged_into_id=her)
    tx.add_all([household, before])
    await tx.flush()
    tx.add(Person(name=OLDEST_NAME, merged_into_id=before.id))
    resident = Resident(
        household_id=household.id,
        name=NAME,
        phone=mine.phone,
        person_id=her,
        **place,  # type: ignore[arg-type]
    )
    tx.add_all(
        [
            resident,
            PastResidence(
                person_id=her,
                address=ADDRESS,
                began_at=now - timedelta(days=900),
                ended_at=now - timedelta(days=800),
                **place,
            ),
        ]
    )
    await tx.flush()
    worker = street.town.staff[Role.COMMUNITY_WORKER, street.town.at(1, 1).id]
    look = RegisterLook(
        what="resident",
        subject_id=resident.id,
        person_id=worker.id,
        role=Role.COMMUNITY_WORKER.value,
        node_id=street.town.at(1, 1).id,
        reason=f"核实 {mine.phone}",
        looked_at=now,
    )
    tx.add_all([look, trail_of(look)])
    await tx.commit()


async def _uploaded(caller: Caller) -> str:
    picture = BytesIO()
    Image.new("RGB", (40, 30), "red").save(picture, "PNG")
    answer = await caller.post("/files", files={"file": ("a.png", picture.getvalue())})
    assert answer.status_code == 200, answer.text
    file_id: str = answer.json()["id"]
    return file_id


async def _issues(street: Street, tx: Tx, mine: Traces) -> None:
    del tx
    said = f"请联系{NAME}，电话 {mine.spoken_phone}，住{ADDRESS}"
    mine.issue_id = await street.accepted(text=f"路灯坏了。{said}", photo_ids=[mine.photo_id])
    await done(street.chief, f"/issues/{mine.issue_id}/reporter-phone")
    await street.done(street.chief, mine.issue_id, "resolve", text=f"已回复{NAME}")
    await street.done(mine.caller, mine.issue_id, "comment", text=said)
    await street.done(mine.caller, mine.issue_id, "confirm")
    await street.done(mine.caller, mine.issue_id, "rate", rating=4, text=said)
    neighbour = await street.callers.resident(street.town.place(*LANE), name="邻居")
    street.reporter = neighbour
    mine.others_issue_id = await street.accepted(text=f"楼上电话是{mine.phone}，请找她")
    street.reporter = mine.caller
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    call = {"name": NAME, "phone": mine.phone, "channel": "telephone"}
    answer = await worker.post("/issues", json=street.wish(on_behalf_of=call))
    assert answer.status_code == 200, answer.text
    mine.caller_issue_id = answer.json()["id"]


async def _child(street: Street, tx: Tx, mine: Traces, *, now: datetime) -> None:
    pick_up = {"name": PICK_UP, "relation": "外公", "phone": mine.pick_up_phone}
    child = await registered(mine.caller, name=CHILD_NAME, pick_ups=[pick_up])
    mine.child_id = child["id"]
    place = street.town.place(1, 1)
    to_come = await new_resource(tx, place, now + timedelta(days=40))
    over = await new_resource(tx, place, now - timedelta(days=3))
    her = mine.caller.person_id
    await seated(tx, to_come, her, UUID(mine.child_id), now=now)
    came = await enrolled(tx, over, her, mine.child_id, "completed")
    booked = await enrolled(tx, over, her, mine.child_id, "no_show")
    booked.participant_id, booked.who_id = None, her
    booked.guest_name, booked.guest_phone = NAME, mine.phone
    booked.purpose = f"{NAME}的生日"
    home = select(Household.id).where(Household.representative_id == her)
    booked.household_id = (await tx.scalars(home)).one()
    tx.add_all(
        [
            RegistrationEntry(
                registration_id=booked.id,
                acted_at=now,
                act="show_phone",
                state="no_show",
                by_id=street.leader.person_id,
                text="空调检修，改期",
            ),
            CheckIn(
                id=new_id(),
                registration_id=came.id,
                direction="out",
                method="staff",
                server_at=now,
                by_id=her,
                longitude=114.0,
                latitude=23.0,
                picked_up_by=PICK_UP,
            ),
            RegistrationEntry(
                registration_id=booked.id,
                acted_at=now,
                act="register",
                state="confirmed",
                by_id=her,
                text=f"为{NAME}登记",
                detail={"for": NAME},
            ),
            Strike(
                person_id=her,
                registration_id=booked.id,
                district_id=street.town.at().id,
                reason="no_show",
                struck_at=now,
                expires_at=now + timedelta(days=90),
                appeal=f"我是{NAME}，当天生病",
                appealed_at=now,
            ),
        ]
    )
    await tx.commit()
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    looked = await worker.post(f"/children/{mine.child_id}/looks", json={"reason": "联系家长"})
    assert looked.status_code == 200, looked.text


async def _told(street: Street, tx: Tx, mine: Traces, *, now: datetime) -> None:
    """Tell her and others about her, and leave her number where it should never be."""
    chief = street.chief.person_id
    subjects = [("issue", mine.issue_id), ("child", mine.child_id)]
    for kind, subject_id in subjects:
        for person_id in (mine.caller.person_id, chief):
            await notify(
                tx,
                person_id,
                "test.told",
                Subject(kind, UUID(subject_id)),
                title=f"{NAME}有新进展",
                body=f"{CHILD_NAME}、{ADDRESS}、{mine.spoken_phone}",
                at_most_once_key=f"{kind}-{subject_id}",
                now=now,
            )
    tx.add(OutboxRow(name="test.leak", payload={"phone": mine.phone, "of": [mine.openid]}))
    record_act(tx, "test.leaked", mine.issue_id, by=chief, now=now, phone=mine.phone)
    her, seen, out = mine.caller.person_id, "identity.sign_ins_seen", "imports.grid_exported"
    record_act(tx, seen, her, by=chief, now=now, reason=f"{mine.phone}异常登录")
    for kinds in (["people"], ["nodes"]):
        export = GridExport(
            person_id=chief,
            node_id=street.town.at(1, 1).id,
            requested_at=now,
            storage_key=new_id().hex,
            secret="s",
            state="done",
        )
        tx.add(export)
        record_act(tx, out, export.id, by=chief, now=now, kinds=kinds)
        if kinds == ["people"]:
            look = RegisterLook(
                what="register",
                subject_id=export.id,
                person_id=chief,
                role=Role.COMMUNITY_SECRETARY.value,
                node_id=export.node_id,
                reason="年度人口核对",
                looked_at=now,
            )
            tx.add_all([look, trail_of(look)])
    leak = text(
        "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('default', 'privacy.none', 0, NULL, NULL,"
        " jsonb_build_object('phone', CAST(:phone AS text)), NULL)"
        "::procrastinate_job_to_defer_v1])"
    )
    await tx.execute(leak, {"phone": mine.phone})


async def _asked(tx: Tx, mine: Traces, *, now: datetime) -> None:
    document = ConsentDocument(
        kind="privacy_policy",
        version=new_id().hex,
        title="隐私政策",
        text="我们收集……",
        needed=True,
        effective_from=now - timedelta(days=1),
        made_at=now,
        made_by_id=mine.caller.person_id,
    )
    tx.add(document)
    await tx.commit()
    await done(mine.caller, "/me/consents", document_id=str(document.id))
    key = {"idempotency-key": new_id().hex}
    asked = {"about": "register", "text": f"{NAME}的电话应为{mine.phone}"}
    answer = await mine.caller.post("/me/corrections", json=asked, headers=key)
    assert answer.status_code == 200, answer.text
    await done(mine.caller, "/me/calendar-feed")
    await done(mine.caller, "/me/data-export")


async def done(caller: Caller, path: str, **body: Any) -> Any:  # noqa: ANN401
    """Ask for something that must succeed; return the answer."""
    answer = await caller.post(path, json=body or None)
    assert answer.status_code == 200, answer.text
    return answer.json()
