"""Alembic's entry: one connection, handed over by `neighborhood_api.migrate`."""

from typing import Any

from alembic import context

from neighborhood_api.tables import METADATA


def ours(_: object, name: str | None, kind: str, reflected: bool, __: object) -> bool:  # noqa: FBT001
    """Leave procrastinate's own tables to procrastinate."""
    del reflected
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


options: dict[str, Any] = {"target_metadata": METADATA, "include_object": ours}
context.configure(connection=context.config.attributes["connection"], **options)
with context.begin_transaction():
    context.run_migrations()
