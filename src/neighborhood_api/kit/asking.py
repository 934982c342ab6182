"""Parameters of a request gathered into one object."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")


def asked(gathered: Callable[..., T]) -> Callable[..., Awaitable[T]]:
    """Make a dependency that fills a class from the request.

    FastAPI would run the class itself in a thread, which costs as much as a query.
    """

    async def gather(**given: Any) -> T:  # noqa: ANN401  (as the class declares them)
        return gathered(**given)

    gather.__signature__ = inspect.signature(gathered)  # type: ignore[attr-defined]
    return gather
