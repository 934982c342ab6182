"""The published description is complete and tells the truth."""

import json
import re
from collections import Counter
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from neighborhood_api.kit.schema import In
from tests.test_routes import described

PROBLEM = "application/problem+json"
JSON = "application/json"
BILINGUAL = re.compile(r"[\u4e00-\u9fff].*·.*[A-Za-z]")
NO_ERRORS = {"check_live", "check_ready", "read_jwks"}
"""These say how things are, and that is never an error."""


@pytest.fixture(scope="module")
def spec(app: FastAPI) -> dict[str, Any]:
    spec: dict[str, Any] = app.openapi()
    return spec


async def test_what_is_served_is_what_is_generated(
    http: AsyncClient, spec: dict[str, Any]
) -> None:
    served = await http.get("http://api/openapi.json")
    assert served.json() == json.loads(json.dumps(spec))


def test_it_is_openapi_3_1_with_a_title_and_a_licence(spec: dict[str, Any]) -> None:
    assert spec["openapi"].startswith("3.1.")
    assert {"title", "version", "description", "license"} <= set(spec["info"])
    assert set(spec["info"]["license"]) == {"name", "identifier"}


def references(part: Any) -> list[str]:  # noqa: ANN401
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [ref for value in part.values() for ref in references(value)]
    if isinstance(part, list):
        return [ref for value in part for ref in references(value)]
    return []


def test_every_reference_leads_somewhere(spec: dict[str, Any]) -> None:
    found = set(references(spec))
    assert found
    for reference in found:
        target: Any = spec
        for step in reference.removeprefix("#/").split("/"):
            assert step in target, reference
            target = target[step]


HOW = {
    "version",  # none makes what is not there yet
    "coordinate_system",
    "preview",
    "hits_seen",
    "cancel_hits",
    "reason",
    "cancel_conflicting",
    "from_session_id",
    "on_clash",
    "outside_hours",
    "starts_on",  # a new holder begins today
    "ends_on",
    "keep_phone",
}
"""How something is to be replaced: no part of it."""


def test_what_replaces_something_is_given_whole(spec: dict[str, Any]) -> None:
    """A field that may be left out would be wiped by whoever does not know of it."""
    for path, operations in spec["paths"].items():
        body = operations.get("put", {}).get("requestBody")
        if body is None:
            continue
        name = body["content"][JSON]["schema"]["$ref"].split("/")[-1]
        schema = spec["components"]["schemas"][name]
        left_out = set(schema["properties"]) - set(schema["required"]) - HOW
        assert not left_out, f"{path}: {name}"


def test_nothing_is_described_that_nobody_uses(spec: dict[str, Any]) -> None:
    used = {ref.rsplit("/", 1)[1] for ref in references(spec)}
    assert set(spec["components"]["schemas"]) - used == set()


def test_path_parameters_are_those_of_the_path(app: FastAPI) -> None:
    for path, method, operation in described(app):
        named = set(re.findall(r"{(\w+)}", path))
        declared = [p for p in operation.get("parameters", ()) if p["in"] == "path"]
        assert {p["name"] for p in declared} == named, (method, path)
        assert all(p["required"] for p in declared)


def test_query_parameters_are_flat(app: FastAPI) -> None:
    """`wx.request` has no encoding of lists."""
    for path, method, operation in described(app):
        for parameter in operation.get("parameters", ()):
            assert parameter["in"] in {"path", "query"}, (method, path)
            assert '"array"' not in json.dumps(parameter["schema"]), (method, path)


def test_operation_ids_are_unique(app: FastAPI) -> None:
    ids = Counter(operation["operationId"] for _, _, operation in described(app))
    assert [name for name, times in ids.items() if times > 1] == []
    assert all(re.fullmatch(r"[a-z][a-z0-9_]+", name) for name in ids)


def test_every_operation_says_in_two_languages_what_it_does(app: FastAPI) -> None:
    for path, method, operation in described(app):
        assert BILINGUAL.search(operation["summary"]), (
            method,
            path,
        )
        assert operation.get("description"), (method, path)
        assert operation.get("tags"), (method, path)


def test_every_operation_says_how_it_may_fail(app: FastAPI) -> None:
    for path, method, operation in described(app):
        errors = [code for code in operation["responses"] if code >= "400"]
        assert errors or operation["operationId"] in NO_ERRORS, (method, path)


def test_every_error_is_a_problem_document(app: FastAPI) -> None:
    for path, method, operation in described(app):
        for code, response in operation["responses"].items():
            if code >= "400" and operation["operationId"] not in NO_ERRORS:
                assert list(response["content"]) == [PROBLEM], (method, path, code)
                assert response["content"][PROBLEM]["schema"] == {
                    "$ref": "#/components/schemas/ProblemBody"
                }
                assert re.search(r"`[a-z_]+`", response["description"]), (method, path, code)


def test_operations_with_a_caller_say_so(app: FastAPI, spec: dict[str, Any]) -> None:
    schemes = spec["components"]["securitySchemes"]
    assert {scheme["scheme"] for scheme in schemes.values()} == {"bearer"}
    for path, method, operation in described(app):
        if operation.get("security"):
            assert "`not_signed_in`" in operation["responses"]["401"]["description"], (
                method,
                path,
            )


def test_every_body_has_an_example_that_is_accepted(app: FastAPI, spec: dict[str, Any]) -> None:
    models = {model.__name__: model for model in subclasses(In)}
    asked = [operation.get("requestBody", {}) for _, _, operation in described(app)]
    bodies = {name for body in asked for name in names_in(body.get("content", {}).get(JSON))}
    assert len(bodies) > 15
    for name in bodies:
        examples = spec["components"]["schemas"][name].get("examples", ())
        assert examples, name
        for example in examples:
            read = models[name].model_validate_json(json.dumps(example))
            assert read.model_fields_set == set(example), name


def names_in(part: Any) -> list[str]:  # noqa: ANN401
    return [reference.rsplit("/", 1)[1] for reference in references(part)]


def subclasses(kind: type[In]) -> list[type[In]]:
    direct = kind.__subclasses__()
    return [*direct, *(deeper for one in direct for deeper in subclasses(one))]


def test_every_field_of_a_body_is_explained(spec: dict[str, Any]) -> None:
    unexplained = [
        f"{name}.{field}"
        for name, schema in spec["components"]["schemas"].items()
        if name.endswith("In") and schema.get("additionalProperties") is False
        for field, shape in schema["properties"].items()
        if not shape.get("description")
    ]
    assert unexplained == []


def test_every_schema_is_explained(spec: dict[str, Any]) -> None:
    schemas = spec["components"]["schemas"]
    made_by_the_framework = ("Body_", "HTTPValidationError", "ValidationError")
    assert [
        name
        for name, schema in schemas.items()
        if not schema.get("description") and not name.startswith(made_by_the_framework)
    ] == []


def test_a_body_in_which_nothing_must_be_said_may_be_left_out(
    app: FastAPI, spec: dict[str, Any]
) -> None:
    left_out = set()
    for path, method, operation in described(app):
        body = operation.get("requestBody", {})
        shape = body.get("content", {}).get(JSON, {}).get("schema", {})
        if "$ref" not in shape:
            continue
        needed = spec["components"]["schemas"][shape["$ref"].rsplit("/", 1)[1]].get("required")
        assert body.get("required", False) == bool(needed), (method, path)
        left_out |= set() if needed else {operation["operationId"]}
    assert {"accept_issue", "confirm_issue", "take_over_issue", "verify_issue"} <= left_out
    assert {"urge_issue", "release_call", "resume_issue", "withdraw_issue"} <= left_out
