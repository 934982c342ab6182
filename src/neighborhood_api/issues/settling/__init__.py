"""How an issue is settled for real: evidence, verification, ratings, call-backs, reopening."""
