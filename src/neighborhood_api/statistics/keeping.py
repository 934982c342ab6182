"""Writing down the facts of issues that have changed, so that counting many takes no time."""

from sqlalchemy import ARRAY, Uuid, cast, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from neighborhood_api.kit.db import Tx
from neighborhood_api.statistics.computing import computed
from neighborhood_api.statistics.models import Changed, Fact

AT_ONCE = 2_000
"""Changes; whoever moves one of these issues meanwhile need not wait."""
_LOCK = 2_026_112_203
"""Any number, always the same: of two at once the slower would write what it read before."""


async def write_facts(tx: Tx) -> int:
    """Write down the facts behind the oldest changes anew; return how many changes those were.

    A change that is taken away here was committed before the facts are read; any other stays
    noted, and with it what it changed counts as changed.
    """
    await tx.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    oldest = select(Changed.id).order_by(Changed.id).limit(AT_ONCE)
    taken = delete(Changed).where(Changed.id.in_(oldest)).returning(Changed.case_id)
    case_ids = (await tx.scalars(taken)).all()
    if not case_ids:
        return 0
    ids = cast(sorted(set(case_ids)), ARRAY(Uuid))
    given = select(func.unnest(ids).label("case_id")).subquery("given")
    found = computed(given)
    names = [column.name for column in found.selected_columns]
    write = insert(Fact).from_select(names, found)
    later = {name: write.excluded[name] for name in names if name != "case_id"}
    await tx.execute(write.on_conflict_do_update(index_elements=["case_id"], set_=later))
    return len(case_ids)
