"""What the migrations build is what the models say, down to constraints and indexes."""

from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.pool import NullPool

from neighborhood_api.migrate import current, differences, head, migrate
from neighborhood_api.tables import METADATA
from tests.support.postgres import database_beside

pytestmark = pytest.mark.slow

CONSTRAINTS = """
    SELECT relname, conname, pg_get_constraintdef(c.oid) FROM pg_constraint c
    JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace
    WHERE nspname = 'public' AND relname NOT LIKE 'procrastinate%'
    AND relname <> 'alembic_version'
"""
INDEXES = """
    SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    AND tablename NOT LIKE 'procrastinate%' AND tablename <> 'alembic_version'
"""
COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable, column_default,
        generation_expression
    FROM information_schema.columns WHERE table_schema = 'public'
    AND table_name NOT LIKE 'procrastinate%' AND table_name <> 'alembic_version'
"""


def described(url: str, *, build: bool = False) -> dict[str, set[Any]]:
    """Everything that PostgreSQL knows of our tables."""
    where = make_url(url).set(drivername="postgresql+psycopg")
    engine = create_engine(where, poolclass=NullPool)
    with engine.begin() as connection:
        if build:
            METADATA.create_all(connection)
        return {
            "constraints": _rows(connection, CONSTRAINTS),
            "indexes": _rows(connection, INDEXES),
            "columns": _rows(connection, COLUMNS),
        }


def _rows(connection: Connection, sql: str) -> set[Any]:
    return {tuple(row) for row in connection.execute(text(sql))}


def test_a_migrated_database_is_what_the_models_describe(server_url: str) -> None:
    with database_beside(server_url) as migrated, database_beside(server_url) as built:
        migrate(migrated)
        found, meant = described(migrated), described(built, build=True)
    for what, all_meant in meant.items():
        assert len(all_meant) > 50
        assert found[what] - all_meant == set()
        assert all_meant - found[what] == set()


def test_migrating_again_changes_nothing(server_url: str) -> None:
    with database_beside(server_url) as url:
        assert current(url) is None
        migrate(url)
        before = described(url)
        migrate(url)
        assert described(url) == before
        assert current(url) == head()
        assert differences(url) == []
