"""The life of an import over the API: tried, shown, written, gone."""

from uuid import UUID

from sqlalchemy import func, select

from neighborhood_api.files.store import Store, fetch
from neighborhood_api.grid.models import Appointment, Household
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import columns_of
from neighborhood_api.imports import taking_out, working
from neighborhood_api.imports.models import DataImport
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.registers.models import RegisterLook, Resident
from neighborhood_api.settings import Settings
from tests.imports.bringing import LIMITS, bring, checked, doors, sheets_of, shown
from tests.support.clock import Clock
from tests.support.people import Callers
from tests.support.places import Town
from tests.support.posts import phone_number
from tests.support.refusals import refused

HERE = (1, 1, 1, 1)


async def test_an_import_is_tried_shown_and_then_written(
    callers: Callers, town: Town, rolled_back: Database, store: Store, tx: Tx, clock: Clock
) -> None:
    operator = await callers.staff(town, Role.OPERATOR)
    content = doors(HERE, (1, 1, 1, 2), door="=88号")
    asked = (await bring(operator, town, content=content)).json()
    assert (asked["state"], asked["rows_total"], asked["applicable"]) == ("queued", None, False)
    kept = await tx.get_one(DataImport, UUID(asked["id"]))
    key = kept.files[0]["key"]
    stored = await fetch(store, key)
    assert stored is not None
    assert "街道".encode() not in stored
    await working.run_check(rolled_back, store, kept.id, limits=LIMITS, now=clock.now)

    found = await shown(operator, asked["id"])
    assert (found["state"], found["rows_done"], found["rows_total"]) == ("checked", 2, 2)
    assert found["applicable"]
    (totals,) = found["totals"]
    assert (totals["kind"], totals["new"], totals["fault"]) == ("households", 2, 0)
    assert totals["missing"] == 4
    report = await operator.get(found["report_url"].removeprefix("/api/v1"))
    summary, rows, missing = sheets_of(report.content)
    assert summary[1] == ["住户", "2", "0", "0", "0", "0", "4"]
    assert rows[1][:2] == ["2", "新增"]
    assert "'=88号" in rows[1]
    assert [line[-1] for line in missing[1:]].count("1号") == 2
    here = select(Household).where(Household.lane_id == town.at(*HERE).id)
    assert len((await tx.scalars(here)).all()) == 2

    applying = await operator.post(f"/imports/{asked['id']}/apply")
    assert applying.json()["state"] == "applying"
    await working.run_apply(rolled_back, store, kept.id, limits=LIMITS, now=clock.now)
    await working.clear_import(rolled_back, store, kept.id)
    done = await shown(operator, asked["id"])
    assert (done["state"], done["rows_done"]) == ("applied", 2)
    doors_now = {h.address for h in await tx.scalars(here)}
    assert doors_now == {"1号", "2号", "=88号"}
    kept_act = select(Act).where(Act.subject == asked["id"])
    act = (await tx.scalars(kept_act)).one()
    assert act.person_id == operator.person_id
    assert act.detail["totals"]["households"]["new"] == 2
    assert "88号" not in str(act.detail)
    assert await fetch(store, key) is None
    assert (await operator.get(f"/imports/{asked['id']}/report")).status_code == 200


async def test_an_import_fails_when_the_ground_changed_and_can_be_checked_again(
    callers: Callers, town: Town, rolled_back: Database, store: Store, tx: Tx, clock: Clock
) -> None:
    operator = await callers.staff(town, Role.OPERATOR)
    content = doors(HERE, (1, 1, 1, 2))
    found = await checked(rolled_back, store, operator, town, content=content, now=clock.now)
    lane = town.at(*HERE)
    place = columns_of(lane.place)
    tx.add(Household(id=new_id(), address="88号", **place))  # type: ignore[arg-type]
    await tx.commit()
    import_id = UUID(found["id"])
    assert (await operator.post(f"/imports/{import_id}/apply")).status_code == 200
    await working.run_apply(rolled_back, store, import_id, limits=LIMITS, now=clock.now)

    failed = await shown(operator, found["id"])
    assert (failed["state"], failed["problem"]) == ("failed", "ground_changed")
    assert "重新核对" in failed["message"]
    written = select(func.count()).where(Household.address == "88号")
    assert await tx.scalar(written) == 1
    refused(await operator.post(f"/imports/{import_id}/apply"), 409, "import_not_ready")
    assert (await operator.post(f"/imports/{import_id}/check")).json()["state"] == "queued"
    await working.run_check(rolled_back, store, import_id, limits=LIMITS, now=clock.now)
    again = await shown(operator, found["id"])
    assert (again["totals"][0]["new"], again["totals"][0]["changed"]) == (1, 1)
    await operator.post(f"/imports/{import_id}/apply")
    await working.run_apply(rolled_back, store, import_id, limits=LIMITS, now=clock.now)
    assert (await shown(operator, found["id"]))["state"] == "applied"
    assert await tx.scalar(written) == 2


