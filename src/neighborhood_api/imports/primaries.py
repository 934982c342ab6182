"""One worker is responsible for each grid: what a file says of that."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import Level
from neighborhood_api.imports.appointees import Held, Wanted
from neighborhood_api.imports.outcomes import Outcome
from neighborhood_api.imports.wording import Wording


def settle_primaries(
    rows: Sequence[Wanted],
    held: Mapping[tuple[UUID, str], Sequence[Held]],
    wording: Wording,
) -> None:
    """Say of each worker whether she becomes, or ceases to be, the responsible one."""
    primary = f"主责{wording.title(Role.GRID_WORKER)}"
    chosen = _chosen(rows, f"一个{wording.levels[Level.GRID]}只能有一名{primary}")
    for one in chosen.values():
        others = held.get((one.spot.id, Role.GRID_WORKER.value), ())
        now = next((h for h in others if h.is_primary and h is not one.held), None)
        if now is not None:
            one.verdict.change(f"{primary}由{now.name or '现任'}改为{one.name}")
        elif one.held is not None and not one.held.is_primary:
            one.verdict.change(f"设为{primary}")
    for one in rows:
        is_it = one.held is not None and one.held.is_primary
        if is_it and one.primary is False and one.spot.id not in chosen:
            one.verdict.fault(f"现为{primary}；请在接任主责的一行填“是”")


def _chosen(rows: Sequence[Wanted], only_one: str) -> dict[UUID, Wanted]:
    """Return whom the file names for each grid; two are a fault."""
    chosen: dict[UUID, Wanted] = {}
    for one in rows:
        if not one.primary or one.verdict.outcome is Outcome.FAULT:
            continue
        if chosen.setdefault(one.spot.id, one) is not one:
            one.verdict.fault(f"{only_one}，文件中有多人")
    return chosen
