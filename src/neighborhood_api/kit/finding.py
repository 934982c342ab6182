"""Which routers an address may belong to, told by its shape.

FastAPI asks every operation of every router in turn whether it is meant, which for the last
of some hundred takes longer than the operation itself. Most routers can say no for all of
theirs at once: by the number of parts of the address, the first and the last.
"""

from collections.abc import Callable
from itertools import product

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

Shape = tuple[int, str | None, str | None]
"""How many parts, the first one after the prefix, and the last; None for one that varies."""


def find_by_shape(app: FastAPI, prefix: str) -> None:
    """Let routers that cannot be meant say so at once; call it when all are included."""
    for route in app.router.routes:
        paths = [str(context.path) for context in iter_route_contexts([route])]
        if paths and all(p.startswith(f"{prefix}/") and ":path}" not in p for p in paths):
            shapes = frozenset(_shape(path.removeprefix(prefix)) for path in paths)
            route.matches = _if_shaped(route, prefix, shapes)  # type: ignore[assignment, method-assign]


def _if_shaped(
    route: BaseRoute, prefix: str, shapes: frozenset[Shape]
) -> Callable[[Scope], tuple[Match, Scope]]:
    ask = route.matches

    def matches(scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http":
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            count, first, last = _shape(path.removeprefix(prefix))
            either = product((count,), (first, None), (last, None))
            if shapes.isdisjoint(either):
                return Match.NONE, {}
        return ask(scope)

    return matches


def _shape(path: str) -> Shape:
    parts = path.split("/")[1:] or [""]
    first, last = (None if part.startswith("{") else part for part in (parts[0], parts[-1]))
    return len(parts), first, last