async def test_files_with_faults_or_without_news_are_not_applied(
    callers: Callers, town: Town, rolled_back: Database, store: Store, clock: Clock
) -> None:
    operator = await callers.staff(town, Role.OPERATOR)
    wrong = await checked(
        *(rolled_back, store, operator, town),
        content=doors(HERE, (1, 1, 1, 7)),
        now=clock.now,
    )
    assert (wrong["applicable"], wrong["totals"][0]["fault"]) == (False, 1)
    answer = refused(await operator.post(f"/imports/{wrong['id']}/apply"), 409, "faults_remain")
    assert answer["faults"] == 1
    known = doors(HERE, door="1号", use="")
    same = await checked(*(rolled_back, store, operator, town), content=known, now=clock.now)
    assert (same["applicable"], same["totals"][0]["unchanged"]) == (False, 1)
    refused(await operator.post(f"/imports/{same['id']}/apply"), 409, "nothing_to_change")


async def test_what_cannot_be_read_fails_with_a_sentence(
    callers: Callers, town: Town, rolled_back: Database, store: Store, clock: Clock
) -> None:
    operator = await callers.staff(town, Role.OPERATOR)
    found = await checked(
        *(rolled_back, store, operator, town), content=b"%PDF-1.7 not a table", now=clock.now
    )
    assert found["state"] == "failed"
    assert found["problem"] == "unreadable_table"
    assert found["message"].startswith("这是 PDF 文件，请用 Excel")


async def test_the_name_of_a_file_may_hold_anything(callers: Callers, town: Town) -> None:
    operator = await callers.staff(town, Role.OPERATOR)
    body = (
        b'--x\r\ncontent-disposition: form-data; name="node_id"\r\n\r\n%b\r\n'
        b'--x\r\ncontent-disposition: form-data; name="files"; filename="a\0\x01b.csv"\r\n\r\n'
        b"1\r\n--x--\r\n"
    ) % str(town.at().id).encode()
    head = {"content-type": "multipart/form-data; boundary=x"}
    answer = await operator.post("/imports", content=body, headers=head)
    assert answer.status_code == 200, answer.text
    assert answer.json()["files"] == [{"name": "ab.csv", "size_bytes": 1}]


async def test_a_cancelled_import_is_gone_with_its_files(
    callers: Callers, town: Town, rolled_back: Database, store: Store, tx: Tx, clock: Clock
) -> None:
    operator = await callers.staff(town, Role.OPERATOR)
    found = await checked(
        *(rolled_back, store, operator, town), content=doors(HERE), now=clock.now
    )
    import_id = UUID(found["id"])
    kept = await tx.get_one(DataImport, import_id)
    keys = [kept.files[0]["key"], kept.report_key or ""]
    for _ in range(2):
        answer = await operator.post(f"/imports/{import_id}/cancel")
        assert answer.json()["state"] == "cancelled"
    await working.run_apply(rolled_back, store, import_id, limits=LIMITS, now=clock.now)
    await working.clear_import(rolled_back, store, import_id)
    assert [await fetch(store, key) for key in keys] == [None, None]
    refused(await operator.get(f"/imports/{import_id}/report"), 410, "stored_file_gone")
    refused(await operator.post(f"/imports/{import_id}/check"), 409, "import_not_ready")


