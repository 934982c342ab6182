"""How long a file is read: some seconds, and a moment more for each row that it gives.

Counted is the processor time of reading alone, so that a busy machine refuses no honest file,
and a file that was made to keep us busy is given up after seconds.
"""

from collections.abc import Iterator
from time import thread_time
from typing import TypeVar

from neighborhood_api.imports.reading.problems import TakesTooLong
from neighborhood_api.imports.reading.tables import Limits

T = TypeVar("T")


class Patience:
    """What is left of the time for one file."""

    def __init__(self, limits: Limits) -> None:
        """Begin with nothing spent."""
        self._limits = limits
        self._spent = 0.0
        self._since = thread_time()
        self._rows = 0

    def watch(self, items: Iterator[T], *, are_rows: bool = False) -> Iterator[T]:
        """Give what is read, counting the time until each; others may run in between."""
        while True:
            self._since = thread_time()  # of whichever thread goes on reading
            item = next(items, None)
            self._spent += thread_time() - self._since
            if item is None:
                return
            self._rows += are_rows
            yield item

    def check(self) -> None:
        """Give up a file that took too long.

        Raises: TakesTooLong.
        """
        allowed = self._limits.seconds + self._rows * self._limits.seconds_of_a_row
        if self._spent + thread_time() - self._since > allowed:
            raise TakesTooLong
