"""Makes the demonstration's arrangements: texts, a second layer, rosters and boundaries.

All of it goes through the use cases that serve the API, by whoever may do it.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

from neighborhood_api.demo.acting import acting_as
from neighborhood_api.demo.place import DemoPlace, PersonRow, ResidentRow
from neighborhood_api.demo.records import Records, ShiftRow
from neighborhood_api.grid.areas.coordinates import CoordinateSystem
from neighborhood_api.grid.areas.importing import import_boundaries
from neighborhood_api.grid.areas.schemas import FeatureIn
from neighborhood_api.grid.layers.covers import assign_layer_covers
from neighborhood_api.grid.layers.keeping import create_layer
from neighborhood_api.grid.layers.schemas import (
    LayerCoverIn,
    LayerHolderIn,
    LayerIn,
    LayerLevelIn,
    LayerNodeIn,
)
from neighborhood_api.grid.layers.tree import add_layer_nodes, name_layer_holder
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.posts.roster.alarms import look_for_gaps
from neighborhood_api.grid.posts.roster.schemas import ShiftSeriesIn, WeeklyShiftIn
from neighborhood_api.grid.posts.roster.service import make_shift_series
from neighborhood_api.identity.access import Actor
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.privacy.consents import agree_to, publish_document
from neighborhood_api.privacy.schemas import ConsentDocumentIn

ROSTER_DAYS = 34
LAYER = LayerIn(
    code="neighbours",
    name="三长",
    levels=[
        LayerLevelIn(name="片", post="片长"),
        LayerLevelIn(name="组", post="组长"),
        LayerLevelIn(name="邻", post="邻长"),
    ],
    valid_from=date(2025, 3, 1),
    fewest_households=5,
    most_households=15,
)
"""The second layer of responsibility, drawn over one grid."""


async def publish_texts(
    tx: Tx, records: Records, persons: Mapping[str, UUID], by_id: UUID, now: datetime
) -> None:
    """Publish each version on its day, and let those agree who did, the day after."""
    chief = await acting_as(tx, by_id, now)
    for row in records.texts:
        since = now - timedelta(days=row.published_days_ago)
        wish = ConsentDocumentIn(
            kind=row.kind,
            version=row.version,
            title=row.title,
            text=row.text,
            needed=row.needed,
        )
        document = await publish_document(tx, chief, wish, now=since)
        for key in row.agreed_by:
            resident = await acting_as(tx, persons[key], now)
            await agree_to(tx, resident, document.id, now=since + timedelta(days=1))


async def draw_layer(
    tx: Tx,
    place: DemoPlace,
    records: Records,
    nodes: Mapping[str, Node],
    operator: Actor,
    now: datetime,
) -> None:
    """Draw the second layer, say who answers for its nodes, and for which lanes they do."""
    district_id = operator.posts[0].node_id
    layer = await create_layer(tx, operator, district_id, LAYER, now=now)
    wishes = [
        LayerNodeIn(code=row.code, name=row.name, parent_code=row.parent_code)
        for row in records.layer
    ]
    drawn = await add_layer_nodes(tx, operator, layer.id, wishes, now=now)
    everybody: list[PersonRow | ResidentRow] = [*place.people, *place.residents]
    people = {row.key: row for row in everybody}
    covers = []
    for row, held in zip(records.layer, drawn, strict=True):
        lanes = row.lane_codes.split("、") if row.lane_codes else []
        covers += [
            LayerCoverIn(node_id=nodes[lane].id, layer_node_id=held.id) for lane in lanes
        ]
        if row.holder_key is not None:
            holder = people[row.holder_key]
            named = LayerHolderIn(
                name=holder.name,
                phone=holder.phone or "",
                duty_phone=row.duty_phone or "",
                starts_on=LAYER.valid_from,
            )
            await name_layer_holder(tx, operator, held.id, named, now=now)
    await assign_layer_covers(tx, operator, layer.id, covers, now=now)


async def fill_rosters(
    tx: Tx,
    records: Records,
    nodes: Mapping[str, Node],
    persons: Mapping[str, UUID],
    operator: Actor,
    now: datetime,
) -> None:
    """Put everybody on the rosters for the coming weeks, and tell of the hours left open."""
    rosters: dict[str, list[ShiftRow]] = {}
    for row in records.shifts:
        rosters.setdefault(row.node_code, []).append(row)
    for code, rows in rosters.items():
        first_on = _day_of_running_shift(rows, now)
        weekly = [
            WeeklyShiftIn(
                weekday=row.weekday,
                begins=row.begins,
                minutes=row.minutes,
                person_id=persons[row.person_key],
            )
            for row in rows
        ]
        wish = ShiftSeriesIn(
            first_on=first_on, last_on=first_on + timedelta(days=ROSTER_DAYS), weekly=weekly
        )
        await make_shift_series(tx, operator, nodes[code].id, wish, now=now)
    await look_for_gaps(tx, now=now)


async def draw_boundaries(
    tx: Tx, records: Records, community: Node, operator: Actor, now: datetime
) -> None:
    """Draw the boundaries of a community, its grids and lanes; one lane is not drawn yet."""
    features = [FeatureIn.model_validate(one) for one in records.boundaries]
    wgs84 = CoordinateSystem.WGS84
    await import_boundaries(tx, operator, community.id, features, wgs84, apply=True, now=now)


def _day_of_running_shift(rows: list[ShiftRow], now: datetime) -> date:
    """Return today, or yesterday while its shifts may still be on: what is over is refused."""
    local = now.astimezone(SHOWN_ZONE)
    running = all(
        local
        < datetime.combine(local.date() - timedelta(days=1), row.begins, SHOWN_ZONE)
        + timedelta(minutes=row.minutes)
        for row in rows
    )
    return local.date() - timedelta(days=running)
