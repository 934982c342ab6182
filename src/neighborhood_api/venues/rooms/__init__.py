"""Rooms, their units, rules and hours, and when they can be had."""
