"""Asking a few questions in turn, one at a time, so that a busy machine slows all alike."""

import http.client
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from statistics import median
from time import perf_counter

from benchmarks.ground import Server
from benchmarks.load import LoadFailed

PLANNED_AFTER = 8
"""PostgreSQL plans a statement anew five times before it keeps a plan."""


@dataclass
class Question:
    """One request, asked again and again over a connection that stays open."""

    path: str
    token: str
    connection: http.client.HTTPConnection
    milliseconds: list[float] = field(default_factory=list)

    @classmethod
    def to(cls, server: Server, path: str, token: str) -> "Question":
        """Prepare to ask a server on this machine."""
        return cls(path, token, http.client.HTTPConnection("127.0.0.1", server.port))

    @property
    def p50(self) -> float:
        """How long an answer takes, the median."""
        return median(self.milliseconds)

    def ask(self) -> bytes:
        """Ask once.

        Raises: LoadFailed.
        """
        answer = self._send()
        content = answer.read()
        if answer.status != HTTPStatus.OK:
            raise LoadFailed(f"GET {self.path} was answered {answer.status}: {content!r}")
        return content

    def time(self) -> None:
        """Ask once, and note how long it took.

        Raises: LoadFailed.
        """
        begun = perf_counter()
        self.ask()
        self.milliseconds.append((perf_counter() - begun) * 1000)

    def _send(self) -> http.client.HTTPResponse:
        """Ask again where the server has hung up, as it does when others take their time."""
        for _ in range(2):
            try:
                self.connection.request("GET", self.path, headers=self._headers())
                return self.connection.getresponse()
            except ConnectionError:
                self.connection.close()
        raise LoadFailed(f"GET {self.path} was not answered")

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "Authorization": f"Bearer {self.token}"}


def take_turns(
    questions: Sequence[Question],
    rounds: int,
    tell: Callable[[str], None],
    *,
    warm_up: int = PLANNED_AFTER,
) -> None:
    """Ask all of them `rounds` times, each once in every round.

    Raises: LoadFailed.
    """
    for question in questions:
        for _ in range(warm_up):
            question.ask()
    for number in range(1, rounds + 1):
        tell(f"round {number} of {rounds}")
        for question in questions:
            question.time()
