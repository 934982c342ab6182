"""Which days are public holidays, weekends between them included."""

from collections.abc import Mapping
from datetime import date, timedelta

from neighborhood_api.schedules.calendar import WEEKDAYS

DAY = timedelta(days=1)
LONGEST_REST = 2
"""Days off that no notice names are weekends, two days at most."""


def holidays_of(special: Mapping[date, bool], festivals: Mapping[date, str]) -> dict[date, str]:
    """Return every public holiday with its festival.

    `special` tells of each named day whether it is worked. Notices are kept as the days that
    differ from Monday-to-Friday, so that the weekends in and around a festival are not among
    them; days off that touch a holiday belong to it. Source: the notices of the General Office
    of the State Council for 2023 to 2026, whose holidays are exactly these.
    """
    found = {day: festivals[day] for day, is_workday in special.items() if not is_workday}
    for _ in range(LONGEST_REST):
        for day, festival in sorted(found.items()):
            for beside in (day - DAY, day + DAY):
                if not special.get(beside, beside.weekday() < WEEKDAYS):
                    found.setdefault(beside, festival)
    return found
