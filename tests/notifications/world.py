"""People with WeChat on their phones, and WeChat's stand-in over real loopback HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from httpx import AsyncClient
from pydantic import SecretStr
from sqlalchemy import select
from starlette.applications import Starlette

from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Database, save
from neighborhood_api.kit.ids import new_id
from neighborhood_api.notifications.models import Delivery, Subscription
from neighborhood_api.notifications.sending import Post
from neighborhood_api.notifications.service import Message, Subject, notify
from neighborhood_api.settings import MessageTemplate, Settings
from neighborhood_api.wechat.client import WeChat
from neighborhood_api.wechat.standin.server import create_standin
from neighborhood_api.wechat.standin.serving import serve_standin
from tests.support.wechat import APP_ID, APP_SECRET

REMINDERS, BOOKINGS = "template-reminders", "template-bookings"
PAGE = "pages/booking/index"
TEMPLATES = {
    "reminders": MessageTemplate(
        template_id=REMINDERS,
        name="活动提醒",
        fields={"thing1": "about", "time2": "at", "thing3": "body"},
        page=PAGE + "?id={id}",
    ),
    "bookings": MessageTemplate(
        template_id=BOOKINGS, name="预约变化", fields={"thing1": "title", "date4": "at"}
    ),
}
NOON = datetime(2026, 11, 24, 4, tzinfo=UTC)
"""Noon in China."""


@dataclass
class World:
    """The mechanism over a database, and phones."""

    database: Database
    base_url: str
    app: Starlette
    http: AsyncClient
    settings: Settings
    patience_seconds: float = 5.0

    def post(self, **changes: object) -> Post:
        wechat = WeChat(
            APP_ID,
            SecretStr(APP_SECRET),
            self.base_url,
            self.http,
            patience_seconds=self.patience_seconds,
        )
        return Post(self.database, wechat, self.settings.model_copy(update=changes))

    async def person(self, *, agreed: int = 0, template: str = "reminders") -> Person:
        """Somebody who tapped "allow" so often, on her phone and here."""
        person = Person(name="黄荔红", openid=f"o{new_id().hex}")
        agreement = Subscription(
            person_id=person.id,
            template=template,
            template_id=TEMPLATES[template].template_id,
            remaining=agreed,
            agreed_at=NOON,
        )
        async with self.database.transaction() as tx:
            await save(tx, person, agreement)
        await self._press("/phone/login", openid=person.openid)
        for _ in range(agreed):
            await self.tap_allow(person, template)
        return person

    async def tap_allow(self, person: Person, template: str = "reminders") -> None:
        """On the phone only."""
        ids = [TEMPLATES[template].template_id]
        await self._press("/phone/subscribe", openid=person.openid, template_ids=ids)

    async def switch_off(self, person: Person) -> None:
        await self._press("/phone/refuse", openid=person.openid)

    async def spoil(self, **how: object) -> None:
        await self._press("/faults", path="/cgi-bin/message/subscribe/send", **how)

    async def behave(self) -> None:
        await self.http.delete(self.base_url + "/faults")

    async def tell(
        self,
        person: Person,
        *,
        now: datetime = NOON,
        starts_in: timedelta = timedelta(hours=3),
        key: str | None = None,
        template: str = "reminders",
        body: str = "请准时到场",
    ) -> UUID:
        """Remind somebody of something that is in some hours."""
        async with self.database.transaction() as tx:
            told = await notify(
                tx,
                person.id,
                "bookings.reminder",
                Subject("booking", person.id),
                title="即将开始",
                body=body,
                at_most_once_key=key or str(new_id()),
                now=now,
                message=Message(
                    template,
                    about="乒乓球室",
                    at=now + starts_in,
                    expires_at=now + starts_in,
                ),
            )
        assert told is not None
        return told

    async def received(self, person: Person) -> list[dict[str, Any]]:
        answer = await self.http.get(
            f"{self.base_url}/phone/messages", params={"openid": person.openid}
        )
        return list(answer.json()["items"])

    async def delivery(self, notification_id: UUID) -> Delivery:
        async with self.database.transaction() as tx:
            found = select(Delivery).where(Delivery.notification_id == notification_id)
            return (await tx.scalars(found)).one()

    async def remaining(self, person: Person, template: str = "reminders") -> int:
        async with self.database.transaction() as tx:
            found = await tx.get_one(Subscription, (person.id, template))
            return found.remaining

    async def _press(self, path: str, /, **body: object) -> None:
        answer = await self.http.post(self.base_url + path, json=body)
        assert answer.status_code == 200, answer.text


@asynccontextmanager
async def world_over(database: Database, settings: Settings) -> AsyncIterator[World]:
    app = create_standin(
        APP_ID,
        APP_SECRET,
        templates={one.template_id: tuple(one.fields) for one in TEMPLATES.values()},
        pages=(PAGE,),
    )
    with_templates = settings.model_copy(update={"wechat_templates": TEMPLATES})
    async with serve_standin(app) as base_url, AsyncClient(trust_env=False) as http:
        yield World(database, base_url, app, http, with_templates)
