"""What is open, which days are worked, when a limit is used up: an engine without a subject."""
