"""Intake of callers without an account."""
