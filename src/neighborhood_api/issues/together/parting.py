"""How a merged issue parts from the one that it was handled with."""

from neighborhood_api.cases.models import Case
from neighborhood_api.issues.models import Issue
from neighborhood_api.kit.db import Tx


async def part_from_main(tx: Tx, case: Case) -> None:
    """Let a locked issue be judged by itself from now on: its own clocks tell again."""
    case.main_id = None
    issue = await tx.get_one(Issue, case.id)
    issue.response_missed = issue.resolution_missed = False
