"""Whistle and report (吹哨报到): several departments are called to one issue."""
