"""Who is who relative to a venue of the first community."""

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from tests.authorization.cast import FAR, FROM_COMMUNITY, POSTS, Cast, holding
from tests.support.issues import LANE
from tests.support.people import Callers
from tests.support.places import Town
from tests.support.posts import appoint, chief_operator, somebody

HERE = {"holder", "neighbour", "guardian", "teacher", "other teacher", "former teacher"}
"""Residents of the first community."""
RESIDENTS = HERE | {"outsider"}
"""With one of the next community."""
OTHERS = {"department officer", "inspector", "chief operator"}
EVERYBODY = RESIDENTS | {*POSTS, *FAR} | OTHERS
"""Everyone who is signed in."""
RUNNING = FROM_COMMUNITY | {"own operator"}
"""Staff of the venue."""
ALSO_NEXT_DOOR = {"own dispatcher", "own secretary", "own operator"}
"""Those of them who run the venue of the next community too."""
OFFICES = {
    "chief operator",
    *(
        name
        for role in (
            Role.COMMUNITY_WORKER,
            Role.COMMUNITY_SECRETARY,
            Role.STREET_DISPATCHER,
            Role.STREET_SECRETARY,
            Role.OPERATOR,
        )
        for name in holding(role)
    ),
}
"""Whoever runs venues, wherever."""
LOOKING = FROM_COMMUNITY | {"teacher"}
"""Whoever may open the record of a child that comes; who leads the district may not."""


async def booking_cast(callers: Callers, town: Town, far: Town, tx: Tx) -> Cast:
    """Sign everybody in."""
    cast: Cast = {}
    for where, posts in ((town, POSTS), (far, FAR)):
        for name, (role, path) in posts.items():
            cast[name] = await callers.staff(where, role, *path)
    cast["department officer"] = await callers.staff(town, Role.DEPARTMENT_OFFICER, 1, body=0)
    inspector = await somebody(tx)
    await appoint(tx, town.at(1), Role.DISCIPLINE_OFFICER, inspector.id)
    await tx.commit()
    cast["inspector"] = await callers.person(inspector.id)
    cast["chief operator"] = await callers.person(await chief_operator(tx, far.at()))
    for name in sorted(HERE):
        cast[name] = await callers.resident(town.place(*LANE), name=NAMES.get(name, name))
    cast["outsider"] = await callers.resident(town.place(1, 2, 1, 1))
    return cast


NAMES = {"holder": "持约人甲", "guardian": "监护人乙"}
"""What those are called whose names only the venue's staff may read."""
