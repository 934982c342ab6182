"""Bookings of rooms, and what holders and staff do with any booking or enrolment."""
