"""Registers: dwellings, people and organisations, what they claim, and who looks after whom."""
