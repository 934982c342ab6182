"""Errors the caller can act on, rendered as application/problem+json (RFC 9457)."""

import re
from http import HTTPStatus
from typing import Any, ClassVar

from pydantic import BaseModel, JsonValue

MEDIA_TYPE = "application/problem+json"
SCHEMAS = "#/components/schemas/"


class Problem(Exception):  # noqa: N818  (named for what happened, like a problem type)
    """A refusal; subclass it beside the rule it protects.

    The class name is the public identity: `RoomTaken` is sent as type
    `/problems/room-taken`, so renaming the class is a breaking change.
    """

    status: ClassVar[HTTPStatus] = HTTPStatus.CONFLICT
    title: ClassVar[str]
    """What happened, in English and stable; also the message for `Accept-Language: en`."""
    message: ClassVar[str]
    """What the user is shown, in Chinese: short, and what to do next."""
    keeps_changes: ClassVar[bool] = False
    """Whether the request's writes stand all the same, as a counted failed sign-in must."""

    def __init__(self, detail: str | None = None, **members: JsonValue) -> None:
        """Explain this occurrence; `members` become extension members."""
        super().__init__(detail or self.title)
        self.detail = detail
        self.members = members

    @classmethod
    def type_uri(cls) -> str:
        """Return the problem's stable identifier, a URI reference."""
        return "/problems/" + cls.code().replace("_", "-")

    @classmethod
    def code(cls) -> str:
        """Return the identifier as front ends compare it, e.g. `room_taken`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def body(self, *, english: bool = False) -> "ProblemBody":
        """Return the RFC 9457 object."""
        return ProblemBody.model_validate(
            self.members
            | {
                "type": self.type_uri(),
                "title": self.title,
                "status": self.status,
                "code": self.code(),
                "message": self.title if english else self.message,
                "detail": self.detail,
            }
        )


class FieldError(BaseModel, use_attribute_docstrings=True):
    """One part of the request that does not fit."""

    pointer: str
    """JSON Pointer into the request, e.g. `#/body/starts_at`."""
    code: str
    """What is wrong, as front ends compare it, e.g. `string_too_short`."""
    message: str
    """What the user is shown."""


class ProblemBody(BaseModel, extra="allow", use_attribute_docstrings=True):
    """The shape every error response has."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    message: str
    """Show it to the user as it is."""
    detail: str | None = None
    request_id: str | None = None
    """Quote it when asking for help; the server's logs carry it."""
    errors: list[FieldError] | None = None


class InvalidRequest(Problem):
    """The request cannot be read as the API describes it."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The request does not match the API description"
    message = "填写的内容有误，请检查后再提交"


class NotFound(Problem):
    """The address names no operation."""

    status = HTTPStatus.NOT_FOUND
    title = "There is nothing at this address"
    message = "访问的内容不存在"


class MethodNotAllowed(Problem):
    """The address exists, but not with this method."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    title = "This address does not take that method"
    message = "不支持这种操作方式"


class BodyTooLarge(Problem):
    """The body is longer than the operation takes."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "The request body is too large"
    message = "提交的内容太大，请缩减后再提交"


class BadRequest(Problem):
    """The request is not readable HTTP or not readable JSON."""

    status = HTTPStatus.BAD_REQUEST
    title = "The request could not be read"
    message = "请求无法读取，请重新提交"


class TooManyRequests(Problem):
    """The caller exceeded a rate limit; `retry_after_seconds` says when to come back."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    title = "Too many requests"
    message = "操作太频繁，请稍后再试"


class DatabaseUnavailable(Problem):
    """The database cannot be reached just now; nothing was changed."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "The database cannot be reached just now"
    message = "系统正在恢复，请稍后再试"


class TryAgain(Problem):
    """Two changes collided; nothing was changed, and the same request will do."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "Another change came in between; send the same request again"
    message = "刚才有人同时操作，请再试一次"


class InternalError(Problem):
    """A defect of ours; the request id leads to the log."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    title = "Something went wrong on the server"
    message = "系统出错了，请稍后再试；如一直出现，请把编号告诉社区工作人员"


def problem_schemas() -> dict[str, Any]:
    """Describe what `problems` refers to, for the components of the API description."""
    described = ProblemBody.model_json_schema(ref_template=SCHEMAS + "{model}")
    return {**described.pop("$defs"), ProblemBody.__name__: described}


def problems(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """Document the refusals of an operation, for `responses=`.

    By reference: FastAPI would make the same reader of `ProblemBody` anew for each of them.
    """
    docs: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        content = {MEDIA_TYPE: {"schema": {"$ref": f"{SCHEMAS}{ProblemBody.__name__}"}}}
        entry = docs.setdefault(int(kind.status), {"description": "", "content": content})
        line = f"`{kind.code()}` {kind.title}. {kind.message}"
        entry["description"] = f"{entry['description']}\n\n{line}".strip()
    return docs
