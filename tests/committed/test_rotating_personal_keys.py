"""The key of phones and addresses is changed by command while others read and write."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import bindparam, select
from typer.testing import CliRunner

from neighborhood_api.cli import app, personal_keys
from neighborhood_api.grid.models import Household
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.personal_keys import (
    key_file,
    read_keys,
    use_personal_keys,
    write_keys,
)
from neighborhood_api.identity.places import columns_of
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.reads import Query
from neighborhood_api.kit.sealing import SealedUnreadable, SealingKey, seals, use_seals
from neighborhood_api.privacy.resealing import reseal, rows_left, sealed_columns
from neighborhood_api.settings import Settings
from tests.support.places import build_town
from tests.support.postgres import NewDatabase

pytestmark = pytest.mark.slow

CREATE_OPERATOR = [
    "create-operator",
    "--district=441322",
    "--name=罗春生",
    "--phone=15412340001",
    "--duty-phone=0752-9000001",
    "--district-name=博罗县",
    "--password-stdin",
]
BY_PHONE = Query(
    select(Person.name).where(Person.phone == bindparam("phone")), lambda name: name
)


@pytest.fixture
def own_keys(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path)


@pytest.fixture
async def database(new_database: NewDatabase, own_keys: Settings) -> AsyncIterator[Database]:
    """A town whose numbers only the keys of this test read."""
    before = seals()
    use_personal_keys(own_keys)
    with new_database() as url:
        database = Database(url)
        await database.open()
        async with database.transaction() as tx:
            await build_town(tx, now=datetime.now(UTC))
        yield database
        await database.close()
    use_seals(before)


def environment(database: Database, settings: Settings) -> dict[str, str]:
    """The environment of such a process."""
    clean = {name: value for name, value in os.environ.items() if "NEIGHBORHOOD" not in name}
    return clean | {
        "DATABASE_URL": database.url,
        "NEIGHBORHOOD_DATA_DIR": str(settings.data_dir.resolve()),
        "COLUMNS": "200",
    }


async def ran(database: Database, settings: Settings, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from neighborhood_api.cli import app; app()",
        *arguments,
        env=environment(database, settings),
        cwd=settings.data_dir,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def numbers(database: Database) -> list[str | None]:
    async with database.transaction() as tx:
        return list(await tx.scalars(select(Person.phone).order_by(Person.phone.is_(None))))


async def test_the_key_is_changed_while_others_read_and_write(
    database: Database, own_keys: Settings
) -> None:
    path = key_file(own_keys.data_dir)
    (old,) = read_keys(path)
    known = [one for one in await numbers(database) if one is not None]
    changing = asyncio.create_task(ran(database, own_keys, "rotate-personal-keys"))
    written = 0
    while not changing.done():  # this process learns of the new key by itself
        phone = f"177{written:08}"
        async with database.transaction() as tx:
            tx.add(Person(name="新来的", phone=phone))
        assert await BY_PHONE.all(database.reader, phone=phone) == ["新来的"]
        assert await BY_PHONE.all(database.reader, phone=known[written % len(known)]) != []
        written += 1
        await asyncio.sleep(0.2)
    status, said = await changing
    assert status == 0, said
    assert "sealed anew" in said
    new, kept = read_keys(path)
    assert (kept, len(seals().keys)) == (old, 2)
    assert await rows_left(database) == {}
    assert set(await numbers(database)) >= {*known, "17700000000"}
    for phone in (known[0], "17700000000"):
        assert len(await BY_PHONE.all(database.reader, phone=phone)) == 1
    url = database.url
    assert await asyncio.to_thread(personal_keys.left, own_keys, url) == {}
    assert await asyncio.to_thread(personal_keys.forget_old_keys, own_keys, url) == 1
    assert read_keys(path) == [new]
    seals().look_again()
    assert len(seals().keys) == 1
    assert len(await numbers(database)) == len(known) + written
    made = await asyncio.to_thread(
        CliRunner().invoke,
        app,
        CREATE_OPERATOR,
        input="Nine-9-Lives\n",
        env=environment(database, own_keys),
    )
    assert made.exit_code == 0, made.output
    assert await BY_PHONE.all(database.reader, phone="15412340001") == ["罗春生"]


async def test_it_goes_on_where_it_was_cut_off(
    database: Database, own_keys: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = key_file(own_keys.data_dir)
    (old,) = read_keys(path)
    write_keys(path, [SealingKey(bytes(range(64))), old])
    seals().look_again()
    before = sum((await rows_left(database)).values())
    assert before > 40
    monkeypatch.setattr("neighborhood_api.privacy.resealing.AT_ONCE", 7)

    class CutOff(Exception):  # noqa: N818
        pass

    def stop(rows: int) -> None:
        raise CutOff(rows)

    with pytest.raises(CutOff):
        await reseal(database, stop)
    left = sum((await rows_left(database)).values())
    assert left == before - 7
    done: list[int] = []
    assert (await reseal(database, done.append)).conflicts == {}
    assert sum(done) == left
    assert await rows_left(database) == {}
    assert (await reseal(database, done.append)).rows == 0


async def test_a_row_that_another_has_too_is_told_and_the_others_are_sealed(
    database: Database, own_keys: Settings
) -> None:
    path = key_file(own_keys.data_dir)
    (old,) = read_keys(path)
    write_keys(path, [SealingKey(bytes(range(64))), old])
    async with database.transaction() as tx:
        one = (await tx.scalars(select(Household).limit(1))).one()
        seals().look_again()
        place = columns_of(one.place)
        tx.add(Household(id=new_id(), address=one.address, **place))  # type: ignore[arg-type]
    found = await reseal(database, lambda _: None)
    assert found.conflicts == {"household.address": 1}
    assert await rows_left(database) == {"household.address": 1}


async def test_a_key_file_that_cannot_be_read_changes_nothing(
    database: Database, own_keys: Settings
) -> None:
    path = key_file(own_keys.data_dir)
    kept = read_keys(path)
    path.write_text("no key at all")
    seals().look_again()
    assert list(seals().keys) == kept
    assert await numbers(database)
    with pytest.raises(SealedUnreadable):
        seals().open("s1.00000000.AAAA", "phone")


def test_every_sealed_column_is_sealed_anew() -> None:
    assert {"person.phone", "household.address", "issue.caller_phone"} <= {
        one.name for one in sealed_columns()
    }
