"""How much rooms and sessions are used, in numbers whose formulae are published."""
