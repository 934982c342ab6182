"""What somebody brought waits for her a day, and not beyond her post."""

from uuid import UUID

import pytest
from fastapi import FastAPI

from neighborhood_api.files.store import store_from
from neighborhood_api.identity.access import Role
from neighborhood_api.imports import working
from neighborhood_api.imports.models import DataImport
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.settings import Settings
from tests.authorization.test_imports import API, bring
from tests.imports.bringing import LIMITS
from tests.support.clock import clock_of
from tests.support.issues import LANE
from tests.support.people import Callers
from tests.support.places import Town
from tests.support.posts import vacate
from tests.support.refusals import refused

pytestmark = pytest.mark.slow


async def test_what_was_brought_waits_a_day_and_for_nobody_who_has_left_the_post(
    app: FastAPI,
    callers: Callers,
    town: Town,
    rolled_back: Database,
    settings: Settings,
    tx: Tx,
) -> None:
    """Also before the nightly job has thrown the files away."""
    clerk = await callers.staff(town, Role.COMMUNITY_WORKER, *LANE[:2])
    with clock_of(app) as clock:
        brought = await bring(clerk, str(town.at(*LANE[:2]).id))
        import_id = UUID(brought.json()["id"])
        store = store_from(settings)
        await working.run_check(rolled_back, store, import_id, limits=LIMITS, now=clock.now)
        path = f"{API}/imports/{import_id}"
        found = (await clerk.get(path)).json()
        assert (found["state"], found["applicable"]) == ("checked", True)
        clock.forward(hours=24)
        for verb in ("check", "apply"):
            refused(await clerk.post(f"{path}/{verb}"), 410, "stored_file_gone")
        clock.forward(hours=-1)
        await vacate(tx, town.at(*LANE[:2]))
        await tx.commit()
        former = await callers.person(clerk.person_id)
        for answer in (await former.get(path), await former.post(f"{path}/apply")):
            refused(answer, 403, "forbidden")
        assert (await tx.get_one(DataImport, import_id)).state == "checked"
