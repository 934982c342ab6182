"""The school grade of a child, which moves up by itself."""

from datetime import date

GRADES = range(1, 13)
"""Primary school 1 to 6, junior middle school 7 to 9, senior middle school 10 to 12."""
_SEPTEMBER = 9
"""The month in which a school year begins."""


def entry_year(grade: int, on: date) -> int:
    """Return in which year the first grade began for whom `grade` it is on that day."""
    return _school_year(on) - grade + 1


def grade_on(school_entry_year: int | None, day: date) -> int | None:
    """Return the grade on that day; None before school, after it, and when it was not said."""
    if school_entry_year is None:
        return None
    grade = _school_year(day) - school_entry_year + 1
    return grade if grade in GRADES else None


def _school_year(day: date) -> int:
    return day.year if day.month >= _SEPTEMBER else day.year - 1
