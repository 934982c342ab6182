"""Rules of what a district calls its levels and posts."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from neighborhood_api.grid.layers.events import GridProfileStated
from neighborhood_api.grid.layers.models import Profile
from neighborhood_api.grid.layers.profile_schemas import (
    GridProfileIn,
    GridProfileOut,
    LevelNameOut,
    RoleNameOut,
)
from neighborhood_api.grid.layers.ready import KINDS, READY, USUAL_LEVELS, ReadyProfile
from neighborhood_api.grid.layers.schemas import (
    LayerDesignOut,
    ReadyProfileList,
    ReadyProfileOut,
)
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.names import ROLE_NAMES, post_name
from neighborhood_api.grid.service import NodeNotFound, current_node
from neighborhood_api.identity.access import Actor, Permission, Role
from neighborhood_api.identity.places import Level
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.outbox import emit


def ready_profiles() -> ReadyProfileList:
    """Show the profiles to begin with."""
    return ReadyProfileList(items=[_ready_view(one) for one in READY])


async def read_grid_profile(tx: ReadTx, district_id: UUID, *, now: datetime) -> GridProfileOut:
    """Show what a district calls its levels and posts; without a profile, the usual names.

    Raises: NodeNotFound.
    """
    await district_of(tx, district_id, now=now)
    return _view(district_id, await tx.get(Profile, district_id))


async def state_grid_profile(
    tx: Tx, actor: Actor, district_id: UUID, wish: GridProfileIn, *, now: datetime
) -> GridProfileOut:
    """Say what a district calls its levels and posts; whoever looks next reads the new names.

    Raises: NodeNotFound, Forbidden, StaleVersion.
    Emits: GridProfileStated.
    """
    district = await district_of(tx, district_id, now=now)
    actor.require(Permission.GRID_MANAGE, at=district.place)
    first = insert(Profile).values(
        district_id=district_id, level_names=[], kinds=[], role_names={}, version=0
    )
    await tx.execute(first.on_conflict_do_nothing())
    query = select(Profile).where(Profile.district_id == district_id).with_for_update()
    profile = (await tx.scalars(query.execution_options(populate_existing=True))).one()
    if profile.version != wish.version:
        raise StaleVersion(version=profile.version)
    levels = sorted(wish.levels, key=lambda one: one.level)
    roles = {one.role.value: one.name for one in wish.roles}
    profile.level_names = [one.name for one in levels]
    profile.kinds = [one.kinds for one in levels]
    profile.role_names = roles
    profile.version += 1
    stated = GridProfileStated(district_id=district_id)
    emit(tx, stated)
    record_act(tx, stated.name, district_id, by=actor.person_id, now=now)
    await tx.flush()
    return _view(district_id, profile)


class Names(NamedTuple):
    """What a district calls its levels and posts, the usual names filled in."""

    levels: dict[Level, str]
    posts: dict[Role, str]


async def names_of_district(tx: ReadTx, district_id: UUID) -> Names:
    """Return what a district calls its levels and posts."""
    profile = await tx.get(Profile, district_id)
    stated = profile is not None and profile.version > 0
    levels = profile.level_names if profile is not None and stated else USUAL_LEVELS
    own = {} if profile is None else profile.role_names
    return Names(
        dict(zip(Level, levels, strict=True)),
        {role: post_name(role, own.get(role.value)) for role in Role},
    )


async def role_names_of(tx: ReadTx, district_id: UUID) -> dict[Role, str]:
    """Return what a district calls each post."""
    return (await names_of_district(tx, district_id)).posts


async def district_of(tx: ReadTx, district_id: UUID, *, now: datetime) -> Node:
    """Return a district.

    Raises: NodeNotFound.
    """
    node = await current_node(tx, district_id, now=now)
    if node.level != Level.DISTRICT:
        raise NodeNotFound
    return node


def _view(district_id: UUID, profile: Profile | None) -> GridProfileOut:
    stated = profile is not None and profile.version > 0
    names = profile.level_names if profile is not None and stated else USUAL_LEVELS
    kinds = profile.kinds if profile is not None and stated else KINDS
    own = {} if profile is None else profile.role_names
    return GridProfileOut(
        district_id=district_id,
        levels=_levels(names, kinds),
        roles=[
            RoleNameOut(role=role, name=own.get(role.value, usual))
            for role, usual in ROLE_NAMES.items()
        ],
        version=0 if profile is None else profile.version,
    )


def _ready_view(one: ReadyProfile) -> ReadyProfileOut:
    return ReadyProfileOut(
        code=one.code,
        place=one.place,
        levels=_levels(one.level_names, one.kinds),
        roles=[
            RoleNameOut(role=role, name=one.role_names.get(role, ROLE_NAMES[role]))
            for role in Role
        ],
        layers=[LayerDesignOut.model_validate(design) for design in one.layers],
    )


def _levels(
    names: list[str] | tuple[str, ...],
    kinds: list[list[str]] | tuple[tuple[str, ...], ...],
) -> list[LevelNameOut]:
    return [
        LevelNameOut(level=Level(at), name=name, kinds=[*allowed])
        for at, (name, allowed) in enumerate(zip(names, kinds, strict=True))
    ]
