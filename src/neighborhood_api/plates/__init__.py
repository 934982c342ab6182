"""Plates of lanes, ready to print."""
