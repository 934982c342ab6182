"""Dependencies of the operations that sign somebody in."""

from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request

from neighborhood_api.identity.accounts.password_rules import PasswordAge
from neighborhood_api.identity.accounts.superiors import OfficesOf
from neighborhood_api.identity.caller import GateDep
from neighborhood_api.identity.service import Issuer
from neighborhood_api.identity.sessions.devices import DeviceDep
from neighborhood_api.settings import Settings


async def current_issuer(request: Request, gate: GateDep, device: DeviceDep) -> Issuer:
    """Return what gives out tokens, for the device that the request comes from."""
    settings: Settings = request.app.state.settings
    return Issuer(
        gate.tokens,
        request.app.state.standing_of,
        device=device,
        passwords=PasswordAge(
            settings.password_days,
            settings.passwords_remembered,
            timedelta(hours=settings.invitation_hours),
        ),
        second_step_required=settings.require_second_step,
    )


async def _offices_of(request: Request) -> OfficesOf:
    offices_of: OfficesOf = request.app.state.offices_of
    return offices_of


OfficesDep = Annotated[OfficesOf, Depends(_offices_of)]
IssuerDep = Annotated[Issuer, Depends(current_issuer)]
