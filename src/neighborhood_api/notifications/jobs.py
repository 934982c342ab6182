"""What notifications do by themselves."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext

from neighborhood_api.identity.events import PersonMerged
from neighborhood_api.kit.jobs import PATIENT, database_of, job_transaction, on
from neighborhood_api.notifications.sending import Post
from neighborhood_api.notifications.upkeep import forget_notifications, move_notifications
from neighborhood_api.settings import Settings
from neighborhood_api.wechat.client import WeChat

jobs = Blueprint()


@jobs.task(name="notifications.send_message", pass_context=True)
async def send_message(context: JobContext, notification_id: str) -> None:
    """Send the WeChat message of a notification; what cannot go now, the sweep sends."""
    await _post(context).send(UUID(notification_id), now=datetime.now(UTC))


@jobs.periodic(cron="* * * * *")
@jobs.task(name="notifications.send_due", pass_context=True, queueing_lock="send_due")
async def send_due(context: JobContext, timestamp: int) -> None:
    """Send what waited for the morning or for another try."""
    del timestamp
    await _post(context).send_due(now=datetime.now(UTC))


@jobs.periodic(cron="23 19 * * *")  # 03:23 in China
@jobs.task(name="notifications.forget", pass_context=True, queueing_lock="forget_notifications")
async def forget(context: JobContext, timestamp: int) -> None:
    """Delete what people were told long ago."""
    del timestamp
    settings: Settings = context.additional_context["settings"]
    await forget_notifications(
        database_of(context), kept_days=settings.notifications_kept_days, now=datetime.now(UTC)
    )


@jobs.task(name="notifications.move", pass_context=True, retry=PATIENT)
async def move(context: JobContext, from_person_id: str, into_person_id: str) -> None:
    """Keep what was told to somebody who turned out to be another."""
    async with job_transaction(context) as tx:
        await move_notifications(tx, UUID(from_person_id), UUID(into_person_id))


on(PersonMerged, "notifications.move")


def _post(context: JobContext) -> Post:
    wechat: WeChat = context.additional_context["wechat"]
    settings: Settings = context.additional_context["settings"]
    return Post(database_of(context), wechat, settings)
