"""When something is open, and which times can be asked for: an engine without a subject."""