async def test_files_and_reports_are_gone_after_a_day_and_stuck_imports_are_given_up(
    callers: Callers, town: Town, rolled_back: Database, store: Store, tx: Tx, clock: Clock
) -> None:
    operator = await callers.staff(town, Role.OPERATOR)
    found = await checked(
        *(rolled_back, store, operator, town), content=doors(HERE), now=clock.now
    )
    kept = await tx.get_one(DataImport, UUID(found["id"]))
    keys = [kept.files[0]["key"], kept.report_key or ""]
    stuck = (await bring(operator, town, content=doors(HERE))).json()["id"]
    assert await working.delete_old(rolled_back, store, now=clock.now) == 0
    await working.delete_old(rolled_back, store, now=clock.forward(hours=4))
    given_up = await shown(operator, stuck)
    assert (given_up["state"], given_up["problem"]) == ("failed", "internal_error")
    assert await working.delete_old(rolled_back, store, now=clock.forward(hours=21)) == 2
    assert [await fetch(store, key) for key in keys] == [None, None]
    late = await shown(operator, found["id"])
    assert (late["report_url"], late["applicable"]) == (None, False)
    assert late["files"] == [{"name": "", "size_bytes": len(doors(HERE))}]
    refused(await operator.post(f"/imports/{found['id']}/apply"), 410, "stored_file_gone")


async def test_one_import_of_a_person_at_a_time_and_a_repeat_is_the_same_one(
    callers: Callers, town: Town
) -> None:
    operator = await callers.staff(town, Role.OPERATOR)
    operator.headers["idempotency-key"] = new_id().hex
    first = await bring(operator, town, content=doors(HERE))
    again = await bring(operator, town, content=doors(HERE))
    assert first.json() == again.json()
    other = await bring(operator, town, content=doors(HERE, door="9号"))
    refused(other, 422, "idempotency_key_reused")
    del operator.headers["idempotency-key"]
    refused(await bring(operator, town, content=doors(HERE)), 409, "import_under_way")
    listed = (await operator.get("/imports")).json()["items"]
    assert [one["id"] for one in listed] == [first.json()["id"]]


async def test_uploads_that_are_empty_or_too_large_are_refused(
    callers: Callers, town: Town, settings: Settings
) -> None:
    operator = await callers.staff(town, Role.OPERATOR)
    refused(await bring(operator, town, content=b""), 422, "import_empty")
    most = settings.import_megabytes
    try:
        settings.import_megabytes = 1
        large = await bring(operator, town, content=bytes(1024 * 1024 + 1))
        refused(large, 413, "import_too_large")
        larger = await bring(operator, town, content=bytes(3 * 1024 * 1024))
        assert refused(larger, 413, "import_too_large")["most_megabytes"] == 1
    finally:
        settings.import_megabytes = most


async def test_the_grid_is_taken_out_by_a_job_and_the_asking_is_kept(
    callers: Callers, town: Town, rolled_back: Database, store: Store, tx: Tx, clock: Clock
) -> None:
    clerk = await callers.staff(town, Role.COMMUNITY_WORKER, 1, 1)
    place = {"node_id": str(town.at(1, 1).id)}
    problem = refused(
        await clerk.post("/grid-exports", json=place), 422, "export_reason_needed"
    )
    assert "事由" in problem["message"]
    wish = place | {"reason": "年度人口核对"}
    asked = (await clerk.post("/grid-exports", json=wish)).json()
    assert (asked["state"], asked["url"]) == ("queued", None)
    refused(await clerk.get(f"/grid-exports/{asked['id']}/file"), 410, "stored_file_gone")
    refused(await clerk.post("/grid-exports", json=wish), 409, "grid_export_under_way")
    export_id = UUID(asked["id"])
    await taking_out.run_grid_export(rolled_back, store, export_id, now=clock.now)
    done = (await clerk.get(f"/grid-exports/{asked['id']}")).json()
    assert (done["state"], done["rows_done"]) == ("done", 8)
    file = await clerk.get(done["url"].removeprefix("/api/v1"))
    homes, people, shops = sheets_of(file.content)
    assert len(homes) == 9
    assert {line[2] for line in homes[1:]} == {"1号", "2号"}
    assert (len(people), len(shops)) == (1, 1)
    act = (await tx.scalars(select(Act).where(Act.subject == asked["id"]))).one()
    assert act.what == "imports.grid_exported"
    look = (
        await tx.scalars(select(RegisterLook).where(RegisterLook.subject_id == export_id))
    ).one()
    assert (look.what, look.reason, look.role) == (
        "register",
        "年度人口核对",
        "community_worker",
    )
    assert look.person_id == clerk.person_id
    clock.forward(hours=25)
    refused(await clerk.get(f"/grid-exports/{asked['id']}/file"), 410, "stored_file_gone")


