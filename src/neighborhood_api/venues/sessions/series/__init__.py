"""Weekly series of sessions: made, changed and ended at once, with every clash told."""
