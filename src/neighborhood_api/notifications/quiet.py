"""The hours in which nobody is woken."""

from datetime import datetime, time, timedelta
from typing import NamedTuple

from neighborhood_api.kit.schema import SHOWN_ZONE


class QuietHours(NamedTuple):
    """From when to when phones are left alone, by the clock of China; none when both agree."""

    since: time
    until: time

    def end(self, now: datetime) -> datetime | None:
        """Return when the quiet hours that `now` lies in are over; None outside of them."""
        local = now.astimezone(SHOWN_ZONE)
        clock = local.time()
        if self.since <= self.until:
            quiet = self.since <= clock < self.until
        else:
            quiet = clock >= self.since or clock < self.until
        if not quiet:
            return None
        over = datetime.combine(local.date(), self.until, SHOWN_ZONE)
        return over if over > local else over + timedelta(days=1)
