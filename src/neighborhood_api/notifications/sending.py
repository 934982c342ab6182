"""Sending WeChat messages: each at most once, within what people agreed to.

A message is marked as being sent, and the agreement to it used up, before WeChat is asked; so
a worker that dies in between leaves it unsent rather than sends it twice.
"""

from datetime import datetime, timedelta
from time import monotonic
from typing import NamedTuple
from uuid import UUID

import structlog

from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.notifications.models import DeliveryState
from neighborhood_api.notifications.queries import (
    CLAIM,
    DROP,
    DUE,
    GIVE_BACK,
    LEFT_OPEN,
    MARK,
    SPEND,
    Claimed,
)
from neighborhood_api.notifications.quiet import QuietHours
from neighborhood_api.notifications.wording import data_of, page_of
from neighborhood_api.settings import MessageTemplate, Settings
from neighborhood_api.wechat.answers import BUSY, REMEDIES, STALE_TOKEN
from neighborhood_api.wechat.client import MessageUncertain, WeChat

log = structlog.get_logger(__name__)

AT_ONCE = 500
"""Messages that one sweep takes on; the next sweep, a minute later, goes on."""
MOST_TRIES = 8
"""The last one about two hours after the first."""
FIRST_WAIT = timedelta(minutes=1)
"""Before the second try; doubled for each further one."""
GIVEN_UP_AFTER = timedelta(minutes=10)
"""An answer that was not written down by then is not written down any more."""

NOT_WANTED = frozenset({40003, 43101})
"""The address is not a user's of this program; she refuses, or has agreed to no more."""
CONFIGURED_WRONG = {
    40037: "set the template ids as the mini-program's console shows them",
    41030: "set pages that the published mini-program has",
    47003: "set the template's fields to the keys and kinds that the console shows",
}
"""Refusals that would meet everybody, and what the operator must do."""
TOO_MUCH = frozenset({BUSY, 45009, 45011})
"""WeChat is busy, or this program has sent as much as it may for now."""


class Verdict(NamedTuple):
    """What becomes of a message after a try."""

    state: DeliveryState
    unspent: bool = False
    """Whether the agreement is as good as before."""
    drops: bool = False
    """Whether nothing is left of the agreement."""


RETRY = Verdict(DeliveryState.WAITING, unspent=True)


