"""Where people live: what they say, what is confirmed, and what depends on it."""
