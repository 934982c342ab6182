"""Children who come to sessions: registered by a guardian, with the least data."""
