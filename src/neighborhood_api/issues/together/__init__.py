"""The same thing, reported by many: likely duplicates, support, merging, hot spots."""
