"""Dependencies that tell a route who is calling."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from typing_extensions import override

from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.revocations import Revocations
from neighborhood_api.identity.second_step.challenges import SecondStepSetupNeeded
from neighborhood_api.identity.tokens import NotSignedIn, OnlyFor, TokenRevoked, Tokens
from neighborhood_api.kit.limits import RateLimit, address_of, origin_of
from neighborhood_api.kit.problems import Problem

F = TypeVar("F", bound=Callable[..., object])

_SAFE = {"GET", "HEAD", "OPTIONS"}
_MARK = "comes_first"


class PasswordChangeNeeded(Problem):
    """The password is too old, or somebody else chose it: change it before anything else."""

    status = HTTPStatus.FORBIDDEN
    title = "Change your password first, then refresh the tokens"
    message = "请先修改密码，再继续使用"


_FIRST: dict[OnlyFor, type[Problem]] = {
    OnlyFor.PASSWORD: PasswordChangeNeeded,
    OnlyFor.SECOND_STEP: SecondStepSetupNeeded,
}


def comes_first(operation: F) -> F:
    """Mark an operation that is open to whoever must do something before anything else."""
    setattr(operation, _MARK, frozenset(OnlyFor))
    return operation


def follows_the_password(operation: F) -> F:
    """Mark an operation that sets a second step up: only after the password is her own.

    Else whoever chose a first password for somebody could leave her own one-time codes behind.
    """
    setattr(operation, _MARK, frozenset({OnlyFor.SECOND_STEP}))
    return operation


def _is_open(request: Request, need: OnlyFor) -> bool:
    return need in getattr(request.scope.get("endpoint"), _MARK, ())


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


class _CurrentActor(HTTPBearer):
    """The security scheme and the check in one dependency: each costs on every request."""

    @override
    async def __call__(self, request: Request) -> Actor:  # type: ignore[override]
        """Identify the caller by her access token.

        Raises: NotSignedIn, TokenExpired, TokenRevoked, TooManyRequests,
            PasswordChangeNeeded, SecondStepSetupNeeded.
        """
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if not given or scheme.lower() != "bearer":
            raise NotSignedIn
        gate = gate_of(request)
        token = gate.tokens.read(given.strip())
        if await gate.revocations.holds(token):
            raise TokenRevoked
        if token.only_for is not None and not _is_open(request, token.only_for):
            raise _FIRST[token.only_for]
        caller = request.state.caller = token.caller
        if request.method not in _SAFE:
            await gate.writes.hit(caller)
        return token.actor


current_actor = _CurrentActor(
    scheme_name="HTTPBearer", description="Access token · 访问令牌", auto_error=False
)


async def limit_sign_ins(request: Request) -> None:
    """Slow down guessing from one address.

    Raises: TooManyRequests.
    """
    await gate_of(request).sign_ins.hit(origin_of(address_of(request)))


GateDep = Annotated[Gate, Depends(current_gate)]
ActorDep = Annotated[Actor, Depends(current_actor)]
