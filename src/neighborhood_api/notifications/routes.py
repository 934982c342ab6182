"""HTTP operations of notifications."""

from typing import Annotated
from uuid import UUID

from fastapi import Body, Query, Request

from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, WriterDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.idempotency import BadIdempotencyKey, IdempotencyKeyReused
from neighborhood_api.kit.problems import problems
from neighborhood_api.notifications import service
from neighborhood_api.notifications.queries import (
    COUNT_UNREAD,
    MY_NOTIFICATIONS,
    MY_SUBSCRIPTIONS,
    MY_UNREAD,
    NotificationRow,
    SubscriptionRow,
)
from neighborhood_api.notifications.schemas import (
    ConsentsIn,
    NotificationOut,
    ReadAllIn,
    SubjectOut,
    TemplateOut,
    TemplatesOut,
    UnreadOut,
)
from neighborhood_api.settings import MessageTemplate, Settings

router = new_router(tags=["通知 notifications"])
NotificationPage = paging.Page[NotificationOut]

_SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)
_ONCE = (BadIdempotencyKey, IdempotencyKeyReused)


@router.get(
    "/me/notifications",
    summary="我的通知 · My notifications",
    responses=problems(*_SIGNED_IN, paging.BadCursor),
)
async def list_my_notifications(
    actor: ActorDep,
    reader: ReaderDep,
    page: paging.PageDep,
    *,
    unread: Annotated[bool, Query(description="只看未读 · Only what is not read.")] = False,
) -> NotificationPage:
    """本人收到的通知，新的在前，保存期满自动删除。Newest first; deleted after a time."""
    statement = MY_UNREAD if unread else MY_NOTIFICATIONS
    rows = await statement.all(
        reader, to_id=actor.person_id, below=page.below, fetch=page.fetch
    )
    return page.page(rows, _view)


@router.get(
    "/me/notifications/count",
    summary="未读通知数 · How many notifications I have not read",
    responses=problems(*_SIGNED_IN),
)
async def count_my_notifications(actor: ActorDep, reader: ReaderDep) -> UnreadOut:
    """用于角标，最多数到100。For the badge; counted to 100 at most."""
    found = await COUNT_UNREAD.first(reader, to_id=actor.person_id)
    return UnreadOut(unread=found.number if found else 0)


@router.post(
    "/me/notifications/read-all",
    summary="全部标为已读 · Mark my notifications as read",
    responses=problems(*_SIGNED_IN, *_ONCE),
)
async def read_all_notifications(
    actor: ActorDep,
    writer: WriterDep,
    now: NowDep,
    body: Annotated[ReadAllIn, Body(default_factory=ReadAllIn)],
) -> UnreadOut:
    """填 `newest_id` 则之后到达的仍为未读；返回剩余未读数。

    With `newest_id`, what came later stays unread; answers how many that are.
    """
    await service.read_all_notifications(writer, actor, newest_id=body.newest_id, now=now)
    found = await COUNT_UNREAD.first(writer, to_id=actor.person_id)
    return UnreadOut(unread=found.number if found else 0)


@router.post(
    "/me/notifications/{notification_id}/read",
    summary="标为已读 · Mark a notification as read",
    responses=problems(*_SIGNED_IN, *_ONCE, service.NotificationNotFound),
)
async def read_notification(
    notification_id: UUID, actor: ActorDep, writer: WriterDep, now: NowDep
) -> NotificationOut:
    """打开通知时调用，可重复。Call it when one is opened; repeating is harmless."""
    return _view(await service.read_notification(writer, actor, notification_id, now=now))


@router.get(
    "/me/notification-templates",
    summary="微信订阅消息模板 · Kinds of WeChat messages that I can agree to",
    responses=problems(*_SIGNED_IN),
)
async def list_notification_templates(
    actor: ActorDep, reader: ReaderDep, request: Request
) -> TemplatesOut:
    """用 `template_id` 调 wx.requestSubscribeMessage（一次最多三个），再报告结果。

    Ask with `wx.requestSubscribeMessage`, three at a time at most, then report what was
    accepted. Empty where the deployment sends no WeChat messages.
    """
    return _templates(request, await MY_SUBSCRIPTIONS.all(reader, to_id=actor.person_id))


@router.post(
    "/me/notification-consents",
    summary="报告同意接收的微信消息 · Tell which WeChat messages were accepted",
    responses=problems(*_SIGNED_IN, *_ONCE, service.TemplateUnknown),
)
async def accept_notifications(
    body: ConsentsIn, actor: ActorDep, writer: WriterDep, now: NowDep, request: Request
) -> TemplatesOut:
    """每次允许可收一条；请带 Idempotency-Key，以免重复计数。

    Each acceptance is good for one message; send an Idempotency-Key, so that a retry is not
    counted again.
    """
    settings: Settings = request.app.state.settings
    await service.agree(writer, actor, body.accepted, settings.wechat_templates, now=now)
    return _templates(request, await MY_SUBSCRIPTIONS.all(writer, to_id=actor.person_id))


def _templates(request: Request, rows: list[SubscriptionRow]) -> TemplatesOut:
    settings: Settings = request.app.state.settings
    left = {(row.template, row.template_id): row.remaining for row in rows}

    def view(code: str, template: MessageTemplate) -> TemplateOut:
        return TemplateOut(
            code=code,
            template_id=template.template_id,
            name=template.name,
            remaining=left.get((code, template.template_id), 0),
        )

    return TemplatesOut(
        items=[view(code, one) for code, one in settings.wechat_templates.items()]
    )


def _view(row: NotificationRow) -> NotificationOut:
    subject = None
    if row.subject_type is not None and row.subject_id is not None:
        subject = SubjectOut(type=row.subject_type, id=row.subject_id)
    return NotificationOut(
        id=row.id,
        kind=row.kind,
        title=row.title,
        body=row.body,
        subject=subject,
        created_at=row.created_at,
        read_at=row.read_at,
    )