class Post:
    """Sends messages for one deployment."""

    def __init__(self, database: Database, wechat: WeChat, settings: Settings) -> None:
        """Prepare; `settings` have the templates and the quiet hours."""
        self._database = database
        self._wechat = wechat
        self._templates = settings.wechat_templates
        self._quiet = QuietHours(settings.quiet_from, settings.quiet_until)

    async def send_due(self, *, now: datetime) -> int:
        """Send what is due, and give up what was left open; return how many were tried."""
        quiet_until = self._quiet.end(now)
        async with self._database.transaction() as tx:
            since = now - GIVEN_UP_AFTER
            for left in await LEFT_OPEN.all(tx, since=since, most=AT_ONCE):
                await _end(tx, left.id, DeliveryState.UNCERTAIN, now=now)
            due = await DUE.all(
                tx,
                now=now,
                all_of_them=quiet_until is None,
                quiet_until=quiet_until,
                most=AT_ONCE,
            )
        failed: list[Exception] = []
        begun = monotonic()
        for row in due:
            # A slow WeChat makes a sweep long: by its end the night may have begun.
            passed = timedelta(seconds=int(monotonic() - begun))
            try:
                await self.send(row.id, now=now + passed)
            except Exception as exc:  # noqa: BLE001  (told together, below)
                failed.append(exc)
        if failed:
            raise ExceptionGroup("messages that could not be sent", failed)
        return len(due)

    async def send(self, notification_id: UUID, *, now: datetime) -> None:
        """Send one message if it is due; safe to repeat."""
        async with self._database.transaction() as tx:
            claimed = await self._claim(tx, notification_id, now=now)
        if claimed is None:
            return
        message, template, openid = claimed
        try:
            verdict, errcode = await self._try(message, template, openid)
        except Exception:
            # Whatever it was, it may have been after WeChat took the message.
            async with self._database.transaction() as tx:
                await _end(tx, notification_id, DeliveryState.UNCERTAIN, now=now)
            raise
        async with self._database.transaction() as tx:
            await _record(tx, message, template, verdict, errcode, now=now)

    async def _claim(
        self, tx: Tx, notification_id: UUID, *, now: datetime
    ) -> tuple[Claimed, MessageTemplate, str] | None:
        """Take a message in hand and use up an agreement; None when it is not to be sent."""
        message = await CLAIM.first(tx, its_id=notification_id, now=now)
        if message is None or not self._may_go(message, now):
            return None
        waiting = DeliveryState.WAITING
        over = message.expires_at is not None and message.expires_at <= now
        if over or message.read_at is not None:
            await _end(tx, notification_id, DeliveryState.NEEDLESS, now=now, before=waiting)
            return None
        template = self._templates.get(message.template)
        spent = template is not None and await SPEND.first(
            tx,
            to_id=message.person_id,
            wanted=message.template,
            its_template_id=template.template_id,
        )
        if template is None or message.openid is None or not spent:
            await _end(tx, notification_id, DeliveryState.REFUSED, now=now, before=waiting)
            return None
        await MARK.all(
            tx,
            its_id=notification_id,
            from_state=waiting.value,
            new_state=DeliveryState.SENDING.value,
            new_due_at=now,
            more_tries=1,
            new_errcode=None,
            new_ended_at=None,
        )
        return message, template, message.openid

    def _may_go(self, message: Claimed, now: datetime) -> bool:
        quiet_until = self._quiet.end(now)
        if quiet_until is None:
            return True
        return message.expires_at is not None and message.expires_at <= quiet_until

    async def _try(
        self, message: Claimed, template: MessageTemplate, openid: str
    ) -> tuple[Verdict, int | None]:
        try:
            answer = await self._wechat.send_message(
                openid,
                template.template_id,
                data_of(message, template),
                page=page_of(message, template),
            )
        except MessageUncertain:
            return Verdict(DeliveryState.UNCERTAIN), None
        except Problem:  # the client has logged it; nothing was sent
            return RETRY, None
        told = {"template": message.template, "errcode": answer.errcode, "rid": answer.rid}
        verdict = verdict_on(answer.errcode)
        if answer.errcode in REMEDIES | CONFIGURED_WRONG:
            remedy = (REMEDIES | CONFIGURED_WRONG)[answer.errcode]
            log.error("wechat_message_misconfigured", remedy=remedy, **told)
        elif verdict.state is DeliveryState.FAILED:
            log.warning("wechat_message_refused", **told)
        return verdict, answer.errcode


def verdict_on(errcode: int) -> Verdict:
    """Judge an answer of WeChat.

    Source: WeChat server API, subscribeMessage.send, error codes.
    """
    if errcode == 0:
        return Verdict(DeliveryState.SENT)
    if errcode in NOT_WANTED:
        return Verdict(DeliveryState.REFUSED, drops=True)
    if errcode in CONFIGURED_WRONG:
        return Verdict(DeliveryState.FAILED, unspent=True)
    if errcode in TOO_MUCH or errcode in STALE_TOKEN or errcode in REMEDIES:
        return RETRY
    return Verdict(DeliveryState.FAILED)


async def _record(
    tx: Tx,
    message: Claimed,
    template: MessageTemplate,
    verdict: Verdict,
    errcode: int | None,
    *,
    now: datetime,
) -> None:
    """Write down what came of a try; one that another worker gave up stays so."""
    state = verdict.state
    again = state is DeliveryState.WAITING
    if again and message.tries + 1 >= MOST_TRIES:
        state, again = DeliveryState.FAILED, False
    marked = await MARK.first(
        tx,
        its_id=message.notification_id,
        from_state=DeliveryState.SENDING.value,
        new_state=state.value,
        new_due_at=now + FIRST_WAIT * 2**message.tries if again else now,
        more_tries=0,
        new_errcode=errcode,
        new_ended_at=None if again else now,
    )
    if marked is None:
        return
    if verdict.unspent:
        await GIVE_BACK.all(
            tx,
            to_id=message.person_id,
            wanted=message.template,
            its_template_id=template.template_id,
        )
    if verdict.drops:
        await DROP.all(tx, to_id=message.person_id, wanted=message.template)


async def _end(
    tx: Tx,
    notification_id: UUID,
    state: DeliveryState,
    *,
    now: datetime,
    before: DeliveryState = DeliveryState.SENDING,
) -> None:
    await MARK.all(
        tx,
        its_id=notification_id,
        from_state=before.value,
        new_state=state.value,
        new_due_at=now,
        more_tries=0,
        new_errcode=None,
        new_ended_at=now,
    )
