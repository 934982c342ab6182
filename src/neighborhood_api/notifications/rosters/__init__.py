"""Telling who keeps a roster, and who is above her, that hours of it are nobody's."""
