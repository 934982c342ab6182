"""What is thrown away: files that nothing came to use, and bytes that no row names."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select

from neighborhood_api.files import store as blobs
from neighborhood_api.files.models import File
from neighborhood_api.files.store import Store
from neighborhood_api.kit.db import Database

KEPT_UNCLAIMED = timedelta(hours=24)
"""How long somebody may take from choosing a photo to sending what it belongs to."""
LOOKED_BACK = timedelta(days=7)
"""How old a day's folder is looked into; longer than a worker is ever away."""
AT_ONCE = 500


async def delete_unclaimed(database: Database, store: Store, *, now: datetime) -> int:
    """Delete the files that nothing used in a day; return how many.

    Rows go first: a file claimed in this moment is kept whole, and bytes that a crash leaves
    here are found by `delete_orphans`.

    Raises: FileStoreUnavailable.
    """
    deleted = 0
    while True:
        async with database.transaction() as tx:
            old = (
                select(File.id)
                .where(File.claimed_at.is_(None), File.created_at < now - KEPT_UNCLAIMED)
                .order_by(File.created_at)
                .limit(AT_ONCE)
                .with_for_update(skip_locked=True)
            )
            gone = delete(File).where(File.id.in_(old)).returning(File.storage_key)
            keys = (await tx.scalars(gone)).all()
        for key in keys:
            await blobs.delete(store, key, key + blobs.THUMBNAIL)
        deleted += len(keys)
        if len(keys) < AT_ONCE:
            return deleted


async def delete_orphans(database: Database, store: Store, *, now: datetime) -> int:
    """Delete bytes of the last week that no row names and no request can still be about to.

    Raises: FileStoreUnavailable.
    """
    deleted = 0
    for days in range(LOOKED_BACK.days + 1):
        day = (now - timedelta(days=days)).date()
        async for batch in blobs.keys_of(store, day):
            old = [key for key, written in batch if written < now - KEPT_UNCLAIMED]
            orphans = await _unnamed(database, old)
            await blobs.delete(store, *orphans)
            deleted += len(orphans)
    return deleted


async def _unnamed(database: Database, keys: list[str]) -> list[str]:
    """Return the keys that belong to no file."""
    image_of = {key: key.removesuffix(blobs.THUMBNAIL) for key in keys}
    async with database.transaction() as tx:
        named = select(File.storage_key).where(File.storage_key.in_(set(image_of.values())))
        known = set(await tx.scalars(named))
    return [key for key, image in image_of.items() if image not in known]
