"""Every grid operation against every caller."""

from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from tests.authorization.seats import EVERYONE, Everybody, table, undone
from tests.support.issues import LANE, Street
from tests.support.posts import appointment_at, phone_number

# Telephone intake at the lane, appointing at the lane, changing an appointment that exists
# there, and the register of the lane's dwellings.
GRID_TABLE = table(
    """
                             intake  appoint  change  register
    anonymous                   401      401     401       401
    reporter                    403      403     404       403
    neighbour                   403      403     404       403
    own lane chief              403      403     404       200
    next lane chief             403      403     404       403
    own grid leader             403      403     404       200
    own grid worker             403      403     404       200
    other grid leader           403      403     404       403
    other grid worker           403      403     404       403
    own community worker        200      403     404       200
    own community secretary     200      403     404       200
    other community worker      403      403     404       403
    other community secretary   403      403     404       403
    own dispatcher              200      403     404       200
    own street secretary        200      403     404       200
    other dispatcher            403      403     404       403
    other street secretary      403      403     404       403
    officer                     403      403     404       403
    other officer               403      403     404       403
    operator                    403      200     200       200
    far operator                403      403     404       403
    """
)


async def test_every_grid_operation_answers_every_caller_as_the_table_says(
    street: Street, everybody: Everybody, connection: AsyncConnection, tx: Tx
) -> None:
    lane = street.town.at(*LANE)
    grid_id = str(street.town.at(*LANE[:3]).id)
    held = f"/appointments/{(await appointment_at(tx, lane, Role.LANE_CHIEF)).id}"
    someone = {"name": "新人", "phone": phone_number()}
    worker = {
        "node_id": grid_id,
        "role": "grid_worker",
        "person": someone,
        "duty_phone": "0752-1234567",
        "starts_on": date(2026, 1, 1).isoformat(),
    }
    kept = {"duty_phone": "0752-1234567", "ends_on": None, "version": 1}
    call = street.wish(on_behalf_of={"name": "王女士", "phone": phone_number()})
    found: dict[str, dict[str, int]] = {}
    for name, caller in everybody.items():
        async with undone(connection):
            intake = await caller.post("/issues", json=call)
        async with undone(connection):
            made = await caller.post("/appointments", json=worker)
        changes = []
        for change, body in (("end", None), ("stand-in", {"person": someone})):
            async with undone(connection):
                changes.append(await caller.post(f"{held}/{change}", json=body))
        async with undone(connection):
            changes.append(await caller.post(f"{held}/end-stand-in"))
        async with undone(connection):
            changes.append(await caller.put(held, json=kept))
        statuses = {answer.status_code for answer in changes}
        assert len(statuses) == 1, name
        register = await caller.get(f"/grid/nodes/{lane.id}/households")
        found[name] = {
            "intake": intake.status_code,
            "appoint": made.status_code,
            "change": statuses.pop(),
            "register": register.status_code,
        }
    assert found == GRID_TABLE


# The register of the whole grid and of the whole community: above a post there is nothing.
async def test_the_register_opens_at_the_post_and_not_above_it(
    street: Street, everybody: Everybody
) -> None:
    nodes = [street.town.at(*LANE[:depth]).id for depth in range(5)]
    opened = {}
    for name in ("own lane chief", "own grid worker", "own community worker", "operator"):
        answers = [
            await everybody[name].get(f"/grid/nodes/{node}/households") for node in nodes
        ]
        opened[name] = [answer.status_code for answer in answers]
    assert opened == {
        "own lane chief": [403, 403, 403, 403, 200],
        "own grid worker": [403, 403, 403, 200, 200],
        "own community worker": [403, 403, 200, 200, 200],
        "operator": [200, 200, 200, 200, 200],
    }


async def test_the_register_of_a_grid_lists_its_dwellings_with_their_residents(
    street: Street, everybody: Everybody
) -> None:
    grid = street.town.at(*LANE[:3])
    moved_in = await street.callers.resident()
    home = {"lane_id": str(street.town.at(*LANE).id), "address": "2号"}
    assert (await moved_in.put("/me/residence", json=home)).status_code == 200
    answer = await everybody["own grid leader"].get(f"/grid/nodes/{grid.id}/households")
    rows = answer.json()["items"]
    lanes = [street.town.at(*LANE[:3], lane) for lane in (1, 2)]
    names = {(row["lane_id"], row["lane_name"], row["community_name"]) for row in rows}
    community = street.town.at(*LANE[:2]).name
    assert names == {(str(lane.id), lane.name, community) for lane in lanes}
    assert len(rows) == 4
    assert [row["residents"] for row in rows if row["address"] == "2号"].count(1) == 1


def test_the_table_names_every_caller_once() -> None:
    assert set(GRID_TABLE) == EVERYONE