async def test_templates_are_understood_by_the_import_itself(
    callers: Callers, town: Town, rolled_back: Database, store: Store, clock: Clock
) -> None:
    operator = await callers.staff(town, Role.OPERATOR)
    workbook = await operator.get("/imports/templates")
    assert workbook.status_code == 200
    found = await checked(
        *(rolled_back, store, operator, town), content=workbook.content, now=clock.now
    )
    assert (found["state"], found["rows_total"], found["sheets_refused"]) == ("checked", 0, 0)


async def test_whoever_may_not_look_at_one_entry_is_not_given_all_of_them(
    callers: Callers, town: Town, rolled_back: Database, store: Store, tx: Tx, clock: Clock
) -> None:
    home = await tx.scalar(select(Household).where(Household.lane_id == town.at(*HERE).id))
    assert home is not None
    tx.add(Resident(household_id=home.id, name="王小明", **columns_of(town.place(*HERE))))  # type: ignore[arg-type]
    await tx.flush()
    head = "街道,社区,网格,街巷,门牌号,姓名,与户主关系"
    content = f"{head}\n1号街道,1号社区,1号网格,1号巷,1号,李雷,户主\n".encode()
    place = {"node_id": str(town.at(1, 1).id), "reason": "年度人口核对"}
    told = []
    for role, path in ((Role.OPERATOR, ()), (Role.COMMUNITY_WORKER, (1, 1))):
        caller = await callers.staff(town, role, *path)
        found = await checked(
            *(rolled_back, store, caller, town, 1, 1), content=content, now=clock.now
        )
        report = await caller.get(found["report_url"].removeprefix("/api/v1"))
        names = {line[2] for line in sheets_of(report.content)[-1] if line[0] == "人员"}
        asked = (await caller.post("/grid-exports", json=place)).json()
        export_id = UUID(asked["id"])
        await taking_out.run_grid_export(rolled_back, store, export_id, now=clock.now)
        file = await caller.get(f"/grid-exports/{export_id}/file")
        sheets = sheets_of(file.content)
        taken = any("王小明" in line for sheet in sheets for line in sheet)
        looks = select(RegisterLook.id).where(RegisterLook.subject_id == export_id)
        told.append((names, taken, await tx.scalar(looks) is not None, sheets[0][0][0]))
    assert told == [
        ({"王*"}, False, False, "编码"),
        ({"王小明"}, True, True, "街巷编码"),
    ]


async def test_a_post_that_comes_with_a_file_voids_a_password_that_an_office_chose(
    callers: Callers, town: Town, rolled_back: Database, store: Store, tx: Tx, clock: Clock
) -> None:
    operator = await callers.staff(town, Role.OPERATOR)
    phones = [phone_number(), phone_number()]
    hers, own = [
        Person(name="新同事", phone=phone, password_hash="x", password_given=given)
        for phone, given in zip(phones, (True, False), strict=True)
    ]
    tx.add_all([hers, own])
    await tx.commit()
    head = "街道,社区,网格,职务,姓名,联系电话,值班电话"
    lines = [f"1号街道,1号社区,1号网格,网格员,新同事,{one},0752-6000001" for one in phones]
    content = "\n".join([head, *lines]).encode()
    found = await checked(*(rolled_back, store, operator, town), content=content, now=clock.now)
    assert found["applicable"], found
    assert (await operator.post(f"/imports/{found['id']}/apply")).status_code == 200
    await working.run_apply(rolled_back, store, UUID(found["id"]), limits=LIMITS, now=clock.now)
    held = select(func.count(Appointment.id)).where(
        Appointment.person_id.in_([hers.id, own.id])
    )
    assert await tx.scalar(held) == 2
    for person in (hers, own):
        await tx.refresh(person)
    assert (hers.password_hash, hers.password_given, own.password_hash) == (None, False, "x")
