"""The filter of the worklist as query parameters; the same as a saved one."""

import inspect
from typing import Annotated, Any

from fastapi import Depends, Query
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from neighborhood_api.issues.worklists.schemas import FilterIn


async def asked_filter(**given: Any) -> FilterIn:  # noqa: ANN401  (as the model declares them)
    """Gather the filter from the query.

    Raises: RequestValidationError.
    """
    try:
        return FilterIn.model_validate(given)
    except ValidationError as exc:
        wrong = [{**one, "loc": ("query", *one["loc"])} for one in exc.errors()]
        raise RequestValidationError(wrong) from exc


asked_filter.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
    [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=Annotated[field.annotation, Query(description=field.description)],
        )
        for name, field in FilterIn.model_fields.items()
    ]
)

FilterDep = Annotated[FilterIn, Depends(asked_filter)]
