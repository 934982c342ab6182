"""The busiest operations, answered without the framework's way through each request.

FastAPI describes, documents and checks them like all others; but finding the operation among
150, resolving each of its dependencies and passing on the answer through eight layers takes
it longer than the operation itself. An operation marked `@direct` is found in a dictionary
and called with what its dependencies return. Whatever is out of the ordinary (a query, an
unusual body, a body that does not fit) goes the framework's way, so that there is one
wording of every error.
"""

import inspect
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from pydantic import TypeAdapter, ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from neighborhood_api.kit.http import Handler, ending_the_transaction

F = TypeVar("F", bound=Callable[..., Awaitable[Any]])
Resolve = Callable[[Request], Awaitable[Any]]

_MARK = "answered_directly"
_LONGEST_BODY = 64 * 1024
_HAS_A_BODY = {"POST", "PUT"}


def direct(operation: F) -> F:
    """Mark an operation that `Direct` answers."""
    setattr(operation, _MARK, True)
    return operation


class NotDirect(TypeError):  # noqa: N818  (named for what happened)
    """A marked operation needs more of the framework than `Direct` gives."""


class _TheFrameworksWay(Exception):  # noqa: N818  (no error: a turn)
    """The request is out of the ordinary."""


@dataclass(frozen=True, slots=True)
class Operation:
    """How one operation is answered."""

    app: FastAPI
    route: APIRoute
    handler: Handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, errors included."""
        scope["route"] = self.route
        scope["path_params"] = {}
        request = Request(scope, receive)
        try:
            response = await self.handler(request)
        except _TheFrameworksWay:
            raise
        except Exception as exc:
            kinds = (k for k in type(exc).__mro__ if k in self.app.exception_handlers)
            kind = next(kinds, None)
            if kind is None:
                raise
            response = await self.app.exception_handlers[kind](request, exc)  # type: ignore[misc]
        await response(scope, receive, send)


class Direct:
    """ASGI middleware, the innermost of the application's own."""

    def __init__(self, app: ASGIApp, *, operations: dict[tuple[str, str], Operation]) -> None:
        """Answer `operations`, and leave the rest to `app`."""
        self.app = app
        self._operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        operation = self._find(scope)
        if operation is None:
            await self.app(scope, receive, send)
            return
        read: list[Message] = []

        async def receive_and_keep() -> Message:
            message = await receive()
            read.append(message)
            return message

        async def receive_again() -> Message:
            return read.pop(0) if read else await receive()

        try:
            await operation(scope, receive_and_keep, send)
        except _TheFrameworksWay:
            await self.app(scope, receive_again, send)

    def _find(self, scope: Scope) -> Operation | None:
        if scope["type"] != "http" or scope["query_string"]:
            return None
        return self._operations.get((scope["method"], scope["path"]))


def direct_operations(app: FastAPI) -> dict[tuple[str, str], Operation]:
    """Find the marked operations of `app`, by method and path.

    Raises: NotDirect.
    """
    found: dict[tuple[str, str], Operation] = {}
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if not isinstance(route, APIRoute) or not hasattr(context.endpoint, _MARK):
            continue
        operation = Operation(app, route, ending_the_transaction(_handler(app, context)))
        for method in context.methods or ():
            found[method, str(context.path)] = operation
    return found


def _handler(app: FastAPI, context: RouteContext) -> Handler:
    """Put together what calls the operation and writes its answer."""
    dependant: Dependant = context.dependant
    endpoint = context.endpoint
    parts = [(need.name, _resolving(app, need)) for need in dependant.dependencies]
    body = _body_of(context)
    if endpoint is None or context.response_model is None:
        raise NotDirect(f"{context.name}: there is no response model")
    answer: TypeAdapter[Any] = TypeAdapter(context.response_model)
    check, write = answer.validator.validate_python, answer.serializer.to_json

    async def handle(request: Request) -> Response:
        given: dict[str, Any] = {}
        if body is not None:
            given[body[0]] = await _read(request, body[1])
        for name, resolve in parts:
            value = await resolve(request)
            if name is not None:
                given[name] = value
        result = check(await endpoint(**given), from_attributes=True)
        return Response(write(result, by_alias=True), media_type="application/json")

    return handle


def _resolving(app: FastAPI, need: Dependant) -> Resolve:
    """Return what resolves a dependency, or what a test put in its place.

    Raises: NotDirect when it needs more than the request, or ends after the answer.
    """
    call = need.call
    if call is None or need.dependencies or need.concurrency is not None:
        raise NotDirect(f"{need.call}: it has dependencies of its own")
    takes_request = _takes_request(call)
    overrides = app.dependency_overrides

    async def resolve(request: Request) -> Any:  # noqa: ANN401  (whatever it returns)
        if overrides and call in overrides:
            replaced = overrides[call]
            return await (replaced(request) if _takes_request(replaced) else replaced())
        return await (call(request) if takes_request else call())

    return resolve


def _takes_request(call: Callable[..., Any]) -> bool:
    """Tell whether a dependency takes the request; everything else must have a default."""
    plain = inspect.isroutine(call) or inspect.isclass(call)
    if not inspect.iscoroutinefunction(call if plain else call.__call__):  # type: ignore[operator]
        raise NotDirect(f"{call}: it is not a plain asynchronous function")
    parameters = inspect.signature(call).parameters.values()
    needed = [p for p in parameters if p.default is inspect.Parameter.empty]
    if not needed:
        return False
    if len(needed) == 1 and needed[0].annotation is Request:
        return True
    raise NotDirect(f"{call}: it takes more than the request")


def _body_of(context: RouteContext) -> tuple[str, TypeAdapter[Any]] | None:
    """Return the name and the reader of the operation's JSON body, if it has one.

    Raises: NotDirect.
    """
    dependant: Dependant = context.dependant
    kinds = ("path_params", "query_params", "header_params", "cookie_params")
    others = ("request_param_name", "response_param_name", "background_tasks_param_name")
    if any(getattr(dependant, kind) for kind in (*kinds, *others)):
        raise NotDirect(f"{context.name}: only dependencies and one body can be taken")
    if not dependant.body_params:
        return None
    if len(dependant.body_params) > 1 or (context.methods or set()) - _HAS_A_BODY:
        raise NotDirect(f"{context.name}: there is more than one body")
    field = dependant.body_params[0]
    model: Any = field.field_info.annotation
    return field.name, TypeAdapter(model)


async def _read(request: Request, body: TypeAdapter[Any]) -> Any:  # noqa: ANN401
    """Read an ordinary JSON body that fits."""
    length = request.headers.get("content-length", "")
    if not (length.isdecimal() and int(length) <= _LONGEST_BODY):
        raise _TheFrameworksWay
    if request.headers.get("content-type") != "application/json":
        raise _TheFrameworksWay
    try:
        return body.validate_python(json.loads(await request.body()))
    except (ValidationError, ValueError, RecursionError) as exc:
        raise _TheFrameworksWay from exc
