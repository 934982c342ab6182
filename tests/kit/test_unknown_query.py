"""A typo in a query never passes silently."""

import pytest

from tests.support.people import Callers


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/sessions?venue=1", "venue"),
        ("/grid/districts?limit=5", "limit"),
        ("/me/issues?cursor=&Limit=3", "Limit"),
    ],
)
async def test_a_parameter_that_no_operation_knows_is_named(
    callers: Callers, path: str, name: str
) -> None:
    answer = await (await callers.resident()).get(path)
    assert answer.status_code == 422
    errors = {error["pointer"]: error["message"] for error in answer.json()["errors"]}
    assert errors[f"#/query/{name}"] == "没有这一项，请检查名称"


async def test_known_parameters_pass_those_of_dependencies_too(callers: Callers) -> None:
    resident = await callers.resident()
    for path in ("/me/issues?limit=3", "/grid/locate?longitude=1&latitude=1"):
        assert (await resident.get(path)).status_code in {200, 404}
