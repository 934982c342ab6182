"""Signed-in clients over real HTTP, which know what they were promised."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

import httpx

from neighborhood_api.identity.keys import Keyring
from neighborhood_api.identity.tokens import LIFETIME, Tokens
from neighborhood_api.kit.ids import new_id
from soak.town import Somebody

API = "/api/v1"
PROBLEM = "application/problem+json"
REFUSALS = (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)
"""How somebody is told that what she may ask for cannot be had."""
PATIENCE_SECONDS = 120.0
"""How long a client goes on asking a system that is away."""
_REPEATED = 0.1
"""How many of the acknowledged requests are sent once more, with the same key."""
_LONGEST_ANSWER_SECONDS = 45.0
_RETRY_SECONDS = 0.15
_START_SECONDS = 0.5
"""How long to leave an API in peace that does not answer at all: it is being started."""
_CONNECTIONS = httpx.Limits(max_connections=200, max_keepalive_connections=200)


class Answer(NamedTuple):
    """What was answered to a request that may be refused."""

    done: bool
    body: Any
    """What was done, or the problem that says why not."""


class Refused(Exception):  # noqa: N818  (named for what happened)
    """An answer was neither done nor away; what was asked and answered is in the message."""


@dataclass
class Seen:
    """What all clients of a run were answered."""

    statuses: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    """Codes of the problems that were answers, and not the end of the run."""
    acknowledged: int = 0
    """POSTs with a key that were answered 200, each key once."""
    violations: list[str] = field(default_factory=list)


def remote(address: str) -> httpx.AsyncClient:
    """Return a client of the API at an address of this machine."""
    return httpx.AsyncClient(
        base_url=address + API, timeout=_LONGEST_ANSWER_SECONDS, limits=_CONNECTIONS
    )


class Clients:
    """Makes requests as anybody; keeps at a request until it is done, with one key."""

    cut_off_at_times = False
    """Whether the API itself is killed, so that a request may get no answer at all."""

    def __init__(self, http: httpx.AsyncClient, home: Path, random: Random) -> None:
        """Prepare tokens with the keys that the API keeps in `home`."""
        self._http = http
        self._tokens = Tokens(Keyring.from_folder(home / "keys"))
        self._made: dict[UUID, tuple[str, datetime]] = {}
        self._random = random
        self.seen = Seen()

    async def close(self) -> None:
        """Disconnect."""
        await self._http.aclose()

    async def post(self, who: Somebody, path: str, **body: Any) -> Any:  # noqa: ANN401
        """Have something done exactly once, and return the answer.

        Raises: Refused.
        """
        key = {"idempotency-key": new_id().hex}
        answer = await self._until_done("POST", who, path, body, key)
        await self._acknowledge(answer, who, path, body, key)
        return answer.json()

    async def attempt(self, who: Somebody, path: str, **body: Any) -> Answer:  # noqa: ANN401
        """Have something done exactly once, or be told why not.

        Raises: Refused, when there was no answer for too long.
        """
        key = {"idempotency-key": new_id().hex}
        answer = await self._until_answered("POST", who, path, body, key)
        if answer.status_code == HTTPStatus.OK:
            await self._acknowledge(answer, who, path, body, key)
            return Answer(done=True, body=answer.json())
        kind = answer.headers.get("content-type", "")
        if answer.status_code not in REFUSALS or not kind.startswith(PROBLEM):
            self.seen.violations.append(_told("POST", path, answer))
            return Answer(done=False, body={})
        self.seen.refusals[answer.json()["code"]] += 1
        return Answer(done=False, body=answer.json())

    async def get(self, who: Somebody, path: str) -> Any:  # noqa: ANN401
        """Read something.

        Raises: Refused.
        """
        return (await self._until_done("GET", who, path, None, {})).json()

    async def download(self, url: str) -> bytes:
        """Fetch what a signed link leads to."""
        answer = await self._http.get(url.removeprefix(API))
        answer.raise_for_status()
        return answer.content

    async def _acknowledge(
        self,
        answer: httpx.Response,
        who: Somebody,
        path: str,
        body: dict[str, Any],
        key: dict[str, str],
    ) -> None:
        """Count what was done, and see now and then that a repeat does nothing more."""
        self.seen.acknowledged += 1
        if self._random.random() < _REPEATED:
            again = await self._until_done("POST", who, path, body, key)
            if again.content != answer.content:
                self.seen.violations.append(f"a repeated POST {path} was answered otherwise")

    async def _until_done(
        self,
        method: str,
        who: Somebody,
        path: str,
        body: dict[str, Any] | None,
        headers: dict[str, str],
    ) -> httpx.Response:
        answer = await self._until_answered(method, who, path, body, headers)
        if answer.status_code != HTTPStatus.OK:
            raise Refused(f"{method} {path} {body}: {answer.status_code} {answer.text}")
        return answer

    async def _until_answered(
        self,
        method: str,
        who: Somebody,
        path: str,
        body: dict[str, Any] | None,
        headers: dict[str, str],
    ) -> httpx.Response:
        """Ask until the system is there, and says something."""
        deadline = monotonic() + PATIENCE_SECONDS
        while True:
            answer = await self._ask(method, who, path, body, headers)
            if answer is not None and answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                return answer
            if monotonic() > deadline:
                said = "nothing" if answer is None else f"{answer.status_code} {answer.text}"
                raise Refused(f"{method} {path} {body}: {said}")
            pause = _RETRY_SECONDS if answer is not None else _START_SECONDS
            await asyncio.sleep(pause * (1 + self._random.random()))

    async def _ask(
        self,
        method: str,
        who: Somebody,
        path: str,
        body: dict[str, Any] | None,
        headers: dict[str, str],
    ) -> httpx.Response | None:
        """Send one request; None when there was no answer, which only a kill explains."""
        signed = headers | {"authorization": f"Bearer {self._token(who)}"}
        try:
            answer = await self._http.request(method, path, json=body, headers=signed)
        except httpx.TransportError as exc:
            self.seen.statuses["none"] += 1
            if not self.cut_off_at_times:
                self.seen.violations.append(f"no answer to {method} {path}: {exc!r}")
            return None
        self.seen.statuses[str(answer.status_code)] += 1
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._check_problem(method, path, answer)
        return answer

    def _check_problem(self, method: str, path: str, answer: httpx.Response) -> None:
        """A system that is away says so, in a problem document, and when to come back."""
        kind = answer.headers.get("content-type", "")
        if (
            answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE
            or not kind.startswith(PROBLEM)
            or "retry-after" not in answer.headers
        ):
            self.seen.violations.append(_told(method, path, answer))

    def _token(self, who: Somebody) -> str:
        now = datetime.now(UTC)
        token, made_at = self._made.get(who.person_id, ("", now - LIFETIME))
        if now - made_at > LIFETIME / 2:
            token = self._tokens.make(who.person_id, new_id(), 0, who.standing, now)
            self._made[who.person_id] = token, now
        return token


def _told(method: str, path: str, answer: httpx.Response) -> str:
    kind = answer.headers.get("content-type", "")
    return f"{method} {path} was answered {answer.status_code} {kind}: {answer.text[:300]}"
