"""Volunteer teachers and helpers: who they are, and where they are."""
