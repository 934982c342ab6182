"""Who comes to a session, for the teacher's phone and the office."""
