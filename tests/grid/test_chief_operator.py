"""Whoever operates every district is named by one of her kind, or on the command line."""

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from tests.grid.conftest import Days
from tests.grid.test_appointments import wish_for
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import appointment_at, chief_operator, phone_number
from tests.support.refusals import refused


async def test_only_a_chief_operator_changes_who_operates_every_district(
    operator: Caller, callers: Callers, town: Town, tx: Tx, days: Days
) -> None:
    """Else an operator of one district would make herself one of all."""
    wish = wish_for(town.at(), Role.CHIEF_OPERATOR, days)
    refused(await operator.post("/appointments", json=wish), 403, "forbidden")
    chief = await callers.person(await chief_operator(tx, town.at()))
    held = await appointment_at(tx, town.at(), Role.CHIEF_OPERATOR)
    person = {"name": "代班人", "phone": phone_number()}
    today = days.today.isoformat()
    for action, body in (
        ("end", {}),
        ("stand-in", {"person": person, "duty_phone": "0752-9100001"}),
        ("end-stand-in", {}),
        (
            "leaves",
            {"first_on": today, "last_on": today, "stand_in": person, "duty_phone": "0752-1"},
        ),
    ):
        answer = await operator.post(f"/appointments/{held.id}/{action}", json=body)
        refused(answer, 404, "appointment_not_found")
    await tx.refresh(held)
    assert (held.ended_at, held.stand_in_id) == (None, None)
    made = await chief.post("/appointments", json=wish)
    assert made.status_code == 200, made.text
    shown = await chief.get(f"/grid/nodes/{town.at().id}/contacts")
    assert "总管理员" not in shown.text
