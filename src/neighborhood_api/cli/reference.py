"""What every district needs from the first day: categories, their rules, working days."""

from datetime import UTC, datetime

from neighborhood_api.issues.categories.seed import load_categories
from neighborhood_api.kit.db import Database
from neighborhood_api.schedules.published import load_published_years


async def load_reference(url: str) -> None:
    """Load what the database at `url` lacks of it; safe to repeat, changes nothing else."""
    database = Database(url, pool_size=2)
    try:
        async with database.transaction() as tx:
            now = datetime.now(UTC)
            await load_published_years(tx, now=now)
            await load_categories(tx, now=now)
    finally:
        await database.close()
