"""Every operation that changes something leaves an act, or says here why it needs none."""

import functools
import inspect
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from neighborhood_api.kit.acts import record_act
from tests.operation.unaudited import NOT_ADMINISTRATIVE, OF_AN_ISSUE

OURS = "neighborhood_api"
Changing = dict[str, tuple[str, Callable[..., Any]]]


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def _functions(named: object, names: set[str]) -> Iterator[Callable[..., Any]]:
    """Give the functions of ours that a global stands for, when `names` are used beside it."""
    if isinstance(named, functools.partial):
        yield from _functions(named.func, names)
    elif isinstance(named, dict | tuple | list):
        for one in named.values() if isinstance(named, dict) else named:
            yield from _functions(one, names)
    elif inspect.ismodule(named) or inspect.isclass(named):
        if getattr(named, "__module__", named.__name__).startswith(OURS):
            inside = [vars(named).get(name) for name in names]
            yield from (one for one in inside if isinstance(one, FunctionType))
    elif callable(named):
        function = inspect.unwrap(named)
        if isinstance(function, FunctionType) and function.__module__.startswith(OURS):
            yield function


def reached_from(start: Callable[..., Any]) -> set[Callable[..., Any]]:
    """Return every function of ours that is named on some way from `start`."""
    reached: set[Callable[..., Any]] = set()
    waiting = [inspect.unwrap(start)]
    while waiting:
        function = waiting.pop()
        if function in reached or not isinstance(function, FunctionType):
            continue
        reached.add(function)
        for code in _codes(function.__code__):
            names = set(code.co_names)
            for name in names & function.__globals__.keys():
                waiting.extend(_functions(function.__globals__[name], names))
    return reached


@pytest.fixture(scope="module")
def changing(app: FastAPI) -> Changing:
    """Address and function of every operation that is not only a read, by its name."""
    return {
        str(context.name): (str(context.path), context.original_route.endpoint)
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute) and "GET" not in (context.methods or ())
    }


def test_every_operation_leaves_an_act_or_is_listed_with_the_reason(
    changing: Changing,
) -> None:
    assert len(changing) > 200
    audited = {name for name, (_, one) in changing.items() if record_act in reached_from(one)}
    of_issues = {name for name, (path, _) in changing.items() if path.startswith(OF_AN_ISSUE)}
    listed = [name for names in NOT_ADMINISTRATIVE.values() for name in names]
    assert len(listed) == len(set(listed))
    assert set(listed) - changing.keys() == set(), "no such operation"
    assert changing.keys() - audited - of_issues == set(listed), "neither audited nor listed"


def test_the_way_to_an_act_is_found_and_none_is_invented(changing: Changing) -> None:
    """Through modules, methods and functions that are handed on."""
    for name in ("make_appointment", "end_shift_series", "cancel_series", "add_room_closure"):
        assert record_act in reached_from(changing[name][1]), name
    for name in ("read_notification", "sign_out", "check_in_booking"):
        assert record_act not in reached_from(changing[name][1]), name
