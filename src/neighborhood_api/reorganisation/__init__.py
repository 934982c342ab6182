"""Splits, merges and moves of the grid, without losing anyone."""
