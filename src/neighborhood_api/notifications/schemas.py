"""Shapes of notifications in requests and answers."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from neighborhood_api.kit.schema import In, Moment, Out

TemplateCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$")]


class SubjectOut(Out):
    """What a notification is about."""

    type: str
    """booking、issue、child、strike、session 等 · What it is."""
    id: UUID
    """编号 · Its id."""


class NotificationOut(Out):
    """Something that one was told."""

    id: UUID
    """编号 · Its id."""
    kind: str
    """事由代码 · What happened, as a code."""
    title: str
    """标题 · Title."""
    body: str
    """正文 · What it says."""
    subject: SubjectOut | None
    """点开后打开什么 · What to open when it is tapped."""
    created_at: Moment
    """通知时间 · When one was told."""
    read_at: Moment | None
    """首次阅读时间，未读为空 · When it was first read."""


class UnreadOut(Out):
    """How much is not read."""

    unread: int = Field(ge=0, le=100)
    """未读条数，最多数到100 · Unread notifications, counted to 100 at most."""


class ReadAllIn(In):
    """Up to where one has read."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"newest_id": "0199a2f4-6f6e-7c3a-9a53-2f6d0c1b7e11"}]}
    )
    newest_id: UUID | None = None
    """已看到的最新一条；不填为全部 · The newest one on the screen; all when left out."""


class ConsentsIn(In):
    """What the phone answered after `wx.requestSubscribeMessage`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"accepted": ["bookings", "reminders"]}]}
    )
    accepted: list[TemplateCode] = Field(min_length=1, max_length=10)
    """用户点“允许”的模板代码 · Codes of the templates that were accepted."""


class TemplateOut(Out):
    """A kind of WeChat message that one can agree to get."""

    code: str
    """代码 · Its code here."""
    template_id: str
    """交给 wx.requestSubscribeMessage 的模板编号 · For `tmplIds`."""
    name: str
    """用途 · What it is for."""
    remaining: int
    """还可收到几条，为 0 时再请用户允许 · Messages agreed to and not yet sent."""


class TemplatesOut(Out):
    """Every kind of WeChat message of this deployment."""

    items: list[TemplateOut]
    """模板 · Templates."""
