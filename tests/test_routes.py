"""Rules that every operation obeys, so that no reviewer has to remember them."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, get_type_hints

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel

from neighborhood_api.identity.caller import current_actor
from neighborhood_api.kit.db import begin, begin_read_only, begin_writing, reader_of
from neighborhood_api.kit.http import Route

PUBLIC = {
    "sign_in_with_wechat",
    "sign_in_staff",
    "finish_sign_in",
    "accept_invitation",
    "refresh",
    "sign_out",
    "read_jwks",
    "read_plate",
    "show_file",
    "read_calendar",
    "download_export",
    "download_data_export",
    "list_current_consents",
    "list_issue_categories",
    "list_public_issues",
    "read_public_issue",
    "check_live",
    "check_ready",
    "read_metrics",
    "list_demo_people",
    "read_formulae",
    "read_public_statistics",
}
"""Operations a stranger may call. Adding one is a security decision."""


@dataclass
class Operation:
    """What FastAPI knows about an operation, its transitive dependencies included."""

    name: str
    path: str
    methods: set[str]
    route: APIRoute
    needs: list[Dependant]

    def calls(self, dependency: Callable[..., Any]) -> bool:
        return dependency in [need.call for need in self.needs]


@pytest.fixture(scope="module")
def operations(app: FastAPI) -> list[Operation]:
    found = [
        Operation(
            str(context.name),
            str(context.path),
            context.methods or set(),
            context.original_route,
            list(walk(context.dependant)),
        )
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
    ]
    assert len(found) > 40
    return found


def walk(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for child in dependant.dependencies:
        yield from walk(child)


def test_every_operation_but_the_public_ones_knows_its_caller(
    operations: list[Operation],
) -> None:
    anonymous = {one.name for one in operations if not one.calls(current_actor)}
    assert anonymous - PUBLIC == set()
    assert {one.name for one in operations if one.calls(current_actor)} & PUBLIC == set()


def test_every_transaction_ends_before_the_answer_leaves(operations: list[Operation]) -> None:
    """And every POST is done once for its key: both are what `Route` is for."""
    plain = [one for one in operations if not isinstance(one.route, Route)]
    assert [one.name for one in plain if one.methods != {"GET"}] == []
    kinds = (begin, begin_read_only, begin_writing)
    assert [one.name for one in plain if any(map(one.calls, kinds))] == []


def test_reads_cannot_write(operations: list[Operation]) -> None:
    reads = [one for one in operations if one.methods == {"GET"}]
    assert [one.name for one in reads if one.calls(begin) or one.calls(begin_writing)] == []


def test_writes_have_one_transaction_that_can_write(operations: list[Operation]) -> None:
    for one in operations:
        if one.methods != {"GET"}:
            assert not one.calls(begin_read_only), one.name
            kinds = [kind for kind in (begin, begin_writing) if one.calls(kind)]
            assert len(kinds) == 1 or not (kinds or one.calls(reader_of)), one.name


def test_there_are_only_the_methods_that_a_mini_program_can_send(
    operations: list[Operation],
) -> None:
    assert {method for one in operations for method in one.methods} <= {
        "GET",
        "POST",
        "PUT",
        "DELETE",
    }
    assert all(len(one.methods) == 1 for one in operations)


def test_every_success_is_200(operations: list[Operation], app: FastAPI) -> None:
    assert {one.route.status_code for one in operations} <= {None, 200}
    for path, method, operation in described(app):
        successes = {code for code in operation["responses"] if code < "400"}
        assert successes - {"304"} == {"200"}, (method, path)


def test_every_operation_is_called_like_its_use_case(operations: list[Operation]) -> None:
    names = Counter(one.name for one in operations)
    assert [name for name, times in names.items() if times > 1] == []
    for one in operations:
        assert one.route.endpoint.__name__ == one.name
        assert one.route.operation_id in {None, one.name}


def test_addresses_have_one_form(operations: list[Operation]) -> None:
    for one in operations:
        assert not one.path.endswith("/"), one.path
        fixed = [part for part in one.path.split("/") if not part.startswith(("{", "."))]
        assert all(part == part.lower() and "_" not in part for part in fixed), one.path


def models_of(annotation: Any, seen: dict[str, type[BaseModel]]) -> None:  # noqa: ANN401
    """Collect the models that an annotation is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation.__name__ in seen:
            return
        seen[annotation.__name__] = annotation
        for field in annotation.model_fields.values():
            models_of(field.annotation, seen)
    for part in getattr(annotation, "__args__", ()):
        models_of(part, seen)


@pytest.fixture(scope="module")
def bodies(operations: list[Operation]) -> dict[str, type[BaseModel]]:
    seen: dict[str, type[BaseModel]] = {}
    for one in operations:
        for parameter in one.route.dependant.body_params:
            hints = get_type_hints(one.route.endpoint, include_extras=False)
            models_of(hints[parameter.name], seen)
    assert len(seen) > 15
    return seen


def test_bodies_refuse_unknown_fields(bodies: dict[str, type[BaseModel]]) -> None:
    lenient = [n for n, model in bodies.items() if model.model_config.get("extra") != "forbid"]
    assert lenient == []


def test_bodies_do_not_change_on_the_way(bodies: dict[str, type[BaseModel]]) -> None:
    assert [n for n, model in bodies.items() if not model.model_config.get("frozen")] == []


def described(app: FastAPI) -> list[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of each published operation."""
    found = [
        (path, method, operation)
        for path, item in app.openapi()["paths"].items()
        for method, operation in item.items()
    ]
    assert found
    return found


def test_ids_are_texts(app: FastAPI) -> None:
    """A phone's JavaScript loses digits of a number beyond 2^53."""

    def numbers(schema: Any) -> bool:  # noqa: ANN401
        return '"integer"' in json.dumps(schema) or '"number"' in json.dumps(schema)

    checked = 0
    for name, schema in app.openapi()["components"]["schemas"].items():
        for field, shape in schema.get("properties", {}).items():
            if field == "id" or field.endswith(("_id", "_ids")):
                checked += 1
                assert not numbers(shape), (name, field)
    assert checked > 20
    for path, _, operation in described(app):
        for parameter in operation.get("parameters", ()):
            if parameter["name"].endswith("_id"):
                assert not numbers(parameter["schema"]), path
