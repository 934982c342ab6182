"""Issues sent on, sent back, and given more time."""
