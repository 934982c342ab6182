"""Keyset pagination by UUIDv7, newest first: stable under inserts, and flat at any depth."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Generic, Protocol, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import ConfigDict, Field

from neighborhood_api.kit.asking import asked
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.schema import Out

T = TypeVar("T")
R = TypeVar("R", bound="HasId")

END = UUID(int=2**128 - 1)
"""Later than every id: the first page starts below it."""


class HasId(Protocol):
    """A row that can end a page."""

    @property
    def id(self) -> UUID:
        """Its UUIDv7."""


class BadCursor(Problem):
    """The `after` value was not produced by this API."""

    status = HTTPStatus.BAD_REQUEST
    title = "The page cursor is not valid"
    message = "翻页参数已失效，请从第一页重新加载"


class Page(Out, Generic[T]):
    """One page, newest first unless the operation says otherwise."""

    # A parametrised class has no source, and Pydantic searches every module for it.
    model_config = ConfigDict(
        use_attribute_docstrings=False,
        json_schema_extra={"description": "一页，默认新的在前 · One page, newest first."},
    )
    items: list[T] = Field(description="本页内容 · What is on this page.")
    next: str | None = Field(
        description="下一页的 `after`,没有下一页则为空 · "
        "Pass as `after`; null on the last page."
    )


@dataclass(frozen=True)
class PageRequest:
    """Which page the caller wants."""

    limit: Annotated[int, Query(ge=1, le=100, description="每页条数 · Items per page.")] = 20
    after: Annotated[
        str | None, Query(description="上一页的 `next` · `next` of the previous page.")
    ] = None

    @property
    def below(self) -> UUID:
        """The id that every row of the page comes after, in descending order.

        Raises: BadCursor.
        """
        return END if self.after is None else _decode(self.after)

    @property
    def fetch(self) -> int:
        """How many rows to ask for: one more than shown tells whether a next page exists."""
        return self.limit + 1

    def page(self, rows: Sequence[R], view: Callable[[R], T]) -> Page[T]:
        """Build the page from up to `fetch` rows."""
        shown = rows[: self.limit]
        more = len(rows) > self.limit
        return Page(
            items=[view(row) for row in shown], next=_encode(shown[-1].id) if more else None
        )


PageDep = Annotated[PageRequest, Depends(asked(PageRequest))]


def _encode(last: UUID) -> str:
    return urlsafe_b64encode(last.bytes).decode().rstrip("=")


def _decode(cursor: str) -> UUID:
    try:
        last = UUID(bytes=urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError as exc:
        raise BadCursor from exc
    if _encode(last) != cursor:  # Base64 is read leniently: signs it does not know are skipped
        raise BadCursor
    return last
