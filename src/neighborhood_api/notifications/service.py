"""Rules of telling people, and of what they do with their inbox."""

from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from neighborhood_api.identity.access import Actor
from neighborhood_api.kit.db import Handle
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.jobs import enqueue
from neighborhood_api.kit.problems import Problem
from neighborhood_api.notifications.queries import (
    AGREE,
    NOTIFY,
    PREPARE_DELIVERY,
    READ_ALL,
    READ_ONE,
    NotificationRow,
)
from neighborhood_api.settings import MessageTemplate


class NotificationNotFound(Problem):
    """The id names no notification of the caller."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such notification"
    message = "没有找到这条通知"


class TemplateUnknown(Problem):
    """This deployment has no template of that code."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "There is no such message template here"
    message = "这类微信提醒未开通，请刷新后重试"


class Subject(NamedTuple):
    """What a notification is about, for the link that it carries."""

    type: str
    """As addresses name it in the singular, e.g. booking."""
    id: UUID


class Message(NamedTuple):
    """What a WeChat message carries beside title and body, for who agreed to get it."""

    template: str
    """The code of the kind of message that people agree to."""
    about: str
    """The name of the thing, e.g. of a room."""
    at: datetime | None = None
    """When the thing is; the moment of telling when left out."""
    expires_at: datetime | None = None
    """From then on the message is worth nothing. If that is before the end of the quiet
    hours, it is sent in them."""


async def notify(
    handle: Handle,
    person_id: UUID,
    kind: str,
    subject: Subject | None,
    *,
    title: str,
    body: str,
    at_most_once_key: str,
    now: datetime,
    message: Message | None = None,
) -> UUID | None:
    """Tell a person something, in the caller's transaction; return the notification's id.

    None when she was told before under the same key, or there is no such person. Somebody who
    became another person is told as that person. With `message`, WeChat tells her too when
    she agreed to it: by a job, after the commit.
    """
    told = await NOTIFY.first(
        handle,
        new_id=new_id(),
        to_id=person_id,
        kind=kind,
        title=title,
        body=body,
        once_key=at_most_once_key,
        subject_type=None if subject is None else subject.type,
        subject_id=None if subject is None else subject.id,
        now=now,
    )
    if told is None:
        return None
    if message is not None:
        prepared = await PREPARE_DELIVERY.first(
            handle,
            its_id=told.id,
            to_id=told.person_id,
            wanted=message.template,
            about=message.about,
            at=message.at,
            expires_at=message.expires_at,
            now=now,
        )
        if prepared is not None:
            await enqueue(handle, "notifications.send_message", notification_id=str(told.id))
    return told.id


async def read_notification(
    handle: Handle, actor: Actor, notification_id: UUID, *, now: datetime
) -> NotificationRow:
    """Mark one of the caller's notifications as read; the first time counts.

    Raises: NotificationNotFound.
    """
    row = await READ_ONE.first(handle, its_id=notification_id, to_id=actor.person_id, now=now)
    if row is None:
        raise NotificationNotFound
    return row


async def read_all_notifications(
    handle: Handle, actor: Actor, *, newest_id: UUID | None, now: datetime
) -> None:
    """Mark the caller's notifications as read: all, or those up to one that she has seen."""
    newest = newest_id or UUID(int=2**128 - 1)
    await READ_ALL.all(handle, to_id=actor.person_id, newest=newest, now=now)


async def agree(
    handle: Handle,
    actor: Actor,
    codes: list[str],
    templates: dict[str, MessageTemplate],
    *,
    now: datetime,
) -> None:
    """Note that the caller's phone agreed to one more WeChat message of each template.

    Raises: TemplateUnknown.
    """
    for code in sorted(set(codes)):
        template = templates.get(code)
        if template is None:
            raise TemplateUnknown(template=code)
        await AGREE.all(
            handle,
            to_id=actor.person_id,
            agreed=code,
            its_template_id=template.template_id,
            now=now,
        )
