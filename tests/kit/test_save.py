"""Rows of several tables in one statement."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import ARRAY, DateTime, Enum, ForeignKey, MetaData, Text, Uuid, event, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from neighborhood_api.kit.db import Tx, refusing, save
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.problems import Problem


class Mood(StrEnum):
    """Stored as an enumeration of the database's own."""

    GOOD = "good"
    BAD = "bad"


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True, eq=False, repr=False):
    """Tables of this file alone, so that migrations do not see them."""

    metadata = MetaData()
    type_annotation_map = {datetime: DateTime(timezone=True), str: Text}  # noqa: RUF012


class House(Base):
    """A row with every kind of column."""

    __tablename__ = "probe_house"
    __table_args__ = {"prefixes": ["TEMPORARY"]}  # noqa: RUF012

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    door: Mapped[str] = mapped_column(unique=True)
    mood: Mapped[Mood] = mapped_column(Enum(Mood, name="probe_mood"))
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list)
    ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default_factory=list)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, default_factory=dict)
    since: Mapped[date | None] = mapped_column(default=None)
    note: Mapped[str | None] = mapped_column(default=None)
    floors: Mapped[int] = mapped_column(default=1)
    built_at: Mapped[datetime] = mapped_column(
        server_default="2000-01-01T00:00:00Z", init=False
    )


class Order(Base):
    """Needs quoting, and points at a row that is saved together with it."""

    __tablename__ = "order"
    __table_args__ = {"prefixes": ["TEMPORARY"]}  # noqa: RUF012

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    house_id: Mapped[UUID] = mapped_column(ForeignKey("probe_house.id"))
    at: Mapped[datetime]


@pytest.fixture
async def tables(connection: AsyncConnection, tx: Tx) -> Tx:
    await connection.run_sync(Base.metadata.create_all)
    return tx


async def test_rows_of_several_tables_are_stored_with_every_kind_of_value(tables: Tx) -> None:
    now = datetime.now(UTC)
    full = House(
        door="1号",
        mood=Mood.GOOD,
        tags=["a", "逗，号", 'quo"te', ""],
        ids=[uuid4()],
        facts={"深": [1, None, {"x": 1.5}]},
        since=date(2026, 11, 22),
        note="有",
        floors=3,
    )
    bare = House(door="2号", mood=Mood.BAD)
    order = Order(house_id=full.id, at=now)
    await save(tables, order, full, bare)  # type: ignore[arg-type]

    stored = {house.door: house for house in await tables.scalars(select(House))}
    assert set(stored) == {"1号", "2号"}
    for wish in (full, bare):
        found = stored[wish.door]
        for name in ("id", "mood", "tags", "ids", "facts", "since", "note", "floors"):
            assert getattr(found, name) == getattr(wish, name), name
        assert found.built_at == datetime(2000, 1, 1, tzinfo=UTC)
    assert (await tables.scalars(select(Order))).one().at == now


async def test_many_rows_of_one_table_keep_their_own_values(tables: Tx) -> None:
    houses = [House(door=str(n), mood=Mood.GOOD, floors=n) for n in range(50)]
    await save(tables, *houses)  # type: ignore[arg-type]
    found = {h.door: h.floors for h in await tables.scalars(select(House))}
    assert found == {str(n): n for n in range(50)}


async def test_nothing_is_saved_in_no_statement(tables: Tx) -> None:
    await save(tables)
    assert (await tables.scalars(select(House))).all() == []


async def test_a_refused_row_is_told_by_its_constraint_and_undoes_the_others(
    tables: Tx,
) -> None:
    class DoorTaken(Problem):
        title = "taken"
        message = "已有"

    await save(tables, House(door="1号", mood=Mood.GOOD))  # type: ignore[arg-type]
    twice = House(door="1号", mood=Mood.GOOD)
    with pytest.raises(DoorTaken):  # noqa: PT012
        async with tables.begin_nested():
            with refusing({"probe_house_door_key": DoorTaken}):
                await save(tables, House(door="2号", mood=Mood.GOOD), twice)  # type: ignore[arg-type]
    assert [h.door for h in await tables.scalars(select(House))] == ["1号"]


async def test_all_rows_cost_one_statement(tables: Tx, connection: AsyncConnection) -> None:
    heard: list[str] = []

    def hear(_: object, __: object, statement: str, *___: object) -> None:
        heard.append(statement)

    house = House(door="1号", mood=Mood.GOOD)
    event.listen(connection.sync_connection, "before_cursor_execute", hear)
    await save(tables, house, Order(house_id=house.id, at=datetime.now(UTC)))  # type: ignore[arg-type]
    event.remove(connection.sync_connection, "before_cursor_execute", hear)
    assert len([statement for statement in heard if "SAVEPOINT" not in statement]) == 1
