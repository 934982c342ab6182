"""Which day it is where the district lies."""

from datetime import date, datetime

from neighborhood_api.kit.schema import SHOWN_ZONE


def local_day(moment: datetime) -> date:
    """Return the civil date of `moment`; terms of office are counted in these."""
    return moment.astimezone(SHOWN_ZONE).date()
