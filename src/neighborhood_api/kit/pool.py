"""A few connections to PostgreSQL, lent one at a time.

asyncpg's own pool wraps each loan in a proxy and each return in a task of its own, which takes
a third of a short read. What is lent here is the connection itself: whoever returns it says
whether it can be used again.
"""

import asyncio
from collections import deque
from contextlib import suppress
from time import monotonic
from typing import Any

import asyncpg

LOST = (
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    ConnectionError,
)
"""How asyncpg says that a connection is no more."""
CONNECT_SECONDS = 5
"""How long a request waits for a database that does not answer at all."""
WAIT_SECONDS = 10
"""How long a request waits for a connection while others have them all."""
IDLE_SECONDS = 300
"""How long a connection may rest; firewalls forget longer ones without saying so."""
_PART_SECONDS = 5


async def connect(*where: str, **how: Any) -> asyncpg.Connection:  # noqa: ANN401
    """Connect with asyncpg; a socket file that is not there means a server that is away."""
    try:
        return await asyncpg.connect(*where, **how)
    except FileNotFoundError as exc:
        raise ConnectionRefusedError(exc.errno, "the database is not running") from exc


def is_spent(exc: BaseException) -> bool:
    """Tell whether the connection on which `exc` arose is of no more use.

    A statement that PostgreSQL refused has ended, and leaves the connection as it was. After
    anything else (cut off, timed out, cancelled) it may still be running.
    """
    return isinstance(exc, LOST) or not isinstance(exc, asyncpg.PostgresError)


class Pool:
    """Up to `size` connections, each made when it is needed first."""

    def __init__(self, url: str, *, size: int, **how: Any) -> None:  # noqa: ANN401
        """Prepare connections to `url`, made with asyncpg's arguments `how`."""
        self._url = url
        self._how = how
        self._size = size
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._idle: list[tuple[asyncpg.Connection, float]] = []
        self._parting: set[asyncio.Task[None]] = set()
        self._closed = False
        self.borrowed = 0
        """How many connections are out, or are being made."""

    async def borrow(self) -> asyncpg.Connection:
        """Take a connection; one that the server closed meanwhile is replaced.

        Raises: TimeoutError, and whatever connecting raises.
        """
        if self.borrowed < self._size:
            self.borrowed += 1
        else:
            await self._turn()
        connection = self._usable()
        if connection is None:
            try:
                connection = await connect(self._url, timeout=CONNECT_SECONDS, **self._how)
            except BaseException:
                self._next()
                raise
        return connection

    async def _turn(self) -> None:
        """Wait until somebody who is done passes on; who has waited longest is first.

        Nearly every request waits when there is much to do: `asyncio.timeout` and a semaphore
        would take as long as the rest of the loan.
        """
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        alarm = loop.call_later(WAIT_SECONDS, _waited_enough, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._next()  # it came at the same moment
            raise
        finally:
            alarm.cancel()

    def _next(self) -> None:
        """Pass on to whoever has waited longest, if anybody has."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.borrowed -= 1

    def _usable(self) -> asyncpg.Connection | None:
        """Take the connection that was used last, which is the likeliest to be good."""
        while self._idle:
            connection, since = self._idle.pop()
            if connection.is_closed():
                connection.terminate()
            elif monotonic() - since > IDLE_SECONDS:
                self._part_with(connection)
            else:
                return connection
        return None

    def give_back(self, connection: asyncpg.Connection) -> None:
        """Return a connection on which nothing is running and no transaction is open."""
        if self._closed:
            self._part_with(connection)
        else:
            self._idle.append((connection, monotonic()))
        self._next()

    def throw_away(self, connection: asyncpg.Connection) -> None:
        """Return a connection in an unknown state: what it still does is cancelled."""
        self._part_with(connection)
        self._next()

    async def close(self) -> None:
        """Disconnect; what is out is disconnected when it comes back."""
        self._closed = True
        while self._idle:
            self._part_with(self._idle.pop()[0])
        await asyncio.gather(*self._parting)

    def _part_with(self, connection: asyncpg.Connection) -> None:
        """Disconnect in the background; PostgreSQL undoes what was not committed."""
        task = asyncio.create_task(_disconnect(connection))
        self._parting.add(task)
        task.add_done_callback(self._parting.discard)


def _waited_enough(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_exception(TimeoutError())


async def _disconnect(connection: asyncpg.Connection) -> None:
    with suppress(*LOST, asyncpg.PostgresError, OSError, TimeoutError):
        await connection.close(timeout=_PART_SECONDS)
