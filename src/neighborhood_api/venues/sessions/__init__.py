"""Tutoring sessions and activities: who leads them, and who takes part."""
