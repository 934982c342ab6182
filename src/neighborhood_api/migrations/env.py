"""Alembic's entry: one connection, handed over by `neighborhood_api.migrate`."""

from typing import Any

from alembic import context

from neighborhood_api.kit.sealing import Sealed
from neighborhood_api.tables import METADATA


def ours(_: object, name: str | None, kind: str, reflected: bool, __: object) -> bool:  # noqa: FBT001
    """Leave procrastinate's own tables to procrastinate."""
    del reflected
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


def plainly(kind: str, value: object, _: object) -> str | bool:
    """Write sealed columns as what they are to PostgreSQL: a migration knows no keys."""
    return "sa.Text()" if kind == "type" and isinstance(value, Sealed) else False


options: dict[str, Any] = {
    "target_metadata": METADATA,
    "include_object": ours,
    "render_item": plainly,
}
context.configure(connection=context.config.attributes["connection"], **options)
with context.begin_transaction():
    context.run_migrations()
