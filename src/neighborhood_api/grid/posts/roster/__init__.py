"""Who is on call for a place at every hour (值班表)."""
