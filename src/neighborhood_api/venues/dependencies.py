"""What the operations of venues have in common."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request

from neighborhood_api.identity.caller import current_actor
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit.idempotency import BadIdempotencyKey, IdempotencyKeyReused
from neighborhood_api.settings import Settings

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)
ONCE = (BadIdempotencyKey, IdempotencyKeyReused)
CALLER = [Depends(current_actor)]


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


SettingsDep = Annotated[Settings, Depends(_settings)]

NodeFilter = Annotated[
    UUID | None,
    Query(
        description="地点；不填为本人住址和所管辖区 · A place; the caller's own when left out."
    ),
]
FirstDay = Annotated[
    date | None,
    Query(alias="from", description="首日，不填为今天 · First day; today when left out."),
]
LastDay = Annotated[
    date | None,
    Query(
        alias="to",
        description="末日，最多14天，不填为7天 · Last day, 14 at most; 7 days when left out.",
    ),
]
