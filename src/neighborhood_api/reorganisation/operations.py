"""What a plan consists of."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, TypeAdapter

from neighborhood_api.identity.places import Level
from neighborhood_api.kit.schema import In, Line

PlaceKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
PlaceRef = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z][a-z0-9_-]{0,39}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$"
    ),
]
NodeCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,40}$")]
PlaceName = Annotated[Line, Field(max_length=60)]


class CreatePlaceIn(In):
    """Found a place (新设)."""

    do: Annotated[Literal["create"], Field(json_schema_extra={"enum": ["create"]})]
    """固定为 create · Founds."""
    key: PlaceKey
    """方案内的代号 · What other operations of the plan call it."""
    level: Annotated[Level, Field(ge=Level.STREET)]
    """层级：1 街道、2 社区、3 网格、4 街巷 · Its level."""
    kind: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,30}$")]
    """类型，如 community · What kind of place it is."""
    parent: PlaceRef
    """上级：地点编号或方案内的代号 · The id of a place, or the key of a new one."""
    code: NodeCode
    """编码 · Its code."""
    name: PlaceName
    """名称 · Its name."""
    longitude: Annotated[float | None, Field(ge=-180, le=180)] = None
    """经度（WGS-84）· Degrees east."""
    latitude: Annotated[float | None, Field(ge=-90, le=90)] = None
    """纬度（WGS-84）· Degrees north."""


class SplitPartIn(In):
    """What of a place that is split goes to one successor."""

    to: PlaceRef
    """承接的地点；可以是原地点自己 · The successor; may be the place itself, which stays."""
    children: Annotated[tuple[UUID, ...], Field(max_length=5000)] = ()
    """划入的下级地点 · Places below it that go there."""
    households: Annotated[tuple[UUID, ...], Field(max_length=5000)] = ()
    """划入的住户（拆分街巷时）· Dwellings that go there, where a lane is split."""


class SplitPlaceIn(In):
    """Divide a place among successors (拆分)."""

    do: Annotated[Literal["split"], Field(json_schema_extra={"enum": ["split"]})]
    """固定为 split · Divides."""
    node: UUID
    """地点编号 · The id of the place."""
    into: Annotated[tuple[SplitPartIn, ...], Field(min_length=1, max_length=200)]
    """各承接地点分到什么 · What goes to each successor."""


class MergePlacesIn(In):
    """Join places into one (合并)."""

    do: Annotated[Literal["merge"], Field(json_schema_extra={"enum": ["merge"]})]
    """固定为 merge · Joins."""
    nodes: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=200)]
    """合并的地点编号 · The ids of the places."""
    into: PlaceRef
    """承接的地点；可以是其中一个 · The successor; may be one of them."""


class MovePlaceIn(In):
    """Put a place, with all below it, under another parent (划转)."""

    do: Annotated[Literal["move"], Field(json_schema_extra={"enum": ["move"]})]
    """固定为 move · Moves."""
    node: UUID
    """地点编号 · The id of the place."""
    under: PlaceRef
    """新的上级：地点编号或方案内的代号 · Its new parent."""


class RenamePlaceIn(In):
    """Give a place another name (更名)."""

    do: Annotated[Literal["rename"], Field(json_schema_extra={"enum": ["rename"]})]
    """固定为 rename · Renames."""
    node: UUID
    """地点编号 · The id of the place."""
    name: PlaceName
    """新名称 · Its new name."""


class RecodePlaceIn(In):
    """Give a place another code (换码)."""

    do: Annotated[Literal["recode"], Field(json_schema_extra={"enum": ["recode"]})]
    """固定为 recode · Recodes."""
    node: UUID
    """地点编号 · The id of the place."""
    code: NodeCode
    """新编码 · Its new code."""


class ClosePlaceIn(In):
    """End a place with nothing below it (撤销)."""

    do: Annotated[Literal["close"], Field(json_schema_extra={"enum": ["close"]})]
    """固定为 close · Ends."""
    node: UUID
    """地点编号 · The id of the place."""
    successor: PlaceRef | None = None
    """承接的地点，没有住户和业务的可不填 · May be left out where nothing lies there."""


Operation = Annotated[
    CreatePlaceIn
    | SplitPlaceIn
    | MergePlacesIn
    | MovePlaceIn
    | RenamePlaceIn
    | RecodePlaceIn
    | ClosePlaceIn,
    Field(discriminator="do"),
]
OPERATIONS: TypeAdapter[tuple[Operation, ...]] = TypeAdapter(tuple[Operation, ...])


def mentioned(operation: Operation) -> set[str]:
    """Return the places that an operation names, as ids and keys."""
    match operation:
        case CreatePlaceIn():
            return {operation.parent}
        case SplitPlaceIn():
            parts = {str(c) for part in operation.into for c in part.children}
            return {str(operation.node), *(part.to for part in operation.into), *parts}
        case MergePlacesIn():
            return {*map(str, operation.nodes), operation.into}
        case MovePlaceIn():
            return {str(operation.node), operation.under}
        case ClosePlaceIn():
            also = () if operation.successor is None else (operation.successor,)
            return {str(operation.node), *also}
        case RenamePlaceIn() | RecodePlaceIn():
            return {str(operation.node)}


def touched(operation: Operation) -> set[UUID]:
    """Return the places of today's grid that an operation changes."""
    match operation:
        case CreatePlaceIn():
            return set()
        case SplitPlaceIn():
            return {operation.node, *(c for part in operation.into for c in part.children)}
        case MergePlacesIn():
            return set(operation.nodes)
        case _:
            return {operation.node}
