"""Dependencies that tell a route who is calling."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.revocations import Revocations
from neighborhood_api.identity.tokens import NotSignedIn, TokenRevoked, Tokens
from neighborhood_api.kit.limits import RateLimit, address_of

_bearer = HTTPBearer(auto_error=False, description="Access token · 访问令牌")
_SAFE = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True)
class Gate:
    """What a process needs to recognise its callers and to slow the hasty ones."""

    tokens: Tokens
    revocations: Revocations
    sign_ins: RateLimit
    writes: RateLimit


async def current_gate(request: Request) -> Gate:
    """Return the application's gate, as a dependency; a plain function would cost a thread."""
    return gate_of(request)


def gate_of(request: Request) -> Gate:
    """Return the application's gate."""
    gate: Gate = request.app.state.gate
    return gate


async def current_actor(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Actor:
    """Identify the caller by her access token.

    Raises: NotSignedIn, TokenExpired, TokenRevoked, TooManyRequests.
    """
    if credentials is None:
        raise NotSignedIn
    gate = gate_of(request)
    token = gate.tokens.read(credentials.credentials)
    if await gate.revocations.holds(token):
        raise TokenRevoked
    caller = request.state.caller = str(token.actor.person_id)
    if request.method not in _SAFE:
        await gate.writes.hit(caller)
    return token.actor


async def limit_sign_ins(request: Request) -> None:
    """Slow down guessing from one address.

    Raises: TooManyRequests.
    """
    await gate_of(request).sign_ins.hit(address_of(request))


GateDep = Annotated[Gate, Depends(current_gate)]
ActorDep = Annotated[Actor, Depends(current_actor)]
